"""One defect of each kind, planted in the healthy month: a check that cannot fail is a defect.

The plants share no code and no constants with the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.unit.expectations.warehouse import Rows, at, day

Plant = Callable[[Rows], None]
Row = dict[str, Any]

PLANTS: dict[str, Plant] = {}


def _plants(check_id: str) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        PLANTS[check_id] = plant
        return plant

    return register


def _events(rows: Rows, name: str | None = None, number: int | None = None) -> Iterator[Row]:
    for event in list(rows.tables["int_web_events_landed"]):
        if (name is None or event["event_name"] == name) and (
            number is None or event["event_date"] == day(number)
        ):
            yield event


def _some(rows: Rows, name: str, number: int, count: int = 12) -> list[Row]:
    return list(_events(rows, name, number))[:count]


def _remove(rows: Rows, doomed: list[Row]) -> None:
    keys = {event["web_event_key"] for event in doomed}
    for table in ("int_web_events_landed", "int_web_event_params_unioned"):
        rows.tables[table] = [r for r in rows.tables[table] if r["web_event_key"] not in keys]


def _copy(rows: Rows, event: Row, ending: str, **changes: Any) -> None:
    copy = event | {"web_event_key": event["web_event_key"] + ending} | changes
    rows.tables["int_web_events_landed"].append(copy)


def _set_param(rows: Rows, name: str, number: int, param: str, count: int = 12, **to: Any) -> None:
    left = count
    for row in rows.tables["int_web_event_params_unioned"]:
        if (row["event_name"], row["event_date"], row["param_key"]) == (name, day(number), param):
            row.update(to)
            left -= 1
        if not left:
            return


@_plants("STR01")
def _(rows: Rows) -> None:
    rows.add(
        "manifest", batch_id="b-bad", source="shopify", table_name="orders",
        source_file="orders.jsonl", loaded_at=at(34), status="failed", is_required=True,
        error="column id is missing",
    )  # fmt: skip


@_plants("STR02")
def _(rows: Rows) -> None:
    rows.add(
        "manifest", batch_id="b-q", source="questback", table_name="responses",
        source_file="responses.csv", loaded_at=at(34), delivered_at=at(34), status="loaded",
        rows_read=200, rows_landed=150, rows_quarantined=50, is_required=False,
    )  # fmt: skip


@_plants("COL01")
def _(rows: Rows) -> None:
    _remove(rows, list(_events(rows, number=20)))


@_plants("COL02")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 3, 30):
        _copy(rows, event, "-i", is_intraday=True, is_superseded=True)


@_plants("COL03")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 4, 40):
        _copy(rows, event, "-d", is_duplicate=True)


@_plants("COL04")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 5, 40):
        _copy(rows, event, "-2", engagement_seconds=1.0)


@_plants("COL05")
def _(rows: Rows) -> None:
    for event in _some(rows, "view_item", 5):
        event["page_host"] = "staging.example"


@_plants("COL06")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 6, 30):
        event["is_internal"] = True


@_plants("COL07")
def _(rows: Rows) -> None:
    event = _some(rows, "page_view", 7, 1)[0]
    for robot in range(3):
        for page in range(60):
            _copy(
                rows, event, f"-bot{robot}.{page}", client_id="bot", session_ref=f"bot{robot}",
                page_path=f"/tuote/{page}", occurred_at=at(7, 3600 * robot + 60 * page),
                is_session_engaged=False, engagement_seconds=0.0,
            )  # fmt: skip


@_plants("COL08")
def _(rows: Rows) -> None:
    doomed = [e for e in _events(rows, "page_view", 22) if "/hoito-ohjeet" in e["page_path"]]
    _remove(rows, doomed)


@_plants("SES01")
def _(rows: Rows) -> None:
    for event in _some(rows, "view_item", 8):
        event["session_ref"] = None


@_plants("SES02")
def _(rows: Rows) -> None:
    for event in _some(rows, "view_item", 9):
        event["session_ref_type"] = "string"


@_plants("SES03")
def _(rows: Rows) -> None:
    for number in (23, 24):
        _remove(rows, _some(rows, "session_start", number, 30))


@_plants("SES04")
def _(rows: Rows) -> None:
    for number in (9, 10):
        for event in _some(rows, "page_view", number, 40):
            event["referrer_host"] = "checkout.kauppa.example"


@_plants("SES05")
def _(rows: Rows) -> None:
    for number in (10, 11):
        for event in _some(rows, "login", number, 15):
            event["user_id"] = None


@_plants("SES06")
def _(rows: Rows) -> None:
    for event in _some(rows, "login", 12):
        event["user_id"] = "undefined"


@_plants("SES07")
def _(rows: Rows) -> None:
    event = _some(rows, "login", 13, 1)[0]
    for user in range(150):
        for device in range(12 if user < 30 else 1):
            _copy(
                rows, event, f"-u{user}.{device}", user_id=f"x{user}", client_id=f"x{user}.{device}"
            )


@_plants("SES08")
def _(rows: Rows) -> None:
    event = _some(rows, "scroll", 14, 1) or _some(rows, "page_view", 14, 1)
    for lonely in range(300):
        _copy(
            rows,
            event[0],
            f"-l{lonely}",
            client_id=f"lonely{lonely}",
            session_ref=f"lonely{lonely}",
        )


@_plants("SES09")
def _(rows: Rows) -> None:
    for event in _some(rows, "login", 14, 6):
        _copy(rows, event, "-other", user_id="another")


@_plants("SCH01")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 15, 8):
        _copy(rows, event, "-n", event_name="popup_closed")


@_plants("SCH02")
def _(rows: Rows) -> None:
    _remove(rows, list(_events(rows, "content_feedback", 25)))


@_plants("SCH03")
def _(rows: Rows) -> None:
    for event in _some(rows, "view_item", 15, 8):
        event["event_name"] = "view-item"


@_plants("SCH04")
def _(rows: Rows) -> None:
    keys = {e["web_event_key"] for e in _some(rows, "view_item", 16)}
    rows.tables["int_web_event_params_unioned"] = [
        row
        for row in rows.tables["int_web_event_params_unioned"]
        if not (row["web_event_key"] in keys and row["param_key"] == "currency")
    ]


@_plants("SCH05")
def _(rows: Rows) -> None:
    _set_param(rows, "page_view", 16, "session_engaged", value_type="int")


@_plants("SCH06")
def _(rows: Rows) -> None:
    _set_param(rows, "content_feedback", 17, "useful", value_text="kyllä")


@_plants("SCH13")
def _(rows: Rows) -> None:
    _set_param(rows, "page_view", 17, "engagement_time_msec", count=90, value_text="19")


@_plants("SCH07")
def _(rows: Rows) -> None:
    for row in [
        r
        for r in rows.tables["int_web_event_params_unioned"]
        if r["event_name"] == "view_item" and r["event_date"] == day(17)
    ][:8]:
        rows.tables["int_web_event_params_unioned"].append(row | {"param_key": "debugging"})


@_plants("SCH08")
def _(rows: Rows) -> None:
    _set_param(
        rows, "view_search_results", 18, "search_term", value_text="k" * 100, value_length=100
    )


@_plants("SCH09")
def _(rows: Rows) -> None:
    _set_param(rows, "login", 18, "method", value_text="[object Object]")


@_plants("GOL01")
def _(rows: Rows) -> None:
    doomed = [e for n in (26, 27) for e in _events(rows, "loyalty_signup", n)]
    _remove(rows, doomed)


@_plants("GOL02")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 19, 10):
        _copy(rows, event, "-again", occurred_at=event["occurred_at"].replace(hour=23))


@_plants("GOL03")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 21, 6):
        event["transaction_id"] = "(not set)"


@_plants("GOL04")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 23, 6):
        event["currency"] = "euro"


@_plants("GOL05")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 24, 6):
        event.update(item_count=0, items_amount=None)


@_plants("GOL06")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 25, 6):
        event["event_value"] = 61.0


@_plants("GOL07")
def _(rows: Rows) -> None:
    _remove(rows, [e for n in range(24, 28) for e in _events(rows, "begin_checkout", n)])


@_plants("GOL08")
def _(rows: Rows) -> None:
    for number in range(5, 9):
        for event in _some(rows, "loyalty_signup", number, 4):
            _copy(rows, event, "-again", occurred_at=event["occurred_at"].replace(hour=23))


@_plants("GOL09")
def _(rows: Rows) -> None:
    for order in rows.tables["int_orders_unioned"][200:220]:
        order["status"] = "refunded"


@_plants("GOL10")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 27, 5):
        event["event_value"] = 5000.0


@_plants("ATT02")
def _(rows: Rows) -> None:
    for event in _some(rows, "session_start", 28, 25):
        event.update(click_id_type="gclid", traffic_source="google", traffic_medium="organic")


@_plants("ATT03")
def _(rows: Rows) -> None:
    for number in (28, 29):
        for event in _some(rows, "session_start", number, 30)[25:]:
            event.update(traffic_source="kauppa.example", traffic_medium="referral")
        for event in _some(rows, "session_start", number, 55)[30:]:
            event.update(traffic_source="www.kauppa.example", traffic_medium="referral")


@_plants("ATT04")
def _(rows: Rows) -> None:
    for event in _some(rows, "session_start", 30, 8):
        event.update(traffic_source="maksut.example", traffic_medium="referral")


@_plants("ATT05")
def _(rows: Rows) -> None:
    for number in (30, 31):
        for event in _some(rows, "session_start", number, 40)[10:]:
            event.update(traffic_source="flyer", traffic_medium="paper")


@_plants("ATT06")
def _(rows: Rows) -> None:
    for number in range(35):
        for event in _some(rows, "session_start", number, 60)[20:]:
            if event["traffic_source"] in ("google", "newsletter"):
                event.update(traffic_source=None, traffic_medium=None)


@_plants("ATT07")
def _(rows: Rows) -> None:
    for number in (31, 32):
        for event in _some(rows, "session_start", number, 10):
            event.update(traffic_source="Facebook", traffic_medium="cpc")


@_plants("PRI01")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 32, 1):
        event["has_personal_data"] = True


@_plants("PRI02")
def _(rows: Rows) -> None:
    for event in list(_events(rows, number=33))[:200]:
        event["consent_analytics"] = "unset"


@_plants("PRI03")
def _(rows: Rows) -> None:
    for event in [e for e in _events(rows, number=11) if e["consent_analytics"] == "denied"][:6]:
        event.update(client_id="kept")


@_plants("PRI04")
def _(rows: Rows) -> None:
    for event in list(_events(rows, "page_view", 12))[:120]:
        event.update(consent_analytics="denied", client_id=None, session_ref=None)


@_plants("PRI05")
def _(rows: Rows) -> None:
    rows.add(
        "int_messages_unioned", message_event_key="opt-out", source="email_campaigns",
        channel="email", event_type="unsubscribe", occurred_at=at(6), email_hash="mail5",
    )  # fmt: skip
    rows.add(
        "int_messages_unioned", message_event_key="sent-still", source="email_campaigns",
        channel="email", event_type="sent", occurred_at=at(9), email_hash="mail5",
    )  # fmt: skip


@_plants("VOL01")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 0, 3):
        _copy(rows, event, "-old", source="snowplow")


@_plants("VOL02")
def _(rows: Rows) -> None:
    for event in _some(rows, "page_view", 13, 170):
        for copy in range(4):
            _copy(rows, event, f"-v{copy}", page_path=f"/tuote/{copy}", client_id=f"v{copy}")


@_plants("VOL05")
def _(rows: Rows) -> None:
    for event in list(_events(rows, number=14))[:40]:
        event["partition_date"] = day(13)


@_plants("VOL06")
def _(rows: Rows) -> None:
    for event in list(_events(rows, number=15))[:80]:
        event["server_offset_seconds"] = 90000.0


@_plants("VOL07")
def _(rows: Rows) -> None:
    for batch in rows.tables["manifest"]:
        if batch["source"] == "hubspot":
            batch["delivered_at"] = at(20)


@_plants("REC01")
def _(rows: Rows) -> None:
    _remove(rows, [e for n in (29, 30) for e in _events(rows, "purchase", n)])


@_plants("REC02")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 31, 6):
        event["transaction_id"] = "999" + event["transaction_id"]


@_plants("REC03")
def _(rows: Rows) -> None:
    orders = {
        o["transaction_ref"]
        for o in rows.tables["int_orders_unioned"]
        if o["payment_method"] == "paytrail"
    }
    doomed = [
        e
        for n in (1, 2, 3, 4, 5)
        for e in _events(rows, "purchase", n)
        if e["transaction_id"] in orders
    ]
    _remove(rows, doomed)


@_plants("REC04")
def _(rows: Rows) -> None:
    for event in _some(rows, "purchase", 33, 6):
        event.update(event_value=57.0, items_amount=57.0)


@_plants("REC06")
def _(rows: Rows) -> None:
    for response in rows.tables["int_survey_responses_unioned"][:5]:
        response["invitation_id"] = "shared"


@_plants("REC07")
def _(rows: Rows) -> None:
    for order in rows.tables["int_orders_unioned"][300:330]:
        order["loyalty_id"] = "00K1"


@_plants("SUR01")
def _(rows: Rows) -> None:
    scores = [a for a in rows.tables["int_survey_answers_unioned"] if a["question_id"] == "nps"]
    scores[7]["answer_number"] = 11.0


@_plants("SUR02")
def _(rows: Rows) -> None:
    for response in rows.tables["int_survey_responses_unioned"][10:15]:
        rows.tables["int_survey_responses_unioned"].append(
            response | {"survey_response_key": response["response_id"] + "-2"}
        )


@_plants("SUR03")
def _(rows: Rows) -> None:
    for response in rows.tables["int_survey_responses_unioned"][20:30]:
        response["submitted_at"] = at(4, 43207)


@_plants("SUR05")
def _(rows: Rows) -> None:
    for response in rows.tables["int_survey_responses_unioned"][40:44]:
        response.update(submitted_at=at(2), started_at=None)


@_plants("CRM01")
def _(rows: Rows) -> None:
    for contact in rows.tables["int_crm_contacts_unioned"][:6]:
        rows.tables["int_crm_contacts_unioned"].append(
            contact | {"crm_contact_key": contact["crm_contact_key"] + "-2", "phone_hash": None}
        )


@_plants("CRM02")
def _(rows: Rows) -> None:
    for contact in rows.tables["int_crm_contacts_unioned"][10:16]:
        contact["is_email_valid"] = False


@_plants("CRM03")
def _(rows: Rows) -> None:
    for contact in rows.tables["int_crm_contacts_unioned"][20:32]:
        contact["lifecycle_stage"] = None


@_plants("CRM05")
def _(rows: Rows) -> None:
    for case in rows.tables["int_service_cases_unioned"][:12]:
        case["email_hash"] = None


@_plants("CRM06")
def _(rows: Rows) -> None:
    for deal in rows.tables["int_crm_deals_unioned"][:6]:
        deal["closed_at"] = at(-3)


@_plants("CRM07")
def _(rows: Rows) -> None:
    for line in rows.tables["int_order_lines_unioned"][100:120]:
        line["quantity"] = -1.0


@_plants("CRM08")
def _(rows: Rows) -> None:
    order = rows.tables["int_orders_unioned"][0]
    for copy in range(60):
        rows.tables["int_orders_unioned"].append(
            order
            | {
                "order_key": f"counter{copy}",
                "customer_ref": "counter",
                "transaction_ref": None,
            }
        )


@_plants("ATT01")
def _(rows: Rows) -> None:
    for number in (15, 16, 17, 18):
        for event in list(_events(rows, "session_start", number)):
            if event.get("first_user_source"):
                event.update(traffic_source=event["first_user_source"], traffic_medium="email")


@_plants("SCH10")
def _(rows: Rows) -> None:
    params = rows.tables["int_web_event_params_unioned"]
    method = next(
        row for row in params if row["param_key"] == "method" and row["event_date"] == day(6)
    )
    params += [method | {"value_text": f"token-{number}"} for number in range(600)]


@_plants("REC05")
def _(rows: Rows) -> None:
    for contact in rows.tables["int_crm_contacts_unioned"]:
        # the newest stays, or the CRM would keep no browsers at all
        if contact.get("client_id") and not contact["crm_contact_key"].startswith("lead34."):
            contact["client_id"] = None


@_plants("CRM04")
def _(rows: Rows) -> None:
    contacts = rows.tables["int_crm_contacts_unioned"]
    next(c for c in contacts if c["lifecycle_stage"] == "customer")["lifecycle_stage"] = "lead"


@_plants("SUR06")
def _(rows: Rows) -> None:
    responses = rows.tables["int_survey_responses_unioned"]
    responses[:] = [r for r in responses if not r["survey_response_key"].startswith("w3.")]


@_plants("SUR08")
def _(rows: Rows) -> None:
    for answer in rows.tables["int_survey_answers_unioned"]:
        if answer.get("answer_text") and "kiitos" in answer["answer_text"]:
            answer["answer_text"] = "Tuote oli taas rikki"


@_plants("SUR09")
def _(rows: Rows) -> None:
    responses = rows.tables["int_survey_responses_unioned"]
    responses[:] = [
        r
        for r in responses
        if not (r["survey_id"] == "weekly" and int(r["response_id"].split(".")[1]) % 2)
    ]


@_plants("COL09")
def _(rows: Rows) -> None:
    for click in range(25):
        rows.add(
            "int_messages_unioned", message_event_key=f"lost-click{click}",
            source="email_campaigns", channel="email", event_type="click", occurred_at=at(8),
            link_url_path="/syksyn-tarjoukset",
        )  # fmt: skip


@_plants("SCH11")
def _(rows: Rows) -> None:
    for row in rows.tables["int_web_user_properties_unioned"]:
        if row["event_date"] in (day(8), day(9)) and row["property_key"] == "loyalty_tier":
            row |= {"property_key": None, "value_text": None}


@_plants("SCH12")
def _(rows: Rows) -> None:
    for event in _events(rows, number=1):
        if event["event_name"] != "content_feedback":
            event["app_version"] = "2.0"


@_plants("ATT08")
def _(rows: Rows) -> None:
    rows.add(
        "int_ad_spend_unioned", ad_spend_key="lost", source="ad_spend", spend_date=day(9),
        traffic_source="bing", traffic_medium="cpc", clicks=80,
    )  # fmt: skip


@_plants("VOL03")
def _(rows: Rows) -> None:
    for event in list(_events(rows, "page_view", 2)):
        if event["session_ref"]:
            for copy in range(6):
                _copy(rows, event, f"-w{copy}", page_path=f"/tuote/w{copy}")


@_plants("VOL04")
def _(rows: Rows) -> None:
    for event in list(_events(rows, number=0))[:300]:
        _copy(rows, event, "-before", is_superseded=True, batch_id="b-first")


@_plants("REC08")
def _(rows: Rows) -> None:
    for contact in rows.tables["int_service_contacts_unioned"][:6]:
        contact["case_ref"] = "gone"


@_plants("REC09")
def _(rows: Rows) -> None:
    for send in range(25):
        rows.add(
            "int_messages_unioned", message_event_key=f"unheard{send}", source="email_campaigns",
            campaign_id="summer", channel="email", event_type="sent", occurred_at=at(7),
        )  # fmt: skip


@_plants("SUR04")
def _(rows: Rows) -> None:
    hasty = {f"v{person}" for person in range(60, 25, -1)}
    for answer in rows.tables["int_survey_answers_unioned"]:
        if answer["survey_response_key"] in hasty and answer["question_id"].startswith("exq"):
            answer["answer_number"] = 4.0


@_plants("SUR07")
def _(rows: Rows) -> None:
    answer = rows.tables["int_survey_answers_unioned"][0]
    for person in range(20):
        rows.tables["int_survey_answers_unioned"].append(
            answer
            | {
                "survey_answer_key": f"stars{person}",
                "survey_response_key": f"stars{person}",
                "answer_number": float(person % 5 + 1),
                "submitted_at": at(30),
            }
        )


def _readings(rows: Rows, kind: str, number: int) -> list[Row]:
    return [
        reading
        for reading in rows.tables["int_readings_unioned"]
        if reading["kind"] == kind and reading["measured_at"].date() == day(number)
    ]


@_plants("OTH01")
def _(rows: Rows) -> None:
    for reading in _readings(rows, "visitor_counts", 5):
        reading["reading_value"] = -1.0


@_plants("OTH02")
def _(rows: Rows) -> None:
    for review in rows.tables["int_feedback_unioned"][:4]:
        review["given_at"] = at(400)


@_plants("OTH03")
def _(rows: Rows) -> None:
    for reading in _readings(rows, "uptime_checks", 6):
        rows.tables["int_readings_unioned"].append(
            reading | {"reading_key": reading["reading_key"] + "-again"}
        )


@_plants("OTH04")
def _(rows: Rows) -> None:
    lost = [reading["reading_key"] for reading in _readings(rows, "uptime_checks", 12)[:7]]
    rows.tables["int_readings_unioned"] = [
        reading
        for reading in rows.tables["int_readings_unioned"]
        if reading["reading_key"] not in lost
    ]


@_plants("OTH05")
def _(rows: Rows) -> None:
    for review in rows.tables["int_feedback_unioned"][10:13]:
        review["rating"] = 80.0


@_plants("OTH06")
def _(rows: Rows) -> None:
    for reading in _readings(rows, "visitor_counts", 15):
        reading["reading_value"] = 0.0
    rows.add(
        "int_orders_unioned", order_key="walk-in", source="shopify", order_id="walk-in",
        channel="store", store_id="s1", ordered_at=at(15), order_date=day(15), status="paid",
    )  # fmt: skip


@_plants("OTH07")
def _(rows: Rows) -> None:
    for page in rows.tables["int_page_interactions_unioned"][20:26]:
        page["view_count"] = 0.0


@_plants("OTH08")
def _(rows: Rows) -> None:
    for contract in rows.tables["int_contracts_unioned"][4:8]:
        contract["ends_at"] = contract["started_at"]
