"""How much memory a database of this process may hold (``CXW_MEMORY_LIMIT``).

Without a limit DuckDB takes up to four fifths of the machine's: of a large warehouse it keeps what
it has read as long as there is room.
"""

from __future__ import annotations

import os

import duckdb


def memory_limit() -> str:
    """The limit as DuckDB reads it, 4GB by default."""
    return os.environ.get("CXW_MEMORY_LIMIT") or "4GB"


def limited(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Give a connection's database the limit and return the connection."""
    connection.execute(f"set memory_limit = '{memory_limit()}'")
    return connection
