"""How many defects the tracking audit finds: ``python -m tests.benchmarks.audit``.

Every kind of defect is planted in a healthy month at several intensities, one build per intensity
and seed with all kinds in windows of their own, and nothing at all in the clean months. Intensity
is the share of rows hit in the window beyond the check's threshold. Printed are recall, precision
(what the planted checks found that overlaps what was planted), whether the beginning is found to
the hour where ten failing rows an hour or more are to be expected and to the day where fewer are,
whether the place is named, and the false findings of clean months. Kinds whose damage
to revenue is known are planted alone too: the corrected figure is compared with the revenue that
the healthy month had in the finding's window.
Planting shares no code and no constant with the checks, besides the thresholds that define what
intensity means.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from expectations.catalogue import Check, load_catalogue
from expectations.findings import Finding
from expectations.plan import load_plan
from expectations.run import audit
from tests.unit.expectations.conftest import DAYS, NOW, healthy, planned
from tests.unit.expectations.warehouse import Rows, at, build, connect, day

Row = dict[str, Any]
Change = Callable[[Row], None]

_EVENTS = "int_web_events_landed"
_PARAMS = "int_web_event_params_unioned"
_USER_PROPERTIES = "int_web_user_properties_unioned"
_ORDERS = "int_orders_unioned"
_CONTACTS = "int_crm_contacts_unioned"
_RESPONSES = "int_survey_responses_unioned"
_ANSWERS = "int_survey_answers_unioned"
_CASES = "int_service_cases_unioned"
_DEALS = "int_crm_deals_unioned"
_CALLS = "int_service_contacts_unioned"
_LINES = "int_order_lines_unioned"
_READINGS = "int_readings_unioned"
_FEEDBACK = "int_feedback_unioned"
_CONTRACTS = "int_contracts_unioned"
_HEATMAP = "int_page_interactions_unioned"

# What tells a row of a table from others, where a defect copies rows of it.
_KEYS = {_EVENTS: "web_event_key", _READINGS: "reading_key"}


@dataclass(frozen=True)
class Defect:
    """A way to spoil rows, and the check that must notice."""

    check_id: str
    table: str
    is_hit: Callable[[Row], bool]
    spoil: Change
    copies: bool = False
    # Copies are what the check examines; not so where it counts orders or sessions of events.
    counts_copies: bool = True
    removes: bool = False
    # A row fails with its copy, and is one of two that do.
    both_fail: bool = False
    # What is hit as one where it is no row: a counter's day. Intensity is a share of such things.
    thing: Callable[[Row], object] = id
    # Days of the month on one of which the window may begin.
    begins: tuple[int, int] = (2, DAYS - 10)
    # Column of the finding and what must stand there (one of these).
    place: tuple[str, ...] | None = None


def _named(*names: str) -> Callable[[Row], bool]:
    return lambda row: row["event_name"] in names


def _param(event: str, key: str) -> Callable[[Row], bool]:
    return lambda row: row["event_name"] == event and row["param_key"] == key


def _to(**values: Any) -> Change:
    return lambda row: row.update(values)


def _identified(row: Row) -> bool:
    return row.get("client_id") is not None


def _always(row: Row) -> bool:
    return True


def _of_kind(*kinds: str) -> Callable[[Row], bool]:
    return lambda row: row["kind"] in kinds


def _series_day(row: Row) -> object:
    return row["subject"], row["measured_at"].date()


def _clock_ahead(row: Row) -> None:
    row["given_at"] += timedelta(days=400)


def _unknown_order(row: Row) -> None:
    row["transaction_id"] = f"unheard-of-{row['transaction_id']}"


def _back_by_search(row: Row) -> bool:
    return row["event_name"] == "session_start" and bool(row.get("first_user_source"))


def _later_that_day(row: Row) -> None:
    row["occurred_at"] = row["occurred_at"].replace(hour=23)


_PURCHASE = _named("purchase")

DEFECTS: tuple[Defect, ...] = (
    Defect("COL03", _EVENTS, _identified, _to(is_duplicate=True), copies=True),
    Defect(
        "COL05",
        _EVENTS,
        _named("view_item"),
        _to(page_host="test.shop.example"),
        place=("detail", "test.shop.example"),
    ),
    Defect("COL06", _EVENTS, _identified, _to(is_internal=True)),
    Defect("SES01", _EVENTS, _identified, _to(session_ref=None)),
    Defect("SES02", _EVENTS, _identified, _to(session_ref_type="string")),
    Defect("SES05", _EVENTS, _named("login"), _to(user_id=None)),
    Defect("SES06", _EVENTS, _named("login"), _to(user_id="undefined")),
    Defect(
        "SCH01",
        _EVENTS,
        _named("view_search_results"),
        _to(event_name="overlay_open"),
        place=("subject", "overlay_open"),
    ),
    Defect(
        "SCH03",
        _EVENTS,
        _named("content_feedback"),
        _to(event_name="Content-Feedback"),
        place=("subject", "Content-Feedback"),
    ),
    Defect(
        "SCH05",
        _PARAMS,
        _param("page_view", "session_engaged"),
        _to(value_type="int"),
        place=("detail", "session_engaged"),
    ),
    Defect(
        "SCH06",
        _PARAMS,
        _param("content_feedback", "useful"),
        _to(value_text="ehkä"),
        place=("detail", "useful"),
    ),
    Defect(
        "SCH08",
        _PARAMS,
        _param("view_search_results", "search_term"),
        _to(value_text="x" * 100, value_length=100),
        place=("detail", "search_term"),
    ),
    Defect(
        "SCH09",
        _PARAMS,
        _param("view_search_results", "search_term"),
        _to(value_text="undefined"),
        place=("detail", "search_term"),
    ),
    Defect(
        "SCH11",
        _USER_PROPERTIES,
        lambda row: row["property_key"] == "loyalty_tier",
        _to(property_key=None, value_text=None),
        place=("detail", "loyalty_tier"),
    ),
    Defect(
        "SCH13",
        _PARAMS,
        _param("page_view", "engagement_time_msec"),
        _to(value_text="17"),
        place=("detail", "engagement_time_msec"),
    ),
    Defect("GOL02", _EVENTS, _PURCHASE, _to(), copies=True, counts_copies=False),
    Defect("GOL03", _EVENTS, _PURCHASE, _to(transaction_id=None)),
    Defect("GOL04", _EVENTS, _PURCHASE, _to(event_value=None), place=("subject", "purchase")),
    Defect("GOL05", _EVENTS, _PURCHASE, _to(item_count=0, items_amount=None)),
    Defect("GOL06", _EVENTS, _PURCHASE, _to(event_value=64.0)),
    Defect("GOL10", _EVENTS, _PURCHASE, _to(event_value=0.5)),
    Defect(
        "ATT04",
        _EVENTS,
        _named("session_start"),
        _to(traffic_source="paytrail.com", traffic_medium="referral"),
    ),
    Defect(
        "ATT07",
        _EVENTS,
        _named("session_start"),
        _to(traffic_source="NewsLetter", traffic_medium="email"),
    ),
    Defect("PRI01", _EVENTS, _named("page_view"), _to(has_personal_data=True)),
    Defect("PRI02", _EVENTS, lambda row: True, _to(consent_analytics="unset")),
    Defect(
        "PRI03", _EVENTS, lambda row: row["consent_analytics"] == "denied", _to(client_id="kept")
    ),
    Defect("VOL06", _EVENTS, _identified, _to(server_offset_seconds=200000.0)),
    Defect("REC02", _EVENTS, _PURCHASE, _unknown_order, copies=True),
    Defect("REC04", _EVENTS, _PURCHASE, _to(event_value=57.0, items_amount=57.0)),
    Defect("REC07", _ORDERS, lambda row: row["loyalty_id"] is not None, _to(loyalty_id="X0")),
    Defect("CRM02", _CONTACTS, lambda row: True, _to(is_email_valid=False)),
    Defect(
        "CRM03",
        _CONTACTS,
        lambda row: True,
        _to(lifecycle_stage=None),
        place=("detail", "lifecycle_stage"),
    ),
    Defect(
        "COL02",
        _EVENTS,
        _named("view_item"),
        _to(is_intraday=True, is_superseded=True),
        copies=True,
    ),
    Defect("COL04", _EVENTS, _named("page_view"), _to(), copies=True),
    Defect(
        "SES09",
        _EVENTS,
        _named("login"),
        _to(user_id="another"),
        copies=True,
        counts_copies=False,
    ),
    Defect(
        "SCH04",
        _PARAMS,
        _param("view_item", "currency"),
        _to(),
        removes=True,
        place=("detail", "currency"),
    ),
    Defect(
        "SCH07",
        _PARAMS,
        _param("view_item", "value"),
        _to(param_key="dbg"),
        copies=True,
        place=("detail", "dbg"),
    ),
    Defect(
        "GOL08",
        _EVENTS,
        _named("loyalty_signup"),
        _later_that_day,
        copies=True,
        place=("subject", "loyalty_signup"),
    ),
    Defect(
        "ATT01", _EVENTS, _back_by_search, _to(traffic_source="newsletter", traffic_medium="email")
    ),
    Defect(
        "ATT02",
        _EVENTS,
        _named("session_start"),
        _to(click_id_type="gclid", traffic_source="google", traffic_medium="organic"),
    ),
    Defect(
        "ATT03",
        _EVENTS,
        _named("session_start"),
        _to(traffic_source="www.kauppa.example", traffic_medium="referral"),
    ),
    Defect(
        "ATT05",
        _EVENTS,
        _named("session_start"),
        _to(traffic_source="flyer", traffic_medium="paper"),
    ),
    Defect(
        "REC05",
        _CONTACTS,
        lambda row: bool(row.get("client_id")),
        _to(client_id="lost"),
        # the lead without its contact, and the contact without its lead
        place=("subject", "leads", "web contacts"),
    ),
    Defect("REC06", _RESPONSES, _always, _to(invitation_id="shared")),
    Defect("REC08", _CALLS, _always, _to(case_ref="gone")),
    Defect(
        "SUR01",
        _ANSWERS,
        lambda row: row["question_id"] == "nps",
        _to(answer_number=12.0),
        place=("detail", "nps"),
    ),
    Defect(
        "SUR05",
        _RESPONSES,
        lambda row: row["survey_id"] == "purchase",
        _to(submitted_at=at(1), started_at=None),
    ),
    Defect(
        "CRM04",
        _CONTACTS,
        lambda row: row["lifecycle_stage"] == "customer",
        _to(lifecycle_stage="subscriber"),
    ),
    Defect("CRM05", _CASES, _always, _to(email_hash=None), place=("subject", "cases")),
    Defect("CRM06", _DEALS, _always, _to(closed_at=at(-3)), place=("subject", "deals")),
    Defect("CRM07", _LINES, _always, _to(quantity=-1.0)),
    # What is not read is told by the same weekday of the weeks before and after.
    Defect(
        "OTH04",
        _READINGS,
        _of_kind("uptime_checks", "visitor_counts"),
        _to(),
        removes=True,
        thing=_series_day,
        begins=(7, DAYS - 14),
    ),
    Defect(
        "OTH06",
        _READINGS,
        _of_kind("visitor_counts"),
        _to(reading_value=0.0),
        thing=_series_day,
        place=("subject", "visitor_counts"),
    ),
    Defect(
        "OTH01",
        _READINGS,
        _of_kind("visitor_counts"),
        _to(reading_value=-3.0),
        place=("subject", "visitor_counts"),
    ),
    Defect(
        "OTH03",
        _READINGS,
        _of_kind("visitor_counts"),
        _to(),
        copies=True,
        both_fail=True,
        place=("subject", "visitor_counts"),
    ),
    Defect("OTH02", _FEEDBACK, _always, _clock_ahead, place=("subject", "reviews")),
    Defect("OTH05", _FEEDBACK, _always, _to(rating=87.0), place=("subject", "reviews")),
    Defect("OTH07", _HEATMAP, _always, _to(view_count=0.0)),
    Defect("OTH08", _CONTRACTS, _always, lambda row: row.update(ends_at=row["started_at"])),
)

# From so many expected failing rows an hour on the beginning must be found to the hour.
_ROWS_AN_HOUR = 10.0

# Kinds whose damage to measured revenue the generator knows.
_COUNTED = ("COL03", "GOL02", "GOL04", "GOL10", "REC02", "REC04")


@dataclass(frozen=True)
class Planted:
    """What was spoilt, where and how much."""

    check_id: str
    rows: int
    first_at: datetime | None
    first_date: date | None
    place: tuple[str, ...] | None
    last_date: date | None
    # Failing rows in an hour in which there are any to hit.
    rows_an_hour: float


def _time(row: Row) -> datetime | None:
    return row.get("occurred_at") or row.get("measured_at") or row.get("given_at")


def _date(row: Row) -> date | None:
    """Return the day that a row is of; the planted ones lie where it is the same day in UTC."""
    when = row.get("measured_at") or row.get("given_at")
    return (
        row.get("event_date")
        or row.get("order_date")
        or row.get("interaction_date")
        or (when.date() if when else None)
    )


def plant(
    rows: Rows, defect: Defect, share: float, rng: random.Random, spoilt: set[int]
) -> Planted | None:
    """Spoil a share of a defect's rows from some hour on for a week; None where no row is hit.

    `spoilt` holds the rows that earlier defects hit: none undoes what another did. As many others
    are hit instead, so that the share is the one asked for: left out, they would leave a defect
    that is planted late below the threshold that it is said to lie beyond.
    """
    start = rng.randrange(defect.begins[0], defect.begins[1] + 1)
    window = {day(start + n) for n in range(7)}
    # A tag is released at some hour, not at midnight; a counter fails for whole days.
    release = at(start, 3600 * rng.randrange(8, 14) if defect.thing is id else 0)

    def in_window(row: Row) -> bool:
        when, moment = _date(row), _time(row)
        return when is None or (when in window and (moment is None or moment >= release))

    things: dict[object, list[Row]] = {}
    for row in rows.tables[defect.table]:
        if defect.is_hit(row) and in_window(row):
            things.setdefault(defect.thing(row), []).append(row)
    # Of n rows and c failing copies c / (n + c) fail; twice as many where each fails with its copy.
    wanted = share
    if defect.copies and defect.counts_copies:
        wanted = share / (2 - share) if defect.both_fail else share / (1 - share)
    hours = {
        when.replace(minute=0, second=0, microsecond=0)
        for alike in things.values()
        for row in alike
        if (when := _time(row))
    }
    free = [alike for alike in things.values() if spoilt.isdisjoint(map(id, alike))]
    hit = rng.sample(free, min(len(free), round(wanted * len(things))))
    chosen = [row for alike in hit for row in alike]
    spoilt.update(map(id, chosen))
    keys: dict[str, str] = {}
    spoilt_rows = []
    for number, row in enumerate(chosen):
        if defect.copies:
            copy = dict(row)
            if defect.table in _KEYS:
                key = _KEYS[defect.table]
                copy[key] = f"{row[key]}-{defect.check_id}{number}"
                keys[row[key]] = copy[key]
            defect.spoil(copy)
            rows.tables[defect.table].append(copy)
            spoilt_rows.append(copy)
        else:
            defect.spoil(row)
            spoilt_rows.append(row)
    # An event that is sent twice brings its parameters twice.
    rows.tables[_PARAMS] += [
        row | {"web_event_key": keys[row["web_event_key"]]}
        for row in rows.tables[_PARAMS]
        if row["web_event_key"] in keys
    ]
    if not chosen:
        return None
    times = [when for row in spoilt_rows if (when := _time(row))]
    # An order is dated, yet what is found of it may be dated by what it is compared with.
    dates = [on for row in chosen if "order_date" not in row and (on := _date(row))]
    if defect.removes:
        doomed = set(map(id, chosen))
        rows.tables[defect.table] = [r for r in rows.tables[defect.table] if id(r) not in doomed]
    return Planted(
        defect.check_id,
        len(hit),
        min(times, default=None),
        min(dates, default=None),
        defect.place,
        max(dates, default=None),
        len(chosen) / max(1, len(hours)),
    )


@dataclass(frozen=True)
class Measured:
    """The period in which the audit measured most failures of a check."""

    period: str
    rows_examined: int
    rows_failing: int
    share_low: float


def _most_failing(warehouse: Path, check: Check) -> Measured | None:
    with connect(warehouse) as connection:
        row = connection.execute(
            "select period_type, rows_examined, rows_failing, failing_share_low"
            " from int_audit_shares_estimated where check_id = ? and list_contains(?, period_type)"
            " order by failing_share_low desc, rows_failing desc limit 1",
            [check.id, list(check.threshold.periods)],
        ).fetchone()
    return Measured(*row) if row else None


def _audited(rows: Rows, times: int = 1) -> tuple[list[Finding], dict[str, Measured | None]]:
    """Return the findings and, by check, where it measured most."""
    plan, catalogue = planned(load_plan()), load_catalogue()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warehouse = build(rows, plan, folder, times=times)
        outcome = audit(warehouse, plan, catalogue, folder / "state", folder / "reports", NOW)
        measured = {check.id: _most_failing(warehouse, check) for check in catalogue.checks}
    return outcome.findings, measured


def _why_missed(truth: Planted, measured: Measured | None, limit: float) -> str:
    """Say what the audit measured of a defect that it did not report."""
    if measured is None or not measured.rows_failing:
        return f"{truth.check_id}: blind, {truth.rows} rows planted"
    share = measured.rows_failing / measured.rows_examined
    verdict = "not proven" if share > limit else "planted below the threshold"
    return (
        f"{truth.check_id}: {verdict}, {measured.rows_failing} of {measured.rows_examined} rows"
        f" ({share:.2%}, at least {measured.share_low:.2%}; threshold {limit:.2%}) in the worst"
        f" {'window' if measured.period == 'all' else measured.period}"
    )


def _within_an_hour(found: datetime | None, truth: Planted) -> bool:
    if found is None or truth.first_at is None:
        return False
    return abs((found - truth.first_at).total_seconds()) < 3600


def _batches(defects: Sequence[Defect], size: int) -> Iterator[Sequence[Defect]]:
    """Defects of one build; those of a batch spoil different rows or different fields."""
    for first in range(0, len(defects), size):
        yield defects[first : first + size]


def _is_in_place(finding: Finding, truth: Planted) -> bool:
    return not truth.place or getattr(finding, truth.place[0]) in truth.place[1:]


def _overlaps(finding: Finding, truth: Planted) -> bool:
    """Whether a finding lies where and when its defect was planted."""
    if not _is_in_place(finding, truth):
        return False
    if truth.first_date is None or truth.last_date is None or finding.first_failed_date is None:
        return True
    last = finding.last_failed_date or finding.first_failed_date
    return finding.first_failed_date <= truth.last_date and last >= truth.first_date


def _print_impact(
    visits: int, intensity: float, limits: dict[str, float], rng: random.Random
) -> None:
    """Plant kinds alone, and compare corrected revenue with that of the healthy month."""
    within, told = 0, 0
    for defect in DEFECTS:
        if defect.check_id not in _COUNTED:
            continue
        rows = healthy(visits)
        # before anything is spoilt
        sales = [
            (row["event_date"], row["event_value"])
            for row in rows.tables[_EVENTS]
            if row["event_name"] == "purchase"
        ]
        truth = plant(rows, defect, limits[defect.check_id] + intensity, rng, set())
        own = [
            f
            for f in _audited(rows)[0]
            if f.check_id == defect.check_id and f.estimate_of == "revenue" and f.first_failed_date
        ]
        if truth is None or not own:
            print(f"impact of {defect.check_id} alone: no estimate")
            told += 1
            continue
        finding = max(own, key=lambda f: f.rows_failing)
        first = finding.first_failed_date
        last = finding.last_failed_date or first
        true = sum(value for on, value in sales if first <= on <= last)
        damage = true - finding.reported_value
        error = abs(finding.corrected_value - true) / abs(damage) if damage else 0.0
        is_within = error <= 0.05 or finding.corrected_low <= true <= finding.corrected_high
        told, within = told + 1, within + is_within
        print(
            f"impact of {defect.check_id} alone: reported {finding.reported_value:,.0f},"
            f" corrected {finding.corrected_value:,.0f} ({finding.corrected_low:,.0f} to"
            f" {finding.corrected_high:,.0f}), true {true:,.0f}; error {error:.1%} of the damage"
        )
    print(f"impact within 5 % of the damage or the stated interval: {within}/{told}")


def main() -> None:
    """Plant, audit and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.audit", description=__doc__)
    parser.add_argument("--intensities", nargs="*", type=float, default=[0.005, 0.01, 0.05, 0.2])
    parser.add_argument("--visits", type=int, default=180, help="visits a day")
    parser.add_argument("--people", type=int, default=600, help="contacts, cases and respondents")
    parser.add_argument(
        "--times", type=int, default=1, help="repeat all, each time of other customers"
    )
    parser.add_argument("--clean", type=int, default=2, help="clean months")
    parser.add_argument("--alone", type=float, default=0.05, help="intensity alone; 0: none")
    parser.add_argument(
        "--together", type=int, default=len(DEFECTS), help="kinds of defects in one build"
    )
    parser.add_argument(
        "--kinds", nargs="+", default=[""], help="only of checks that begin so (OTH, SCH11)"
    )
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    defects = [d for d in DEFECTS if d.check_id.startswith(tuple(options.kinds))]
    plan = load_plan()
    limits = {check.id: check.threshold.max_share or 0.0 for check in load_catalogue().checks}
    limits |= {
        "CRM03": 1 - min(f["min_fill_share"] for f in plan.rows("crm_fields")),
        "REC05": next(
            entry["max_unmatched_share"]
            for entry in plan.rows("reconciliations")
            if entry["table"] == "crm_contacts"
        ),
    }
    print(
        f"{len(defects)} kinds of defects, {options.visits * options.times} visits a day,"
        f" {DAYS} days, {options.people * options.times} people"
    )
    for intensity in options.intensities:
        found, planted = 0, 0
        # By whether the hour can be asked for: beginnings told, right to the day, to the hour.
        begun = {True: [0, 0, 0], False: [0, 0, 0]}
        late: list[str] = []
        said, said_rightly, placed, placed_rightly = 0, 0, 0, 0
        others: set[str] = set()
        missed: list[str] = []
        elsewhere: list[str] = []
        for batch in _batches(defects, options.together):
            rows = healthy(options.visits, options.people)
            spoilt: set[int] = set()
            truths = [
                truth
                for defect in batch
                if (truth := plant(rows, defect, limits[defect.check_id] + intensity, rng, spoilt))
            ]
            findings, measured = _audited(rows, options.times)
            others |= {f.check_id for f in findings} - {truth.check_id for truth in truths}
            for truth in truths:
                planted += 1
                own = [f for f in findings if f.check_id == truth.check_id]
                if not any(_overlaps(finding, truth) for finding in own):
                    missed.append(
                        _why_missed(truth, measured[truth.check_id], limits[truth.check_id])
                    )
                    continue
                found += 1
                said += len(own)
                said_rightly += sum(_overlaps(finding, truth) for finding in own)
                elsewhere += [
                    f"{f.check_id} at {f.subject} {f.detail}, {f.first_failed_date} to"
                    f" {f.last_failed_date}: {f.rows_failing} of {f.rows_examined} rows"
                    for f in own
                    if not _overlaps(f, truth)
                ]
                if truth.place:
                    placed += 1
                    placed_rightly += any(_is_in_place(f, truth) for f in own)
                if truth.first_at and truth.first_date:
                    dated = [f for f in own if f.first_failed_at]
                    rate = truth.rows_an_hour * options.times
                    to_the_day = any(f.first_failed_date == truth.first_date for f in dated)
                    to_the_hour = any(_within_an_hour(f.first_failed_at, truth) for f in dated)
                    told = begun[rate >= _ROWS_AN_HOUR]
                    told[0] += bool(dated)
                    told[1] += to_the_day
                    told[2] += to_the_hour
                    if dated and not (to_the_hour if rate >= _ROWS_AN_HOUR else to_the_day):
                        late.append(
                            f"{truth.check_id}, {rate:.1f} rows an hour: began {truth.first_at},"
                            f" found {min(str(f.first_failed_at) for f in dated)}"
                        )
        print(
            f"intensity {intensity:.1%}: recall {found}/{planted} = {found / planted:.2f};"
            f" beginning found, of {begun[True][0]} with {_ROWS_AN_HOUR:g} failing rows an hour or"
            f" more: to the day {begun[True][1]}, to the hour {begun[True][2]}; of the other"
            f" {begun[False][0]}: to the day {begun[False][1]}, to the hour {begun[False][2]};"
            f" place {placed_rightly}/{placed}; precision {said_rightly}/{said}"
        )
        print("  other checks that spoke:", ", ".join(sorted(others)) or "none")
        for line in missed:
            print("  missed", line)
        for line in late:
            print("  beginning missed:", line)
        for line in elsewhere:
            print("  said where nothing was planted:", line)
    if options.alone:
        _print_impact(options.visits, options.alone, limits, rng)
    for number in range(options.clean):
        findings, _ = _audited(healthy(options.visits + 7 * number, options.people), options.times)
        said_falsely = ", ".join(f"{f.check_id} at {f.subject} {f.detail}" for f in findings)
        print(f"clean month {number + 1}: {len(findings)} false findings", said_falsely)


if __name__ == "__main__":
    main()
