"""A past state in a home of its own: what was landed by then, built with the rules in force now.

The raw files of later runs are left out and so are later audits; the clock stands where it stood.
The home it is taken from is only read: neither its warehouse nor what it has published changes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from expectations.plan import plan_files
from orchestration.dbt_build import adopt_parsed
from orchestration.errors import WarehouseError
from orchestration.home import SHIPPED_PLAN, Home
from orchestration.ingestion.raw_zone import ensure_raw_schemas
from orchestration.probabilistic.store import carry_over

_FOLDER = "as_of"


@dataclass(frozen=True)
class PastState:
    """A home that holds what was landed by the end of one run, and the clock of that run."""

    home: Home
    clock: datetime


def past_state(home: Home, batch_id: str) -> PastState:
    """Make the home of a past state anew, without building anything.

    Args:
        home: The home to look back in.
        batch_id: A landed file; the state is that after the run which landed it.

    Returns:
        The home `as_of/<batch>` within it, and the clock.

    Raises:
        WarehouseError: No such batch was landed.
    """
    manifest = str(home.raw / "_manifest" / "*.parquet")
    last = _last_landing(home, batch_id)
    past = Home(home.root / _FOLDER / batch_id)
    shutil.rmtree(past.root, ignore_errors=True)
    (past.raw / "_manifest").mkdir(parents=True)
    (past.raw / "_quarantine").mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
                select * from read_parquet('{_quoted(manifest)}', union_by_name = true)
                where loaded_at <= timestamp '{last}'
            ) to '{_quoted(str(past.raw / "_manifest" / "as_of.parquet"))}' (format parquet)
            """
        )
        landed = {
            row[0]
            for row in connection.execute(
                "select batch_id from read_parquet(?)",
                [str(past.raw / "_manifest" / "as_of.parquet")],
            ).fetchall()
        }
    for file in [
        *home.raw.glob("[!_]*/*/dt=*/*.parquet"),
        *(home.raw / "_quarantine").glob("*.parquet"),
        *(home.raw / "_returned").glob("*.parquet"),
    ]:
        # <vendor>-<16 digits>, and a number where a batch has several files of a day
        if "-".join(file.stem.split("-")[:2]) in landed:
            _link(file, past.raw / file.relative_to(home.raw))
    ensure_raw_schemas(past.raw)
    if home.plan_file != SHIPPED_PLAN:
        # Its earlier versions tell what was planned, and what personal, on earlier days.
        for file in plan_files(home.plan_file):
            copy = past.root / file.relative_to(home.plan_file.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    clock = _clock_then(home, last)
    for name in ("findings", "assessments"):
        for file in (home.state / name).glob("*.parquet"):
            if _audited_at(file) < clock:
                _link(file, past.state / name / file.name)
    carry_over(home, past, clock)
    adopt_parsed(home.dbt_target, past.dbt_target)
    return PastState(past, clock.replace(tzinfo=UTC))


def _last_landing(home: Home, batch_id: str) -> datetime:
    """When the last file was landed by the run that landed a batch."""
    files = home.raw / "_manifest"
    found = None
    if any(files.glob("*.parquet")):
        found = duckdb.execute(
            """
            with manifest as (from read_parquet(?, union_by_name = true))
            select max(loaded_at) from manifest
            where run_id in (select run_id from manifest where batch_id = ?)
            """,
            [str(files / "*.parquet"), batch_id],
        ).fetchone()
    if not found or found[0] is None:
        raise WarehouseError(
            f"No batch {batch_id} was landed here.",
            "The column batch_id of mart_row_ledger lists them.",
        )
    moment: datetime = found[0]
    return moment


def _clock_then(home: Home, last: datetime) -> datetime:
    """The clock of the audit that followed a landing; that of the landing where none did."""
    landed = last.replace(microsecond=0)
    audits = map(_audited_at, (home.state / "assessments").glob("*.parquet"))
    return min((audit for audit in audits if landed <= audit < datetime.max), default=landed)


def _audited_at(file: Path) -> datetime:
    """When an audit wrote a file of its store; the empty first file belongs to every state."""
    found = duckdb.execute("select max(audited_at) from read_parquet(?)", [str(file)]).fetchone()
    if found and found[0] is not None:
        moment: datetime = found[0]
        return moment.replace(microsecond=0)
    return datetime.min


def _link(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(file, target)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
