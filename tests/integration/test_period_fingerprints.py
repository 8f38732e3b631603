"""The fingerprint of a period is another wherever a cell of it could be.

It decides which cells a run computes again: two states that share one leave a stale figure behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import duckdb
import pytest

from tests.conftest import FinishedRun

# A record a customer or two on each of these days: each has a fingerprint of its own.
DAYS = 5_000
RECORD_SET = "search_landing_engagement"


@pytest.fixture
def database(demo_run: FinishedRun) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables that fingerprints are computed from, without records."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse; use warehouse")
        connection.execute(f"attach '{demo_run.home}/warehouse.duckdb' as built (read_only)")
        for table, limit in (
            ("reference.metric_catalogue", ""),
            ("intermediate.int_metric_grains_applied", ""),
            ("intermediate.int_metric_records", "limit 0"),
        ):
            connection.execute(f"create schema if not exists {table.partition('.')[0]}")
            connection.execute(f"create table {table} as from built.{table} {limit}")
        yield connection


def fingerprints(
    database: duckdb.DuckDBPyConnection,
    demo_run: FinishedRun,
    records: str,
    record_set: str = RECORD_SET,
) -> dict[str, tuple[int, str]]:
    """The fingerprint of each day of a set, of records (set, day, customer, value, channel)."""
    (compiled,) = demo_run.home.glob(
        "dbt_target/compiled/*/models/intermediate/touched/int_metric_periods_hashed.sql"
    )
    database.execute("delete from intermediate.int_metric_records")
    database.execute(
        f"""
        insert into intermediate.int_metric_records by name
        select
            record_set, cast(row_number() over () as varchar) as record_key,
            date '1990-01-01' + day as occurred_date, 'consideration' as journey_stage, channel,
            'search_provider' as touchpoint_id, 'unknown' as persona_id, customer as customer_id,
            value as value_number, 1 as base_number, 1 as weight, false as is_censored,
            true as is_counted
        from ({records})
        """
    )
    found = database.execute(
        f"""
        select cast(period_start as varchar), record_count, records_hash
        from ({compiled.read_text()})
        where record_set = ? and period_type = 'day'
        """,
        [record_set],
    ).fetchall()
    assert len(found) == DAYS
    return {day: (count, text) for day, count, text in found}


def visits(*of_a_day: tuple[str, int, str], sets: Sequence[str] = ()) -> str:
    named = sets or [RECORD_SET] * len(of_a_day)
    rows = ", ".join(str((name, *row)) for name, row in zip(named, of_a_day, strict=True))
    return (
        "select record_set, cast(day as integer) as day, customer, value, channel"
        f" from range({DAYS}) as r(day)"
        f" cross join (values {rows}) as v(record_set, customer, value, channel)"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Who was two is one. The records are equal, differ, or are several.
        ([("x", 1, "web"), ("y", 1, "web")], [("x", 1, "web"), ("x", 1, "web")]),
        ([("x", 0, "web"), ("y", 0, "web")], [("x", 0, "web"), ("x", 0, "web")]),
        ([("x", 0, "web"), ("y", 1, "web")], [("x", 0, "web"), ("x", 1, "web")]),
        (
            [("x", 1, "web"), ("x", 1, "web"), ("y", 1, "web"), ("y", 1, "web")],
            [("x", 1, "web")] * 4,
        ),
        ([("x", 1, "web"), ("y", 1, "web"), ("y", 1, "web")], [("x", 1, "web")] * 3),
        # As many customers, another number of records each.
        (
            [("x", 1, "web"), ("x", 1, "web"), ("y", 1, "web"), ("y", 1, "web")],
            [("x", 1, "web"), ("x", 1, "web"), ("x", 1, "web"), ("y", 1, "web")],
        ),
        # Values that two records exchange.
        ([("x", 1, "web"), ("x", 0, "app")], [("x", 0, "web"), ("x", 1, "app")]),
        ([("x", 1, "web"), ("y", 0, "app")], [("x", 0, "web"), ("y", 1, "app")]),
        # One record that is another.
        ([("x", 1, "web"), ("y", 1, "web")], [("x", 1, "web"), ("y", 0, "web")]),
    ],
)
def test_what_changes_a_cell_changes_the_fingerprint(
    database: duckdb.DuckDBPyConnection,
    demo_run: FinishedRun,
    before: list[tuple[str, int, str]],
    after: list[tuple[str, int, str]],
) -> None:
    first = fingerprints(database, demo_run, visits(*before))
    then = fingerprints(database, demo_run, visits(*after))
    assert {day for day in first if first[day] == then[day]} == set()


def test_a_goal_tells_whose_visits_met_it(
    database: duckdb.DuckDBPyConnection, demo_run: FinishedRun
) -> None:
    """A day has four visits, of which two met the goal; whose they are differs."""
    ((goal,),) = database.execute(
        "select 'goal:' || min(goal_event) from reference.metric_catalogue"
    ).fetchall()

    def state(made: str, met: str) -> dict[str, tuple[int, str]]:
        sets = ["visits"] * len(made) + [goal] * len(met)
        records = visits(*((customer, 1, "web") for customer in made + met), sets=sets)
        return fingerprints(database, demo_run, records, goal)

    found = [state("xyzz", "xy"), state("xxzz", "xx"), state("xxxx", "xx"), state("xxyy", "xy")]
    for one, other in combinations(found, 2):
        assert {day for day in one if one[day] == other[day]} == set()


def test_what_changes_no_cell_changes_no_fingerprint(
    database: duckdb.DuckDBPyConnection, demo_run: FinishedRun
) -> None:
    """Names and order of customers and records are no part of it."""
    first = fingerprints(
        database, demo_run, visits(("x", 1, "web"), ("x", 0, "web"), ("y", 1, "web"))
    )
    then = fingerprints(
        database, demo_run, visits(("b", 1, "web"), ("a", 0, "web"), ("a", 1, "web"))
    )
    assert first == then
