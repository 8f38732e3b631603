"""How many defects the tracking audit finds: ``python -m tests.benchmarks.audit``.

Every kind of defect is planted in a healthy month at several intensities, together with others and
(``--alone``) by itself, and nothing at all in the clean months. Intensity is what goes beyond the
check's threshold: of the rows that a check examines, its greatest allowed share and so much more
are hit, from some hour on and for seven whole days after that day. Kinds that fail each other's
checks, or for which too few rows are left unspoilt, go into another build: else a finding would be
of either kind, and neither when it began nor what it did would be known.

Printed are recall, precision (findings that lie where and when a kind was planted that fails this
check, of all findings), whether the place is named, whether each finding begins where the first of
the rows that were spoilt in its place lies (to the hour where ten failing rows an hour or more are
to be expected, to the day where fewer are), whether a corrected figure is right, and the false
findings of clean months. What is true is told by the planted rows alone, never by the audit.
Planting shares no code and no constant with the checks, besides the thresholds that define what
intensity means.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

from expectations.catalogue import Check, load_catalogue
from expectations.findings import Finding
from expectations.plan import Plan, load_plan
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
    # Other checks that its rows, or what is compared with them, fail by what the defect is.
    also: tuple[str, ...] = ()
    # The rows should not be counted at all, as copies should not.
    is_surplus: bool = False


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
    Defect("COL06", _EVENTS, _identified, _to(is_internal=True), is_surplus=True),
    Defect("SES01", _EVENTS, _identified, _to(session_ref=None), also=("SES03", "GOL07")),
    Defect("SES02", _EVENTS, _identified, _to(session_ref_type="string")),
    Defect("SES05", _EVENTS, _named("login"), _to(user_id=None)),
    Defect("SES06", _EVENTS, _named("login"), _to(user_id="undefined")),
    Defect(
        "SCH01",
        _EVENTS,
        _named("view_search_results"),
        _to(event_name="overlay_open"),
        place=("subject", "overlay_open"),
        also=("VOL02",),
    ),
    Defect(
        "SCH03",
        _EVENTS,
        _named("content_feedback"),
        _to(event_name="Content-Feedback"),
        place=("subject", "Content-Feedback"),
        also=("VOL02",),
    ),
    Defect(
        "SCH05",
        _PARAMS,
        lambda row: row["param_key"] == "session_engaged",
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
    Defect("GOL02", _EVENTS, _PURCHASE, _to(), copies=True, counts_copies=False, also=("VOL02",)),
    Defect("GOL03", _EVENTS, _PURCHASE, _to(transaction_id=None), also=("REC01", "REC03")),
    Defect("GOL04", _EVENTS, _PURCHASE, _to(event_value=None), place=("subject", "purchase")),
    Defect("GOL05", _EVENTS, _PURCHASE, _to(item_count=0, items_amount=None)),
    Defect("GOL06", _EVENTS, _PURCHASE, _to(event_value=64.0), also=("REC04",)),
    Defect("GOL10", _EVENTS, _PURCHASE, _to(event_value=0.5), also=("GOL06", "REC04")),
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
        also=("ATT01",),
    ),
    Defect("PRI01", _EVENTS, _always, _to(has_personal_data=True)),
    Defect("PRI02", _EVENTS, lambda row: True, _to(consent_analytics="unset")),
    Defect(
        "PRI03", _EVENTS, lambda row: row["consent_analytics"] == "denied", _to(client_id="kept")
    ),
    Defect("VOL06", _EVENTS, _identified, _to(server_offset_seconds=200000.0)),
    Defect("REC02", _EVENTS, _PURCHASE, _unknown_order, copies=True, also=("VOL02",)),
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
        _always,
        _to(is_intraday=True, is_superseded=True),
        copies=True,
    ),
    Defect(
        "COL04",
        _EVENTS,
        lambda row: row["event_name"] == "page_view" and _identified(row),
        _to(),
        copies=True,
        also=("VOL02", "VOL03"),
    ),
    Defect(
        "SES09",
        _EVENTS,
        _named("login"),
        _to(user_id="another"),
        copies=True,
        counts_copies=False,
        also=("SES06", "SES07", "VOL02"),
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
        also=("VOL02",),
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
    Defect("REC06", _RESPONSES, _always, _to(invitation_id="shared"), also=("SUR02",)),
    Defect("REC08", _CALLS, _always, _to(case_ref="gone")),
    Defect(
        "SUR01",
        _ANSWERS,
        lambda row: row["question_id"] == "nps",
        _to(answer_number=12.0),
        place=("detail", "nps"),
        also=("SUR08",),
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
        _always,
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

# Kinds whose damage to what is measured the generator knows.
_COUNTED = ("COL02", "COL03", "COL04", "COL06", "GOL02", "GOL04", "GOL10", "REC02", "REC04")

# So far a corrected figure may lie from the truth, as a share of the damage, without an interval.
_ERROR = 0.05

_WHOLE_DAYS = 7

# So far the greatest share that a check measures may stay below the one that was planted.
_PLANTED_WITHIN = 0.001


@dataclass(frozen=True)
class Planted:
    """What was spoilt, where and how much."""

    defect: Defect
    share: float
    # As they stand now, and what each adds to the sum of purchases and to the number of events.
    rows: list[Row]
    revenue: list[float]
    events: list[int]
    # Hours of the window in which there are any rows to hit.
    hours: int

    @cached_property
    def _names(self) -> set[str]:
        return {value for row in self.rows for value in row.values() if isinstance(value, str)}

    def places_of(self, finding: Finding | None = None) -> list[int]:
        """Return which rows lie where the finding says, by the names that rows bear; else all."""
        told: set[str] = set()
        for part in finding.scope[3:] if finding else ():
            # a counter of the second customer on is the first one's with a number
            told |= {part, re.sub(r"-\d+$", "", part)} & self._names
        return [
            number
            for number, row in enumerate(self.rows)
            if told.issubset({value for value in row.values() if isinstance(value, str)})
        ]

    def began(self, finding: Finding | None = None) -> tuple[datetime | None, date | None]:
        """Return when the first of the rows that lie where the finding says was spoilt."""
        rows = [self.rows[number] for number in self.places_of(finding)]
        times = [when for row in rows if (when := _time(row))]
        dates = [on for row in rows if (on := _date(row))]
        return min(times, default=None), min(dates, default=None)

    @property
    def check_id(self) -> str:
        """The check that must notice."""
        return self.defect.check_id

    @property
    def ended(self) -> date | None:
        """The last day of the rows."""
        return max((on for row in self.rows if (on := _date(row))), default=None)


def _time(row: Row) -> datetime | None:
    return (
        row.get("occurred_at")
        or row.get("measured_at")
        or row.get("given_at")
        or row.get("ordered_at")
    )


def _date(row: Row) -> date | None:
    """Return the day that a row is of; the planted ones lie where it is the same day in UTC."""
    when = row.get("measured_at") or row.get("given_at")
    return (
        row.get("event_date")
        or row.get("order_date")
        or row.get("interaction_date")
        or (when.date() if when else None)
    )


def _amount(row: Row) -> float:
    return (row.get("event_value") or 0.0) if row.get("event_name") == "purchase" else 0.0


def _moment(row: Row) -> datetime:
    on = _date(row)
    return _time(row) or (datetime.combine(on, datetime.min.time()) if on else datetime.min)


def _spread(things: list[list[Row]], number: int, rng: random.Random) -> list[list[Row]]:
    """Choose so many, one of each of as many stretches of time.

    A defect has the same share on every day. Of a month that is repeated, each row stands for one
    of each customer's: chosen regardless of time, few rows would leave days without any, where of
    as many customers with days of their own some fail on each.
    """
    things = sorted(things, key=lambda alike: _moment(alike[0]))
    edges = [len(things) * n // number for n in range(number + 1)] if number else [0]
    return [rng.choice(things[a:b]) for a, b in pairwise(edges)]


def plant(
    rows: Rows, defect: Defect, share: float, rng: random.Random, spoilt: set[int]
) -> Planted | None:
    """Spoil a share of a defect's rows from some hour on and for seven whole days more.

    `spoilt` holds the rows that earlier defects hit: none undoes what another did. As many others
    are hit instead, so that the share is the one asked for; None where there are too few.
    """
    start = rng.randrange(defect.begins[0], defect.begins[1] + 1)
    # A tag is released at some hour, not at midnight; a counter fails for whole days.
    release = at(start, 3600 * rng.randrange(8, 14) if defect.thing is id else 0)
    whole = {day(start + n) for n in range(_WHOLE_DAYS + 1)}
    if defect.thing is id:
        whole.remove(day(start))
    else:
        # a weekday has the same one of the weeks before and after beside it
        whole.remove(day(start + _WHOLE_DAYS))

    things: dict[bool, dict[object, list[Row]]] = {True: {}, False: {}}
    for row in rows.tables[defect.table]:
        when, moment = _date(row), _time(row)
        is_first = when == day(start) not in whole and (moment is None or moment >= release)
        # what another kind sent twice is taken away before anything else is examined
        is_left = not row.get("is_duplicate") and not row.get("is_superseded")
        if is_left and defect.is_hit(row) and (when is None or when in whole or is_first):
            things[is_first].setdefault(defect.thing(row), []).append(row)
    # Of n rows and c failing copies c / (n + c) fail; twice as many where each fails with its copy.
    wanted = min(share, 1.0)
    if defect.copies and defect.counts_copies:
        wanted = share / (2 - share) if defect.both_fail else share / (1 - share)
    hit: list[list[Row]] = []
    # The part of a day and the days after it have the share each: what is judged is whole days.
    for alike in things.values():
        free = [one for one in alike.values() if spoilt.isdisjoint(map(id, one))]
        number = ceil(round(wanted * len(alike), 6))
        if number > len(free):
            return None
        hit += _spread(free, number, rng)
    chosen = [row for alike in hit for row in alike]
    if not chosen:
        return None
    spoilt.update(map(id, chosen))
    hours = {
        when.replace(minute=0, second=0, microsecond=0)
        for stratum in things.values()
        for alike in stratum.values()
        for row in alike
        if (when := _time(row))
    }
    truth = Planted(defect, share, [], [], [], max(1, len(hours)))
    keys: dict[str, str] = {}
    for number, row in enumerate(chosen):
        before, after = _amount(row), row
        if defect.copies:
            before, after = 0.0, dict(row)
            if defect.table in _KEYS:
                key = _KEYS[defect.table]
                after[key] = f"{row[key]}-{defect.check_id}{number}"
                keys[row[key]] = after[key]
            rows.tables[defect.table].append(after)
        defect.spoil(after)
        spoilt.add(id(after))
        truth.rows.append(after)
        truth.revenue.append(_amount(after) - before)
        truth.events.append(int(defect.copies or defect.is_surplus))
    # An event that is sent twice brings its parameters twice.
    rows.tables[_PARAMS] += [
        row | {"web_event_key": keys[row["web_event_key"]]}
        for row in rows.tables[_PARAMS]
        if row["web_event_key"] in keys
    ]
    if defect.removes:
        doomed = set(map(id, chosen))
        rows.tables[defect.table] = [r for r in rows.tables[defect.table] if id(r) not in doomed]
    return truth


def _clash(one: Defect, other: Defect) -> bool:
    return one.check_id in other.also or other.check_id in one.also


def planted_together(
    defects: Sequence[Defect],
    shares: dict[str, float],
    most: int,
    rng: random.Random,
    month: Callable[[], Rows],
) -> Iterator[tuple[Rows, list[Planted]]]:
    """Yield months with as many kinds planted in each as do not disturb each other.

    Args:
        defects: what is to be planted, each in one of the months.
        shares: of the rows that each check examines.
        most: kinds in one month.
        rng: chooses rows and hours.
        month: returns a healthy one.
    """
    # who needs most rows chooses first
    left = sorted(defects, key=lambda defect: -shares[defect.check_id])
    while left:
        rows, spoilt = month(), set[int]()
        truths: list[Planted] = []
        later: list[Defect] = []
        for defect in left:
            is_free = len(truths) < most and not any(_clash(defect, t.defect) for t in truths)
            truth = plant(rows, defect, shares[defect.check_id], rng, spoilt) if is_free else None
            if truth:
                truths.append(truth)
            else:
                later.append(defect)
        if not truths:
            raise ValueError(f"too few rows for {', '.join(d.check_id for d in later)}")
        yield rows, truths
        left = later


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
        return f"{truth.check_id}: blind, {len(truth.rows)} rows planted"
    share = measured.rows_failing / measured.rows_examined
    verdict = "not proven" if share > limit else "measured below the threshold"
    return (
        f"{truth.check_id}: {verdict}, {measured.rows_failing} of {measured.rows_examined} rows"
        f" ({share:.2%}, at least {measured.share_low:.2%}; planted {truth.share:.2%}, threshold"
        f" {limit:.2%}) in the worst"
        f" {'window' if measured.period == 'all' else measured.period}"
    )


def _is_in_place(finding: Finding, truth: Planted) -> bool:
    place = truth.defect.place
    return not place or getattr(finding, place[0]) in place[1:]


def _is_at_the_time(finding: Finding, truth: Planted) -> bool:
    began, ended = truth.began()[1], truth.ended
    if began is None or ended is None or finding.first_failed_date is None:
        return True
    last = finding.last_failed_date or finding.first_failed_date
    return finding.first_failed_date <= ended and last >= began


def is_of(finding: Finding, truth: Planted) -> bool:
    """Whether a finding lies where and when its defect was planted."""
    return (
        finding.check_id == truth.check_id
        and _is_in_place(finding, truth)
        and _is_at_the_time(finding, truth)
    )


@dataclass
class Tally:
    """How many were asked for, how many are right, and a line about each that is not."""

    asked: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)

    def note(self, is_right: bool, line: str) -> None:
        """Count one."""
        self.asked += 1
        self.right += is_right
        if not is_right:
            self.wrong.append(line)

    def __str__(self) -> str:
        return f"{self.right} of {self.asked}"


@dataclass
class Score:
    """What one intensity gave."""

    recall: Tally = field(default_factory=Tally)
    precision: Tally = field(default_factory=Tally)
    place: Tally = field(default_factory=Tally)
    share: Tally = field(default_factory=Tally)
    to_the_hour: Tally = field(default_factory=Tally)
    to_the_day: Tally = field(default_factory=Tally)
    impact: Tally = field(default_factory=Tally)
    worst_error: float = 0.0

    def lines(self) -> Iterator[str]:
        """Yield what is printed."""
        yield (
            f"recall {self.recall} = {self.recall.right / max(1, self.recall.asked):.3f};"
            f" precision {self.precision}; place {self.place};"
            f" begun, {_ROWS_AN_HOUR:g} failing rows an hour or more: to the hour"
            f" {self.to_the_hour}; fewer: to the day {self.to_the_day}; impact within"
            f" {_ERROR:.0%} or its interval {self.impact}, greatest error {self.worst_error:.2%};"
            f" measured as much as was planted {self.share}"
        )
        for what, tally in (
            ("missed", self.recall),
            ("said where nothing was planted", self.precision),
            ("place missed", self.place),
            ("less measured than planted", self.share),
            ("hour missed", self.to_the_hour),
            ("day missed", self.to_the_day),
            ("impact missed", self.impact),
        ):
            for line in tally.wrong:
                yield f"  {what}: {line}"


def _told(finding: Finding) -> str:
    return (
        f"{finding.check_id} at {finding.subject} {finding.detail}, {finding.first_failed_date} to"
        f" {finding.last_failed_date}: {finding.rows_failing} of {finding.rows_examined} rows"
    )


def count_beginning(score: Score, finding: Finding, truth: Planted, times: int = 1) -> None:
    """Count whether a finding begins with the first of the rows that were spoilt in its place."""
    began_at, began_on = truth.began(finding)
    if began_on is None or finding.first_failed_date is None:
        return
    rate = len(truth.places_of(finding)) * times / truth.hours
    line = (
        f"{truth.check_id} at {finding.subject} {finding.detail}, {rate:.1f} rows an hour: began"
        f" {began_at or began_on}, found {finding.first_failed_at or finding.first_failed_date}"
    )
    # a counter fails for whole days
    if began_at and truth.defect.thing is id and rate >= _ROWS_AN_HOUR:
        found = finding.first_failed_at
        score.to_the_hour.note(
            found is not None and abs((found - began_at).total_seconds()) < 3600, line
        )
    else:
        score.to_the_day.note(finding.first_failed_date == began_on, line)


def count_impact(score: Score, finding: Finding, truth: Planted, times: int = 1) -> None:
    """Count whether a corrected figure takes away what the rows of the finding's window added."""
    first = finding.first_failed_date
    if first is None or finding.estimate_of not in ("revenue", "events"):
        return
    last = finding.last_failed_date or first
    added = truth.revenue if finding.estimate_of == "revenue" else truth.events
    damage = times * sum(
        added[number]
        for number in truth.places_of(finding)
        if (on := _date(truth.rows[number])) and first <= on <= last
    )
    reported = finding.reported_value or 0.0
    corrected = finding.corrected_value or 0.0
    true = reported - damage
    error = abs(corrected - true) / abs(damage) if damage else float(corrected != true)
    low, high = finding.corrected_low or 0.0, finding.corrected_high or 0.0
    score.worst_error = max(score.worst_error, error)
    score.impact.note(
        error <= _ERROR or low <= true <= high,
        f"{truth.check_id}, {finding.estimate_of}: reported {reported:,.0f}, corrected"
        f" {corrected:,.0f} ({low:,.0f} to {high:,.0f}), true {true:,.0f}; error {error:.1%} of"
        " the damage",
    )


