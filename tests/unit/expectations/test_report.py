"""What the report draws of a finding."""

from __future__ import annotations

import datetime as dt
import re

from expectations.report import spark

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
    drawn = str(spark(days({20, 21}, 180)))
    assert bars(drawn) == 2
    assert "2026-07-01 – 2026-08-05" in drawn


def test_a_finding_of_today_is_drawn_with_the_days_before_it() -> None:
    drawn = str(spark(days({20, 179}, 180)))
    assert bars(drawn) == 1
    assert "2026-09-29 – 2026-12-27" in drawn


def test_one_day_makes_no_chart() -> None:
    assert spark(days({0}, 1)) == ""
