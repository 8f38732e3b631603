"""The person's rows of the raw zone, and what is left of them.

A row is the person's that carries an identifier of theirs and none of another customer; and so are
the rows of their orders, cases and responses, which carry nothing but the id of these. A row of
somebody else may name the person (a merge in the CRM): there only the name is changed.

Rows stay where they are, and so do their times, amounts and categories: what is counted and summed
over everybody comes out as before. Identifiers give way to pseudonyms, addresses, names and free
text go, and so does every other text that no row of anybody else has too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.memory import in_memory, workplace
from orchestration.erasure.person import Person, of_others, open_warehouse
from orchestration.erasure.pseudonyms import Pseudonyms
from orchestration.erasure.search import Terms, spellings
from orchestration.home import Home
from orchestration.ingestion.places import (
    EVERYWHERE,
    Leaf,
    Place,
    changed_row,
    core,
    details,
    identifying,
    is_json,
    things,
    values_at,
)
from orchestration.ingestion.raw_zone import SCHEMA_FILE
from orchestration.ingestion.readers import sql_name, sql_text
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.row_identity import late_row_ids
from orchestration.ingestion.specs import LANDING_COLUMNS, TableSpec

_IDENTITY_TYPES = {*EVERYWHERE, "customer_ref"}
_LANDED = {name for name, _ in LANDING_COLUMNS} - {"_extra"}

# What tells nobody apart: a grade, a time, yes and no.
_HARMLESS = re.compile(
    r"-?\d{1,4}([.,]\d{1,2})?|true|false|yes|no"
    r"|\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?( ?(Z|[+-]\d{2}:?\d{2}))?",
    re.IGNORECASE,
)
# An answer by message begins with its grade.
_GRADE = re.compile(r"\s*(\d{1,2})(?!\d)")
_BETWEEN = re.compile(r"([/?&=#])")

Values = dict[str, set[str]]


@dataclass
class Found:
    """What of the raw zone is the person's.

    Attributes:
        values: Identifiers and ids of their records, by kind.
        rows: By file, the numbers of its rows from 0: true for the person's own, false for those
            that only name the person.
        raw_values: Addresses and numbers as they came.
        names: Full names and street addresses as they came.
    """

    values: Values
    rows: dict[Path, dict[int, bool]] = field(default_factory=dict)
    raw_values: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def bare(self, kinds: Iterable[str]) -> set[str]:
        """The values of some kinds without the source that they are of."""
        return {v.rsplit(":", 1)[-1] for kind in kinds for v in self.values.get(kind, set())}

    @property
    def telling(self) -> set[str]:
        """Identifiers that can be nothing else wherever they stand."""
        return {value for value in self.bare(self.values) if is_telling(value)}

    @property
    def own_rows(self) -> int:
        """The number of the person's own rows."""
        return sum(sum(rows.values()) for rows in self.rows.values())


def raw_tables(home: Home) -> Iterator[tuple[str, TableSpec, list[Path]]]:
    """Every raw table that has files: its vendor, its declaration and the files."""
    for vendor in VENDORS.values():
        for table in vendor.tables:
            folder = home.raw / vendor.name / table.name
            files = [f for f in sorted(folder.glob("dt=*/*.parquet")) if f.name != SCHEMA_FILE]
            if files:
                yield vendor.name, table, files


def _relation(files: Iterable[Path]) -> str:
    """SQL of the rows of files, with the file and the row's number in it."""
    names = ", ".join(sql_text(str(file)) for file in files)
    return (
        f"read_parquet([{names}], union_by_name = true, filename = true, "
        "file_row_number = true, hive_partitioning = false)"
    )


def _with_schema(files: list[Path]) -> list[Path]:
    """The files after the empty one that declares every column."""
    return [*files[0].parent.parent.glob(f"dt=*/{SCHEMA_FILE}"), *files]


