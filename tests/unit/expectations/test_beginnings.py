"""The beginning of a defect is the hour from which on more rows fail, not the first failing row."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
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


def test_a_defect_that_seldom_fails_pauses_for_longer(finding: Finding) -> None:
    def hours(bursts: set[tuple[int, int]]) -> list[dict[str, Any]]:
        return [
            _hour(day, hour, 100, 20 if (day, hour) in bursts else 0)
            for day in range(6, 15)
            for hour in range(7, 22)
        ]

    finding = replace(finding, last_failed_date=dt.date(2026, 3, 14))
    seldom = {(10, 18), (12, 20), (13, 17), (14, 14)}
    (found,) = with_beginnings([finding], hours(seldom))
    assert found.first_failed_at == dt.datetime(2026, 3, 10, 18, 7)
    # what fails every hour does not pause for two days: a burst before is something else
    steady = {(12, hour) for hour in range(20, 22)} | {(d, h) for d in (13, 14) for h in range(24)}
    (found,) = with_beginnings([finding], hours({(10, 18), *steady}))
    assert found.first_failed_at == dt.datetime(2026, 3, 12, 20, 7)


def test_what_comes_in_rare_bursts_is_found_to_the_day(finding: Finding) -> None:
    chance = random.Random(7)
    told = right = 0
    while told < 200:
        release = chance.randrange(8, 14)
        hours, bursts = [], []
        for day in range(5, 20):
            for hour in range(7, 22):
                is_ill = (day, hour) >= (11, release) and day < 19 and chance.random() < 0.03
                hours.append(_hour(day, hour, 100, 20 if is_ill else 0))
                bursts += [(day, hour)] * is_ill
        # what a week's failing days are found by
        proven = [dt.date(2026, 3, day) for day, _ in bursts if day >= 12]
        if len(bursts) < 4 or not proven:
            continue
        found = replace(finding, first_failed_date=proven[0], last_failed_date=proven[-1])
        (begun,) = with_beginnings([found], hours)
        told += 1
        right += begun.first_failed_date == dt.date(2026, 3, bursts[0][0])
    assert right >= 0.97 * told


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
