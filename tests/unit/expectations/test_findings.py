"""A finding's state follows it from audit to audit."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from expectations import findings as store
from expectations.catalogue import Catalogue
from expectations.findings import Finding
from expectations.guards import Guards
from expectations.gx_engine import Judgement
from expectations.plan import Plan
from expectations.score import grade_of, score_of
from expectations.suites import Expectation, expectations_for

NOW = dt.datetime(2026, 3, 20, 6)
NEWEST = dt.date(2026, 3, 19)


def _period(**changes: Any) -> dict[str, Any]:
    return {
        "check_id": "COL03",
        "model_name": "int_audit_web_events_judged",
        "source": "ga4",
        "platform": "web",
        "subject": None,
        "detail": None,
        "period_type": "day",
        "period_start": NEWEST,
        "rows_examined": 1000,
        "rows_failing": 100,
        "value": None,
        "first_failed_date": NEWEST,
        "last_failed_date": NEWEST,
        "first_failed_at": dt.datetime(2026, 3, 19, 8),
        "last_failed_at": dt.datetime(2026, 3, 19, 9),
    } | changes


def _judged(*rows: dict[str, Any]) -> list[Judgement]:
    expectation = Expectation("COL03", "collection", "t", "q", "critical", "d")
    return [Judgement(expectation, not rows, list(rows))]


def _find(
    plan: Plan, catalogue: Catalogue, previous: list[Finding], *rows: dict[str, Any]
) -> list[Finding]:
    newest = {("COL03", "ga4"): NEWEST}
    guards = Guards(catalogue, plan)
    return store.find(_judged(*rows), guards, previous, newest, "a2", NOW)


def test_a_finding_is_new_then_ongoing_then_solved(plan: Plan, catalogue: Catalogue) -> None:
    first = _find(plan, catalogue, [], _period())
    second = _find(plan, catalogue, first, _period())
    third = _find(plan, catalogue, second)
    assert [f[0].state for f in (first, second, third)] == ["new", "ongoing", "solved"]
    assert first[0].finding_id == third[0].finding_id
    assert third[0].first_seen_at == first[0].first_seen_at


def test_a_defect_that_has_been_quiet_for_a_week_is_solved(
    plan: Plan, catalogue: Catalogue
) -> None:
    old = NEWEST - dt.timedelta(days=8)
    found = _find(plan, catalogue, [], _period(first_failed_date=old, last_failed_date=old))
    assert [f.state for f in found] == ["solved"]


def test_an_accepted_finding_is_neither_open_nor_forgotten(
    plan: Plan, catalogue: Catalogue
) -> None:
    data = dict(plan.data) | {
        "accepted": [{"check": "COL03", "until": "2026-04-01", "why": "new tag in April"}]
    }
    found = _find(replace(plan, data=data), catalogue, [], _period())
    assert (found[0].state, found[0].accepted_why) == ("accepted", "new tag in April")
    data["accepted"][0]["until"] = "2026-03-01"
    found = _find(replace(plan, data=data), catalogue, [], _period())
    assert found[0].state == "new"


def test_the_shortest_periods_that_explain_the_failures_locate_it(
    plan: Plan, catalogue: Catalogue
) -> None:
    month = _period(
        period_type="all",
        rows_examined=30000,
        rows_failing=110,
        first_failed_date=dt.date(2026, 2, 20),
    )
    found = _find(plan, catalogue, [], _period(), month)
    assert found[0].first_failed_date == NEWEST
    assert found[0].rows_examined == 1000


def test_weeks_that_overlap_count_their_rows_once_and_keep_the_most_failures(
    plan: Plan, catalogue: Catalogue
) -> None:
    first = dt.date(2026, 2, 26)
    failing = {0: 20, 1: 30, 4: 40, 7: 25, 8: 45, 20: 5}
    weeks = [
        _period(
            period_type="week",
            period_start=first + dt.timedelta(days=start),
            first_failed_date=first + dt.timedelta(days=start),
            last_failed_date=first + dt.timedelta(days=start + 6),
            rows_failing=rows,
        )
        for start, rows in failing.items()
    ]
    (found,) = _find(plan, catalogue, [], *weeks)
    # those of days 1 and 8 (75 rows) hold more than that of day 4 (40), or of days 0 and 7 (45)
    assert (found.rows_failing, found.rows_examined, found.periods_failing) == (80, 3000, 3)
    assert found.first_failed_date == first + dt.timedelta(days=1)


def test_the_store_gives_back_what_it_was_given(
    plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    found = _find(plan, catalogue, [], _period())
    store.append(tmp_path, "a2", found)
    assert store.read_store(tmp_path) == found


def test_a_defect_at_a_key_touchpoint_comes_before_the_same_elsewhere(
    plan: Plan, catalogue: Catalogue
) -> None:
    found = _find(plan, catalogue, [], _period(subject="scroll"), _period(subject="purchase"))
    assert [finding.subject for finding in found] == ["purchase", "scroll"]


def test_a_score_falls_by_severity_and_rises_when_defects_end(
    plan: Plan, catalogue: Catalogue
) -> None:
    everything = {check.id for check in catalogue.checks}
    found = _find(plan, catalogue, [], _period())
    ended = [replace(found[0], state="solved")]
    whole = score_of([], catalogue, everything)
    assert whole.points == 100
    assert score_of(found, catalogue, everything).points < whole.points
    assert (
        score_of(found, catalogue, everything).points
        <= score_of(ended, catalogue, everything).points
    )


@pytest.mark.parametrize(("points", "grade"), [(90, "A"), (89.9, "B"), (50, "E"), (0, "F")])
def test_grades_follow_points(points: float, grade: str) -> None:
    assert grade_of(points) == grade


def test_the_plan_sets_the_share_of_orders_that_may_be_unseen(
    plan: Plan, catalogue: Catalogue
) -> None:
    data = dict(plan.data)
    data["reconciliations"] = [
        {"id": "orders", "goal": "web_purchase", "table": "orders", "max_unmatched_share": 0.07}
    ]
    queries = [
        e.query
        for e in expectations_for(replace(plan, data=data), catalogue, NOW.replace(tzinfo=dt.UTC))
        if e.check_id == "REC01"
    ]
    assert len(queries) == 1
    assert "failing_share_low > 0.07" in queries[0]