def find(home: Home, person: Person, known: Mapping[str, Iterable[str]] | None = None) -> Found:
    """Find the person's rows and the ids of their records.

    Args:
        home: The installation.
        person: Who is erased.
        known: Identifiers and ids by kind, where an erasure that broke off had found them already.

    Returns:
        The rows and all that the person is named by.
    """
    start = person.identifiers if known is None else known
    found = Found({kind: set(values) for kind, values in start.items()})
    new: Values = {kind: set(values) for kind, values in found.values.items()}
    tables = [entry for entry in raw_tables(home) if identifying(entry[1])]
    with open_warehouse(home) as warehouse, workplace(home.root) as connection:
        while new:
            learnt: Values = {}
            for _, table, files in tables:
                for kind, value in _look(connection, warehouse, person, found, table, files, new):
                    if value not in found.values.get(kind, set()):
                        learnt.setdefault(kind, set()).add(value)
            for kind, values in learnt.items():
                found.values.setdefault(kind, set()).update(values)
            new = learnt
    return found


def _look(
    connection: duckdb.DuckDBPyConnection,
    warehouse: duckdb.DuckDBPyConnection,
    person: Person,
    found: Found,
    table: TableSpec,
    files: list[Path],
    new: Values,
) -> Iterator[tuple[str, str]]:
    """Rows of a table that carry new values; gives the ids of the records that they are."""
    places = identifying(table)
    asked = [place for place in places if set(place.kinds) & set(new)]
    if not asked:
        return
    fresh = Found(new)
    wanted = [
        sorted(
            fresh.bare(place.kinds)
            if place.is_reference
            else set().union(*(new.get(kind, set()) for kind in place.kinds))
        )
        for place in asked
    ]
    columns = [place.sql() for place in places]
    rows = connection.execute(
        f"""
        select filename, file_row_number, {", ".join(columns)}
        from {_relation(_with_schema(files))}
        where {" or ".join(f"list_has_any({place.sql()}, ?)" for place in asked)}
        """,
        wanted,
    ).fetchall()
    carried = [
        [
            (place, value)
            for place, values in zip(places, row[2:], strict=True)
            for value in values or []
            if value
        ]
        for row in rows
    ]
    others, _ = of_others(
        warehouse,
        person,
        (
            (kind, value)
            for row in carried
            for place, value in row
            for kind in place.kinds
            if kind in _IDENTITY_TYPES and value not in found.values.get(kind, set())
        ),
    )
    kinds_of_record = set(table.people.records) if table.people else set()
    for (file, number, *_), row in zip(rows, carried, strict=True):
        matched_as_reference = {
            place.is_reference
            for place, value in row
            for kind in place.kinds
            if value
            in (found.bare([kind]) if place.is_reference else found.values.get(kind, set()))
        }
        is_others = any((kind, value) in others for p, value in row for kind in p.kinds)
        by_name = any(
            kind in _IDENTITY_TYPES and value in found.values.get(kind, set())
            for place, value in row
            for kind in place.kinds
        )
        # Another's record that has a number in common with one of the person's is left alone.
        if is_others and not by_name:
            continue
        is_own = False in matched_as_reference and not is_others
        rows_of_file = found.rows.setdefault(Path(file), {})
        rows_of_file[number] = is_own or rows_of_file.get(number, False)
        if is_own:
            yield from (
                (kind, value)
                for place, value in row
                for kind in place.kinds
                if kind in kinds_of_record
            )


def identified_rows(
    table: TableSpec, file: Path, numbers: Iterable[int]
) -> dict[int, dict[str, Any]]:
    """Some rows of a raw file, by their number, each with the identity it has before a change."""
    rows = read_rows(file, numbers)
    for number, identity in late_row_ids(table, file, rows).items():
        rows[number]["_row_id"] = identity
    return rows


