"""The limit of memory of a database of this process (``CXW_MEMORY_LIMIT``), and what exceeds it.

Without a limit DuckDB takes up to four fifths of the machine's: of a large warehouse it keeps what
it has read as long as there is room. And what a database in memory cannot hold it would leave in
``.tmp`` of whatever folder one stands in.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

_SPILLED = ".spilled-"


def memory_limit() -> str:
    """The limit as DuckDB reads it, 4GB by default."""
    return os.environ.get("CXW_MEMORY_LIMIT") or "4GB"


def limited(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Give a connection's database the limit and return the connection."""
    connection.execute(f"set memory_limit = '{memory_limit()}'")
    return connection


def in_memory() -> duckdb.DuckDBPyConnection:
    """A database in memory, in UTC, that passes rows on and never writes one to disk."""
    connection = limited(duckdb.connect(config={"temp_directory": ""}))
    connection.execute("set TimeZone = 'UTC'")
    return connection


@contextmanager
def workplace(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, in UTC, that reads large tables or rows of persons.

    What exceeds the limit lies in a folder of the home that only its owner can read. The folder
    goes with the database; after a kill the next workplace or erasure removes it.

    Args:
        home: The home's folder.
    """
    remove_spilled(home)
    with _alone(home):
        folder = Path(tempfile.mkdtemp(prefix=_SPILLED, dir=home))
        mark = (folder / "in_use").open("w")
        fcntl.flock(mark, fcntl.LOCK_EX)
    try:
        with duckdb.connect(config={"temp_directory": str(folder / "rows")}) as connection:
            connection.execute("set TimeZone = 'UTC'")
            yield limited(connection)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        mark.close()


def remove_spilled(home: Path) -> None:
    """Remove what workplaces left that were killed: no process holds their mark any more."""
    with _alone(home):
        for folder in home.glob(f"{_SPILLED}*"):
            with suppress(FileNotFoundError), (folder / "in_use").open() as mark:
                try:
                    fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """A folder that is being made has no mark yet: meanwhile nobody looks for unmarked ones."""
    handle = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
