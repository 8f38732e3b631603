"""What the report draws of a finding."""

from __future__ import annotations

import datetime as dt
import re

from expectations.report import spark, trend

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


def test_the_trend_ends_in_a_point_at_the_newest_score_and_tells_each() -> None:
    audits = [(dt.datetime(2026, 7, day, 6), score) for day, score in ((1, 0), (2, 100), (3, 50))]
    drawn = str(trend(audits))
    assert 'points="0.0,36.0 75.0,4.0 150.0,20.0"' in drawn
    assert '<circle cx="150.0" cy="20.0"' in drawn
    assert 'aria-label="2026-07-01 06:00: 0, 2026-07-02 06:00: 100, 2026-07-03 06:00: 50"' in drawn
    assert trend(audits[:1]) == ""
