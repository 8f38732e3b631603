"""Compaction of the warehouse: deleted rows leave its tables when they are many.

Increments delete the rows that they replace. DuckDB keeps those in their groups of rows, marked,
and by default looks at every checkpoint for groups to join, in all tables: a run makes dozens of
checkpoints, so that partly filled groups are copied time and again to win next to nothing. dbt's
runs therefore join none (``max_vacuum_tasks`` in profiles.yml); this does it at once, after
publication, when it pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.memory import limited

#: Three groups of which a third was deleted fit into two, which is what DuckDB joins.
DELETED_SHARE = 1 / 3
#: Rows in a group of DuckDB's; tables of fewer have nothing to join.
GROUP_ROWS = 122_880


@dataclass(frozen=True)
class Compaction:
    """What was compacted: the tables that gave the reason, and the rows that all tables store."""

    tables: tuple[str, ...]
    stored_rows_before: int
    stored_rows: int


def compact(warehouse: Path, deleted_share: float = DELETED_SHARE) -> Compaction | None:
    """Let deleted rows go, where a table stores too many of them.

    The tables' rows stay the same. A break leaves the file as it was before.

    Args:
        warehouse: dbt's working database; nobody else may have it open.
        deleted_share: From which share of a table's stored rows on it is worth it.

    Returns:
        What was done; None where no table has so many deleted rows.

    Raises:
        duckdb.Error: Somebody has the file open, or the disk is full.
    """
    with limited(duckdb.connect(str(warehouse))) as connection:
        before = _stored_rows(connection)
        sparse = tuple(
            name
            for name, stored in before.items()
            if stored > GROUP_ROWS
            and stored - _live_rows(connection, name) >= deleted_share * stored
        )
        if not sparse:
            return None
        # A checkpoint that has nothing to write looks at no table.
        connection.execute("create table compacted (is_compacted boolean)")
        connection.execute("drop table compacted")
        connection.execute("checkpoint")
        return Compaction(sparse, sum(before.values()), sum(_stored_rows(connection).values()))


def _stored_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows that each table stores, deleted ones included; by quoted name."""
    return dict(
        connection.execute(
            """
            select
                format('"{}"."{}"', schema_name, table_name) as name,
                estimated_size
            from duckdb_tables()
            where database_name = current_database() and not temporary
            order by name
            """
        ).fetchall()
    )


def _live_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0
