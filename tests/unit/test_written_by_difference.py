"""What is written by difference ends as what was computed, and nothing else of it is written."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

from orchestration.home import PROJECT_ROOT

MACRO = PROJECT_ROOT / "dbt_project" / "macros" / "touched" / "written_by_difference.sql"
COLUMNS = ("cell", "n", "share")

Row = tuple[str | None, int | None, float | None]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        yield connection


def write(
    database: duckdb.DuckDBPyConnection, stands: list[Row], computed: list[Row]
) -> tuple[list[Row], int]:
    """Write rows over those that stand: the rows after it, and how many of them stayed in place."""
    for name, rows in (("written", stands), ("built", computed)):
        database.execute(f"create or replace table {name} (cell varchar, n integer, share double)")
        if rows:
            database.executemany(f"insert into {name} values (?, ?, ?)", rows)
    before = set(placed(database))
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    module: Any = environment.from_string(MACRO.read_text()).module
    statements = module.get_incremental_difference_sql(
        {
            "target_relation": "written",
            "temp_relation": "built",
            "dest_columns": [{"quoted": f'"{name}"'} for name in COLUMNS],
        }
    )
    database.execute(statements)
    after = placed(database)
    return [row[1:] for row in after], len(before & set(after))


def placed(database: duckdb.DuckDBPyConnection) -> list[Any]:
    return database.execute("select rowid, * from written order by rowid").fetchall()


def test_only_what_differs_is_written(database: duckdb.DuckDBPyConnection) -> None:
    stands: list[Row] = [
        ("same", 1, 0.5),
        ("withheld", 2, None),
        (None, None, None),
        ("changed", 3, 0.5),
        ("no longer withheld", 4, None),
        ("gone", 5, 0.5),
    ]
    computed: list[Row] = [
        ("new", 6, 0.5),
        ("no longer withheld", 4, 0.5),
        ("changed", 3, 0.25),
        (None, None, None),
        ("withheld", 2, None),
        ("same", 1, 0.5),
    ]
    after, in_place = write(database, stands, computed)
    assert after[:3] == stands[:3]
    assert set(after[3:]) == set(computed[:3])
    assert len(after) == len(computed)
    assert in_place == 3


def test_a_key_that_is_not_unique_shows(database: duckdb.DuckDBPyConnection) -> None:
    """A test of uniqueness finds in the table what it would find in one built from scratch."""
    twice, other = ("cell", 1, 0.5), ("cell", 1, 0.25)
    assert sorted(write(database, [twice], [twice, twice])[0]) == [twice, twice]
    assert sorted(write(database, [twice], [twice, other])[0]) == [other, twice]
    assert write(database, [twice, twice], [twice])[0] == [twice]


def test_from_and_to_nothing(database: duckdb.DuckDBPyConnection) -> None:
    row = ("cell", 1, 0.5)
    assert write(database, [], [row]) == ([row], 0)
    assert write(database, [row], []) == ([], 0)
    assert write(database, [], []) == ([], 0)


def test_any_rows_over_any_others(database: duckdb.DuckDBPyConnection) -> None:
    chance = random.Random(7)
    every: list[Row] = [
        (cell, n, share)
        for cell in ("a", "b", None)
        for n in (1, 2, None)
        for share in (0.0, 0.1, None)
    ]
    for _ in range(20):
        stands = chance.sample(every, chance.randint(0, len(every)))
        computed = chance.sample(every, chance.randint(0, len(every)))
        after, in_place = write(database, stands, computed)
        assert len(after) == len(computed)
        assert set(after) == set(computed)
        assert in_place == len(set(stands) & set(computed))
