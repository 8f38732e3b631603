"""A healthy month of the demo retailer, and the same month with one defect of every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from expectations.catalogue import Catalogue, load_catalogue
from expectations.plan import Plan, load_plan
from expectations.run import AuditOutcome, audit
from tests.unit.expectations import defects
from tests.unit.expectations.warehouse import Rows, at, build, day

DAYS = 35
NOW = at(DAYS, 6 * 3600)


@dataclass(frozen=True)
class Audited:
    """A built and audited warehouse."""

    folder: Path
    warehouse: Path
    outcome: AuditOutcome


def _event(rows: Rows, number: int, key: str, name: str, second: float, **values: Any) -> None:
    """Add an event as a healthy tag sends it."""
    event = {
        "web_event_key": key,
        "source": "ga4",
        "stream_id": "1001",
        "platform": "web",
        "event_name": name,
        "occurred_at": at(number, second),
        "event_date": day(number),
        "partition_date": day(number),
        "server_offset_seconds": 1.0,
        "batch_id": f"b{number}",
        "loaded_at": at(number + 1, 4 * 3600),
        "is_intraday": False,
        "is_duplicate": False,
        "is_superseded": False,
        "session_ref_type": "int",
        "is_session_engaged": True,
        "engagement_seconds": 5.0,
        "page_host": "www.kauppa.example",
        "has_personal_data": False,
        "device_category": "mobile",
        "browser": "Safari",
        "is_internal": False,
        "app_version": f"1.{number % 2}",
        "consent_analytics": "granted",
    } | values
    rows.add("int_web_events_landed", **event)


def _params(rows: Rows, number: int, key: str, name: str, **values: Any) -> None:
    common = {
        "page_location": "https://www.kauppa.example/",
        "ga_session_id": 1700000000,
        "session_engaged": "1",
    }
    for param, value in (common | values).items():
        kind = {int: "int", float: "double", str: "string"}[type(value)]
        rows.add(
            "int_web_event_params_unioned",
            web_event_key=key,
            source="ga4",
            event_date=day(number),
            partition_date=day(number),
            event_name=name,
            platform="web",
            param_key=param,
            value_type=kind,
            value_text=str(value),
            value_length=len(str(value)),
            has_personal_data=False,
        )


def _user_property(
    rows: Rows,
    number: int,
    key: str,
    second: float,
    name: str | None,
    value: str | None,
    user_id: str,
) -> None:
    rows.add(
        "int_web_user_properties_unioned",
        web_event_key=key,
        source="ga4",
        event_date=day(number),
        partition_date=day(number),
        stream_id="1001",
        platform="web",
        occurred_at=at(number, second),
        user_id=user_id,
        device_category="mobile",
        browser="Safari",
        property_key=name,
        value_text=value,
        value_length=len(value) if value else None,
        has_personal_data=False,
        event_count=1,
    )


# Event, page, seconds after the session's start, parameters of its own.
_VISIT: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
    ("session_start", "/", 0, {}),
    ("page_view", "/", 0.5, {}),
    ("page_view", "/kategoria/kengat", 20, {"engagement_time_msec": 19_000}),
    ("page_view", "/hoito-ohjeet/villa", 30, {"engagement_time_msec": 9_000}),
    ("view_item", "/tuote/17", 40, {"currency": "EUR", "value": 50.0}),
    ("view_search_results", "/haku", 50, {"search_term": "kengät"}),
    ("content_feedback", "/ohjeet/koko", 55, {"useful": "yes"}),
)
_BUYING: tuple[tuple[str, str, float], ...] = (
    ("add_to_cart", "/tuote/17", 60),
    ("begin_checkout", "/kassa", 90),
    ("add_shipping_info", "/kassa/toimitus", 120),
    ("add_payment_info", "/kassa/maksu", 150),
    ("purchase", "/kassa/kiitos", 200),
)
_ITEMS = {
    "item_count": 1,
    "items_amount": 50.0,
    "items_missing_id_count": 0,
    "items_missing_price_count": 0,
}


def _visit(rows: Rows, number: int, visit: int) -> None:
    identity: dict[str, Any] = {
        "client_id": f"client{number}.{visit}",
        "session_ref": f"{number:03d}{visit:03d}",
        "session_number": 1,
    }
    # Some came back: by a search this time, by a letter the first. Every event of a visit says so.
    back: dict[str, Any] = (
        {"session_number": 2, "first_user_source": "newsletter", "referrer_host": "www.google.com"}
        if visit % 5 == 1
        else {}
    )
    identity |= back
    begin = 7 * 3600 + visit * 600 % 50000
    source = ("google", "organic") if visit % 2 or back else ("newsletter", "email")
    for position, (name, page, seconds, params) in enumerate(_VISIT):
        key = f"e{number}.{visit}.{position}"
        campaign: dict[str, Any] = (
            {"traffic_source": source[0], "traffic_medium": source[1]} if position == 0 else {}
        )
        more = _ITEMS if name == "view_item" else {}
        _event(
            rows, number, key, name, begin + seconds,
            page_path=page, page_title="Kauppa", **identity, **campaign, **more,
        )  # fmt: skip
        _params(rows, number, key, name, **params)
    if visit % 4 == 0:
        # Who logs in has a browser or two; one user a visit number would have one for each day.
        user = {"user_id": f"u{number}.{visit}"}
        _event(
            rows, number, f"l{number}.{visit}", "login", begin + 58,
            page_path="/oma-tili", **identity, **user,
        )  # fmt: skip
        _params(rows, number, f"l{number}.{visit}", "login", method="password")
        for name, value in (("loyalty_tier", "gold"), ("customer_type", "returning")):
            _user_property(rows, number, f"l{number}.{visit}", begin + 58, name, value, **user)
    if visit % 3 == 0:
        _buy(rows, number, visit, begin, identity)
    if visit % 10 == 0:
        key = f"n{number}.{visit}"
        _event(
            rows, number, key, "loyalty_signup", begin + 300, page_path="/kanta-asiakas", **identity
        )
        _params(rows, number, key, "loyalty_signup")
    if visit % 12 == 1:
        _lead(rows, number, visit, begin + 310, identity)
    for position in range(2 if visit % 7 == 0 else 0):
        key = f"r{number}.{visit}.{position}"
        refused = {"consent_analytics": "denied", "client_id": None, "session_ref": None}
        _event(rows, number, key, "page_view", begin + 30 * position, page_path="/", **refused)
        _params(rows, number, key, "page_view")


def _lead(rows: Rows, number: int, visit: int, second: float, identity: dict[str, Any]) -> None:
    key = f"g{number}.{visit}"
    _event(rows, number, key, "generate_lead", second, page_path="/uutiskirje", **identity)
    _params(rows, number, key, "generate_lead", method="footer")
    rows.add(
        "int_crm_contacts_unioned",
        crm_contact_key=f"lead{number}.{visit}",
        source="hubspot",
        contact_id=f"lead{number}.{visit}",
        client_id=identity["client_id"],
        email_hash=f"lead{number}.{visit}",
        lifecycle_stage="lead",
        furthest_lifecycle_rank=2,
        created_at=at(number, second + 60),
        updated_at=at(number, second + 60),
        is_deleted=False,
        is_email_valid=True,
        is_test_address=False,
    )


def _buy(rows: Rows, number: int, visit: int, begin: float, identity: dict[str, Any]) -> None:
    order = f"{number:03d}{visit:03d}"
    for position, (name, page, seconds) in enumerate(_BUYING):
        key = f"p{number}.{visit}.{position}"
        paid: dict[str, Any] = {"currency": "EUR", "value": 50.0}
        purchase: dict[str, Any] = {}
        if name == "purchase":
            paid |= {"transaction_id": order}
            purchase = {"transaction_id": order, "event_value": 50.0, "currency": "EUR"}
        _event(
            rows, number, key, name, begin + seconds,
            page_path=page, **identity, **_ITEMS, **purchase,
        )  # fmt: skip
        _params(rows, number, key, name, **paid)
    rows.add(
        "int_orders_unioned",
        order_key=f"o{order}",
        source="shopify",
        order_id=order,
        channel="web",
        ordered_at=at(number, begin + 199),
        order_date=day(number),
        currency="EUR",
        total_amount=50.0,
        tax_amount=10.16,
        shipping_amount=0.0,
        status="paid",
        is_cancelled=False,
        is_test=False,
        payment_method="card" if visit % 2 else "paytrail",
        email_hash=f"mail{visit % 60}",
        customer_ref=f"cust{number}.{visit}",
        loyalty_id=f"K{visit % 60}",
        transaction_ref=order,
    )
    rows.add(
        "int_order_lines_unioned",
        order_line_key=f"ol{order}",
        order_key=f"o{order}",
        source="shopify",
        quantity=1.0,
        unit_price=50.0,
    )


def healthy(visits: int = 60, people: int = 60) -> Rows:
    """Return a month in which every check has something to examine and nothing to find."""
    rows = Rows()
    for number in range(DAYS):
        for visit in range(visits):
            _visit(rows, number, visit)
    for person in range(people):
        rows.add(
            "int_crm_contacts_unioned",
            crm_contact_key=f"k{person}",
            source="hubspot",
            contact_id=str(person),
            email_hash=f"mail{person}",
            # Two of a family share a number.
            phone_hash=f"phone{person // 2}",
            loyalty_id=f"K{person}",
            lifecycle_stage="customer",
            furthest_lifecycle_rank=6,
            persona_id=f"persona{person % 2}",
            has_email_consent=True,
            created_at=at(-100),
            updated_at=at(-50),
            is_deleted=False,
            is_email_valid=True,
            is_test_address=False,
        )
        rows.add(
            "int_crm_deals_unioned",
            crm_deal_key=f"d{person}",
            source="hubspot",
            contact_id=str(person),
            created_at=at(1),
            closed_at=at(3),
            is_closed=True,
        )
        rows.add(
            "int_service_cases_unioned",
            service_case_key=f"s{person}",
            source="zendesk",
            case_id=str(person),
            email_hash=f"mail{person}",
            status="solved",
            created_at=at(person % DAYS),
            first_response_at=at(person % DAYS, 50000),
            solved_at=at(person % DAYS, 60000),
            agent_id="a1",
        )
        for event_type in ("sent", "delivered", "click"):
            rows.add(
                "int_messages_unioned",
                message_event_key=f"m{person}-{event_type}",
                source="email_campaigns",
                campaign_id="spring",
                channel="email",
                event_type=event_type,
                occurred_at=at(5),
                email_hash=f"mail{person}",
                link_url_path="/" if event_type == "click" else None,
            )
        rows.add(
            "int_service_contacts_unioned",
            service_contact_key=f"c{person}",
            source="call_centre",
            channel="phone",
            case_ref=str(person),
            started_at=at(person % DAYS),
        )
        answered(rows, person)
    rows.add(
        "survey_questions",
        source="questback",
        survey_id="purchase",
        question_id="nps",
        question_version="1",
        metric_id="nps",
        scale_min=0.0,
        scale_max=10.0,
    )
    for number in range(5):
        rows.add(
            "survey_questions",
            source="questback",
            survey_id="purchase",
            question_id=f"exq_{number}",
            question_version="1",
            metric_id="exq",
            scale_min=1.0,
            scale_max=7.0,
        )
    for week in range(5):
        for person in range(people):
            _asked_in_wave(rows, week, person)
    rows.add(
        "survey_questions",
        source="questback",
        survey_id="purchase",
        question_id="open_text",
        question_version="1",
        metric_id="open_text",
    )
    rows.add("sentiment_words", word_stem="kiit", tone=1)
    rows.add("sentiment_words", word_stem="rikki", tone=-1)
    for number in range(DAYS):
        rows.add(
            "int_ad_spend_unioned",
            ad_spend_key=f"spend{number}",
            source="ad_spend",
            spend_date=day(number),
            traffic_source="newsletter",
            traffic_medium="email",
            clicks=10,
        )
    _read_by_devices(rows, people)
    for source in ("ga4", "hubspot", "shopify", "pos", "questback", "devices"):
        rows.add(
            "manifest",
            batch_id=f"b-{source}",
            source=source,
            table_name="events",
            source_file="export.parquet",
            delivered_at=at(DAYS - 1, 20 * 3600),
            loaded_at=at(DAYS - 1, 21 * 3600),
            rows_read=1000,
            rows_landed=1000,
            rows_quarantined=0,
            status="loaded",
            is_required=True,
        )
    return rows


def _read_by_devices(rows: Rows, people: int) -> None:
    """Count visitors of stores, watch sites, use a product, write reviews, draw a heatmap.

    There are as many of each as a retailer of so many people has.
    """
    chains, uses = max(1, people // 60), max(1, people // 6)
    stores = [f"s{number + 1}" for number in range(2 * chains)]
    sites = ["www.kauppa.example", *(f"www{n}.kauppa.example" for n in range(1, chains))]
    for number in range(DAYS):
        for store in stores:
            _counted(rows, number, store)
        for hour in range(9, 19):
            for site in sites:
                rows.add(
                    "int_readings_unioned",
                    reading_key=f"{site}{number}.{hour}",
                    source="devices",
                    kind="uptime_checks",
                    measured_at=at(number, 3600 * hour),
                    subject=site,
                    duration_seconds=3600.0,
                    is_successful=hour != 12 or number % 9 > 0,
                )
        for use in range(uses):
            _used(rows, number, use)
        for page in ["/", *(f"/tuote/p{n}" for n in range(1, uses))]:
            rows.add(
                "int_page_interactions_unioned",
                page_interaction_key=f"heat{number}{page}",
                source="devices",
                interaction_date=day(number),
                page_path=page,
                view_count=100.0,
                reached_count=40.0,
                click_count=7.0,
                rage_click_count=float(number % 2),
            )


def _counted(rows: Rows, number: int, store: str) -> None:
    """Count who comes into a store on a day, and sell something to one of them."""
    for hour in range(9, 19):
        rows.add(
            "int_readings_unioned",
            reading_key=f"door{store}.{number}.{hour}",
            source="devices",
            kind="visitor_counts",
            measured_at=at(number, 3600 * hour),
            subject=store,
            reading_value=float(5 + (number + hour) % 7),
        )
    key = f"till{store}.{number}"
    rows.add(
        "int_orders_unioned",
        order_key=key,
        source="pos",
        order_id=key,
        channel="store",
        store_id=store,
        ordered_at=at(number),
        order_date=day(number),
        currency="EUR",
        total_amount=20.0,
        status="paid",
        is_cancelled=False,
        is_test=False,
        payment_method="cash",
        loyalty_id=None,
    )
    rows.add(
        "int_order_lines_unioned",
        order_line_key=key,
        order_key=key,
        source="pos",
        quantity=1.0,
        unit_price=20.0,
    )


def _used(rows: Rows, number: int, use: int) -> None:
    """Use a product, write of it, and have a contract of its care."""
    name, second = f"{number}.{use}", 36000 + 60 * use
    rows.add(
        "int_readings_unioned",
        reading_key=f"use{name}",
        source="devices",
        kind="product_use",
        measured_at=at(number, second),
        subject="app",
        user_id=f"u{number % 5}.{use}",
        duration_seconds=60.0 + number,
    )
    rows.add(
        "int_feedback_unioned",
        feedback_key=f"review{name}",
        source="devices",
        kind="reviews",
        feedback_id=f"review{name}",
        given_at=at(number, second),
        place="market",
        rating=float(1 + number % 5),
        scale_min=1.0,
        scale_max=5.0,
        feedback_text="Ihan hyvä kauppa" if number % 2 else None,
    )
    rows.add(
        "int_contracts_unioned",
        contract_key=f"contract{name}",
        source="devices",
        contract_id=f"contract{name}",
        started_at=at(number - 300),
        ends_at=at(number + 65),
        cancelled_at=at(number) if number % 4 == 0 else None,
    )


def _asked_in_wave(rows: Rows, week: int, person: int) -> None:
    """Ask a person in a weekly survey; every second one of each persona answers."""
    invitation = f"w{week}.{person}"
    rows.add(
        "int_survey_invitations_unioned",
        survey_invitation_key=invitation,
        source="questback",
        survey_id="weekly",
        invitation_id=invitation,
        channel="email",
        email_hash=f"mail{person}",
        invited_at=at(7 * week + 1),
    )
    if person // 2 % 2:
        rows.add(
            "int_survey_responses_unioned",
            survey_response_key=invitation,
            source="questback",
            survey_id="weekly",
            response_id=invitation,
            invitation_id=invitation,
            email_hash=f"mail{person}",
            submitted_at=at(7 * week + 2),
            submitted_date=day(7 * week + 2),
        )


def _said(score: int) -> str:
    if score >= 7:
        return "Nopea toimitus, kiitos siitä!"
    return "Paketti tuli perille rikki" if score <= 4 else "Ihan tavallinen kauppa"


def answered(rows: Rows, person: int) -> None:
    """Add a person's invitation, response and score."""
    rows.add(
        "int_survey_invitations_unioned",
        survey_invitation_key=f"i{person}",
        source="questback",
        survey_id="purchase",
        invitation_id=f"i{person}",
        invited_at=at(3),
    )
    rows.add(
        "int_survey_responses_unioned",
        survey_response_key=f"v{person}",
        source="questback",
        survey_id="purchase",
        response_id=f"v{person}",
        invitation_id=f"i{person}",
        email_hash=f"mail{person}",
        invited_at=at(3),
        started_at=at(4),
        submitted_at=at(4, 43200 + 100 + person),
        submitted_date=day(4),
    )
    rows.add(
        "int_survey_answers_unioned",
        survey_answer_key=f"va{person}",
        survey_response_key=f"v{person}",
        source="questback",
        survey_id="purchase",
        response_id=f"v{person}",
        question_id="nps",
        question_version="1",
        answer_number=float(person % 11),
        submitted_at=at(4, 43300),
    )
    rows.add(
        "int_survey_answers_unioned",
        survey_answer_key=f"vt{person}",
        survey_response_key=f"v{person}",
        source="questback",
        survey_id="purchase",
        response_id=f"v{person}",
        question_id="open_text",
        question_version="1",
        answer_text=_said(person % 11),
        submitted_at=at(4, 43300),
    )
    for number in range(5):
        rows.add(
            "int_survey_answers_unioned",
            survey_answer_key=f"vg{person}.{number}",
            survey_response_key=f"v{person}",
            source="questback",
            survey_id="purchase",
            response_id=f"v{person}",
            question_id=f"exq_{number}",
            question_version="1",
            answer_number=float((person + number) % 7 + 1),
            submitted_at=at(4, 43300),
        )


def planned(shipped: Plan) -> Plan:
    """The demo retailer's plan; events that the month lacks are still drafts in it."""
    sent = {name for name, *_ in (*_VISIT, *_BUYING)} | {"login", "loyalty_signup", "generate_lead"}
    events = [e if e["name"] in sent else e | {"status": "draft"} for e in shipped.events]
    return replace(shipped, data={**shipped.data, "events": events})


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The plan that the month is judged by."""
    return planned(load_plan())


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def audited(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, catalogue: Catalogue
) -> Callable[[str], Audited]:
    """Build and audit a kind of month once: `healthy`, or `ill` with every planted defect."""
    done: dict[str, Audited] = {}

    def get(kind: str) -> Audited:
        if kind not in done:
            folder = tmp_path_factory.mktemp(kind)
            rows = healthy()
            if kind == "ill":
                for plant in defects.PLANTS.values():
                    plant(rows)
            warehouse = build(rows, plan, folder)
            outcome = audit(warehouse, plan, catalogue, folder / "state", folder / "reports", NOW)
            done[kind] = Audited(folder, warehouse, outcome)
        return done[kind]

    return get
