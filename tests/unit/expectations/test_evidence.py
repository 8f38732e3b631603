"""A finding says since when, where and why, and what it did to the numbers."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from expectations.catalogue import Catalogue, load_catalogue
from expectations.causes import CAUSES, gather
from expectations.findings import Finding
from expectations.impact import with_impact
from tests.unit.expectations.conftest import Audited

FIRST = dt.date(2026, 3, 1)


def _days(*failing: int) -> list[tuple[dt.date, int, int]]:
    return [(FIRST + dt.timedelta(days=n), 100, rows) for n, rows in enumerate(failing)]


def _found(outcome: Audited, check_id: str, **place: str) -> Finding:
    return next(
        finding
        for finding in outcome.outcome.findings
        if finding.check_id == check_id
        and all(getattr(finding, name) == value for name, value in place.items())
    )


def test_many_failures_after_clean_days_began_and_a_rare_one_was_only_first_seen() -> None:
    assert gather([], _days(0, 0, 0, 0, 30, 30), {}, FIRST).has_beginning
    assert not gather([], _days(0, 0, 0, 0, 1, 0, 0, 1), {}, FIRST).has_beginning
    assert not gather([], _days(30, 30, 30), {}, FIRST).has_beginning


def _row(column: str, value: str, share: float) -> dict[str, object]:
    return {"evidence_column": column, "evidence_value": value, "share_of_failing": share}


def test_a_browser_explains_a_defect_only_where_it_is_not_everybodys_browser() -> None:
    rows = [_row("browser", "Safari", 0.98)]
    assert "browser" in gather(rows, [], {("browser", "Safari"): 0.3}, FIRST).places
    assert "browser" not in gather(rows, [], {("browser", "Safari"): 0.97}, FIRST).places


def test_pages_are_named_by_what_they_share() -> None:
    rows = [_row("page_path", "/kassa/maksu", 0.5), _row("page_path", "/kassa/kiitos", 0.45)]
    assert gather(rows, [], {}, FIRST).places["page"] == ("/kassa", pytest.approx(0.95))
    rows = [_row("page_path", "/kassa/maksu", 0.5), _row("page_path", "/tuote/17", 0.5)]
    assert "page" not in gather(rows, [], {}, FIRST).places


def test_a_finding_names_the_places_that_its_evidence_names(
    audited: Callable[[str], Audited],
) -> None:
    findings = audited("ill").outcome.findings
    placed = [f for f in findings if f.page_prefix]
    assert placed
    assert all(f"pages under {f.page_prefix} (" in str(f.cause) for f in placed)
    assert all(f.page_prefix is None for f in findings if "pages under" not in str(f.cause))


def test_every_cause_belongs_to_checks_that_exist() -> None:
    import yaml

    known = set(load_catalogue().by_id)
    for entry in yaml.safe_load(CAUSES.read_text(encoding="utf-8"))["causes"]:
        assert set(entry["checks"]) <= known
        assert set(entry["when"]) <= {
            "page", "browser", "device_category", "app_version", "platform", "began", "all_rows",
        }  # fmt: skip
        assert entry["en"]
        assert entry["fi"]


def test_every_finding_names_a_cause_in_both_languages(audited: Callable[[str], Audited]) -> None:
    for finding in audited("ill").outcome.findings:
        assert finding.cause
        assert finding.cause_fi
        assert finding.cause != finding.cause_fi


def test_a_step_is_told_with_its_hour(audited: Callable[[str], Audited]) -> None:
    cause = _found(audited("ill"), "COL03").cause
    assert cause is not None
    assert cause.startswith("Began 2026-01-09 07:")


def test_purchases_sent_twice_are_taken_out_of_revenue(audited: Callable[[str], Audited]) -> None:
    # Ten purchases of 50 each came again on the twentieth day.
    found = _found(audited("ill"), "GOL02")
    assert (found.affected_conversions, found.affected_revenue) == (10, 500.0)
    assert found.reported_value is not None
    assert found.corrected_value == found.corrected_low == found.corrected_high
    assert found.corrected_value == found.reported_value - 500.0


def test_orders_that_analytics_never_saw_are_added(audited: Callable[[str], Audited]) -> None:
    found = _found(audited("ill"), "REC03", detail="paytrail")
    assert found.affected_conversions
    assert found.affected_revenue is not None
    assert found.affected_revenue == pytest.approx(50.0 * found.affected_conversions)
    assert found.corrected_value == pytest.approx(
        (found.reported_value or 0) + found.affected_revenue
    )


def test_what_is_counted_too_often_is_taken_from_the_whole_window(
    audited: Callable[[str], Audited],
) -> None:
    found = _found(audited("ill"), "COL04")
    assert found.first_failed_date is not None
    assert found.last_failed_date is not None
    assert (found.reported_value or 0) - (found.corrected_value or 0) == found.rows_failing
    # of a day before, which proves nothing by itself, views are in the window that do not fail
    longer = replace(found, first_failed_date=found.first_failed_date - dt.timedelta(days=1))
    (longer,) = with_impact([longer], audited("ill").warehouse)
    assert (longer.reported_value or 0) > (found.reported_value or 0)
    assert (longer.reported_value or 0) - (longer.corrected_value or 0) == found.rows_failing
    # and a window without any of them has nothing to take away
    days = dt.timedelta(days=3)
    early = replace(
        found,
        first_failed_date=found.first_failed_date - 2 * days,
        last_failed_date=found.first_failed_date - days,
    )
    (early,) = with_impact([early], audited("ill").warehouse)
    assert early.reported_value == early.corrected_value


def test_a_silent_day_is_estimated_with_an_interval(audited: Callable[[str], Audited]) -> None:
    # Sixty answers came on every other day.
    found = _found(audited("ill"), "SCH02", subject="content_feedback")
    assert found.estimate_of == "events"
    assert found.corrected_value == pytest.approx(60, abs=3)
    assert found.corrected_low is not None
    assert found.corrected_high is not None
    assert found.corrected_low < 60 < found.corrected_high


def test_values_off_by_a_hundred_are_corrected_from_the_orders(
    audited: Callable[[str], Audited],
) -> None:
    found = _found(audited("ill"), "GOL10")
    assert found.affected_conversions == 5
    assert found.affected_revenue == pytest.approx(5 * (5000 - 50))


def test_the_report_holds_coverage_and_cause_and_json_the_same(
    audited: Callable[[str], Audited], catalogue: Catalogue
) -> None:
    outcome = audited("ill").outcome
    page = outcome.report.read_text(encoding="utf-8")
    assert "Coverage of the measurement plan" in page
    assert "Mittaussuunnitelman kattavuus" in page
    machine = json.loads((outcome.report.parent / "audit.json").read_text(encoding="utf-8"))
    assert machine["coverage"]["data_points"]["planned"] > 20
    assert 0.9 < machine["coverage"]["volume_share"] < 1
    assert len(machine["checks"]) == len(catalogue.checks)
    touchpoints = machine["coverage"]["touchpoints"]
    seen = [one for one in touchpoints if one["observed"]]
    assert 0 < machine["coverage"]["touchpoint_share"] == len(seen) / len(touchpoints)


def test_the_report_can_be_heard_used_by_keyboard_and_read_in_finnish(
    audited: Callable[[str], Audited],
) -> None:
    page = audited("ill").outcome.report.read_text(encoding="utf-8")
    assert page.count("<main") == 1
    assert not re.search(r"<th[^>]*>\s*</th>", page)
    assert not re.search(r"(?:src|href)=\"https?:", page)
    for picture in re.findall(r"<svg[^>]*>", page):
        assert 'role="img"' in picture
        assert re.search(r'aria-label="[^"]+"', picture)
    for choice in ("language-en", "language-fi"):
        assert f'<input type="radio" name="language" id="{choice}"' in page
        assert f'<label for="{choice}">' in page
    english = len(re.findall(r'<span class="en"', page))
    assert english > 100
    assert english == len(re.findall(r'<span class="fi"', page))
    named = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'(?:href="#|aria-labelledby=")([^"]+)"', page)) <= named
