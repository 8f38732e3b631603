"""One file: it is read and staged, and what it gives is written under ``_incoming``."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from orchestration.ingestion.errors import FileError, IngestionError, UnreadableFileError
from orchestration.ingestion.new_files import UNREAD, UNREAD_BYTES, PendingFile
from orchestration.ingestion.raw_files import RawWriter, has_declared_types, hash_identifiers
from orchestration.ingestion.raw_zone import LandedBatch
from orchestration.ingestion.readers import (
    READING_ERRORS,
    REJECTED,
    FileContent,
    ReadRequest,
    first_line,
    is_fault_of_machine,
    keep_rows,
    read_file,
    sql_name,
    sql_text,
)
from orchestration.ingestion.sources import SourceFile, Sources
from orchestration.ingestion.specs import TableSpec
from orchestration.ingestion.staged_rows import (
    STAGED,
    ColumnMapping,
    count_rows,
    judged_table_of,
    kept_rows,
    match_file,
    stage,
)
from orchestration.ingestion.suppression import leave_out, leave_out_unread, suppressed

# So many records of a file tell whether its records have come before.
_FIRST_ROWS = 2_048


@dataclass(frozen=True)
class LandingRun:
    """What the files of one landing have in common.

    Attributes:
        sources: The content of sources.yml.
        raw_root: The raw zone.
        run_id: The run, for the manifest.
    """

    sources: Sources
    raw_root: Path
    run_id: str


@dataclass(frozen=True)
class NewFile:
    """A file that this landing reads.

    Attributes:
        item: The file.
        sha256: Of its bytes.
        looks: What the file looked like before they were read (``looks_of``).
        loaded_at: The moment that its rows get.
        is_alone: No other file of its source and table is landed with it.
    """

    item: PendingFile
    sha256: str
    looks: tuple[int, ...] | None
    loaded_at: datetime
    is_alone: bool


def land_file(connection: duckdb.DuckDBPyConnection, run: LandingRun, new: NewFile) -> LandedBatch:
    """Read one file and write what it gives under ``_incoming``.

    Args:
        connection: A database in memory of its own.
        run: The landing.
        new: The file.

    Returns:
        The batch; failed, with the reason, where the file is at fault.

    Raises:
        OSError: Disk or memory of this machine gave way; ``duckdb.Error`` likewise.
        IngestionError: The file's books do not balance.
    """
    batch = _batch(run, new)
    incoming = run.raw_root / "_incoming"
    folder, work = incoming / batch.batch_id, incoming / "_work" / batch.batch_id
    folder.mkdir(parents=True)
    work.mkdir(parents=True)
    try:
        landed = _FileLanding(connection, run, new, batch, folder, work).land()
        if looks_of(new.item.file.path) == new.looks:
            return landed
        fault: IngestionError = _changed(new)
    except IngestionError as error:
        if not isinstance(error, FileError) and looks_of(new.item.file.path) == new.looks:
            raise
        fault = error
    except OSError as error:
        if new.sha256 != UNREAD:
            raise  # it could be read a moment ago: the disk that is written to has failed
        fault = UnreadableFileError(
            f"{new.item.source_file} may not be read: {error.strerror}.",
            "Give the user that runs this the right to read it, or correct the path.",
        )
    except duckdb.Error as error:
        if is_fault_of_machine(error):
            raise
        fault = UnreadableFileError(
            f"{new.item.source_file} cannot be landed: {first_line(error)}",
            "Deliver the file again; it may be damaged.",
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(folder)
    if looks_of(new.item.file.path) != new.looks:
        # Whatever was wrong with it: what it holds is read next time, under a name of its own.
        fault = _changed(new)
        batch = replace(
            batch,
            batch_id=_batch_id(new.item, f"{batch.batch_id}|{new.loaded_at}"),
            content_sha256=UNREAD,
            size_bytes=UNREAD_BYTES,
        )
        folder = incoming / batch.batch_id
    folder.mkdir()
    return replace(batch, status="failed", error=str(fault))


def looks_of(path: Path) -> tuple[int, ...] | None:
    """Size, time of change and number of a file, by which it shows that it was written anew."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _batch_id(item: PendingFile, told_by: str) -> str:
    return f"{item.source}-{hashlib.sha256(told_by.encode()).hexdigest()[:16]}"


