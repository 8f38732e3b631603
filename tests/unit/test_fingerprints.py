"""Sums of fingerprints tell what changed, as far as a hash of 64 bits can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import jinja2
import pytest

from orchestration.home import PROJECT_ROOT

KEYS = PROJECT_ROOT / "dbt_project" / "macros" / "engine" / "keys.sql"

Hash = Callable[[list[str]], str]


@pytest.fixture
def macros() -> Any:
    """The macros as DuckDB gets them, without dbt's dispatch between engines."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    row_hash = environment.from_string(KEYS.read_text()).module.duckdb__row_hash  # type: ignore[attr-defined]
    text = KEYS.read_text().replace("adapter.dispatch('row_hash')", "hash_of_row")
    environment.globals.update(hash_of_row=row_hash, **{"return": lambda value: value})
    return environment.from_string(text).module


def counted(condition: str, numbers: str) -> int:
    with duckdb.connect() as connection:
        row = connection.execute(
            f"select count(*) filter ({condition}) from ({numbers})"
        ).fetchone()
    assert row
    return int(row[0])


def test_the_fingerprint_of_a_sum_is_no_sum_of_fingerprints(macros: Any) -> None:
    numbers = """
        select hash(i, 'x')::hugeint as x, hash(i, 'y')::hugeint as y from range(1000000) as r(i)
    """

    def equal(fingerprint: Hash) -> list[int]:
        def of(number: str) -> str:
            return f"cast({fingerprint([number])} as hugeint)"

        return [
            counted(f"{of('2 * x')} = 2 * {of('x')}", numbers),
            counted(f"{of('3 * x')} = {of('2 * x')} + {of('x')}", numbers),
            counted(f"{of('4 * x')} = 2 * {of('2 * x')}", numbers),
            counted(f"{of('x + y')} = {of('x')} + {of('y')}", numbers),
        ]

    assert equal(macros.sums_hash) == [0, 0, 0, 0]
    # What DuckDB's own hash of a number does, and why this is asked.
    assert equal(lambda columns: f"hash({columns[0]})")[0] > 10_000


def test_rows_that_exchange_their_last_value_are_other_rows(macros: Any) -> None:
    pairs = "select i as x, i + 1000000000 as y from range(100000000) as r(i)"

    def equal(fingerprint: Hash) -> int:
        def of(number: str, flag: str) -> str:
            return f"cast({fingerprint([number, flag])} as hugeint)"

        return counted(
            f"{of('x', 'true')} + {of('y', 'false')} = {of('x', 'false')} + {of('y', 'true')}",
            pairs,
        )

    assert equal(macros.row_hash) == 0
    assert equal(lambda columns: f"hash({', '.join(columns)})") > 0
