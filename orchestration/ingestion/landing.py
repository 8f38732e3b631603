"""Landing: files become immutable raw Parquet, exactly once, and every row is accounted for.

A file is read by DuckDB (readers), its columns are matched to the declared ones, rows that break a
declared rule go to quarantine with line and reason, identifiers get keyed hashes, and the rest is
written as Parquet by vendor date. Everything is written under ``_incoming/`` first and renamed into
place; the manifest comes last and is the commit point. What a killed process leaves behind belongs
to no manifest row and is removed by the next landing. The same content at the same place is never
landed twice.

Layout under the raw root: ``<vendor>/<table>/dt=…/<batch_id>.parquet``, ``_manifest/``,
``_quarantine/``, ``_returned/`` (identifiers of erased persons who came back),
``_incoming/`` (unfinished work), ``_cache/`` (copies of remote files) and
``_seen.json`` (what the manifest says, for a quick look; it can be deleted at any time).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from orchestration.ingestion.email_rules import email_rules
from orchestration.ingestion.errors import (
    FileError,
    IngestionError,
    MappingError,
    MissingColumnError,
    UnreadableFileError,
)
from orchestration.ingestion.hashing import (
    PADS,
    hash_key,
    hash_relation,
    hashed_table,
    hashes_in_place,
)
from orchestration.ingestion.readers import (
    READING_ERRORS,
    REJECTED,
    FileContent,
    ReadRequest,
    first_line,
    is_fault_of_machine,
    keep_rows,
    read_file,
    shown_columns,
    sql_name,
    sql_text,
)
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.row_identity import children, content_digest, row_id
from orchestration.ingestion.sources import SourceFile, Sources, source_files
from orchestration.ingestion.specs import (
    EXTRA_COLUMN,
    HASH_SUFFIX,
    Column,
    TableSpec,
    match_columns,
)
from orchestration.ingestion.suppression import (
    RETURNED_SCHEMA,
    leave_out,
    leave_out_unread,
    suppressed,
)
from orchestration.ingestion.text_files import content_sha256
from orchestration.parquet import PARQUET

MANIFEST_SCHEMA: tuple[tuple[str, str], ...] = (
    ("batch_id", "VARCHAR"),
    ("run_id", "VARCHAR"),
    ("source", "VARCHAR"),
    ("vendor", "VARCHAR"),
    ("table_name", "VARCHAR"),
    ("source_file", "VARCHAR"),
    ("file_key", "VARCHAR"),
    ("content_sha256", "VARCHAR"),
    ("size_bytes", "BIGINT"),
    ("definition", "VARCHAR"),
    ("delivered_at", "TIMESTAMP"),
    ("loaded_at", "TIMESTAMP"),
    ("rows_read", "BIGINT"),
    ("rows_landed", "BIGINT"),
    ("rows_quarantined", "BIGINT"),
    ("min_dt", "DATE"),
    ("max_dt", "DATE"),
    ("status", "VARCHAR"),
    ("error", "VARCHAR"),
    ("warnings", "VARCHAR"),
    ("is_required", "BOOLEAN"),
    ("rows_erased", "BIGINT"),
    ("rows_anonymised", "BIGINT"),
)
QUARANTINE_SCHEMA: tuple[tuple[str, str], ...] = (
    ("batch_id", "VARCHAR"),
    ("source", "VARCHAR"),
    ("vendor", "VARCHAR"),
    ("table_name", "VARCHAR"),
    ("source_file", "VARCHAR"),
    ("line", "BIGINT"),
    ("column_name", "VARCHAR"),
    ("reason_code", "VARCHAR"),
    ("reason", "VARCHAR"),
    ("record", "VARCHAR"),
    ("loaded_at", "TIMESTAMP"),
)

# A commit costs a few milliseconds and leaves a small file; what a kill can undo is one group.
COMMIT_FILES = 200
COMMIT_SECONDS = 20.0
MOST_WORKERS = 4
LARGE_FILE_BYTES = 16 << 20

#: In place of the hash of a file that may not be read, and of its size: it is tried again.
UNREAD = ""
_UNREAD_BYTES = -1

_EMPTY_PARTITION = "dt=1900-01-01"
# Spark skips files that begin with an underscore, and takes a folder's columns from the first file.
_SCHEMA_FILE = "0_schema.parquet"
_STAGED = "staged_rows"
_JUDGED = "judged_rows"
# So many days are written one after the other; a send log of one day, in UTC, is two days here.
_FEW_DAYS = 4
# So many records of a file tell whether its records have come before.
_FIRST_ROWS = 2_048
# What is raised where rows cannot be written as they are read.
_SET_ASIDE = "a row of another day, or for quarantine"

# Reason of each code; none of them repeats a value, because values may be personal.
_REASONS = {
    "blank_value": "A value that every row must have is blank.",
    "not_a_timestamp": "The value is no date and time.",
    "not_a_date": "The value is no date.",
    "not_a_number": "The value is no number.",
    "not_an_integer": "The value is no whole number.",
    "not_a_boolean": "The value is neither true nor false.",
    "not_json": "The value is no valid JSON.",
    "out_of_range": "The value is smaller or larger than any that can be meant.",
    "not_convertible": "The value does not fit the column's type.",
    "mapping_failed": "The mapping's expression fails on this row.",
}

_TRUTHS = (
    *("true", "false", "t", "f", "yes", "no", "y", "n", "1", "0", "1.0", "0.0"),
    *("kyllä", "ei", "kylla"),
)
_DATE_SPELLINGS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d", "%d %b %Y", "%b %d, %Y")
_TIME_SPELLINGS = ("%H:%M:%S", "%H:%M", "%H.%M.%S", "%H.%M", "%I:%M %p", "%I:%M:%S %p")
_TIMESTAMP_FORMATS = [
    *_DATE_SPELLINGS,
    *(f"{day} {clock}" for day in _DATE_SPELLINGS for clock in _TIME_SPELLINGS),
]


@dataclass(frozen=True)
class PendingFile:
    """A file that is new or changed since it was last landed, for one table.

    Attributes:
        file: Where it is and how it is read.
        size: Bytes.
        modified_us: When it was last changed, microseconds since 1970.
    """

    file: SourceFile
    size: int
    modified_us: int

    @property
    def source(self) -> str:
        """Name in sources.yml."""
        return self.file.source

    @property
    def vendor(self) -> str:
        """Vendor name."""
        return self.file.vendor

    @property
    def table(self) -> str:
        """Table name."""
        return self.file.table.name

    @property
    def source_file(self) -> str:
        """Place below the source's path."""
        return self.file.source_file

    @property
    def file_key(self) -> str:
        """The export unit that the file delivers."""
        return self.file.file_key

    @property
    def is_required(self) -> bool:
        """Whether publication waits until this file can be read."""
        return self.file.is_required


