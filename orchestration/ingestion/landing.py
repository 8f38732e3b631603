"""Landing: files become immutable raw Parquet, exactly once, and every row is accounted for.

Of what is new (new_files), a file is read by DuckDB (readers), its columns are matched to the
declared ones and rows that break a declared rule are told (staged_rows); those go to quarantine
with line and reason, identifiers get keyed hashes, and the rest is written as Parquet by vendor
date (raw_files; file_landing goes through these steps). Here files are put in order and committed:
everything is written under ``_incoming/`` first and renamed into place; the manifest comes last and
is the commit point (raw_zone). What a killed process leaves behind belongs to no manifest row and
is removed by the next landing. The same content at the same place is never landed twice.

Layout under the raw root: ``<vendor>/<table>/dt=…/<batch_id>.parquet``, ``_manifest/``,
``_quarantine/``, ``_returned/`` (identifiers of erased persons who came back),
``_incoming/`` (unfinished work), ``_cache/`` (copies of remote files) and
``_seen.json`` (what the manifest says, for a quick look; it can be deleted at any time).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import duckdb

from expectations.memory import limited
from orchestration.ingestion.file_landing import LandingRun, NewFile, land_file, looks_of
from orchestration.ingestion.hashing import hash_key
from orchestration.ingestion.new_files import (
    PendingFile,
    SeenFiles,
    sha256_if_readable,
)
from orchestration.ingestion.raw_zone import (
    LandedBatch,
    ensure_raw_schemas,
    write_manifest,
)
from orchestration.ingestion.readers import sql_text
from orchestration.ingestion.sources import Sources

# A commit costs a few milliseconds and leaves a small file; what a kill can undo is one group.
COMMIT_FILES = 200
COMMIT_SECONDS = 20.0
MOST_WORKERS = 4
LARGE_FILE_BYTES = 16 << 20


def land(
    pending: Sequence[PendingFile],
    sources: Sources,
    raw_root: Path,
    run_id: str,
    now: datetime,
    on_file: Callable[[LandedBatch], None] | None = None,
) -> list[LandedBatch]:
    """Land files; each becomes one batch per table, or one failure that names it.

    Args:
        pending: What ``discover`` found, or a part of it.
        sources: The content of sources.yml, for the default region of telephone numbers.
        raw_root: The raw zone.
        run_id: The run, for the manifest.
        now: The run clock.
        on_file: Told of every file once it is read.

    Returns:
        The batches, failed files included. Files that are landed already are left out.
    """
    ensure_raw_schemas(raw_root)
    clock = now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now
    hash_key(raw_root.parent / "state")  # made before the workers could race for it
    committed: list[LandedBatch] = []
    with _exclusive(raw_root):
        remove_unfinished(raw_root)
        index = SeenFiles.load(raw_root)
        unseen = [
            (item, sha256, looks)
            for item in pending
            if (looks := looks_of(item.file.path))
            and not index.has_content(item, sha256 := sha256_if_readable(item.file.path))
        ]
        first = index.after_last(clock)
        of_table = Counter((item.source, item.table) for item, _, _ in unseen)
        new = [
            NewFile(
                item,
                sha256,
                looks,
                # Each file a microsecond after the one before: of two versions of a record that a
                # run finds at once, the one delivered later is the current one.
                loaded_at=first + timedelta(microseconds=position),
                is_alone=of_table[item.source, item.table] == 1,
            )
            for position, (item, sha256, looks) in enumerate(unseen)
        ]
        run = LandingRun(sources, raw_root, run_id)
        group: list[LandedBatch] = []
        started = time.monotonic()
        try:
            with closing(_connect(raw_root)) as connection:
                for batch in _in_order(new, run, connection):
                    group.append(batch)
                    if on_file:
                        on_file(batch)
                    if len(group) >= COMMIT_FILES or time.monotonic() - started > COMMIT_SECONDS:
                        _commit(connection, raw_root, group)
                        committed.extend(group)
                        group, started = [], time.monotonic()
                if group:
                    _commit(connection, raw_root, group)
                    committed.extend(group)
        finally:
            shutil.rmtree(raw_root / "_incoming" / "_work", ignore_errors=True)
        SeenFiles.load(raw_root).save()
    return committed


def _in_order(
    new: Sequence[NewFile], run: LandingRun, connection: duckdb.DuckDBPyConnection
) -> Iterator[LandedBatch]:
    """Land the files, a few at a time, and give the batches in the order of the files.

    A small day of a web export is one row group, which one core reads: several such files keep the
    cores busy side by side. A large file gets all of them, and the memory, for itself.
    """
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    local = threading.local()
    opened: list[duckdb.DuckDBPyConnection] = []

    def land_beside(entry: NewFile) -> LandedBatch:
        if not hasattr(local, "connection"):
            local.connection = _connect(run.raw_root, share=workers)
            opened.append(local.connection)
        return land_file(local.connection, run, entry)

    try:
        for is_large, group in groupby(new, key=lambda entry: entry.item.size > LARGE_FILE_BYTES):
            entries = list(group)
            if is_large or workers == 1 or len(entries) == 1:
                for entry in entries:
                    yield land_file(connection, run, entry)
                continue
            with ThreadPoolExecutor(workers) as pool:
                landings = [pool.submit(land_beside, entry) for entry in entries]
                try:
                    for landing in landings:
                        yield landing.result()
                finally:
                    pool.shutdown(cancel_futures=True)
    finally:
        for own in opened:
            own.close()


@contextmanager
def _exclusive(raw_root: Path) -> Iterator[None]:
    """One landing at a time: a second would take the first one's work for left-overs."""
    raw_root.mkdir(parents=True, exist_ok=True)
    with (raw_root / "_lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _connect(raw_root: Path, share: int = 1) -> duckdb.DuckDBPyConnection:
    """A database in memory for one worker of ``share``, with its part of cores and memory."""
    work = raw_root / "_incoming" / "_work"
    work.mkdir(parents=True, exist_ok=True)
    connection = limited(duckdb.connect())
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"set temp_directory = {sql_text(work)}")
    if share > 1:
        limit = connection.execute("select current_setting('memory_limit')").fetchone()
        amount, unit = str(limit[0] if limit else "4 GiB").split()
        connection.execute(f"set memory_limit = {sql_text(f'{float(amount) / share:.2f}{unit}')}")
        connection.execute(f"set threads = {max(1, (os.cpu_count() or 1) // share)}")
    connection.execute("set enable_progress_bar = false")
    # A checkpoint would give rows other places, which tell the lines of those that are kept.
    connection.execute("set checkpoint_threshold = '1TB'")
    return connection


