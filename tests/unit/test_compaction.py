"""Compaction: deleted rows leave the warehouse when they are many, and nothing else does."""

from pathlib import Path

import duckdb
import pytest

from orchestration.compaction import Compaction, compact

ROWS = 1_000_000


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A table as increments leave it, whose checkpoints join no groups."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path), config={"max_vacuum_tasks": "0"}) as connection:
        connection.execute("create schema facts")
        connection.execute(f"create table facts.visits as select range as visit from range({ROWS})")
        connection.execute("checkpoint")
    return path


def delete(warehouse: Path, percent: int) -> None:
    with duckdb.connect(str(warehouse), config={"max_vacuum_tasks": "0"}) as connection:
        connection.execute(f"delete from facts.visits where hash(visit) % 100 < {percent}")
        connection.execute("checkpoint")


def content(warehouse: Path) -> tuple[int, int]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        row = connection.execute("select count(*), sum(hash(visit)) from facts.visits").fetchone()
    assert row
    return row


def test_many_deleted_rows_leave_their_table(warehouse: Path) -> None:
    delete(warehouse, 45)
    before = content(warehouse)
    compaction = compact(warehouse)
    assert compaction
    assert compaction.tables == ('"facts"."visits"',)
    assert compaction.stored_rows_before == ROWS
    assert before[0] <= compaction.stored_rows < 0.9 * ROWS
    assert content(warehouse) == before


def test_few_deleted_rows_stay(warehouse: Path) -> None:
    delete(warehouse, 10)
    stored = warehouse.read_bytes()
    assert compact(warehouse) is None
    assert warehouse.read_bytes() == stored


def test_what_was_compacted_is_not_again(warehouse: Path) -> None:
    delete(warehouse, 45)
    assert isinstance(compact(warehouse), Compaction)
    assert compact(warehouse) is None