@dataclass(frozen=True)
class LandedBatch:
    """One source file landed into one table: a row of the manifest."""

    batch_id: str
    run_id: str
    source: str
    vendor: str
    table_name: str
    source_file: str
    file_key: str
    content_sha256: str
    size_bytes: int
    definition: str
    delivered_at: datetime
    loaded_at: datetime
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    min_dt: date | None
    max_dt: date | None
    status: str
    error: str | None
    warnings: str | None
    is_required: bool
    rows_erased: int = 0
    rows_anonymised: int = 0


# --- what is new ----------------------------------------------------------------------------------


def discover(sources: Sources, raw_root: Path) -> list[PendingFile]:
    """List what is new or changed, without opening files that look as they did.

    Args:
        sources: The content of sources.yml.
        raw_root: The raw zone.

    Returns:
        Files in the order in which they will be landed: by time of change, then by path.
    """
    index = _Index.load(raw_root)
    pending = []
    for file in source_files(sources, raw_root / "_cache"):
        try:
            status = file.path.stat()
        except FileNotFoundError:  # taken away since the folder was listed
            continue
        candidate = PendingFile(file, status.st_size, status.st_mtime_ns // 1000)
        if not index.has(candidate):
            pending.append(candidate)
    index.save()
    return sorted(
        pending, key=lambda item: (item.modified_us, item.source, item.source_file, item.table)
    )


class _Index:
    """What the manifest says of each file, kept beside it so that a look takes milliseconds."""

    _FILE = "_seen.json"

    def __init__(
        self, raw_root: Path, manifests: list[str], entries: dict[str, dict], last_us: int
    ) -> None:
        self._path = raw_root / self._FILE
        self._manifests = manifests
        self._entries = entries
        self._last_us = last_us
        self._changed = False

    @classmethod
    def load(cls, raw_root: Path) -> _Index:
        manifest = raw_root / "_manifest"
        present = sorted(p.name for p in manifest.glob("*.parquet") if p.name != _SCHEMA_FILE)
        try:
            cached = json.loads((raw_root / cls._FILE).read_text())
            index = cls(raw_root, cached["manifests"], cached["entries"], cached["last_us"])
        except (OSError, ValueError, KeyError, TypeError):
            index = cls(raw_root, [], {}, 0)
        if set(index._manifests) - set(present):  # the raw zone was replaced under the cache
            index = cls(raw_root, [], {}, 0)
        missing = [name for name in present if name not in set(index._manifests)]
        if missing:
            index._add([str(manifest / name) for name in missing])
            index._manifests.extend(missing)
            index._changed = True
        return index

    def _add(self, paths: list[str]) -> None:
        with duckdb.connect() as connection:
            rows = connection.execute(
                """
                select source, table_name, source_file, content_sha256, size_bytes,
                    epoch_us(delivered_at), definition, status, epoch_us(loaded_at)
                from read_parquet(?, union_by_name = true)
                order by loaded_at, batch_id
                """,
                [paths],
            ).fetchall()
        for source, table, file, sha256, size, modified, definition, status, loaded_us in rows:
            self._last_us = max(self._last_us, loaded_us)
            entry = self._entries.setdefault(f"{source}|{table}|{file}", {"contents": {}})
            entry["contents"][_content_key(sha256, definition)] = [definition, status]
            entry["looks"] = [size, modified, sha256]

    def has(self, candidate: PendingFile) -> bool:
        """Whether a file is landed as it is now."""
        entry = self._entries.get(_index_key(candidate))
        if entry is None:
            return False
        size, modified, sha256 = entry["looks"]
        if [size, modified] != [candidate.size, candidate.modified_us]:
            sha256 = _sha256_if_readable(candidate.file.path)
            if _content_key(sha256, candidate.file.definition) not in entry["contents"]:
                return False
            if sha256 == UNREAD:  # a right given later changes no time and no size
                return self.has_content(candidate, sha256)
            entry["looks"] = [candidate.size, candidate.modified_us, sha256]
            self._changed = True
        return self.has_content(candidate, sha256)

    def has_content(self, candidate: PendingFile, sha256: str) -> bool:
        """Whether this content was landed from this place under the same definition."""
        entry = self._entries.get(_index_key(candidate), {"contents": {}})
        key = _content_key(sha256, candidate.file.definition)
        definition, status = entry["contents"].get(key, ("", "unknown"))
        # A failed file is worth another try once the way of reading it has changed.
        return status == "loaded" or (
            status == "failed" and definition == candidate.file.definition
        )

    def after_last(self, clock: datetime) -> datetime:
        """The clock, or the moment after the last landing where the clock stands still."""
        epoch = datetime(1970, 1, 1)
        return max(clock, epoch + timedelta(microseconds=self._last_us + 1))

    def save(self) -> None:
        """Write the cache where it has changed; never in the way of a reader."""
        if not self._changed or not self._path.parent.is_dir():
            return
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_text(
            json.dumps(
                {
                    "manifests": self._manifests,
                    "entries": self._entries,
                    "last_us": self._last_us,
                }
            )
        )
        os.replace(draft, self._path)
        self._changed = False


def _sha256_if_readable(path: Path) -> str:
    """The hash of a file's bytes; ``UNREAD`` where the system does not let us read them."""
    try:
        return content_sha256(path)
    except OSError:
        return UNREAD


def _content_key(sha256: str, definition: str) -> str:
    """Content under what the user wrote about it: a changed mapping is another delivery."""
    return f"{sha256}|{definition.split('-')[0]}"


def _index_key(candidate: PendingFile) -> str:
    return f"{candidate.source}|{candidate.table}|{candidate.source_file}"


# --- landing --------------------------------------------------------------------------------------


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
        index = _Index.load(raw_root)
        unseen = [
            (item, sha256)
            for item in pending
            if item.file.path.exists()
            and not index.has_content(item, sha256 := _sha256_if_readable(item.file.path))
        ]
        # Each file a microsecond after the one before: of two versions of a record that a run
        # finds at once, the one delivered later is the current one.
        first = index.after_last(clock)
        new = [
            (item, sha256, first + timedelta(microseconds=position))
            for position, (item, sha256) in enumerate(unseen)
        ]

        of_table = Counter((item.source, item.table) for item, _ in unseen)

        def land_file(
            connection: duckdb.DuckDBPyConnection,
            item: PendingFile,
            sha256: str,
            loaded_at: datetime,
        ) -> LandedBatch:
            is_alone = of_table[item.source, item.table] == 1
            return _land_file(
                connection, item, sha256, sources, raw_root, run_id, loaded_at, is_alone
            )

        group: list[LandedBatch] = []
        started = time.monotonic()
        try:
            with closing(_connect(raw_root)) as connection:
                for batch in _in_order(new, land_file, connection, raw_root):
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
        _Index.load(raw_root).save()
    return committed


_NewFile = tuple[PendingFile, str, datetime]
_FileLander = Callable[[duckdb.DuckDBPyConnection, PendingFile, str, datetime], LandedBatch]


def _in_order(
    new: Sequence[_NewFile],
    land_file: _FileLander,
    connection: duckdb.DuckDBPyConnection,
    raw_root: Path,
) -> Iterator[LandedBatch]:
    """Land the files, a few at a time, and give the batches in the order of the files.

    A small day of a web export is one row group, which one core reads: several such files keep the
    cores busy side by side. A large file gets all of them, and the memory, for itself.
    """
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    local = threading.local()
    opened: list[duckdb.DuckDBPyConnection] = []

    def land_beside(entry: _NewFile) -> LandedBatch:
        if not hasattr(local, "connection"):
            local.connection = _connect(raw_root, share=workers)
            opened.append(local.connection)
        return land_file(local.connection, *entry)

    try:
        for is_large, group in groupby(new, key=lambda entry: entry[0].size > LARGE_FILE_BYTES):
            entries = list(group)
            if is_large or workers == 1 or len(entries) == 1:
                for entry in entries:
                    yield land_file(connection, *entry)
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
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"set temp_directory = {sql_text(work)}")
    connection.execute(f"set memory_limit = {sql_text(os.environ.get('CXW_MEMORY_LIMIT', '4GB'))}")
    if share > 1:
        limit = connection.execute("select current_setting('memory_limit')").fetchone()
        amount, unit = str(limit[0] if limit else "4 GiB").split()
        connection.execute(f"set memory_limit = {sql_text(f'{float(amount) / share:.2f}{unit}')}")
        connection.execute(f"set threads = {max(1, (os.cpu_count() or 1) // share)}")
    connection.execute("set enable_progress_bar = false")
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


