"""What a vendor module declares: its tables, their columns, and which files hold them.

A vendor module exposes one ``SPEC: VendorSpec`` and nothing that reads or writes; landing does the
work from the declaration. What does not belong here: anything that opens a file.

Names in a spec are the vendor's own documented names. A file may spell them otherwise (a loader's
prefix, another case): ``Column.aliases`` lists such spellings, and matching ignores case, spaces,
underscores and other punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

ColumnKind = Literal["text", "timestamp", "date", "number", "integer", "boolean", "json"]
IdentifierKind = Literal["email", "phone"]
ReaderName = Literal["csv", "jsonl", "json", "parquet", "xlsx"]

HASH_SUFFIX = "__hash"
EXTRA_COLUMN = "_extra"

#: Columns that landing adds to every raw table, after the declared ones.
LANDING_COLUMNS: tuple[tuple[str, str], ...] = (
    (EXTRA_COLUMN, "VARCHAR"),
    ("_batch_id", "VARCHAR"),
    ("_loaded_at", "TIMESTAMP"),
    ("_source", "VARCHAR"),
    ("_source_file", "VARCHAR"),
    ("_row", "BIGINT"),
    ("_row_id", "VARCHAR"),
)


def comparable_name(name: str) -> str:
    """Reduce a column name to what is compared: letters and digits, lower case.

    Args:
        name: A column name as a file or a spec spells it.

    Returns:
        The name without case, spaces, underscores and punctuation; the lower-cased name itself
        where nothing else would be left.
    """
    return re.sub(r"[\W_]+", "", name.casefold()) or name.casefold()


@dataclass(frozen=True)
class Column:
    """One declared column of a raw table.

    Attributes:
        name: Raw name, the vendor's documented native name.
        type: DuckDB type; VARCHAR for text formats, where values are stored as they came.
        required: The column must be in the file, else that file fails by name.
        not_null: A blank value sends the row to quarantine.
        kind: What the text must parse as; an unparseable value sends the row to quarantine.
        identifier: Adds ``<name>__hash``, the keyed hash of the normalised value.
        aliases: Spellings in other formats.
        description: What the vendor says that it holds.
        within: Smallest and largest number that can be meant; any other quarantines the row.
        path: Where a nested record holds the value, as a DuckDB JSON path (``$.properties.email``)
            or a dotted name (``properties.email``); by default the top-level key of that name.
            Read by the ``json`` and ``jsonl`` readers only.
    """

    name: str
    type: str = "VARCHAR"
    required: bool = False
    not_null: bool = False
    kind: ColumnKind = "text"
    identifier: IdentifierKind | None = None
    aliases: tuple[str, ...] = ()
    description: str = ""
    within: tuple[int, int] | None = None
    path: str | None = None

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every comparable spelling under which a file may carry this column."""
        return tuple(dict.fromkeys(comparable_name(n) for n in (self.name, *self.aliases)))


@dataclass(frozen=True)
class FileRule:
    """Which files hold a table, and how they are read.

    Attributes:
        format: The layout, named in ``format:`` of ``sources.yml`` ("native", "fivetran", …).
        patterns: Globs relative to the source's path, e.g. ``contacts*.csv``; a compressed file
            matches with its .gz or .zst suffix added.
        reader: How the file is read; .gz and .zst by suffix.
        options: csv: ``delimiter`` (default sniffed), ``encoding`` (default detected),
            ``skip_rows_after_header``, ``header`` (false: the declared columns in their order),
            ``quote`` ('' for none); json and jsonl: ``records_path`` ("data", "form_response");
            xlsx: ``sheet``; any: ``columns``, SQL expressions over the file's columns for declared
            ones that are not simply there under another name.
        file_key: Regular expression whose group 1 names the export unit ("events_20240111"); a
            newer delivery of the same key supersedes the older. Searched in the file name.
    """

    format: str
    patterns: tuple[str, ...]
    reader: ReaderName
    options: Mapping[str, Any] = field(default_factory=dict)
    file_key: str | None = None