def _count(
    score: Score,
    rows: Rows,
    truths: Sequence[Planted],
    limits: dict[str, float],
    times: int,
) -> None:
    findings, measured = _audited(rows, times)
    for finding in findings:
        score.precision.note(
            any(is_of(finding, truth) for truth in truths)
            or any(
                finding.check_id in truth.defect.also and _is_at_the_time(finding, truth)
                for truth in truths
            ),
            _told(finding),
        )
    for truth in truths:
        check_id = truth.check_id
        own = [finding for finding in findings if finding.check_id == check_id]
        if truth.defect.place and own:
            score.place.note(any(_is_in_place(finding, truth) for finding in own), check_id)
        own = [finding for finding in own if is_of(finding, truth)]
        most = measured[check_id]
        share = most.rows_failing / most.rows_examined if most else 0.0
        score.share.note(
            share >= truth.share - _PLANTED_WITHIN,
            f"{check_id}: planted {truth.share:.2%}, measured {share:.2%}",
        )
        why = "" if own else _why_missed(truth, measured[check_id], limits[check_id])
        score.recall.note(bool(own), why)
        for finding in own:
            count_beginning(score, finding, truth, times)
            if check_id in _COUNTED:
                count_impact(score, finding, truth, times)


def limits_of(plan: Plan) -> dict[str, float]:
    """Return the share that each check allows, by catalogue and plan."""
    limits = {check.id: check.threshold.max_share or 0.0 for check in load_catalogue().checks}
    return limits | {
        "CRM03": 1 - min(f["min_fill_share"] for f in plan.rows("crm_fields")),
        "REC05": next(
            entry["max_unmatched_share"]
            for entry in plan.rows("reconciliations")
            if entry["table"] == "crm_contacts"
        ),
    }


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
    parser.add_argument(
        "--together", type=int, default=len(DEFECTS), help="kinds of defects in one build; 0: none"
    )
    parser.add_argument(
        "--alone",
        nargs="*",
        default=list(_COUNTED),
        help="kinds planted alone too, that begin so ('': all)",
    )
    parser.add_argument(
        "--kinds", nargs="+", default=[""], help="only of checks that begin so (OTH, SCH11)"
    )
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    defects = [d for d in DEFECTS if d.check_id.startswith(tuple(options.kinds))]
    alone = [d for d in defects if d.check_id.startswith(tuple(options.alone))]
    limits = limits_of(load_plan())
    print(
        f"{len(defects)} kinds of defects, {options.visits * options.times} visits a day,"
        f" {DAYS} days, {options.people * options.times} people, seed {options.seed}"
    )

    def month() -> Rows:
        return healthy(options.visits, options.people)

    for intensity in options.intensities:
        shares = {check_id: min(1.0, limit + intensity) for check_id, limit in limits.items()}
        for how, kinds, most in (("together", defects, options.together), ("alone", alone, 1)):
            if not kinds or not most:
                continue
            # a month is the same whatever was planted before it
            rng = random.Random(f"{options.seed} {intensity} {how}")
            score, builds = Score(), 0
            for rows, truths in planted_together(kinds, shares, most, rng, month):
                _count(score, rows, truths, limits, options.times)
                builds += 1
            heading = f"intensity {intensity:.1%}, {how} ({builds} builds): "
            print(heading + "\n".join(score.lines()), flush=True)
    for number in range(options.clean):
        findings, _ = _audited(healthy(options.visits + 7 * number, options.people), options.times)
        print(f"clean month {number + 1}: {len(findings)} false findings", flush=True)
        for finding in findings:
            print("  said falsely:", _told(finding))


if __name__ == "__main__":
    main()