def _land_file(
    connection: duckdb.DuckDBPyConnection,
    item: PendingFile,
    sha256: str,
    sources: Sources,
    raw_root: Path,
    run_id: str,
    loaded_at: datetime,
    is_alone: bool,
) -> LandedBatch:
    """Read one file and write what it gives under ``_incoming``."""
    # The same delivery gets the same name in every rebuild: keys of web events are made of it.
    place = f"{item.table}|{item.source_file}|{sha256}|{item.file.definition}"
    batch = LandedBatch(
        batch_id=f"{item.source}-{hashlib.sha256(place.encode()).hexdigest()[:16]}",
        run_id=run_id,
        source=item.source,
        vendor=item.vendor,
        table_name=item.table,
        source_file=item.source_file,
        file_key=item.file_key,
        content_sha256=sha256,
        size_bytes=item.size if sha256 != UNREAD else _UNREAD_BYTES,
        definition=item.file.definition,
        delivered_at=datetime.fromtimestamp(item.modified_us / 1e6, UTC).replace(tzinfo=None),
        loaded_at=loaded_at,
        rows_read=0,
        rows_landed=0,
        rows_quarantined=0,
        min_dt=None,
        max_dt=None,
        status="loaded",
        error=None,
        warnings=None,
        is_required=item.is_required,
    )
    folder = raw_root / "_incoming" / batch.batch_id
    work = raw_root / "_incoming" / "_work" / batch.batch_id
    folder.mkdir(parents=True)
    work.mkdir(parents=True)
    try:
        return _read_and_write(
            connection, item.file, batch, sources, raw_root, folder, work, is_alone
        )
    except FileError as error:
        shutil.rmtree(folder)
        folder.mkdir()
        return replace(batch, status="failed", error=str(error))
    except OSError as error:
        if sha256 != UNREAD:
            raise  # it could be read a moment ago: the disk that is written to has failed
        unread = UnreadableFileError(
            f"{item.source_file} may not be read: {error.strerror}.",
            "Give the user that runs this the right to read it, or correct the path.",
        )
        return replace(batch, status="failed", error=str(unread))
    except duckdb.Error as error:
        if is_fault_of_machine(error):
            raise
        shutil.rmtree(folder)
        folder.mkdir()
        damaged = UnreadableFileError(
            f"{item.source_file} cannot be landed: {first_line(error)}",
            "Deliver the file again; it may be damaged.",
        )
        return replace(batch, status="failed", error=str(damaged))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _read_and_write(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    batch: LandedBatch,
    sources: Sources,
    raw_root: Path,
    folder: Path,
    work: Path,
    is_alone: bool,
) -> LandedBatch:
    table = file.table
    request = ReadRequest(file.path, file.rule, table.columns, work, file.options)
    load_date = batch.loaded_at.date()
    state = raw_root.parent / "state"
    relations = (_STAGED, _judgements(table))
    kept = None
    erased = 0

    def is_late(content: FileContent, mapping: _Mapping) -> bool:
        if not table.comes_again:
            return _is_identified_late(table, content)
        return (
            is_alone
            and _is_identified_late(table, content)
            and not _has_come_before(connection, table, batch, content, mapping, raw_root)
        )

    def write_at_once(content: FileContent, is_identified: bool) -> date | None:
        # Whether a row is of somebody erased is asked of rows that are kept.
        if not content.is_json or suppressed(state):
            return None
        region = sources.phone_region
        day = None
        try:
            day = _write_at_once(
                connection, table, content, batch, folder, raw_root, region, is_identified
            )
        finally:
            if day is None:
                shutil.rmtree(folder / "rows", ignore_errors=True)
        return day

    read = _read_at_once(connection, file, request, load_date, is_late, write_at_once)
    content, mapping, is_identified, day = read or (None, None, True, None)
    if content is not None and mapping is not None and day is not None:
        return replace(
            batch,
            rows_read=content.streamed_rows or 0,
            rows_landed=content.streamed_rows or 0,
            min_dt=day,
            max_dt=day,
            warnings=" ".join([*content.warnings, *mapping.warnings]) or None,
        )
    if content is None or mapping is None:
        content = read_file(connection, request)
        if table.is_nested or file.where or file.expressions:
            content = keep_rows(connection, content)
        if file.where:
            content = _kept_rows(connection, file, content)
        mapping = _match(file, content)
        if _has_declared_types(file, content, mapping):
            _stage(connection, table, content, mapping, load_date, file.path.name, False)
            if not leave_out(connection, table, batch.source, state, relations):
                kept = _keep_file(connection, file.path, content, folder)
        if kept is None:
            is_identified = not is_late(content, mapping)
            _stage(connection, table, content, mapping, load_date, file.path.name, is_identified)
    if kept is None:
        _hash_identifiers(connection, table, sources.phone_region, raw_root)
        erased = leave_out(connection, table, batch.source, state, relations)
    rows = content.streamed_rows
    if rows is None:
        rows = _count(connection, content.relation)
    rows_read = rows + _count(connection, REJECTED)
    erased += leave_out_unread(connection, table, batch.source, state, sources.phone_region)
    _write_returned(connection, folder)
    landed, min_dt, max_dt = kept or _write_rows(connection, table, batch, folder, is_identified)
    quarantined = _write_quarantine(connection, table, batch, folder)
    if rows_read != landed + quarantined + erased:
        raise IngestionError(
            f"{file.path.name}: {rows_read} rows read, but {landed} landed, {quarantined} "
            f"quarantined and {erased} erased.",
            "Nothing of this file was kept; please report it, it is a defect of landing.",
        )
    warnings = [*content.warnings, *mapping.warnings]
    if rows_read == 0:
        warnings.append("The file has a header but no rows.")
    return replace(
        batch,
        rows_read=rows_read,
        rows_landed=landed,
        rows_quarantined=quarantined,
        rows_erased=erased,
        min_dt=min_dt,
        max_dt=max_dt,
        warnings=" ".join(warnings) or None,
    )


