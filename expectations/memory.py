"""How much memory a database of this process may hold (``CXW_MEMORY_LIMIT``).

Without a limit DuckDB takes up to four fifths of the machine's: of a large warehouse it keeps what
it has read as long as there is room.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


def memory_limit() -> str:
    """The limit as DuckDB reads it, 4GB by default."""
    return os.environ.get("CXW_MEMORY_LIMIT") or "4GB"


def limited(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Give a connection's database the limit and return the connection."""
    connection.execute(f"set memory_limit = '{memory_limit()}'")
    return connection


@contextmanager
def workplace() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, in UTC, that reads large tables or rows of persons.

    What does not fit into the limit lies in a folder that only its owner reads and that goes with
    the database; by default DuckDB would leave it in ``.tmp`` of whatever folder one stands in.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cxw_") as folder,
        limited(duckdb.connect(config={"temp_directory": folder})) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'")
        yield connection