def _changed(new: NewFile) -> FileError:
    return UnreadableFileError(
        f"{new.item.source_file} changed while it was read; nothing of it was landed.",
        "The next run reads it again. Write exports under another name (like .part) and rename "
        "them once they are whole.",
    )


def _batch(run: LandingRun, new: NewFile) -> LandedBatch:
    """The batch that a file becomes, before anything is known of its rows."""
    item = new.item
    # The same delivery gets the same name in every rebuild: keys of web events are made of it.
    place = f"{item.table}|{item.source_file}|{new.sha256}|{item.file.definition}"
    return LandedBatch(
        batch_id=_batch_id(item, place),
        run_id=run.run_id,
        source=item.source,
        vendor=item.vendor,
        table_name=item.table,
        source_file=item.source_file,
        file_key=item.file_key,
        content_sha256=new.sha256,
        size_bytes=item.size if new.sha256 != UNREAD else UNREAD_BYTES,
        definition=item.file.definition,
        delivered_at=datetime.fromtimestamp(item.modified_us / 1e6, UTC).replace(tzinfo=None),
        loaded_at=new.loaded_at,
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


@dataclass(frozen=True)
class _Written:
    """Raw rows that are written: how many, and of which days."""

    rows: int
    min_dt: date | None
    max_dt: date | None


@dataclass(frozen=True)
class _Staged:
    """A file whose rows stand staged.

    Attributes:
        content: What was read.
        mapping: Where the declared columns come from.
        is_identified: Its rows get their identities here, and not late.
        written: Its raw rows, where they are written already: nothing of it is set aside.
    """

    content: FileContent
    mapping: ColumnMapping
    is_identified: bool
    written: _Written | None = None


@dataclass(frozen=True)
class _FileLanding:
    """The landing of one file, with the folder that it writes and one for what it needs."""

    connection: duckdb.DuckDBPyConnection
    run: LandingRun
    new: NewFile
    batch: LandedBatch
    folder: Path
    work: Path

    def land(self) -> LandedBatch:
        """Read, stage and write the file; its books have to balance."""
        at_once = self._read_at_once()
        if at_once and at_once.written:
            return self._landed(at_once, at_once.written, at_once.written.rows)
        staged = at_once or self._read_looking_through()
        erased = 0
        if staged.written is None:
            hash_identifiers(self.connection, self._table, self._region, self.run.raw_root)
            erased = self._leave_out()
        rows = staged.content.streamed_rows
        if rows is None:
            rows = count_rows(self.connection, staged.content.relation)
        rows_read = rows + count_rows(self.connection, REJECTED)
        erased += leave_out_unread(
            self.connection, self._table, self.batch.source, self._state, self._region
        )
        self._writer.write_returned()
        written = staged.written or _Written(*self._writer.write_rows(staged.is_identified))
        quarantined = self._writer.write_quarantine()
        return self._landed(staged, written, rows_read, quarantined, erased)

    def _landed(
        self,
        staged: _Staged,
        written: _Written,
        rows_read: int,
        quarantined: int = 0,
        erased: int = 0,
    ) -> LandedBatch:
        if rows_read != written.rows + quarantined + erased:
            raise IngestionError(
                f"{self._file.path.name}: {rows_read} rows read, but {written.rows} landed, "
                f"{quarantined} quarantined and {erased} erased.",
                "Nothing of this file was kept; please report it, it is a defect of landing.",
            )
        warnings = [*staged.content.warnings, *staged.mapping.warnings]
        if rows_read == 0:
            warnings.append("The file has a header but no rows.")
        return replace(
            self.batch,
            rows_read=rows_read,
            rows_landed=written.rows,
            rows_quarantined=quarantined,
            rows_erased=erased,
            min_dt=written.min_dt,
            max_dt=written.max_dt,
            warnings=" ".join(warnings) or None,
        )

    def _read_at_once(self) -> _Staged | None:
        """Read and stage a text file whose every line is one whole row in a single reading.

        Or even write it. None where it turns out to be another file, or is read more than once
        anyway.
        """
        file = self._file
        # Of a mapping, columns may stay unread; nothing would be known of these.
        if self._table.is_nested or file.where or file.is_mapped or file.expressions:
            return None
        try:
            content = read_file(self.connection, replace(self._request, looks_through=False))
            staged = _Staged(content, match_file(file, content), is_identified=True)
            staged = replace(staged, is_identified=not self._is_late(staged))
            if content.is_streamed and (written := self._write_at_once(staged)):
                return replace(staged, written=written)
            self._stage(staged)
        except FileError:
            return None
        except READING_ERRORS as error:
            if is_fault_of_machine(error):
                raise
            return None
        rows = count_rows(self.connection, judged_table_of(self._table))
        return staged if content.streamed_rows in (None, rows) else None

    def _write_at_once(self, staged: _Staged) -> _Written | None:
        """Write rows as they are read; None where some have to be kept first."""
        content = staged.content
        # Whether a row is of somebody erased is asked of rows that are kept.
        if not content.is_json or suppressed(self._state):
            return None
        if not staged.is_identified:
            # Who reads rows that land without identities counts them, too.
            staged = replace(staged, content=content.without_lines())
        self._stage(staged, is_kept=False)
        day = None
        try:
            day = self._writer.write_at_once(
                staged.content, staged.is_identified, self.run.raw_root, self._region
            )
        finally:
            if day is None:
                shutil.rmtree(self.folder / "rows", ignore_errors=True)
        return _Written(content.streamed_rows or 0, day, day) if day else None

    def _read_looking_through(self) -> _Staged:
        """Read and stage a file whatever it is, looking through the whole of it first."""
        file = self._file
        content = read_file(self.connection, self._request)
        if self._table.is_nested or file.where or file.expressions:
            content = keep_rows(self.connection, content)
        if file.where:
            content = kept_rows(self.connection, file, content)
        staged = _Staged(content, match_file(file, content), is_identified=False)
        if has_declared_types(file, content, staged.mapping):
            self._stage(staged)
            if not self._leave_out() and (kept := self._writer.keep_file(file.path, content)):
                return replace(staged, written=_Written(*kept))
        staged = replace(staged, is_identified=not self._is_late(staged))
        self._stage(staged)
        return staged

    def _stage(self, staged: _Staged, is_kept: bool = True) -> None:
        stage(
            self.connection,
            self._table,
            staged.content,
            staged.mapping,
            self.batch.loaded_at.date(),
            is_digested=staged.is_identified,
            is_kept=is_kept,
        )

    def _leave_out(self) -> int:
        relations = (STAGED, judged_table_of(self._table))
        return leave_out(self.connection, self._table, self.batch.source, self._state, relations)

    def _is_late(self, staged: _Staged) -> bool:
        """Whether rows land without ``_row_id``: what tells equal ones apart is line or place."""
        table = self._table
        if not (table.identifies_late and staged.content.is_streamed):
            return False
        return not table.comes_again or (self.new.is_alone and not self._has_come_before(staged))

    def _has_come_before(self, staged: _Staged) -> bool:
        """Whether any of the file's first records was landed from the same source before."""
        content = staged.content
        keys = [staged.mapping.sources.get(name) for name in self._table.natural_key]
        if None in keys:
            return True
        named = ", ".join(f"{content.columns[key]} as k{i}" for i, key in enumerate(keys) if key)
        same = " and ".join(
            f"landed.{sql_name(name)} is not distinct from first_rows.k{i}"
            for i, name in enumerate(self._table.natural_key)
        )
        landed = self.run.raw_root / self.batch.vendor / self._table.name / "dt=*" / "*.parquet"
        has_come = f"""
            select count(*) > 0
            from read_parquet({sql_text(landed)}, union_by_name = true) as landed
            where
                landed._source = {sql_text(self.batch.source)}
                and exists (
                    select 1
                    from (select {named} from {content.relation} limit {_FIRST_ROWS}) as first_rows
                    where {same}
                )
        """
        try:
            found = self.connection.execute(has_come).fetchall()
        except duckdb.Error as error:
            if is_fault_of_machine(error):
                raise
            # A damaged raw file is not the fault of this one, which lands with its identities.
            return True
        return found == [(True,)]

    @property
    def _writer(self) -> RawWriter:
        return RawWriter(self.connection, self._table, self.batch, self.folder)

    @property
    def _file(self) -> SourceFile:
        return self.new.item.file

    @property
    def _table(self) -> TableSpec:
        return self._file.table

    @property
    def _state(self) -> Path:
        return self.run.raw_root.parent / "state"

    @property
    def _region(self) -> str:
        return self.run.sources.phone_region

    @property
    def _request(self) -> ReadRequest:
        file = self._file
        return ReadRequest(file.path, file.rule, self._table.columns, self.work, file.options)
