"""The beginning of a defect is the hour from which on more rows fail, not the first failing row."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from expectations.beginnings import first_of_step, with_beginnings
from expectations.catalogue import Catalogue
from expectations.findings import Finding, find
from expectations.guards import Guards
from expectations.gx_engine import Judgement
from expectations.plan import Plan
from expectations.suites import Expectation

PROVEN = dt.date(2026, 3, 12)
PLACE = {
    "check_id": "COL03", "source": "ga4", "platform": "web", "subject": None, "detail": None,
}  # fmt: skip


def _hour(day: int, hour: int, examined: int, failing: int) -> dict[str, Any]:
    at = dt.datetime(2026, 3, day, hour)
    return PLACE | {
        "event_date": at.date(),
        "event_hour": at,
        "rows_examined": examined,
        "rows_failing": failing,
        "first_failed_at": at + dt.timedelta(minutes=7) if failing else None,
    }


def _day(day: int, examined: int, failing: int = 0) -> dict[str, Any]:
    """A day without failures, or of records that have no time."""
    return _hour(day, 0, examined, failing) | {"event_hour": None, "first_failed_at": None}


@pytest.fixture
def finding(plan: Plan, catalogue: Catalogue) -> Finding:
    """Something that the audit proved of one day."""
    failing = PLACE | {
        "model_name": "int_audit_web_events_judged",
        "period_type": "day",
        "period_start": PROVEN,
        "rows_examined": 900,
        "rows_failing": 120,
        "value": None,
        "first_failed_date": PROVEN,
        "last_failed_date": PROVEN,
        "first_failed_at": dt.datetime(2026, 3, 12, 0, 30),
        "last_failed_at": dt.datetime(2026, 3, 12, 23),
    }
    judged = Judgement(
        Expectation("COL03", "collection", "t", "q", "critical", "d"), False, [failing]
    )
    newest = {("COL03", "ga4"): PROVEN}
    return find([judged], Guards(catalogue, plan), [], newest, "a", dt.datetime(2026, 3, 13))[0]


def test_what_failed_by_itself_before_is_not_the_beginning(finding: Finding) -> None:
    hours = [_day(day, 900) for day in (9, 10, 11)]
    hours += [_hour(12, hour, 40, 1 if hour == 0 else 0) for hour in range(10)]
    hours += [_hour(12, hour, 40, 12) for hour in range(10, 20)]
    (found,) = with_beginnings([finding], hours)
    assert found.first_failed_at == dt.datetime(2026, 3, 12, 10, 7)
    assert found.first_failed_date == PROVEN


def test_what_began_in_the_evening_before_the_day_that_proves_it_is_found(finding: Finding) -> None:
    hours = [_day(10, 900), *(_hour(11, hour, 40, 12 if hour >= 21 else 0) for hour in range(24))]
    hours += [_hour(12, hour, 40, 12) for hour in range(24)]
    (found,) = with_beginnings([finding], reversed(hours))
    assert found.first_failed_at == dt.datetime(2026, 3, 11, 21, 7)
    assert found.first_failed_date == dt.date(2026, 3, 11)


def test_a_defect_that_pauses_begins_with_its_first_burst(finding: Finding) -> None:
    hours = [_day(10, 900), *(_hour(11, hour, 40, 12 if hour == 20 else 0) for hour in range(24))]
    hours += [_hour(12, hour, 40, 12 if hour % 3 else 0) for hour in range(24)]
    (found,) = with_beginnings([finding], hours)
    assert found.first_failed_at == dt.datetime(2026, 3, 11, 20, 7)


def test_records_without_a_time_begin_on_a_day(finding: Finding) -> None:
    (found,) = with_beginnings([finding], [_day(10, 200), _day(11, 200, 60), _day(12, 200, 60)])
    assert (found.first_failed_at, found.first_failed_date) == (None, dt.date(2026, 3, 11))


def test_where_nothing_changed_the_first_failing_row_stays_the_beginning(finding: Finding) -> None:
    hours = [_hour(12, hour, 40, 5) for hour in range(24)]
    assert with_beginnings([finding], hours) == [finding]
    assert with_beginnings([finding], []) == [finding]
    # of another place
    others = [row | {"platform": "app"} for row in hours[:10]] + [
        _hour(12, hour, 40, 20) | {"platform": "app"} for hour in range(10, 24)
    ]
    assert with_beginnings([finding], others) == [finding]


def test_a_share_that_falls_is_no_beginning() -> None:
    assert first_of_step([(40, 12)] * 10 + [(40, 0)] * 10) is None
    assert first_of_step([]) is None
    assert first_of_step([(40, 40)]) is None


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_step_to_ten_failing_rows_an_hour_is_found_to_the_hour(noise: float) -> None:
    chance = random.Random(5)

    def fails(rows: int, share: float) -> int:
        return sum(chance.random() < share for _ in range(rows))

    right = 0
    for _ in range(200):
        step = chance.randrange(24, 96)
        counts = [(100, fails(100, noise)) for _ in range(step)]
        counts += [(100, fails(100, 0.1)) for _ in range(120 - step)]
        found = first_of_step(counts)
        right += found is not None and abs(found - step) <= 1
    assert right >= 196


def test_chance_alone_seldom_makes_a_beginning() -> None:
    chance = random.Random(6)
    told = sum(
        first_of_step([(50, sum(chance.random() < 0.04 for _ in range(50))) for _ in range(200)])
        is not None
        for _ in range(300)
    )
    assert told <= 9
