"""The audit's benchmark plants what it says, and counts as found only what is right.

Nothing is built here: planting and counting are looked at by themselves.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import fields
from itertools import pairwise
from math import ceil
from typing import Any

import pytest

from expectations.catalogue import load_catalogue
from expectations.findings import Finding
from expectations.plan import load_plan
from tests.benchmarks.audit import (
    DEFECTS,
    Defect,
    Planted,
    Score,
    count_beginning,
    count_impact,
    is_of,
    limits_of,
    plant,
    planted_together,
)
from tests.unit.expectations.conftest import healthy
from tests.unit.expectations.warehouse import Rows, at, day

EVENTS = "int_web_events_landed"


def month() -> Rows:
    return healthy(visits=24, people=60)


def events(per_hour: int) -> Rows:
    """A month with so many purchases of 50 in each hour from eight to eight."""
    rows = Rows()
    for number in range(35):
        for hour in range(8, 20):
            for one in range(per_hour):
                rows.add(
                    EVENTS,
                    web_event_key=f"{number}.{hour}.{one}",
                    event_name="purchase",
                    event_value=50.0,
                    event_date=day(number),
                    occurred_at=at(number, 3600 * hour + 60 * one),
                    device_category="mobile" if one % 2 else "desktop",
                )
    return rows


def without_value(row: dict[str, Any]) -> None:
    row["event_value"] = None


LOST = Defect("GOL04", EVENTS, lambda row: True, without_value)


def planted(defect: Defect = LOST, share: float = 0.25, per_hour: int = 40) -> Planted:
    truth = plant(events(per_hour), defect, share, random.Random(4), set())
    assert truth
    return truth


def finding_of(truth: Planted, **values: Any) -> Finding:
    """A finding that says what is true, but for some values."""
    began_at, began_on = truth.began()
    last = truth.ended
    told: dict[str, Any] = dict.fromkeys(one.name for one in fields(Finding))
    told |= {
        "check_id": truth.check_id,
        "source": "ga4",
        "platform": "web",
        "subject": "purchase",
        "first_failed_at": began_at,
        "first_failed_date": began_on,
        "last_failed_date": last,
    }
    return Finding(**(told | values))


def test_at_least_forty_kinds_are_planted_each_in_one_month_and_no_row_by_two() -> None:
    limits = limits_of(load_plan())
    shares = {check_id: min(1.0, limit + 0.2) for check_id, limit in limits.items()}
    seen: list[str] = []
    for _, truths in planted_together(DEFECTS, shares, 99, random.Random(1), month):
        breaks = [(truth.check_id, check) for truth in truths for check in truth.defect.also]
        together = {truth.check_id for truth in truths}
        assert not [pair for pair in breaks if pair[1] in together]
        rows = [id(row) for truth in truths if not truth.defect.copies for row in truth.rows]
        assert len(rows) == len(set(rows))
        seen += together
    assert sorted(seen) == sorted(defect.check_id for defect in DEFECTS)
    assert len(seen) >= 40


def test_other_checks_that_a_kind_fails_are_checks() -> None:
    known = {check.id for check in load_catalogue().checks}
    for defect in DEFECTS:
        assert set(defect.also) <= known - {defect.check_id}


@pytest.mark.parametrize("share", [0.005, 0.01, 0.3, 1.0])
def test_on_the_whole_days_of_the_window_no_less_fails_than_was_asked_for(share: float) -> None:
    rows = events(per_hour=2)
    truth = plant(rows, LOST, share, random.Random(2), set())
    assert truth
    first = truth.began()[1]
    assert first
    begun = min(on for row in truth.rows if (on := row["event_date"]))
    week = {begun + dt.timedelta(days=n) for n in range(1, 8)}
    failing = [row for row in truth.rows if row["event_date"] in week]
    examined = [row for row in rows.tables[EVENTS] if row["event_date"] in week]
    assert len(failing) == ceil(share * len(examined))
    assert all(row["event_value"] is None for row in failing)


def test_few_rows_are_spread_over_the_whole_window() -> None:
    for seed in range(20):
        truth = plant(events(per_hour=2), LOST, 0.05, random.Random(seed), set())
        assert truth
        # nine of seven days, and at least one of the day before
        assert len(truth.rows) in (10, 11)
        days = sorted({row["event_date"] for row in truth.rows})
        pauses = [after - before for before, after in pairwise(days)]
        assert max(pauses) <= dt.timedelta(days=2)


def test_of_rows_and_failing_copies_the_share_fails() -> None:
    rows = events(per_hour=2)
    before = len(rows.tables[EVENTS])
    copied = Defect("COL03", EVENTS, lambda row: True, lambda row: None, copies=True)
    truth = plant(rows, copied, 0.2, random.Random(2), set())
    assert truth
    assert len(rows.tables[EVENTS]) == before + len(truth.rows)
    in_window = [row for row in truth.rows if row["event_date"] == truth.ended]
    of_that_day = [row for row in rows.tables[EVENTS] if row["event_date"] == truth.ended]
    assert 0.1 < len(in_window) / len(of_that_day) < 0.3
    assert truth.events == [1] * len(truth.rows)
    assert truth.revenue == [50.0] * len(truth.rows)


def test_where_others_left_too_few_rows_nothing_is_planted() -> None:
    rows = events(per_hour=2)
    spoilt: set[int] = set()
    assert plant(rows, LOST, 0.6, random.Random(3), spoilt)
    lost = sum(row["event_value"] is None for row in rows.tables[EVENTS])
    # the same window
    assert plant(rows, LOST, 0.6, random.Random(3), spoilt) is None
    assert sum(row["event_value"] is None for row in rows.tables[EVENTS]) == lost
    with pytest.raises(ValueError, match="too few rows for GOL04"):
        list(planted_together([LOST], {"GOL04": 0.5}, 1, random.Random(3), Rows))


def test_a_beginning_is_right_to_the_hour_where_ten_rows_an_hour_fail() -> None:
    truth = planted()
    began, on = truth.began()
    assert began
    assert on
    for late, right in ((0, 1), (59, 1), (61, 0), (-61, 0), (24 * 60, 0)):
        score = Score()
        said = began + dt.timedelta(minutes=late)
        count_beginning(score, finding_of(truth, first_failed_at=said), truth)
        assert (score.to_the_hour.asked, score.to_the_hour.right) == (1, right), late
        assert score.to_the_day.asked == 0


def test_a_beginning_is_right_to_the_day_where_fewer_fail() -> None:
    truth = planted(per_hour=4)
    _, on = truth.began()
    assert on
    for late, right in ((0, 1), (1, 0), (-1, 0)):
        score = Score()
        said = on + dt.timedelta(days=late)
        count_beginning(score, finding_of(truth, first_failed_date=said), truth)
        assert (score.to_the_day.asked, score.to_the_day.right) == (1, right)
    # twenty times as many customers: ten an hour
    score = Score()
    count_beginning(score, finding_of(truth), truth, times=20)
    assert score.to_the_hour.asked == 1


def test_a_finding_of_some_rows_begins_with_the_first_of_them() -> None:
    truth = planted()
    mobile = [row for row in truth.rows if row["device_category"] == "mobile"]
    first = min(row["occurred_at"] for row in mobile)
    assert truth.began(finding_of(truth, detail="mobile"))[0] == first
    # what no row bears says nothing of them; a counter's number is of the repetition
    assert truth.began(finding_of(truth, detail="no such thing")) == truth.began()
    assert truth.began(finding_of(truth, detail="mobile-7"))[0] == first


def test_only_what_lies_where_and_when_it_was_planted_is_found() -> None:
    placed = Defect("GOL04", EVENTS, lambda row: True, without_value, place=("subject", "purchase"))
    truth = planted(placed)
    began, ended = truth.began()[1], truth.ended
    assert began
    assert ended
    assert is_of(finding_of(truth), truth)
    assert not is_of(finding_of(truth, check_id="GOL03"), truth)
    assert not is_of(finding_of(truth, subject="refund"), truth)
    late = {"first_failed_date": ended + dt.timedelta(days=1)}
    late["last_failed_date"] = late["first_failed_date"]
    assert not is_of(finding_of(truth, **late), truth)


@pytest.mark.parametrize(("off", "margin", "right"), [(0.04, 0, 1), (0.06, 0, 0), (0.06, 0.07, 1)])
def test_a_corrected_figure_is_right_within_five_hundredths_or_its_interval(
    off: float, margin: float, right: int
) -> None:
    truth = planted()
    damage = 50.0 * len(truth.rows)
    assert -sum(truth.revenue) == damage
    corrected = 1000.0 + damage * (1 + off)
    score = Score()
    told = finding_of(
        truth,
        estimate_of="revenue",
        reported_value=1000.0,
        corrected_value=corrected,
        corrected_low=corrected - damage * margin,
        corrected_high=corrected + damage * margin,
    )
    count_impact(score, told, truth)
    assert (score.impact.asked, score.impact.right) == (1, right)
    assert score.worst_error == pytest.approx(off)