def _is_identified_late(table: TableSpec, content: FileContent) -> bool:
    """Whether rows land without ``_row_id``: what tells equal ones apart is their line or place."""
    return table.identifies_late and content.is_streamed


def _has_come_before(
    connection: duckdb.DuckDBPyConnection,
    table: TableSpec,
    batch: LandedBatch,
    content: FileContent,
    mapping: _Mapping,
    raw_root: Path,
) -> bool:
    """Whether any of a file's first records was landed from the same source before."""
    keys = [mapping.sources.get(name) for name in table.natural_key]
    if None in keys:
        return True
    named = ", ".join(f"{content.columns[key]} as k{i}" for i, key in enumerate(keys) if key)
    same = " and ".join(
        f"landed.{sql_name(name)} is not distinct from first_rows.k{i}"
        for i, name in enumerate(table.natural_key)
    )
    landed = raw_root / batch.vendor / table.name / "dt=*" / "*.parquet"
    has_come = f"""
        select count(*) > 0
        from read_parquet({sql_text(landed)}, union_by_name = true) as landed
        where
            landed._source = {sql_text(batch.source)}
            and exists (
                select 1
                from (select {named} from {content.relation} limit {_FIRST_ROWS}) as first_rows
                where {same}
            )
    """
    try:
        found = connection.execute(has_come).fetchall()
    except duckdb.Error as error:
        if is_fault_of_machine(error):
            raise
        # A raw file that is damaged is not the fault of this one, which lands with its identities.
        return True
    return found == [(True,)]


def _read_at_once(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    request: ReadRequest,
    load_date: date,
    is_late: Callable[[FileContent, _Mapping], bool],
    write_at_once: Callable[[FileContent, bool], date | None],
) -> tuple[FileContent, _Mapping, bool, date | None] | None:
    """Read and stage a text file whose every line is one whole row in a single reading.

    Or even write it: then the day of all rows is told. Before that, whether rows are digested. None
    where it turns out to be another file, or is read more than once anyway.
    """
    table = file.table
    # Of a mapping, columns may stay unread; nothing would be known of these.
    if table.is_nested or file.where or file.is_mapped or file.expressions:
        return None
    try:
        content = read_file(connection, replace(request, looks_through=False))
        mapping = _match(file, content)
        is_digested = not is_late(content, mapping)
        name = file.path.name
        if content.is_streamed:
            streamed = content
            if content.first_line == 1 and not is_digested:
                # Who reads rows that land without identities counts them, too.
                streamed = content.without_lines()
            _stage(connection, table, streamed, mapping, load_date, name, is_digested, False)
            if day := write_at_once(content, is_digested):
                return content, mapping, is_digested, day
        _stage(connection, table, content, mapping, load_date, name, is_digested)
    except FileError:
        return None
    except READING_ERRORS as error:
        if is_fault_of_machine(error):
            raise
        return None
    staged_rows = _count(connection, _judgements(table))
    is_whole = content.streamed_rows in (None, staged_rows)
    return (content, mapping, is_digested, None) if is_whole else None


def _kept_rows(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, content: FileContent
) -> FileContent:
    """The rows that a mapping means; the others are not rows of its table."""
    try:
        connection.execute(
            f"""
            create or replace temp table kept_rows as
            select * from {_named(content)} where {file.where}
            """
        )
    except duckdb.Error as error:
        raise MappingError(
            f"{file.source_file}: the condition {file.where} cannot be evaluated: "
            f"{first_line(error)}",
            f"The file's columns are {', '.join(content.columns)}.",
        ) from error
    columns = {name: sql_name(name) for name in content.columns}
    return replace(content, relation="kept_rows", columns=columns, line="_line", place="rowid")


def _named(content: FileContent) -> str:
    """The rows under the file's own column names."""
    columns = "".join(
        f", {sql} as {sql_name(name)}"
        for name, sql in (
            *content.columns.items(),
            *((f"_object_{name}", sql) for name, sql in content.objects.items()),
        )
    )
    places = f"{content.line} as _line, {content.place} as _place"
    return f"(select {places}{columns} from {content.relation})"


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0


# --- matching columns -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mapping:
    """Where each declared column comes from.

    Attributes:
        sources: File column by declared column.
        expressions: SQL over the file's columns by declared column, instead of a file column.
        extra: File columns that nothing declares.
        warnings: What a person should know.
    """

    sources: Mapping[str, str]
    expressions: Mapping[str, str]
    extra: tuple[str, ...]
    warnings: tuple[str, ...]


def _match(file: SourceFile, content: FileContent) -> _Mapping:
    """Find the declared columns in a file.

    Raises:
        MissingColumnError: A required one is not there.
    """
    own_names = {name.casefold(): name for name in reversed(list(content.columns))}
    found = {} if file.is_mapped else match_columns(file.table.columns, list(content.columns))
    expressions: dict[str, str] = {}
    for name, expression in file.expressions.items():
        found.pop(name, None)
        # A bare column name needs no quotes, even where SQL would read it as a keyword.
        if expression.strip().casefold() in own_names:
            found[name] = own_names[expression.strip().casefold()]
        else:
            expressions[name] = expression
    missing = [
        column.name
        for column in file.table.columns
        if column.required and column.name not in found and column.name not in expressions
    ]
    # A JSON file without a single record shows no keys; there is nothing that could be missing.
    if missing and (content.columns or not content.is_json):
        raise MissingColumnError(
            f"{file.source_file} has no column {', '.join(missing)}, which {file.vendor}."
            f"{file.table.name} requires; {shown_columns(list(content.columns), len(found))}.",
            "Export it with these columns, or put the right separator or encoding under `options` "
            "of the source if the names look wrong.",
        )
    used = set(found.values())
    for expression in expressions.values():
        used.update(own_names.get(name.casefold(), name) for name in _operands(expression))
    extra = tuple(sorted(name for name in content.columns if name not in used))
    if file.is_mapped and not file.keep_extra:
        extra = ()
    return _Mapping(found, expressions, extra, ())