def remove_unfinished(raw_root: Path) -> list[str]:
    """Remove what a landing left behind that was stopped before its manifest was written.

    Args:
        raw_root: The raw zone.

    Returns:
        The batches that were taken back.
    """
    incoming = raw_root / "_incoming"
    left = [p for p in sorted(incoming.glob("*")) if p.is_dir() and p.name != "_work"]
    shutil.rmtree(incoming / "_work", ignore_errors=True)
    if not left:
        return []
    with duckdb.connect() as connection:
        known = {
            row[0]
            for row in connection.execute(
                "select batch_id from read_parquet(?, union_by_name = true)",
                [str(raw_root / "_manifest" / "*.parquet")],
            ).fetchall()
        }
    removed = []
    for folder in left:
        batch_id = folder.name
        if batch_id not in known:
            removed.append(batch_id)
            for path in raw_root.glob(f"*/*/dt=*/{batch_id}*.parquet"):
                path.unlink()
            for books in ("_quarantine", "_returned"):
                (raw_root / books / f"{batch_id}.parquet").unlink(missing_ok=True)
        shutil.rmtree(folder)
    return removed


def _commit(
    connection: duckdb.DuckDBPyConnection, raw_root: Path, group: Sequence[LandedBatch]
) -> None:
    """Rename a group of batches into place, then write their manifest rows."""
    incoming = raw_root / "_incoming"
    for batch in group:
        folder = incoming / batch.batch_id
        target = raw_root / batch.vendor / batch.table_name
        for day in sorted((folder / "rows").glob("dt=*")):
            (target / day.name).mkdir(parents=True, exist_ok=True)
            for number, part in enumerate(sorted(day.glob("*.parquet"))):
                suffix = f"-{number}" if number else ""
                os.replace(part, target / day.name / f"{batch.batch_id}{suffix}.parquet")
        quarantine = folder / "quarantine.parquet"
        if quarantine.exists():
            os.replace(quarantine, raw_root / "_quarantine" / f"{batch.batch_id}.parquet")
        returned = folder / "returned.parquet"
        if returned.exists():
            os.replace(returned, raw_root / "_returned" / f"{batch.batch_id}.parquet")
    write_manifest(connection, raw_root, group)
    for batch in group:
        shutil.rmtree(incoming / batch.batch_id)
