"""VOL02 over simulated years: what it says of clean ones, and what it finds in spoilt ones.

The years are drawn without a look at the check: trends, weekdays, the seasons, holidays of every
strength, days on which the whole site is busier, and counts that scatter more than chance alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from expectations.plan import Plan
from tests.unit.expectations.warehouse import Rows, build

YEARS = 5
SERIES = 70
SPOILT_SERIES = 20

# What the planted days were multiplied by.
FACTORS = (0.0, 0.3, 3.0)
_FINNISH_FEASTS = ((1, 1), (1, 6), (5, 1), (12, 6), (12, 24), (12, 25), (12, 26))
_FIRST_YEAR = 2006

Row = tuple[Any, ...]
Numbers = npt.NDArray[np.float64]


def _drawn(rng: np.random.Generator, first: dt.date, days: int) -> Numbers:
    """One series of daily counts as an honest tag would send it."""
    numbers = np.arange(days)
    dates = [first + dt.timedelta(days=int(n)) for n in numbers]
    size = np.exp(rng.uniform(np.log(30), np.log(20_000)))
    trend = np.exp(rng.uniform(-0.7, 0.7) * numbers / 365)
    season = np.exp(rng.uniform(0, 0.25) * np.sin(2 * np.pi * (numbers / 365 + rng.uniform())))
    by_weekday = np.exp(rng.normal(0, rng.uniform(0, 0.35), 7))
    weekday = by_weekday[[date.weekday() for date in dates]]
    feast = {day: np.exp(rng.normal(-0.4, 0.6)) for day in _FINNISH_FEASTS}
    holiday = np.array([feast.get((date.month, date.day), 1.0) for date in dates])
    mean = size * trend * season * weekday * holiday
    scatter = rng.choice([0.0, 0.03, 0.08, 0.15])
    if scatter:
        mean = mean * rng.gamma(1 / scatter**2, scatter**2, days)
    return np.asarray(rng.poisson(mean), dtype=np.float64)


def _table(source: str, name: str, first: dt.date, counts: Numbers) -> pa.Table:
    days = np.datetime64(first) + np.arange(len(counts))
    constants = {"source": source, "platform": "web", "series_kind": "event", "subject": name}
    return pa.table(
        {
            "partition_date": pa.array(days, pa.date32()),
            "event_date": pa.array(days, pa.date32()),
            "event_count": pa.array(counts.astype(np.int64)),
            **{key: pa.array([value] * len(counts)) for key, value in constants.items()},
        }
    )


@pytest.fixture(scope="module")
def judged(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Row]]:
    """Judge all years in one build: every one is a source and a calendar year of its own."""
    rng = np.random.default_rng(20260501)
    tables: list[pa.Table] = []
    for year in range(_FIRST_YEAR, _FIRST_YEAR + YEARS):
        first = dt.date(year, 1, 1)
        for series in range(SERIES):
            counts = _drawn(rng, first, 365)
            tables.append(_table(f"clean {year}", f"event_{series}", first, counts))
    for number, factor in enumerate(FACTORS):
        first = dt.date(_FIRST_YEAR + YEARS + number, 2, 1)
        for series in range(SERIES):
            counts = _drawn(rng, first, 80)
            name = f"event_{series}"
            if series < SPOILT_SERIES:
                hit = 37 + series % 5
                counts[hit] = np.floor(counts[hit] * factor)
                name = f"spoilt_{first + dt.timedelta(days=hit)}_{series}"
            tables.append(_table(f"spoilt {factor}", name, first, counts))
    folder = tmp_path_factory.mktemp("volumes")
    warehouse = build(
        Rows(), plan, folder,
        given={"int_audit_volumes_counted": pa.concat_tables(tables)},
        select="int_audit_volumes_judged stubs",
    )  # fmt: skip

    def asked(query: str) -> list[Row]:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()

    return asked


Asked = Callable[[str], list[Row]]


def test_a_clean_year_gives_one_false_alarm_at_most(judged: Asked) -> None:
    years = judged(
        "select source, count(*) filter (vol02), count(*) from int_audit_volumes_judged"
        " where source like 'clean%' group by source"
    )
    assert len(years) == YEARS
    assert all(examined > 15_000 for _, _, examined in years)
    assert max(false for _, false, _ in years) <= 1
    # Three times the rate that the plan allows for all years together.
    assert sum(false for _, false, _ in years) <= 3 * 0.2 * YEARS


def test_the_probabilities_are_those_of_chance(judged: Asked) -> None:
    (row,) = judged(
        "select avg((chance < 0.05)::int) / 0.05, avg((chance < 0.01)::int) / 0.01,"
        " avg((chance < 0.001)::int) / 0.001 from int_audit_volumes_judged"
        " where source like 'clean%'"
    )
    # No more often than they say, and not so much rarer that the check would be blind.
    assert all(0.2 < ratio < 1.2 for ratio in row), row


def test_a_public_holiday_without_another_year_is_not_judged(judged: Asked) -> None:
    assert (
        judged(
            "select distinct event_date from int_audit_volumes_judged where source like 'clean%'"
            " and strftime(event_date, '%m-%d') in ('12-24', '12-25', '01-06', '05-01')"
        )
        == []
    )


def test_a_series_that_stops_or_jumps_for_a_day_is_found(judged: Asked) -> None:
    found = dict(
        judged(
            "select source, count(*) filter (vol02) / count(*) from int_audit_volumes_judged"
            " where source like 'spoilt%' and subject like 'spoilt%'"
            " and event_date = cast(split_part(subject, '_', 2) as date) group by source"
        )
    )
    assert found["spoilt 0.0"] == 1
    assert found["spoilt 0.3"] > 0.75
    assert found["spoilt 3.0"] > 0.85


def test_of_all_that_is_found_beside_spoilt_days_little_is_false(judged: Asked) -> None:
    (row,) = judged(
        "select count(*) filter (not is_spoilt) / count(*) from (select *, coalesce(event_date"
        " = try_cast(split_part(subject, '_', 2) as date), false) as is_spoilt"
        " from int_audit_volumes_judged) where vol02 and source like 'spoilt%'"
    )
    assert row[0] <= 0.05