# --- staging rows ---------------------------------------------------------------------------------


def _stage(
    connection: duckdb.DuckDBPyConnection,
    table: TableSpec,
    content: FileContent,
    mapping: _Mapping,
    load_date: date,
    file_name: str,
    is_digested: bool,
    is_kept: bool = True,
) -> None:
    """Make ``staged_rows``: the declared columns, and each row's day, problem and content in short.

    ``judged_rows`` has only what is said of the rows. Rows that are not kept are read anew from the
    file whenever they are asked for.
    The values of nested rows stay where they are: ``staged_rows`` is a view, so that wide rows are
    copied once, from the file to the raw zone, and only the judgement is kept meanwhile. Of texts
    one table holds both, which is less work than to join them, row by row.
    """
    guarded = _failing_expressions(connection, content, mapping, file_name)
    # Rows that are read from the file here are told by their place in the table that keeps them.
    are_counted = content.is_streamed and is_kept and not table.is_nested
    selected: list[str] = []
    helpers: list[str] = []
    problems: list[tuple[str, str]] = []
    unfit: dict[str, str] = {}
    for column in table.columns:
        name = sql_name(column.name)
        if column.name in mapping.expressions:
            expression = mapping.expressions[column.name]
            if column.name in guarded:
                operands = guarded[column.name]
                present = " and ".join(f"{sql_name(o)} is not null" for o in operands) or "true"
                flag = sql_name(f"_fails_{column.name}")
                selected.append(f"try({expression}) is null and {present} as {flag}")
                problems.append((flag, f"{column.name}|mapping_failed"))
                unfit.update(dict.fromkeys(operands, "true"))
                expression = f"try({expression})"
            selected.append(f"try_cast({expression} as {column.type}) as {name}")
        elif column.name in mapping.sources:
            source = mapping.sources[column.name]
            value = converted(sql_name(source), content.types[source], column.type)
            selected.append(f"{value} as {name}")
            if column.kind == "json" and source in content.objects:
                flag = sql_name(f"_is_json_{column.name}")
                selected.append(f"{sql_name(f'_object_{source}')} as {flag}")
                helpers.append(flag)
            if column.type != "VARCHAR" and not _is_same_type(content.types[source], column.type):
                lost = f"{_is_present(sql_name(source), content.types[source])} and {value} is null"
                selected.append(f"{lost} as {sql_name(f'_lost_{column.name}')}")
                unfit[source] = lost
                problems.append(
                    (sql_name(f"_lost_{column.name}"), f"{column.name}|not_convertible")
                )
        else:
            selected.append(f"cast(null as {column.type}) as {name}")
    for column in table.columns:
        flag = sql_name(f"_is_json_{column.name}")
        problems.extend(_problems(column, flag if flag in helpers else None))
    cases = " ".join(f"when {test} then {sql_text(code)}" for test, code in problems)
    digest = content_digest(table) if is_digested else "null"
    day = f"try(cast({table.dt} as date))" if table.dt else "cast(null as date)"
    helpers += [n for n, _ in problems if n.startswith(('"_lost_', '"_fails_'))]
    excluded = f"exclude ({', '.join(helpers)})" if helpers else ""
    typed = f"""
        select
            _line,
            _place,
            {", ".join(selected)},
            {_extra(mapping, content)} as {EXTRA_COLUMN},
            {_unfit(unfit, content)} as _unfit
        from {_named(content.without_lines() if are_counted else content)}
    """
    judgement = f"""
        coalesce({day}, date '{load_date}') as _dt,
        {f"case {cases} end" if cases else "cast(null as varchar)"} as _problem,
        cast({digest} as varchar) as _content
    """
    judged = "_place, _line, _dt, _problem, _content"
    judgements = _judgements(table)
    if table.is_nested:
        connection.execute(
            f"""
            create or replace temp table {judgements} as
            select _place, _line, {judgement} from ({typed})
            """
        )
        staged = f"""
            select typed.* {excluded}, {judged.removeprefix("_place, _line, ")}
            from ({typed}) as typed
            inner join {judgements} as judged on typed._place = judged._place
        """
    else:
        staged = f"select * {excluded}, {judgement} from ({typed})"
        if is_kept:
            connection.execute(f"create or replace temp table {judgements} as {staged}")
            staged = f"""
                select * replace (
                    coalesce(_line, rowid + {content.first_line}) as _line,
                    coalesce(_place, rowid) as _place
                )
                from {judgements}
            """
    connection.execute(f"create or replace temp view {_STAGED} as {staged}")
    connection.execute(
        f"create or replace temp view {_JUDGED} as "
        f"select {judged} from {_STAGED if not table.is_nested else judgements}"
    )


def _judgements(table: TableSpec) -> str:
    """The table of what is said of each row: a row that is taken out of it does not land."""
    return "nested_judged" if table.is_nested else "text_rows"


def _unfit(unfit: Mapping[str, str], content: FileContent) -> str:
    """The values that a declared column cannot hold, as they came, for the quarantined record."""
    names = {name.casefold(): name for name in content.columns}
    present = {names[n.casefold()]: test for n, test in unfit.items() if n.casefold() in names}
    if not present:
        return "cast(null as varchar)"
    members = ", ".join(
        f"{sql_text(name)}, "
        f"case when {test} then {converted(sql_name(name), content.types[name], 'VARCHAR')} end"
        for name, test in present.items()
    )
    return (
        f"case when {' or '.join(f'({test})' for test in present.values())} "
        f"then cast(json_merge_patch('{{}}', json_object({members})) as varchar) end"
    )


def _is_present(value: str, source_type: str) -> str:
    if source_type == "VARCHAR":
        return f"nullif(trim({value}), '') is not null"
    return f"{value} is not null"


def _extra(mapping: _Mapping, content: FileContent) -> str:
    """The undeclared columns as a JSON object without nulls; null where nothing is left."""
    if not mapping.extra:
        return "cast(null as varchar)"
    members = ", ".join(
        f"{sql_text(name)}, {converted(sql_name(name), content.types[name], 'VARCHAR')}"
        for name in mapping.extra
    )
    # A merge patch drops members that are null.
    return f"nullif(cast(json_merge_patch('{{}}', json_object({members})) as varchar), '{{}}')"


