"""What a file gives is written: raw rows by day, quarantine, persons who have returned."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

import duckdb
from duckdb.sqltypes import DuckDBPyType

from orchestration.ingestion.email_rules import email_rules
from orchestration.ingestion.hashing import (
    PADS,
    hash_key,
    hash_relation,
    hashed_table,
    hashes_in_place,
)
from orchestration.ingestion.raw_zone import LandedBatch
from orchestration.ingestion.readers import REJECTED, FileContent, sql_name, sql_text
from orchestration.ingestion.row_identity import children, row_id
from orchestration.ingestion.sources import SourceFile
from orchestration.ingestion.specs import EXTRA_COLUMN, HASH_SUFFIX, TableSpec
from orchestration.ingestion.staged_rows import JUDGED, STAGED, ColumnMapping, count_rows
from orchestration.parquet import PARQUET

# So many days are written one after the other; a send log of one day, in UTC, is two days here.
_FEW_DAYS = 4


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


def hash_identifiers(
    connection: duckdb.DuckDBPyConnection, table: TableSpec, region: str, raw_root: Path
) -> None:
    """Hash the distinct identifiers of the rows."""
    for kind in sorted({column.identifier for column in table.columns if column.identifier}):
        # Whether a text is blank is not asked of every row, but of the few that are no address.
        values = " union ".join(
            f"select distinct {sql_name(column.name)} as value from {STAGED} where _problem is null"
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


def has_declared_types(file: SourceFile, content: FileContent, mapping: ColumnMapping) -> bool:
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


@dataclass(frozen=True)
class RawWriter:
    """Writes what one file gives.

    Attributes:
        connection: Where the rows stand staged.
        table: The raw table.
        batch: The file as a row of the manifest.
        folder: Where to: ``rows/dt=…/``, ``quarantine.parquet``, ``returned.parquet``.
    """

    connection: duckdb.DuckDBPyConnection
    table: TableSpec
    batch: LandedBatch
    folder: Path

    def keep_file(
        self, path: Path, content: FileContent
    ) -> tuple[int, date | None, date | None] | None:
        """Copy a file of one day as it is; None where a row of it has to be left out or moved.

        Raises:
            duckdb.Error: The file is damaged somewhere: every value of it is read once.
        """
        found = self.connection.execute(
            f"select count(*), min(_dt), max(_dt), count(_problem) from {JUDGED}"
        ).fetchone()
        if not found or not found[0] or found[1] != found[2] or found[3]:
            return None
        values = ", ".join(content.columns.values())
        self.connection.execute(
            f"select bit_xor(hash({values})) from {content.relation}"
        ).fetchone()
        target = self.folder / "rows" / f"dt={found[1]}" / "part.parquet"
        target.parent.mkdir(parents=True)
        shutil.copyfile(path, target)
        return int(found[0]), found[1], found[2]

    def write_at_once(
        self, content: FileContent, is_identified: bool, raw_root: Path, region: str
    ) -> date | None:
        """Write rows as they are read, where all are of one day and none is for quarantine.

        Returns:
            The day; None where a row has to be set aside, or rows are equal and need numbers.

        Raises:
            duckdb.Error: The file is another than it had looked.
        """
        first = self.connection.execute(f"select _dt from {STAGED} limit 1").fetchall()
        if not first:
            return None
        day = cast("date", first[0][0])
        target = self.folder / "rows" / f"dt={day}" / "part.parquet"
        target.parent.mkdir(parents=True)
        identity = row_id("staged._content", "1") if is_identified else "cast(null as varchar)"
        state = raw_root.parent / "state"
        identifiers = {c.name: c.identifier for c in self.table.columns if c.identifier}
        with hashes_in_place(
            self.connection,
            identifiers.values(),
            hash_key(state),
            region,
            email_rules(raw_root.parent),
        ) as hash_in_place:
            hashes = {
                name: hash_in_place(f"staged.{sql_name(name)}", kind)
                for name, kind in identifiers.items()
            }
            try:
                self.connection.execute(
                    f"""
                    copy (
                        {self._raw_rows(hashes, identity)}
                        from {STAGED} as staged
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
        counts = self.connection.execute(
            f"select count(*), {numbers} from read_parquet(?)", [str(target)]
        ).fetchone()
        if counts is None or set(counts) != {content.streamed_rows}:
            return None
        return day

    def write_rows(self, is_identified: bool) -> tuple[int, date | None, date | None]:
        """Write the staged rows that are not for quarantine, by day.

        Returns:
            How many, and the first and the last day.
        """
        contents = "count(distinct hash(_content))" if is_identified else "null"
        span = self.connection.execute(
            f"""
            select count(*), min(_dt), max(_dt), {contents}
            from {JUDGED} where _problem is null
            """
        ).fetchone()
        if not span or not span[0]:
            return 0, None, None
        occurrence, numbers = "1", ""
        if is_identified and span[3] < span[0]:
            # Few rows repeat: only those need a number.
            occurrence = "coalesce(repeated.occurrence, 1)"
            numbers = "\nleft join repeated_rows as repeated on staged._place = repeated._place"
            self.connection.execute(
                f"""
                create or replace temp table repeated_rows as
                select
                    _place,
                    row_number() over (partition by _content order by _place) as occurrence
                from {JUDGED}
                where _problem is null and _content in (
                    select _content from {JUDGED} where _problem is null
                    group by _content having count(*) > 1
                )
                """
            )
        identity = (
            row_id("staged._content", occurrence) if is_identified else "cast(null as varchar)"
        )
        hashed = [
            (column.name, column.identifier) for column in self.table.columns if column.identifier
        ]
        joins = "".join(
            f"\nleft join {hashed_table(kind)} as h{i} on h{i}.value = staged.{sql_name(name)}"
            for i, (name, kind) in enumerate(hashed)
        )
        hashes = {name: f"h{i}.hash" for i, (name, _) in enumerate(hashed)}
        rows = self._raw_rows(hashes, identity)
        relations = f"""
            from {STAGED} as staged {numbers} {joins}
            where staged._problem is null
        """
        target = self.folder / "rows"
        days = [
            day
            for (day,) in self.connection.execute(
                f"select distinct _dt from {JUDGED} where _problem is null "
                f"order by _dt limit {_FEW_DAYS + 1}"
            ).fetchall()
        ]
        if len(days) <= _FEW_DAYS:
            # Each day by itself: to sort rows and split them by day costs as much as writing them.
            for day in days:
                part = target / f"dt={day}" / "part.parquet"
                part.parent.mkdir(parents=True)
                only = f"and staged._dt = date '{day}'" if len(days) > 1 else ""
                self.connection.execute(
                    f"copy ({rows} {relations} {only}) to {sql_text(part)} ({PARQUET})"
                )
        else:
            # Sorted by day, so that each partition is written in one piece.
            self.connection.execute(
                f"""
                copy ({rows}, staged._dt as dt {relations} order by staged._dt, staged._place)
                to {sql_text(target)} ({PARQUET}, partition_by (dt), filename_pattern 'part_{{i}}')
                """
            )
        return int(span[0]), span[1], span[2]

    def write_quarantine(self) -> int:
        """Write the rows that could not be read, or may not land, with line and reason.

        Returns:
            How many.
        """
        reasons = " ".join(f"when {sql_text(c)} then {sql_text(r)}" for c, r in _REASONS.items())
        values = ", ".join(
            f"{sql_text(column.name)}, {sql_name(column.name)}" for column in self.table.columns
        )
        self.connection.execute(
            f"""
            create or replace temp table file_quarantine as
            select
                {sql_text(self.batch.batch_id)} as batch_id,
                {sql_text(self.batch.source)} as source,
                {sql_text(self.batch.vendor)} as vendor,
                {sql_text(self.batch.table_name)} as table_name,
                {sql_text(self.batch.source_file)} as source_file,
                line, column_name, reason_code, reason, record,
                timestamp '{self.batch.loaded_at}' as loaded_at
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
                from {STAGED} as staged
                where staged._problem is not null
            )
            order by line
            """
        )
        rows = count_rows(self.connection, "file_quarantine")
        if rows:
            self.connection.execute(
                f"copy file_quarantine to {sql_text(self.folder / 'quarantine.parquet')} "
                "(format parquet, compression zstd)"
            )
        return rows

    def write_returned(self) -> None:
        """Write by which identifiers somebody erased has returned: who does gets another id."""
        if count_rows(self.connection, "returned_identifiers"):
            target = self.folder / "returned.parquet"
            self.connection.execute(
                f"copy returned_identifiers to {sql_text(target)} (format parquet)"
            )

    def _raw_rows(self, hashes: Mapping[str, str], identity: str) -> str:
        """The columns of the raw self.table, selected from rows that are called ``staged``."""
        declared = ", ".join(f"staged.{sql_name(column.name)}" for column in self.table.columns)
        hashed = "".join(
            f", {sql} as {sql_name(name + HASH_SUFFIX)}" for name, sql in hashes.items()
        )
        return f"""
            select
                {declared}{hashed},
                staged.{EXTRA_COLUMN},
                {sql_text(self.batch.batch_id)} as _batch_id,
                timestamp '{self.batch.loaded_at}' as _loaded_at,
                {sql_text(self.batch.source)} as _source,
                {sql_text(self.batch.source_file)} as _source_file,
                staged._line as _row,
                {identity} as _row_id
        """