@dataclass(frozen=True)
class People:
    """Which columns of a table tell who somebody is: what erasure replaces or empties.

    A place is a column, a member of a nested one (``ecommerce.transaction_id``), or a JSON path
    after the column (``customer$.id``, ``note_attributes$[*].value``). Columns with an
    ``identifier`` need not be named here.

    Attributes:
        identifies: By place, what its value names: a type of identifier (``contact_id``,
            ``user_id``, ``loyalty_id``, ``customer_ref``, ``client_id``) or a kind of record
            (``order``, ``case``, …), the same word in every vendor's tables. An id of a record is
            its source's own; ``a@column`` within what the column names, ``~a`` wherever it came
            from. ``a|b`` is one of several; ``a*`` a list separated by semicolons.
        details: Places of names, addresses and free text.
        things: Places of products, shops, campaigns, staff: who is erased takes none of it along.
            Of all other text stays what rows of others have too.
        records: The kinds of record that rows of this table are: whose row it is, theirs are the
            ids of these kinds in it, wherever else they occur.
    """

    identifies: Mapping[str, str] = field(default_factory=dict)
    details: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableSpec:
    """One raw table.

    Attributes:
        name: Table name, also its folder under ``raw/<vendor>/``.
        columns: The fixed schema, in order.
        natural_key: The vendor's own key, for documentation, tests and staging.
        dt: DuckDB expression over the columns that gives the partition DATE; None: the load date.
        files: Where the table comes from, per format.
        description: What one row is.
        keeps_files: A Parquet file that has the declared types and no row for quarantine lands as
            it is, byte for byte: writing nested rows anew costs many times what reading them does.
            For tables of which a delivery replaces another as a whole, since such rows have no
            ``_row_id``; batch, source and row come from the file's name and the row's place in it
            (macros/engine/sources.sql).
        identifies_late: Rows of a text file whose every line is one whole row land without
            ``_row_id``: to digest and write it costs as much as DuckDB takes to read and write the
            row. It is told from their content wherever a key is delivered again (``row_content`` of
            the source, macros/current_rows.sql). Those of JSON lines land without ``_row``, too,
            where they are written as they are read: it is their place in the file
            (macros/engine/sources.sql). For logs of many rows, few of which are delivered twice,
            and whose staging tells rows apart by their natural key alone.
        comes_again: Besides, its records are delivered again when they change. So rows land without
            ``_row_id`` only where the file is the one that has come of the table and none of its
            first records has been delivered before: of a record that comes ever again, all
            deliveries but the first have their identities in the file.
        people: What tells who somebody is; None for a table about nobody.
    """

    name: str
    columns: tuple[Column, ...]
    natural_key: tuple[str, ...]
    dt: str | None
    files: tuple[FileRule, ...]
    description: str
    keeps_files: bool = False
    identifies_late: bool = False
    comes_again: bool = False
    people: People | None = None

    @property
    def is_nested(self) -> bool:
        """Whether values keep the vendor's own Parquet types instead of text."""
        return any(column.type != "VARCHAR" for column in self.columns)

    @property
    def raw_columns(self) -> tuple[tuple[str, str], ...]:
        """Name and type of every column of the raw files, in order, without the hive column."""
        declared = tuple((column.name, column.type) for column in self.columns)
        hashes = tuple(
            (column.name + HASH_SUFFIX, "VARCHAR") for column in self.columns if column.identifier
        )
        return declared + hashes + LANDING_COLUMNS


@dataclass(frozen=True)
class VendorSpec:
    """One vendor: its name is the raw folder, the dbt source and the asset key prefix.

    Attributes:
        name: Vendor name.
        family: web, crm, survey, service, commerce, marketing or any.
        tables: Its raw tables.
        docs_url: Where the vendor documents the export.
        description: One sentence for people.
    """

    name: str
    family: str
    tables: tuple[TableSpec, ...]
    docs_url: str
    description: str

    def table(self, name: str) -> TableSpec:
        """Return the table of that name.

        Args:
            name: Table name.

        Returns:
            Its spec.

        Raises:
            KeyError: The vendor has no such table.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"{self.name} has no table {name!r}")


def match_columns(columns: Sequence[Column], file_columns: Sequence[str]) -> dict[str, str]:
    """Match declared columns with those of a file.

    A column's own path and name go before its aliases, so that an alias never takes a column that
    is another one's by name.

    Args:
        columns: The declared columns.
        file_columns: The names in the file; dotted paths for nested records.

    Returns:
        File column by declared column.
    """
    by_name: dict[str, str] = {}
    for name in file_columns:
        by_name.setdefault(comparable_name(name), name)
    exact = {name.casefold(): name for name in reversed(file_columns)}
    found: dict[str, str] = {}
    for column in columns:
        if column.path:
            dotted = column.path.removeprefix("$.").replace('"', "").casefold()
            if dotted in exact:
                found[column.name] = exact[dotted]
                continue
        if column.name.casefold() in exact:
            found[column.name] = exact[column.name.casefold()]
        elif comparable_name(column.name) in by_name:
            found[column.name] = by_name[comparable_name(column.name)]
    taken = set(found.values())
    for column in columns:
        if column.name in found:
            continue
        for alias in column.aliases:
            match = exact.get(alias.casefold()) or by_name.get(comparable_name(alias))
            if match is not None and match not in taken:
                found[column.name] = match
                taken.add(match)
                break
    return found
