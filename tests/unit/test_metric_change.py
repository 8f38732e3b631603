"""Periods as people write them, and which of them can stand beside each other."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from orchestration.errors import WarehouseError
from orchestration.metric_change import Period, pair_of


@pytest.mark.parametrize(
    ("text", "kind", "start"),
    [
        ("2024-02-29", "day", dt.date(2024, 2, 29)),
        ("2025-W01", "week", dt.date(2024, 12, 30)),
        ("2020W53", "week", dt.date(2020, 12, 28)),
        ("2026-10", "month", dt.date(2026, 10, 1)),
        ("2026-q4", "quarter", dt.date(2026, 10, 1)),
    ],
)
def test_a_period_is_read_by_its_first_day(text: str, kind: str, start: dt.date) -> None:
    period = Period.parse(text)
    assert (period.kind, period.start) == (kind, start)
    assert Period.parse(str(period)) == period


@pytest.mark.parametrize("text", ["2026", "2026-13", "2025-W53", "2026-02-30", "2026-Q5", "May"])
def test_what_is_no_period_is_said_so(text: str) -> None:
    with pytest.raises(WarehouseError, match="is no period") as raised:
        Period.parse(text)
    assert "2026-W41" in raised.value.remedy


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [("2026-10", "2026-W41", "a month and"), ("2026-10", "2026-10", "are one period")],
)
def test_periods_that_cannot_be_compared_are_refused(before: str, after: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        pair_of(before, after)


def test_a_home_without_a_warehouse_says_what_to_do(cxw: Any, tmp_path: Path) -> None:
    answer = cxw(tmp_path, "metrics", "change", "nps", "--from", "2026-09", "--to", "2026-10")
    assert answer.returncode == 1
    assert "cxw run" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert cxw(tmp_path, "metrics", "change", "nps").returncode == 2
