"""Runs hand_written.sql over a folder of vendor files, step by step, and tells how long each took.

In a process of its own: ``python -m tests.benchmarks.hand_written EXPORTS DATABASE``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_suffix(".sql")


def marts_of(database: Path) -> Path:
    """Where the script writes its marts, beside the database of the steps in between.

    Args:
        database: That database.

    Returns:
        The database of the marts.
    """
    return database.with_suffix("") / "marts.duckdb"


def run_script(exports: Path, database: Path) -> dict[str, float]:
    """Build the script's tables.

    Args:
        exports: The folder of the vendor files.
        database: The database of the steps in between, written anew. The marts are written to
            one of their own and to Parquet, in the folder of `marts_of`.

    Returns:
        Seconds of each step.
    """
    database.unlink(missing_ok=True)
    published = marts_of(database).parent
    shutil.rmtree(published, ignore_errors=True)
    published.mkdir(parents=True)
    seconds = {}
    with duckdb.connect(str(database)) as connection:
        limit = os.environ.get("CXW_MEMORY_LIMIT", "6GB")
        connection.execute(f"set memory_limit = '{limit}'")
        # As the warehouse's own profile has it.
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        connection.execute("set variable exports = ?", [str(exports)])
        connection.execute("set variable published = ?", [str(published)])
        connection.execute("set variable rules = ?", [str(ROOT / "seeds" / "reference")])
        for step in SCRIPT.read_text(encoding="utf-8").split("-- @ ")[1:]:
            name, _, statements = step.partition("\n")
            started = time.perf_counter()
            connection.execute(statements)
            seconds[name.strip()] = time.perf_counter() - started
    return seconds


if __name__ == "__main__":
    print(json.dumps(run_script(Path(sys.argv[1]), Path(sys.argv[2]))))
