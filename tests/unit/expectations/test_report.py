"""What the report draws of a finding."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from expectations.catalogue import Catalogue
from expectations.plan import Plan
from expectations.plan_diff import Coverage, Covered
from expectations.report import spark, trend, write_report
from tests.unit.expectations.conftest import Audited

FIRST = dt.date(2026, 7, 1)


def days(failing_on: set[int], count: int) -> list[tuple[dt.date, int, int]]:
    """Days with a hundred rows each, ten of them failing on some."""
    return [
        (FIRST + dt.timedelta(days=day), 100, 10 if day in failing_on else 0)
        for day in range(count)
    ]


def bars(drawn: str) -> int:
    return len(re.findall("<rect", drawn))


def test_a_finding_that_ended_long_ago_is_drawn_where_it_was() -> None:
    drawn = str(spark(days({20, 21}, 180))[0])
    assert bars(drawn) == 2
    assert "2026-07-01 – 2026-08-05" in drawn


def test_a_finding_of_today_is_drawn_with_the_days_before_it() -> None:
    drawn = str(spark(days({20, 179}, 180))[0])
    assert bars(drawn) == 1
    assert "2026-09-29 – 2026-12-27" in drawn


def test_one_day_makes_no_chart() -> None:
    assert spark(days({0}, 1)) == ("", "")


def test_the_trend_ends_in_a_point_at_the_newest_score_and_tells_each() -> None:
    audits = [(dt.datetime(2026, 7, day, 6), score) for day, score in ((1, 0), (2, 100), (3, 50))]
    drawn = str(trend(audits))
    assert 'points="0.0,36.0 75.0,4.0 150.0,20.0"' in drawn
    assert '<circle cx="150.0" cy="20.0"' in drawn
    assert 'aria-label="2026-07-01 06:00: 0, 2026-07-02 06:00: 100, 2026-07-03 06:00: 50"' in drawn
    assert trend(audits[:1]) == ""


COVERED = Coverage(
    data_points=Covered("plan", "plan", 3, 3, ()),
    personas=(Covered("persona", "gift_buyer", 1, 1, ()), Covered("persona", "ours", 1, 1, ())),
    goals=(),
    touchpoints=(Covered("touchpoint", "product_page", 1, 1, ()),),
    events_observed=1,
    events_planned=1,
)


def _page(
    audited: Audited, plan: Plan, catalogue: Catalogue, folder: Path, accepted: str = ""
) -> str:
    """The page of an audit, after one that found the same; a check's findings accepted since."""
    outcome = audited.outcome
    found = [
        replace(f, state="accepted") if f.check_id == accepted else f for f in outcome.findings
    ]
    now = dt.datetime(2026, 2, 10, 6)
    page = write_report(
        folder, plan=plan, catalogue=catalogue, results=outcome.results, findings=found,
        score=outcome.score, scores=[(now, outcome.score.points)] * 2, daily=[], samples=[],
        evidence=[], covered=COVERED,
        stitched=[
            {"figure_id": name, "category": size, "source": None, "n": 9, "hit_count": hits,
             "share": 0.5, "ci_low": None, "ci_high": None}
            for name, size, hits in (
                ("customers_known", None, 9), ("ids_merged", None, 0), ("ids_split", None, 0),
                ("component_size", "1", 5), ("component_size", "11-20", 1),
                ("component_size", "2", 1), ("component_size", "3-5", 2),
            )
        ],
        month=None, trusted=[], previous=outcome.findings, blocked=outcome.blocked, now=now,
    )  # fmt: skip
    return page.read_text(encoding="utf-8")


def test_a_blocked_audit_says_by_what_and_what_to_do(
    audited: Callable[[str], Audited], plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    page = _page(audited("ill"), plan, catalogue, tmp_path)
    assert '<a href="#STR01">STR01</a>' in page
    assert "cxw audit accept STR01 --until" in page
    healthy = _page(audited("healthy"), plan, catalogue, tmp_path)
    assert "cxw audit accept" not in healthy


def test_what_was_accepted_since_the_last_audit_is_told(
    audited: Callable[[str], Audited], plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    unchanged = _page(audited("ill"), plan, catalogue, tmp_path)
    assert "No finding came, grew, was accepted or ended." in unchanged
    check = next(f.check_id for f in audited("ill").outcome.findings if f.is_open)
    page = _page(audited("ill"), plan, catalogue, tmp_path, accepted=check)
    since = page.split('<section class="comparison">')[1].split("</section>")[0]
    assert "hyväksyttiin" in since
    assert set(re.findall('href="#([A-Z0-9]+)"', since)) == {check}


def test_sizes_stand_in_the_order_of_their_numbers(
    audited: Callable[[str], Audited], plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    page = _page(audited("healthy"), plan, catalogue, tmp_path)
    known = page.split('<section class="stitched">')[1].split("</section>")[0]
    assert re.findall("<td>([0-9-]+)</td>", known) == ["1", "2", "3-5", "11-20"]


def test_the_coverage_names_personas_and_touchpoints_as_people_do(
    audited: Callable[[str], Audited], plan: Plan, catalogue: Catalogue, tmp_path: Path
) -> None:
    page = _page(audited("healthy"), plan, catalogue, tmp_path)
    covered = page.split('<section class="coverage">')[1].split("</section>")[0]
    assert '<span class="en" lang="en">Gift buyer</span>' in covered
    assert '<span class="fi" lang="fi">Lahjan ostaja</span>' in covered
    assert "product_page" not in covered
    # A persona that only the plan knows goes by its id.
    assert '<th scope="row">ours ' in covered