def _problems(column: Column, is_json: str | None = None) -> list[tuple[str, str]]:
    """Tests that send a row to quarantine, with ``column|reason code``.

    Args:
        column: The column.
        is_json: SQL that says of a row whether its value is known to be JSON.
    """
    name = sql_name(column.name)
    tests: list[tuple[str, str]] = []
    if column.not_null:
        # What begins with a printable character of ASCII needs no look at its white space.
        blank = (
            f"{name} is null"
            if column.type != "VARCHAR"
            else f"case when {name} between '!' and '~' then false "
            f"else coalesce(trim({name}), '') = '' end"
        )
        tests.append((blank, f"{column.name}|blank_value"))
    if column.within:
        smallest, largest = column.within
        tests.append(
            (f"{name} not between {smallest} and {largest}", f"{column.name}|out_of_range")
        )
    if column.type != "VARCHAR" or column.kind == "text":
        return tests
    value = f"trim({name})"
    # Each lenient test stands in an `else`, so that it runs on the few values that need it.
    plain = f"replace(replace(replace({value}, ' ', ''), chr(160), ''), ',', '.')"
    number = f"coalesce(try_cast({value} as double), try_cast({plain} as double))"
    epoch = f"regexp_full_match({value}, '-?\\d{{9,16}}(\\.\\d+)?')"
    # no list: DuckDB joins with lists, and after such a join rows are in no order
    truths = sql_text("|".join(map(re.escape, _TRUTHS)))
    parses = {
        "timestamp": f"case when {_is_iso(value)} then true when {epoch} then true "
        f"else {_is_spelled(value)} end",
        # The days of web exports, millions of them, are spelled like this.
        "date": f"case when regexp_full_match({value}, '\\d{{8}}') "
        f"then try_strptime({value}, '%Y%m%d') is not null "
        f"when {_is_iso(value)} then true else {_is_spelled(value)} end",
        "number": f"isfinite({number})",
        "integer": f"(isfinite({number}) and {number} = floor({number}))",
        "boolean": f"regexp_full_match(lower({value}), {truths})",
        "json": f"json_valid({name})",
    }[column.kind]
    test = f"{value} <> '' and not coalesce({parses}, false)"
    # The spelling that nearly all values have, asked for first.
    usual = {
        "timestamp": f"try_cast({name} as timestamp) is not null",
        "number": f"isfinite(try_cast({name} as double))",
        # of an infinite number nothing is left over, not even zero
        "integer": f"try_cast({name} as double) % 1 = 0",
        "boolean": f"{name} in ('true', 'false')",
        "json": is_json,
    }.get(column.kind)
    if usual:
        test = f"case when {usual} then false else {test} end"
    article = "an" if column.kind == "integer" else "a"
    code = "not_json" if column.kind == "json" else f"not_{article}_{column.kind}"
    tests.append((test, f"{column.name}|{code}"))
    return tests


def _is_iso(value: str) -> str:
    return (
        f"try_cast({value} as timestamp) is not null "
        f"then true when try_cast({value} as timestamptz) is not null"
    )


def _is_spelled(value: str) -> str:
    formats = ", ".join(sql_text(spelling) for spelling in _TIMESTAMP_FORMATS)
    return f"try_strptime({value}, [{formats}]) is not null"


def _failing_expressions(
    connection: duckdb.DuckDBPyConnection,
    content: FileContent,
    mapping: _Mapping,
    file_name: str,
) -> dict[str, list[str]]:
    """The mapped expressions that raise on some row, with the columns that they use.

    Raises:
        MappingError: An expression is wrong whatever the row.
    """
    relation = _named(content)
    failing: dict[str, list[str]] = {}
    for column, expression in mapping.expressions.items():
        try:
            connection.execute(f"explain select {expression} from {relation}")
        except duckdb.Error as error:
            raise MappingError(
                f"{file_name}: the mapping of {column}, {expression}, cannot be evaluated: "
                f"{first_line(error)}",
                f'The file\'s columns are {", ".join(content.columns)}; quote a name with "…" and '
                "a text with '…'.",
            ) from error
        try:
            connection.execute(f"select count({expression}) from {relation}").fetchone()
        except duckdb.Error:
            failing[column] = _operands(expression)
    return failing


def _operands(expression: str) -> list[str]:
    """The columns that an SQL expression reads."""
    with duckdb.connect() as connection:
        row = connection.execute(
            "select json_serialize_sql(?)", [f"select {expression}"]
        ).fetchone()
    found: list[str] = []

    def visit(node: object) -> None:
        if isinstance(node, dict):
            if node.get("class") == "COLUMN_REF":
                found.append(node["column_names"][-1])
            for child in node.values():
                visit(child)
        elif isinstance(node, list):
            for child in node:
                visit(child)

    visit(json.loads(row[0]) if row else {})
    return list(dict.fromkeys(found))


def _is_same_type(one: str, other: str) -> bool:
    """Whether two spellings name one type: DuckDB quotes members that a declaration does not."""
    return one == other or duckdb.sqltype(one) == duckdb.sqltype(other)


def converted(value: str, source_type: str, target_type: str) -> str:
    """SQL that turns a file's value into a declared type; null where it does not fit.

    Nested values are rebuilt member by member: exports of the same vendor differ in members, and a
    column that was null throughout comes as any type at all.

    Args:
        value: SQL of the value.
        source_type: Its DuckDB type.
        target_type: The declared type.

    Returns:
        SQL of the converted value.
    """
    if _is_same_type(source_type, target_type):
        return value
    source, target = duckdb.sqltype(source_type), duckdb.sqltype(target_type)
    if target.id == "varchar":
        if source.id in {"struct", "list", "map", "array", "union"}:
            return f"cast(to_json({value}) as varchar)"
        return f"cast({value} as varchar)"
    if source.id in {"varchar", "json"} and target.id in {"struct", "list"}:
        return f"try_cast(try_cast({value} as json) as {target_type})"
    return _rebuilt(value, source, target, 0)


def _rebuilt(value: str, source: DuckDBPyType, target: DuckDBPyType, depth: int) -> str:
    if str(source) == str(target):
        return value
    if source.id == "struct" and target.id == "struct":
        members = {name.casefold(): (name, kind) for name, kind in children(source)}
        parts = []
        for name, kind in children(target):
            if name.casefold() in members:
                own_name, own_kind = members[name.casefold()]
                member = f"struct_extract({value}, {sql_text(own_name)})"
                parts.append(f"{sql_name(name)} := {_rebuilt(member, own_kind, kind, depth)}")
            else:
                parts.append(f"{sql_name(name)} := cast(null as {kind})")
        return f"case when {value} is not null then struct_pack({', '.join(parts)}) end"
    if source.id == "list" and target.id == "list":
        item = f"x{depth}"
        inner = _rebuilt(item, children(source)[0][1], children(target)[0][1], depth + 1)
        return f"list_transform({value}, lambda {item}: {inner})"
    if target.id == "varchar":
        return converted(value, str(source), "VARCHAR")
    if target.id in {"struct", "list"} and source.id not in {"json", "varchar"}:
        return f"cast(null as {target})"  # a member that was null throughout, typed at random
    return f"try_cast({value} as {target})"


# --- writing --------------------------------------------------------------------------------------