def read_rows(file: Path, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Some rows of a Parquet file, by their number."""
    wanted = sorted(numbers)
    rows: dict[int, dict[str, Any]] = {}
    with pq.ParquetFile(file) as parquet:
        start = 0
        for group in range(parquet.num_row_groups):
            length = parquet.metadata.row_group(group).num_rows
            chosen = [n for n in wanted if start <= n < start + length]
            if chosen:
                part = parquet.read_row_group(group).take([n - start for n in chosen])
                rows.update(zip(chosen, part.to_pylist(), strict=True))
            start += length
    return rows


def note_spellings(home: Home, found: Found) -> None:
    """Keep addresses, numbers and names as the person's own rows spell them, to search by."""
    for _, table, files in raw_tables(home):
        hashed = [column.name for column in table.columns if column.identifier]
        for file in files:
            own = [n for n, is_own in found.rows.get(file, {}).items() if is_own]
            for row in read_rows(file, own).values() if own else ():
                for column in hashed:
                    kind = next(c.identifier for c in table.columns if c.name == column)
                    digest = row.get(f"{column}__hash")
                    if row.get(column) and digest in found.values.get(f"{kind}_hash", set()):
                        found.raw_values.add(core(row[column]))
                found.names.update(_names(row))


def _names(row: Mapping[str, Any]) -> Iterator[str]:
    texts = {re.sub(r"[\W_]+", "", k.casefold()): v for k, v in row.items() if isinstance(v, str)}
    for first, last in (("firstname", "lastname"), ("recipientfirstname", "recipientlastname")):
        if texts.get(first, "").strip() and texts.get(last, "").strip():
            yield f"{texts[first].strip()} {texts[last].strip()}"
    for column in ("street", "address", "mailingstreet"):
        street = texts.get(column, "").strip()
        if len(street) >= 8:
            yield street


# --- what is left ---------------------------------------------------------------------------------


class Scrubber:
    """Turns the rows of one raw table into what is left of them.

    Args:
        table: The table.
        found: What is the person's.
        pseudonyms: What stands in the place of identifiers.
        common: Texts that rows of others have too.
        shared_hashes: Hashes of addresses and numbers that are not the person's alone.
    """

    def __init__(
        self,
        table: TableSpec,
        found: Found,
        pseudonyms: Pseudonyms,
        common: set[str],
        shared_hashes: set[str],
    ) -> None:
        self._table = table
        self._found = found
        self._pseudonyms = pseudonyms
        self._common = common
        self._shared_hashes = shared_hashes
        self._places = {(place.column, *place.path): place for place in identifying(table)}
        self._details = details(table)
        self._things = things(table)
        # What must be there, or decides how the models read a row, stays.
        self._needed = {c.name for c in table.columns if c.not_null} | set(table.natural_key)
        self._typed = {
            c.name
            for c in table.columns
            if c.kind in {"timestamp", "date", "number", "integer", "boolean"}
        }
        self._records = set(table.people.records) if table.people else set()
        self._terms = {
            spelling for value in found.raw_values | found.telling for spelling in spellings(value)
        }
        self._strong = found.telling
        self._named = pattern_of(self._terms)

    def own(self, row: dict[str, Any]) -> dict[str, Any]:
        """What is left of a row of the person's."""
        return changed_row(self._table, row, lambda path, leaf: self._own_leaf(path, leaf, row))

    def other(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of somebody else, or of nobody, that does not name the person any more."""
        return changed_row(self._table, row, lambda path, leaf: self._name(path, leaf, row))

    def texts(self, row: dict[str, Any]) -> set[str]:
        """The texts of a row that stay if rows of others have them too."""
        found: set[str] = set()

        def look(path: tuple[str, ...], leaf: Leaf) -> Leaf:
            if isinstance(leaf, str) and self._is_open(path, leaf):
                found.add(leaf)
                if "://" in leaf:
                    found.update(p for p in _BETWEEN.split(leaf) if p)
            return leaf

        changed_row(self._table, row, look)
        return found

    def _is_open(self, path: tuple[str, ...], leaf: str) -> bool:
        return not (
            path[0] in _LANDED
            or path in self._places
            or any(path[: len(place)] == place for place in self._details | self._things)
            or (len(path) == 1 and path[0] in self._typed)
            or (len(path) == 1 and path[0] in self._needed and "://" not in leaf)
            or not leaf
            or _HARMLESS.fullmatch(leaf.strip())
        )

    def _is_known(self, place: Place, value: str, row: dict[str, Any]) -> bool:
        if place.is_reference:
            return core(value) in self._found.bare(place.kinds)
        named = place.within(row) + core(value)
        return any(named in self._found.values.get(kind, set()) for kind in place.kinds)

    def _replaced(self, place: Place, leaf: Leaf, row: dict[str, Any], *, is_own: bool) -> Leaf:
        if leaf is None or isinstance(leaf, bool) or not core(leaf):
            return leaf
        parts = str(leaf).split(";") if place.is_list else [str(leaf)]
        if place.kinds[0] in {"email_hash", "phone_hash"}:
            if self._is_known(place, parts[0], row):
                return self._pseudonyms.hash_of(parts[0])
            return leaf if not is_own or parts[0] in self._shared_hashes else None
        after = [
            self._pseudonyms.of(part)
            if self._is_known(place, part, row) or (is_own and self._records & set(place.kinds))
            else part
            for part in parts
        ]
        text = ";".join(after)
        return int(text) if isinstance(leaf, int) and text.isdigit() else text

    def _own_leaf(self, path: tuple[str, ...], leaf: Leaf, row: dict[str, Any]) -> Leaf:
        if path == ("_row_id",):
            return self._pseudonyms.hash_of(str(leaf)) if leaf is not None else None
        if path[0] in _LANDED:
            return leaf
        place = self._places.get(path)
        if place:
            return self._replaced(place, leaf, row, is_own=True)
        if any(path[: len(detail)] == detail for detail in self._details):
            return _grade(leaf) if len(path) == 1 and path[0] not in self._hashed() else None
        if not isinstance(leaf, str):
            known = self._is_strong(str(leaf))
            return int(self._pseudonyms.of(str(leaf))) if known and isinstance(leaf, int) else leaf
        if self._is_strong(core(leaf)):
            return self._pseudonyms.of(leaf)
        if not self._is_open(path, leaf) or leaf in self._common:
            return self._without_terms(leaf)
        if "://" in leaf:
            return "".join(
                part
                if not part or part in "/?&=#" or part in self._common or _HARMLESS.fullmatch(part)
                else self._pseudonyms.of(core(part) or "x")
                for part in _BETWEEN.split(leaf)
            )
        return _grade(leaf)

    def _name(self, path: tuple[str, ...], leaf: Leaf, row: dict[str, Any]) -> Leaf:
        place = self._places.get(path)
        if place:
            return self._replaced(place, leaf, row, is_own=False)
        if path[0] in _LANDED:
            return leaf
        if isinstance(leaf, str):
            return self._without_terms(leaf)
        if isinstance(leaf, int) and not isinstance(leaf, bool) and self._is_strong(str(leaf)):
            return int(self._pseudonyms.of(str(leaf)))
        return leaf

    def _hashed(self) -> set[str]:
        return {column.name for column in self._table.columns if column.identifier}

    def _is_strong(self, bare: str) -> bool:
        return bare in self._strong

    def _without_terms(self, leaf: str) -> str:
        if not self._terms:
            return leaf
        return self._named.sub(
            lambda m: (
                m.group(1)
                + (self._pseudonyms.of(m.group(2)) if self._is_strong(m.group(2)) else "erased")
            ),
            leaf,
        )


def _grade(leaf: Leaf) -> Leaf:
    found = _GRADE.match(leaf) if isinstance(leaf, str) else None
    return found.group(1) if found else None


def is_telling(value: str) -> bool:
    """Whether a value is long enough to be nothing else wherever it stands."""
    return len(value) >= (8 if value.isdigit() else 6)


def pattern_of(terms: Iterable[str]) -> re.Pattern[str]:
    """Any of the terms as a whole word: what stands before it is group 1, the term group 2."""
    escaped = "|".join(re.escape(term) for term in sorted(terms, key=len, reverse=True))
    return re.compile(rf"(^|[^0-9A-Za-z])({escaped or '(?!)'})(?![0-9A-Za-z])", re.IGNORECASE)


def common_texts(
    table: TableSpec, files: list[Path], own: Mapping[Path, Iterable[int]], texts: set[str]
) -> set[str]:
    """Those of the texts that rows of others have too.

    Args:
        table: The raw table.
        files: Its files.
        own: The person's rows of them.
        texts: Texts of the person's rows.

    Returns:
        A part of them. A text that JSON spells with an escape is taken for the person's alone.
    """
    known: set[str] = set()
    ours = pa.table(
        {
            "filename": [str(file) for file, numbers in own.items() for _ in numbers],
            "file_row_number": pa.array(
                [number for numbers in own.values() for number in numbers], pa.int64()
            ),
        }
    )
    # The files beside the person's rows first: most texts are found there.
    nearest = sorted(files, key=lambda file: file not in own)
    with in_memory() as connection:
        connection.register("ours", ours)
        for file in nearest:
            missing = texts - known
            if not missing:
                break
            connection.register("missing", pa.table({"text": pa.array(sorted(missing))}))
            relation = _relation([file])
            kinds = {
                row[0]: str(row[1])
                for row in connection.execute(f"describe from {relation}").fetchall()
            }
            parts = []
            for column, kind in kinds.items():
                if column in _LANDED or column in {"filename", "file_row_number"}:
                    continue
                if kind == "VARCHAR" and not is_json(table, column):
                    parts.append(f"select {sql_name(column)} as text from others")
                elif kind == "VARCHAR" or "VARCHAR" in kind:
                    text = f"cast(to_json({sql_name(column)}) as varchar)"
                    if kind == "VARCHAR":
                        text = sql_name(column)
                    parts.append(
                        "select unnest(regexp_extract_all("
                        f'{text}, \'"((?:[^"\\\\]|\\\\.)*)"\', 1)) as text from others'
                    )
            if not parts:
                continue
            rows = connection.execute(
                f"""
                with others as (
                    from {relation} as landed
                    anti join ours
                        on landed.filename = ours.filename
                        and landed.file_row_number = ours.file_row_number
                ),
                texts as ({" union all ".join(parts)}),
                whole as (select distinct text from texts where text is not null),
                pieces as (
                    select text from whole
                    union
                    select unnest(regexp_split_to_array(text, '[/?&=#]')) from whole
                    where contains(text, '://')
                )
                select text from pieces semi join missing using (text)
                """
            ).fetchall()
            known.update(row[0] for row in rows)
    return known


def scrub(home: Home, found: Found, person: Person, pseudonyms: Pseudonyms) -> Iterator[Path]:
    """Rewrite every file that holds a row of the person's or one that names them.

    Args:
        home: The installation.
        found: The rows; those of files that are done already are found no more.
        person: Who is erased.
        pseudonyms: What stands in the place of identifiers.

    Yields:
        Each file, once it is rewritten.
    """
    with open_warehouse(home) as warehouse:
        plans = []
        for vendor, table, files in raw_tables(home):
            concerned = [file for file in files if file in found.rows]
            if concerned:
                plans.append((vendor, table, files, concerned))
        for _, table, files, concerned in plans:
            yield from _scrub_table(warehouse, found, person, pseudonyms, table, files, concerned)


def _scrub_table(
    warehouse: duckdb.DuckDBPyConnection,
    found: Found,
    person: Person,
    pseudonyms: Pseudonyms,
    table: TableSpec,
    files: list[Path],
    concerned: list[Path],
) -> Iterator[Path]:
    rows = {file: identified_rows(table, file, found.rows[file]) for file in concerned}
    own = {file: [n for n, is_own in found.rows[file].items() if is_own] for file in concerned}
    hashes = {
        (place.kinds[0], value)
        for file in concerned
        for number in own[file]
        for place, value in values_at(table, rows[file][number])
        if place.kinds[0] in {"email_hash", "phone_hash"}
    }
    others, shared = of_others(warehouse, person, hashes)
    reader = Scrubber(table, found, pseudonyms, set(), set())
    texts = {text for file in concerned for n in own[file] for text in reader.texts(rows[file][n])}
    common = common_texts(table, files, own, texts) if texts else set()
    scrubber = Scrubber(table, found, pseudonyms, common, {v for _, v in others | shared})
    for file in concerned:
        changed = {
            number: scrubber.own(row) if found.rows[file][number] else scrubber.other(row)
            for number, row in rows[file].items()
        }
        rewrite(file, changed)
        yield file


def rewrite(file: Path, rows: Mapping[int, dict[str, Any]]) -> None:
    """Replace rows of a Parquet file in place: readers see the file as it was, or the new one.

    Args:
        file: The file.
        rows: What stands in the place of rows, by their number.
    """
    replace_groups(file, lambda start, part: _with_rows(part, start, rows))


def sweep(home: Home, found: Found, pseudonyms: Pseudonyms, terms: Terms) -> int:
    """Take what is left of the person out of rows in which no column names them.

    A web address or a note of somebody else may hold an e-mail address that no column declares.

    Args:
        home: The installation.
        found: What is the person's.
        pseudonyms: What stands in the place of identifiers.
        terms: What the person is named by and nobody else.

    Returns:
        The number of rows that were changed.
    """
    changed = 0
    for _, table, files in raw_tables(home):
        scrubber = Scrubber(table, found, pseudonyms, set(), set())
        for file in files:
            numbers = terms.rows_of(file)
            if numbers:
                rows = identified_rows(table, file, numbers)
                rewrite(file, {number: scrubber.other(row) for number, row in rows.items()})
                changed += len(numbers)
    return changed


def unread_of(home: Home, found: Found, terms: Terms) -> dict[Path, list[int]]:
    """The records in quarantine that hold the person's data: they go whole, nobody can read them.

    Args:
        home: The installation.
        found: What is the person's.
        terms: What the person is named by and nobody else.

    Returns:
        By file the numbers of its rows.
    """
    tables = {
        (vendor.name, table.name): table for vendor in VENDORS.values() for table in vendor.tables
    }
    unread: dict[Path, list[int]] = {}
    for file in sorted((home.raw / "_quarantine").glob("*.parquet")):
        certain = set(terms.rows_of(file))
        for number, row in enumerate(pq.read_table(file).to_pylist()):
            table = tables.get((row["vendor"], row["table_name"]))
            kinds = {k for place in identifying(table) for k in place.kinds} if table else set()
            named = pattern_of(found.bare(kinds & _IDENTITY_TYPES))
            if number in certain or named.search(row["record"] or ""):
                unread.setdefault(file, []).append(number)
    return unread


def drop_rows(file: Path, numbers: Iterable[int]) -> None:
    """Take rows out of a Parquet file, by their number."""
    gone = set(numbers)

    def kept(start: int, part: pa.Table) -> pa.Table:
        return part.take([n for n in range(part.num_rows) if start + n not in gone])

    replace_groups(file, kept)


def replace_groups(file: Path, change: Callable[[int, pa.Table], pa.Table]) -> None:
    """Write a Parquet file anew, a group of rows at a time, and put it in the place of the old."""
    draft = file.with_suffix(".erasing")
    with pq.ParquetFile(file) as parquet:
        # A column that had no null so far may be declared never to have one.
        schema = pa.schema([_nullable(each) for each in parquet.schema_arrow])
        with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
            start = 0
            for group in range(parquet.num_row_groups):
                part = parquet.read_row_group(group).cast(schema)
                length = part.num_rows
                changed = change(start, part)
                if changed.num_rows:
                    writer.write_table(changed)
                start += length
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    os.replace(draft, file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _nullable(declared: pa.Field[Any]) -> pa.Field[Any]:
    """A field that may be null, its members too."""
    kind: Any = declared.type
    if pa.types.is_struct(kind):
        kind = pa.struct([_nullable(kind.field(n)) for n in range(kind.num_fields)])
    elif pa.types.is_list(kind):
        kind = pa.list_(_nullable(kind.value_field))
    elif pa.types.is_large_list(kind):
        kind = pa.large_list(_nullable(kind.value_field))
    return pa.field(declared.name, kind, nullable=True)


def _with_rows(part: pa.Table, start: int, rows: Mapping[int, dict[str, Any]]) -> pa.Table:
    numbers = sorted(n - start for n in rows if start <= n < start + part.num_rows)
    if not numbers:
        return part
    new = pa.Table.from_pylist([rows[start + n] for n in numbers], schema=part.schema)
    # The rows between the replaced ones are taken over as they are.
    order = list(range(part.num_rows))
    for position, number in enumerate(numbers):
        order[number] = part.num_rows + position
    return pa.concat_tables([part, new]).take(order)