def _hash_identifiers(
    connection: duckdb.DuckDBPyConnection, table: TableSpec, region: str, raw_root: Path
) -> None:
    """Hash the distinct identifiers of the rows."""
    for kind in sorted({column.identifier for column in table.columns if column.identifier}):
        # Whether a text is blank is not asked of every row, but of the few that are no address.
        values = " union ".join(
            f"select distinct {sql_name(column.name)} as value from {_STAGED} "
            "where _problem is null"
            for column in table.columns
            if column.identifier == kind
        )
        hash_relation(
            connection,
            f"({values}) where value is not null",
            kind,
            hash_key(raw_root.parent / "state"),
            region,
            email_rules(raw_root.parent),
        )


def _has_declared_types(file: SourceFile, content: FileContent, mapping: _Mapping) -> bool:
    """Whether a file could stand in the raw zone as it is: nothing renamed, cast or left over.

    Columns and members that are missing are null for every reader of the raw zone.
    """
    return (
        file.table.keeps_files
        and file.path.suffix == ".parquet"
        and not (file.where or mapping.expressions or mapping.extra)
        and not any(column.identifier for column in file.table.columns)
        and all(
            column.name not in mapping.sources
            or (
                mapping.sources[column.name] == column.name
                and _is_part_of(
                    duckdb.sqltype(content.types[column.name]), duckdb.sqltype(column.type)
                )
            )
            for column in file.table.columns
        )
    )


def _is_part_of(one: DuckDBPyType, other: DuckDBPyType) -> bool:
    """Whether a type is another one, or lacks nothing but members of its structures."""
    if one.id != other.id:
        return False
    if one.id == "struct":
        members = dict(children(other))
        return all(
            name in members and _is_part_of(child, members[name]) for name, child in children(one)
        )
    if one.id == "list":
        return _is_part_of(children(one)[0][1], children(other)[0][1])
    return str(one) == str(other)


def _keep_file(
    connection: duckdb.DuckDBPyConnection, path: Path, content: FileContent, folder: Path
) -> tuple[int, date | None, date | None] | None:
    """Copy a file of one day as it is; None where a row of it has to be left out or moved.

    Raises:
        duckdb.Error: The file is damaged somewhere: every value of it is read once.
    """
    found = connection.execute(
        f"select count(*), min(_dt), max(_dt), count(_problem) from {_JUDGED}"
    ).fetchone()
    if not found or not found[0] or found[1] != found[2] or found[3]:
        return None
    values = ", ".join(content.columns.values())
    connection.execute(f"select bit_xor(hash({values})) from {content.relation}").fetchone()
    target = folder / "rows" / f"dt={found[1]}" / "part.parquet"
    target.parent.mkdir(parents=True)
    shutil.copyfile(path, target)
    return int(found[0]), found[1], found[2]


def _raw_rows(
    table: TableSpec, batch: LandedBatch, hashes: Mapping[str, str], identity: str
) -> str:
    """The columns of the raw table, selected from rows that are called ``staged``."""
    declared = ", ".join(f"staged.{sql_name(column.name)}" for column in table.columns)
    hashed = "".join(f", {sql} as {sql_name(name + HASH_SUFFIX)}" for name, sql in hashes.items())
    return f"""
        select
            {declared}{hashed},
            staged.{EXTRA_COLUMN},
            {sql_text(batch.batch_id)} as _batch_id,
            timestamp '{batch.loaded_at}' as _loaded_at,
            {sql_text(batch.source)} as _source,
            {sql_text(batch.source_file)} as _source_file,
            staged._line as _row,
            {identity} as _row_id
    """


def _write_at_once(
    connection: duckdb.DuckDBPyConnection,
    table: TableSpec,
    content: FileContent,
    batch: LandedBatch,
    folder: Path,
    raw_root: Path,
    region: str,
    is_identified: bool,
) -> date | None:
    """Write rows as they are read, where all are of one day and none is for quarantine.

    Returns:
        The day; None where a row has to be set aside, or rows are equal and need numbers.

    Raises:
        duckdb.Error: The file is another than it had looked.
    """
    first = connection.execute(f"select _dt from {_STAGED} limit 1").fetchall()
    if not first:
        return None
    day = cast("date", first[0][0])
    target = folder / "rows" / f"dt={day}" / "part.parquet"
    target.parent.mkdir(parents=True)
    identity = row_id("staged._content", "1") if is_identified else "cast(null as varchar)"
    state = raw_root.parent / "state"
    identifiers = {c.name: c.identifier for c in table.columns if c.identifier}
    with hashes_in_place(
        connection, identifiers.values(), hash_key(state), region, email_rules(raw_root.parent)
    ) as hash_in_place:
        hashes = {
            name: hash_in_place(f"staged.{sql_name(name)}", kind)
            for name, kind in identifiers.items()
        }
        try:
            connection.execute(
                f"""
                copy (
                    {_raw_rows(table, batch, hashes, identity)}
                    from {_STAGED} as staged
                    cross join {PADS}
                    where
                        case
                            when staged._problem is null and staged._dt = date '{day}'
                                then true
                            else error({sql_text(_SET_ASIDE)})
                        end
                )
                to {sql_text(target)} ({PARQUET})
                """
            )
        except duckdb.InvalidInputException as error:
            if _SET_ASIDE in str(error):
                return None
            raise
    numbers = "count(distinct _row_id)" if is_identified else "count(*)"
    counts = connection.execute(
        f"select count(*), {numbers} from read_parquet(?)", [str(target)]
    ).fetchone()
    if counts is None or set(counts) != {content.streamed_rows}:
        return None
    return day


def _write_rows(
    connection: duckdb.DuckDBPyConnection,
    table: TableSpec,
    batch: LandedBatch,
    folder: Path,
    is_identified: bool,
) -> tuple[int, date | None, date | None]:
    contents = "count(distinct hash(_content))" if is_identified else "null"
    span = connection.execute(
        f"""
        select count(*), min(_dt), max(_dt), {contents}
        from {_JUDGED} where _problem is null
        """
    ).fetchone()
    if not span or not span[0]:
        return 0, None, None
    occurrence, numbers = "1", ""
    if is_identified and span[3] < span[0]:
        # Few rows repeat: only those need a number.
        occurrence = "coalesce(repeated.occurrence, 1)"
        numbers = "\nleft join repeated_rows as repeated on staged._place = repeated._place"
        connection.execute(
            f"""
            create or replace temp table repeated_rows as
            select _place, row_number() over (partition by _content order by _place) as occurrence
            from {_JUDGED}
            where _problem is null and _content in (
                select _content from {_JUDGED} where _problem is null
                group by _content having count(*) > 1
            )
            """
        )
    identity = row_id("staged._content", occurrence) if is_identified else "cast(null as varchar)"
    hashed = [(column.name, column.identifier) for column in table.columns if column.identifier]
    joins = "".join(
        f"\nleft join {hashed_table(kind)} as h{i} on h{i}.value = staged.{sql_name(name)}"
        for i, (name, kind) in enumerate(hashed)
    )
    hashes = {name: f"h{i}.hash" for i, (name, _) in enumerate(hashed)}
    rows = _raw_rows(table, batch, hashes, identity)
    relations = f"""
        from {_STAGED} as staged {numbers} {joins}
        where staged._problem is null
    """
    target = folder / "rows"
    days = [
        day
        for (day,) in connection.execute(
            f"select distinct _dt from {_JUDGED} where _problem is null "
            f"order by _dt limit {_FEW_DAYS + 1}"
        ).fetchall()
    ]
    if len(days) <= _FEW_DAYS:
        # Each day by itself: to sort rows and split them by day costs as much as writing them.
        for day in days:
            part = target / f"dt={day}" / "part.parquet"
            part.parent.mkdir(parents=True)
            only = f"and staged._dt = date '{day}'" if len(days) > 1 else ""
            connection.execute(f"copy ({rows} {relations} {only}) to {sql_text(part)} ({PARQUET})")
    else:
        # Sorted by day, so that each partition is written in one piece.
        connection.execute(
            f"""
            copy ({rows}, staged._dt as dt {relations} order by staged._dt, staged._place)
            to {sql_text(target)} ({PARQUET}, partition_by (dt), filename_pattern 'part_{{i}}')
            """
        )
    return int(span[0]), span[1], span[2]


def _write_quarantine(
    connection: duckdb.DuckDBPyConnection, table: TableSpec, batch: LandedBatch, folder: Path
) -> int:
    reasons = " ".join(f"when {sql_text(c)} then {sql_text(r)}" for c, r in _REASONS.items())
    values = ", ".join(
        f"{sql_text(column.name)}, {sql_name(column.name)}" for column in table.columns
    )
    connection.execute(
        f"""
        create or replace temp table file_quarantine as
        select
            {sql_text(batch.batch_id)} as batch_id,
            {sql_text(batch.source)} as source,
            {sql_text(batch.vendor)} as vendor,
            {sql_text(batch.table_name)} as table_name,
            {sql_text(batch.source_file)} as source_file,
            line, column_name, reason_code, reason, record,
            timestamp '{batch.loaded_at}' as loaded_at
        from (
            select line, cast(null as varchar) as column_name, reason_code, reason, record
            from {REJECTED}
            union all
            select
                staged._line,
                split_part(staged._problem, '|', 1),
                split_part(staged._problem, '|', 2),
                case split_part(staged._problem, '|', 2) {reasons} end,
                cast(
                    json_merge_patch(
                        json_object({values}, {sql_text(EXTRA_COLUMN)}, {EXTRA_COLUMN}),
                        coalesce(staged._unfit, '{{}}')
                    ) as varchar
                )
            from {_STAGED} as staged
            where staged._problem is not null
        )
        order by line
        """
    )
    rows = _count(connection, "file_quarantine")
    if rows:
        connection.execute(
            f"copy file_quarantine to {sql_text(folder / 'quarantine.parquet')} "
            "(format parquet, compression zstd)"
        )
    return rows


def _write_returned(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write by which identifiers somebody erased has returned: who does gets another id."""
    if _count(connection, "returned_identifiers"):
        target = folder / "returned.parquet"
        connection.execute(f"copy returned_identifiers to {sql_text(target)} (format parquet)")


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
    _write_manifest(connection, raw_root, group)
    for batch in group:
        shutil.rmtree(incoming / batch.batch_id)


def _write_manifest(
    connection: duckdb.DuckDBPyConnection, raw_root: Path, group: Sequence[LandedBatch]
) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in MANIFEST_SCHEMA)
    connection.execute(f"create or replace temp table manifest_rows ({columns})")
    connection.executemany(
        f"insert into manifest_rows values ({', '.join('?' * len(MANIFEST_SCHEMA))})",
        [[asdict(batch)[name] for name, _ in MANIFEST_SCHEMA] for batch in group],
    )
    draft = raw_root / "_incoming" / "_work" / "manifest.parquet"
    connection.execute(f"copy manifest_rows to {sql_text(draft)} (format parquet)")
    os.replace(draft, raw_root / "_manifest" / f"{group[0].batch_id}.parquet")


# --- tables that exist without data ---------------------------------------------------------------


def ensure_raw_schemas(raw_root: Path) -> None:
    """Give every declared table its zero-row Parquet, so that every model builds.

    Args:
        raw_root: The raw zone; created where it is missing.
    """
    wanted: dict[Path, Sequence[tuple[str, str]]] = {
        raw_root / "_manifest" / _SCHEMA_FILE: MANIFEST_SCHEMA,
        raw_root / "_quarantine" / _SCHEMA_FILE: QUARANTINE_SCHEMA,
        raw_root / "_returned" / _SCHEMA_FILE: RETURNED_SCHEMA,
    }
    for vendor in VENDORS.values():
        for table in vendor.tables:
            place = raw_root / vendor.name / table.name / _EMPTY_PARTITION / _SCHEMA_FILE
            wanted[place] = table.raw_columns
    record = raw_root / "_schemas.json"
    try:
        written = json.loads(record.read_text())
    except (OSError, ValueError):
        written = {}
    marks = {
        str(path.relative_to(raw_root)): hashlib.md5(repr(columns).encode()).hexdigest()
        for path, columns in wanted.items()
    }
    stale = [
        path
        for path in wanted
        if not path.exists()
        or written.get(str(path.relative_to(raw_root))) != marks[str(path.relative_to(raw_root))]
    ]
    if not stale:
        return
    with duckdb.connect() as connection:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            empty = ", ".join(
                f"cast(null as {kind}) as {sql_name(name)}" for name, kind in wanted[path]
            )
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            connection.execute(
                f"copy (select {empty} limit 0) to {sql_text(draft)} (format parquet)"
            )
            os.replace(draft, path)
    draft = record.with_name(f"{record.name}.{os.getpid()}")
    draft.write_text(json.dumps(marks, indent=0))
    os.replace(draft, record)


def raw_row_counts(raw_root: Path, vendor: str) -> dict[str, int]:
    """Rows of a vendor's raw tables, as the manifest counts them.

    Args:
        raw_root: The raw zone.
        vendor: Vendor name.

    Returns:
        Rows landed so far, by table; a table without any is absent.
    """
    with duckdb.connect() as connection:
        rows = connection.execute(
            """
            select table_name, sum(rows_landed)
            from read_parquet(?, union_by_name = true)
            where vendor = ?
            group by table_name
            """,
            [str(raw_root / "_manifest" / "*.parquet"), vendor],
        ).fetchall()
    return {table: int(count or 0) for table, count in rows}
