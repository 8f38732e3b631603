"""One file becomes a relation of the landing connection: its rows, and what could not be a row.

Every reader gives the same answer, ``FileContent``: a temporary table of the file's values, SQL of
each row's line and of each column that the file has, and a temporary table of what was rejected.
Rows stay inside DuckDB. Which column means what is the business of landing.

A text file in which every line is one whole row is not put into a table first: a view reads it, and
its rows are copied once, by landing. It is such a file where DuckDB reads all of it without
complaint and gives as many rows as it has lines. That is known before, or, to spare a reading, only
once the rows are copied: then whoever copies them compares the numbers.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration.ingestion.errors import EmptyFileError, UnreadableFileError
from orchestration.ingestion.specs import Column, FileRule, comparable_name
from orchestration.ingestion.text_files import (
    NO_DELIMITER,
    UNREADABLE,
    CsvLayout,
    TextFile,
    bare_suffix,
    csv_layout,
    make_readable,
    sample_bytes,
    walk_csv,
    walk_sheet,
)

ROWS = "file_rows"
REJECTED = "file_rejected"
_LINES = "file_lines"

#: What a view raises that reads a file which is another than it had looked. Messages of DuckDB's
#: reader of JSON show the beginning of a record, cut off within a character as it may be.
READING_ERRORS = (duckdb.Error, UnicodeDecodeError)
MAX_LINE_BYTES = 1 << 25
_HEAD_BYTES = 1 << 22
# Keys that none of so many records has make a file be looked through.
_SAMPLED_RECORDS = 2_048
_NUMBERED = re.compile(r"(.*)_\d+", re.DOTALL)
# What can be the name of a column; an address, an amount, a date or a sentence cannot.
_NAME = re.compile(r"[^\W\d][\w .:/()#%&?-]{0,59}")
_NAMES_SHOWN = 40
_QUOTED_VALUE = re.compile(r"""'.*'|".*\"|value ".*""")


@dataclass(frozen=True)
class FileContent:
    """What one file holds.

    Attributes:
        relation: The temporary table or view that holds the rows.
        columns: SQL over the relation for each column, by the file's own name for it.
        types: DuckDB type of each expression; VARCHAR for text formats.
        line: SQL over the relation that tells each row's line.
        place: SQL over the relation that tells rows apart and follows their order; several records
            may share a line.
        warnings: What a person should know although the file was read.
        is_json: Column names may be dotted paths into the records.
        objects: SQL over the relation that says whether a value is JSON as it stands, and no text
            that might be, by the names of the columns of which that is known.
        streamed_rows: How many rows the relation gives where it is a view that reads the file anew
            each time; of a file that was not looked through, how many it has to give.
        first_row_line: The line of the first of these; each next one is of the next line.
    """

    relation: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    line: str = "_line"
    place: str = "rowid"
    warnings: tuple[str, ...] = ()
    is_json: bool = False
    objects: Mapping[str, str] = field(default_factory=dict)
    streamed_rows: int | None = None
    first_row_line: int = 1

    @property
    def is_streamed(self) -> bool:
        """Whether the rows are nowhere but in the file."""
        return self.streamed_rows is not None

    def without_lines(self) -> FileContent:
        """The same rows, for several threads to read: a window would let one alone do so.

        A table or file that they fill keeps the order, where its plan says so ("Batch Create Table
        As", "Batch Copy To File"). Then a row's place tells its line.
        """
        return replace(self, line="cast(null as bigint)", place="cast(null as bigint)")


@dataclass(frozen=True)
class ReadRequest:
    """Which file is read, and how.

    Attributes:
        path: The file.
        rule: The reader and its options.
        declared: The declared columns.
        workdir: For temporary copies.
        options: The rule's options with those of the source laid over them.
        looks_through: Whether the whole file is looked through first. Otherwise a view may turn out
            to raise, or to give another number of rows than ``streamed_rows``: then the file has to
            be read again, looking through it. All columns of the view have to be read.
    """

    path: Path
    rule: FileRule
    declared: Sequence[Column]
    workdir: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    looks_through: bool = True


def read_file(connection: duckdb.DuckDBPyConnection, request: ReadRequest) -> FileContent:
    """Read one file into ``file_rows`` and ``file_rejected``.

    Args:
        connection: Where the temporary tables are made, replacing those of the file before.
        request: The file.

    Returns:
        What it holds.

    Raises:
        FileError: The file cannot be read at all.
    """
    if request.path.stat().st_size == 0:
        raise _empty(request.path)
    kind = reader_of(request.path, request.rule)
    if kind == "parquet":
        return _read_parquet(connection, request)
    if kind == "xlsx":
        return _read_sheet(connection, request)
    text = make_readable(request.path, request.workdir, request.options.get("encoding"))
    if text.is_blank:
        raise _empty(request.path)
    if kind == "csv":
        return _read_csv(connection, request, text)
    return _read_json(connection, request, text)


def reader_of(path: Path, rule: FileRule) -> str:
    """The reader for a file: the rule's, unless the suffix says that it is something else.

    Args:
        path: The file.
        rule: The rule under which it was found.

    Returns:
        csv, json, jsonl, parquet or xlsx.
    """
    suffix = bare_suffix(path)
    if suffix == ".xlsx":
        return "xlsx"
    if suffix == ".parquet":
        return "parquet"
    return rule.reader


def file_columns(path: Path, rule: FileRule, declared: Sequence[Column]) -> dict[str, str]:
    """The columns of a file from its beginning alone, for a check without loading.

    Args:
        path: The file.
        rule: How it is read.
        declared: The declared columns.

    Returns:
        DuckDB type by name as the file spells it; for JSON the keys of the first records, none
        where it holds no record.

    Raises:
        FileError: The file cannot be read.
    """
    if path.stat().st_size == 0:
        raise _empty(path)
    kind = reader_of(path, rule)
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
        if kind == "parquet":
            return _parquet_types(connection, path)
        if kind == "xlsx":
            header, _ = walk_sheet(path, rule.options.get("sheet"), Path(folder))
            return dict.fromkeys(header, "VARCHAR")
        head = _head_of(path, Path(folder))
        if kind != "csv" and not _is_json_lines(head):
            head = path  # a document that is cut off shows nothing
        request = ReadRequest(head, rule, declared, Path(folder), rule.options)
        return dict(read_file(connection, request).types)


def _head_of(path: Path, folder: Path) -> Path:
    """The first whole lines of a file, or the file where it has no more; under its own name."""
    data = sample_bytes(path, _HEAD_BYTES)
    if len(data) < _HEAD_BYTES:
        return path
    is_compressed = bare_suffix(path) != path.suffix.lower()
    head = folder / (path.stem if is_compressed else path.name)
    head.write_bytes(data[: data.rfind(b"\n") + 1] or data)
    return head


def _empty(path: Path) -> EmptyFileError:
    return EmptyFileError(
        f"{path.name} is empty.",
        "Check that the export finished; the file is read again once its content has changed.",
    )


def sql_text(value: str | Path) -> str:
    """An SQL string literal.

    Args:
        value: The text.

    Returns:
        The quoted literal.
    """
    return "'" + str(value).replace("'", "''") + "'"


def sql_file(path: Path) -> str:
    """An SQL string literal that means one file: DuckDB takes its name for a pattern.

    Browsers write ``orders[1].csv``, which as a pattern means ``orders1.csv``.

    Args:
        path: The file.

    Returns:
        The quoted literal, with what is special in patterns as itself.
    """
    return sql_text(re.sub(r"[\[*?]", r"[\g<0>]", str(path)))


def sql_name(name: str) -> str:
    """A quoted SQL identifier.

    Args:
        name: The name.

    Returns:
        The quoted identifier.
    """
    return '"' + name.replace('"', '""') + '"'


def _no_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        f"create or replace temp table {REJECTED} "
        "(line bigint, reason_code varchar, reason varchar, record varchar)"
    )


def _unique_names(
    header: Sequence[str], path: Path, declared: Sequence[Column]
) -> tuple[list[str], list[str]]:
    """Column names without repetition: the first keeps the name, the next get _2, _3."""
    names: list[str] = []
    warnings: list[str] = []
    seen: set[str] = set()
    spellings = {spelling for column in declared for spelling in column.spellings}
    for position, raw in enumerate(header, start=1):
        base = raw or f"column_{position}"
        name, count = base, 1
        while name.casefold() in seen:
            count += 1
            name = f"{base}_{count}"
        if count > 1:
            kept = "the first is kept" if comparable_name(base) in spellings else "both are kept"
            warnings.append(f"Column {base!r} stands {count} times; {kept}, this one as {name!r}.")
        seen.add(name.casefold())
        names.append(name)
    return names, warnings


# --- CSV ------------------------------------------------------------------------------------------


def _read_csv(
    connection: duckdb.DuckDBPyConnection, request: ReadRequest, text: TextFile
) -> FileContent:
    options = request.options
    layout = csv_layout(
        text.path,
        delimiter=options.get("delimiter"),
        quote=options.get("quote", '"'),
        has_header=options.get("header", True),
        skip_rows_after_header=int(options.get("skip_rows_after_header", 0)),
        declared=frozenset(s for column in request.declared for s in column.spellings),
    )
    if layout.header:
        names, warnings = _unique_names(layout.header, request.path, request.declared)
    else:
        names, warnings = [column.name for column in request.declared], []
    _no_rejects(connection)
    content = _text_content(names, warnings)
    if _is_clean_csv(connection, text, layout, len(names), request.looks_through):
        return _streamed(content, f"{ROWS}_csv", layout.header_lines, text)
    walk = walk_csv(text.path, layout, len(names), request.workdir)
    connection.execute(
        f"create or replace temp table {ROWS} as select * from read_parquet({sql_text(walk.rows)})"
    )
    connection.execute(
        f"insert into {REJECTED} select * from read_parquet({sql_text(walk.rejected)})"
    )
    return content


def _streamed(
    content: FileContent, relation: str, header_lines: int, text: TextFile
) -> FileContent:
    """Content whose rows a view reads from the file, each from a line of its own."""
    line = f"row_number() over () + {header_lines}"
    return replace(
        content,
        relation=relation,
        line=line,
        place=line,
        streamed_rows=text.line_count - header_lines,
        first_row_line=header_lines + 1,
    )


def keep_rows(connection: duckdb.DuckDBPyConnection, content: FileContent) -> FileContent:
    """Put rows into a table that will be read more than once.

    Args:
        connection: Where they were read.
        content: What ``read_file`` gave.

    Returns:
        The same content, its rows in a table.
    """
    if not content.is_streamed:
        return content
    connection.execute(f"create or replace temp table {ROWS} as select * from {content.relation}")
    line = f"rowid + {content.first_row_line}"
    return replace(content, relation=ROWS, line=line, place="rowid", streamed_rows=None)


def _is_clean_csv(
    connection: duckdb.DuckDBPyConnection,
    text: TextFile,
    layout: CsvLayout,
    width: int,
    looks_through: bool,
) -> bool:
    """Make a view of a CSV file in which every line is one whole row; False where one is not.

    Only then is a row's place in the file its line number. One column is left to the walk, because
    a blank line would pass for a null. Without looking through the file, the answer is a guess.
    """
    if not text.is_uniform or width < 2:
        return False
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    every_value = ", ".join(f"count(c{i})" for i in range(width))
    quote = sql_text(layout.quote)
    try:
        connection.execute(
            f"""
            create or replace temp view {ROWS}_csv as
            select *
            from read_csv(
                {sql_file(text.path)}, auto_detect = false, header = false,
                skip = {layout.header_lines}, delim = {sql_text(layout.delimiter)},
                quote = {quote}, escape = {quote}, columns = {{{columns}}},
                strict_mode = true, null_padding = false
            )
            """
        )
        if not looks_through:
            return True
        rows = connection.execute(f"select count(*), {every_value} from {ROWS}_csv").fetchone()
    except duckdb.Error:
        return False  # ragged rows, stray quotes: whatever it is, the walk names it by line
    return rows is not None and rows[0] + layout.header_lines == text.line_count


def _read_sheet(connection: duckdb.DuckDBPyConnection, request: ReadRequest) -> FileContent:
    header, rows = walk_sheet(request.path, request.options.get("sheet"), request.workdir)
    if not header:
        raise _empty(request.path)
    names, warnings = _unique_names(header, request.path, request.declared)
    _no_rejects(connection)
    connection.execute(
        f"create or replace temp table {ROWS} as select * from read_parquet({sql_text(rows)})"
    )
    return _text_content(names, warnings)


def _text_content(names: Sequence[str], warnings: Sequence[str]) -> FileContent:
    return FileContent(
        relation=ROWS,
        columns={name: f"c{i}" for i, name in enumerate(names)},
        types=dict.fromkeys(names, "VARCHAR"),
        warnings=tuple(warnings),
    )


# --- JSON -----------------------------------------------------------------------------------------


def _read_json(
    connection: duckdb.DuckDBPyConnection, request: ReadRequest, text: TextFile
) -> FileContent:
    _no_rejects(connection)
    records_path = request.options.get("records_path")
    is_packed = True
    if _is_json_lines(text.path):
        if not (records_path or request.looks_through):
            typed = _typed_json(connection, request, text)
            if typed is not None:
                return _streamed(typed, f"{ROWS}_json", 0, text)
        if not records_path and (paths := _clean_json_paths(connection, request, text)):
            view = f"{ROWS}_json"
            _split_records(connection, f"view {view}", [], _LINES, paths)
            return _streamed(_json_content(paths), view, 0, text)
        is_packed = _load_json_lines(connection, request, text)
    else:
        try:
            _load_json_document(connection, request, text)
        except UnreadableFileError:
            if not _is_second_line_json(text.path):
                raise
            # only the first line is cut off
            is_packed = _load_json_lines(connection, request, text)
    if is_packed or records_path:
        _unpack_records(connection, records_path)
    paths = _json_columns(connection, request.declared, ROWS)
    _split_records(connection, f"table {ROWS}", ["_line"], ROWS, paths)
    return _json_content(paths)


def _json_content(paths: Mapping[str, str]) -> FileContent:
    return replace(_text_content(list(paths), []), is_json=True)


def _split_records(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    kept: Sequence[str],
    relation: str,
    paths: Mapping[str, str],
) -> None:
    """Make a table or view of the values of records, besides what is kept of ``relation``."""
    # All members in one call: a record is parsed once, not once a column.
    members = ", ".join(sql_text(path) for path in paths.values())
    values = [f"members[{i + 1}] as c{i}" for i in range(len(paths))]
    split = f"json_extract_string(record, [{members}]::varchar[]) as members"
    connection.execute(
        f"""
        create or replace temp {target} as
        select {", ".join([*kept, *values])}
        from (select {", ".join([*kept, split])} from {relation})
        """
    )


def _is_json_lines(path: Path) -> bool:
    """Whether each line stands by itself: exports are named .json whichever they are."""
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        for line in handle:
            text = line.strip()
            if not text:
                continue
            if text.startswith("["):
                return False
            try:
                json.loads(text)
            except json.JSONDecodeError:
                # A broken first line of many, or the opening brace of a printed document.
                return len(text) > 2 and text.endswith("}")
            return True
    return False


def _is_second_line_json(path: Path) -> bool:
    """Whether the second line is a whole object, as it is of no document that is printed."""
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        lines = (text for line in handle if (text := line.strip()))
        next(lines, "")
        try:
            return isinstance(json.loads(next(lines, "")), dict)
        except json.JSONDecodeError:
            return False


def _lines_of(path: Path) -> str:
    """SQL that gives the lines of a text file as ``record``."""
    return f"""read_csv(
        {sql_file(path)}, auto_detect = false, header = false,
        delim = {sql_text(NO_DELIMITER)}, quote = '', escape = '',
        columns = {{'record': 'VARCHAR'}}, max_line_size = {MAX_LINE_BYTES},
        buffer_size = {2 * MAX_LINE_BYTES}, strict_mode = true
    )"""


def _typed_json(
    connection: duckdb.DuckDBPyConnection, request: ReadRequest, text: TextFile
) -> FileContent | None:
    """The rows of a file as DuckDB's own reader of JSON gives them; None where it may not be asked.

    The reader parses a record once, and raises at the first line that is no object, repeats a key
    or has one that its first lines do not have. A line of null would pass for a row of nulls, so a
    row of nulls raises too. Members of the objects that declared paths go through are taken apart
    where these objects have the keys of the first; other ones raise.
    """
    paths = {_dotted(column.path) for column in request.declared if column.path}
    if not text.is_uniform or any(path.rpartition(".")[0] in paths for path in paths):
        return None
    reader = f"""read_json(
        {sql_file(text.path)}, format = 'newline_delimited', records = true, maximum_depth = 1,
        sample_size = {_SAMPLED_RECORDS}, map_inference_threshold = -1
    )"""
    try:
        described = connection.execute(f"describe select * from {reader}").fetchall()
        keys = [row[0] for row in described]
        known = {key.casefold() for key in keys}
        if {row[1] for row in described} != {"JSON"} or any(
            # how the reader calls a second key that differs from the first by its case alone
            (numbered := _NUMBERED.fullmatch(key)) and numbered[1].casefold() in known
            for key in keys
        ):
            return None
        parents = _parents(paths)
        values: dict[str, str] = {}
        objects: dict[str, str] = {}
        conditions = [f"coalesce({', '.join(map(sql_name, keys))}) is not null"]
        for key in (key for key in keys if key not in parents):
            values[key] = _json_value(sql_name(key))
            objects[key] = f"not starts_with(cast({sql_name(key)} as varchar), '\"')"
        for parent in parents:
            top, _, rest = parent.partition(".")
            if top not in keys:
                continue
            found = f"json_keys({sql_name(top)}, {sql_text(json_path(rest))})"
            row = connection.execute(f"select {found} from {reader} limit 1").fetchone()
            own = None if row is None else row[0]
            conditions.append(
                f"{found} is not distinct from "
                + ("null" if own is None else f"[{', '.join(map(sql_text, own))}]")
            )
            inner = rest.split(".") if rest else []
            members = {f"{parent}.{key}": _pointer(*inner, key) for key in own or ()}
            extracted = (
                f"json_extract_string({sql_name(top)}, "
                f"[{', '.join(map(sql_text, members.values()))}]::varchar[])"
            )
            for position, name in enumerate(members, start=1):
                if name not in parents:
                    values[name] = f"{extracted}[{position}]"
        connection.execute(
            f"""
            create or replace temp view {ROWS}_json as
            select
                {", ".join(f"{value} as c{i}" for i, value in enumerate(values.values()))},
                {", ".join(f"{test} as o{i}" for i, test in enumerate(objects.values()))}
            from {reader}
            where
                case when {" and ".join(conditions)} then true
                else error('a record unlike the first') end
            """
        )
    except READING_ERRORS as error:
        if is_fault_of_machine(error):
            raise
        return None
    places = {key: f"o{i}" for i, key in enumerate(objects)}
    return replace(_json_content(values), objects=places)


def _json_value(member: str) -> str:
    """SQL of a JSON value's text: that of a string without its quotes, that of others as it is."""
    text = f"cast({member} as varchar)"
    return (
        f"case when not starts_with({text}, '\"') then {text} "
        f"when contains({text}, '\\') then json_extract_string({member}, '$') "
        f"else ({text})[2:-2] end"
    )


def _clean_json_paths(
    connection: duckdb.DuckDBPyConnection, request: ReadRequest, text: TextFile
) -> dict[str, str] | None:
    """The columns of a file in which every line is an object, with a view of the lines.

    None where a line is anything else (blank, broken, a list of records) or no line says anything.
    """
    if not text.is_uniform:
        return None
    try:
        connection.execute(
            f"create or replace temp view {_LINES} as select record from {_lines_of(text.path)}"
        )
        row = connection.execute(
            f"select count(*), count(*) filter (starts_with(record, '{{')) from {_LINES}"
        ).fetchone()
        if row is None or set(row) != {text.line_count}:
            return None
        # Parses every line, and fails where one is no JSON.
        return _json_columns(connection, request.declared, _LINES)
    except duckdb.Error as error:
        if is_fault_of_machine(error):
            raise
        return None


def _load_json_lines(
    connection: duckdb.DuckDBPyConnection, request: ReadRequest, text: TextFile
) -> bool:
    """Load a record a line; says whether any line is a list of records instead."""
    path = text.path if text.is_uniform else _with_equal_newlines(text, request.workdir)
    unreadable = sql_text(UNREADABLE)
    try:
        # A line is parsed once here: what it begins with tells what valid JSON is.
        connection.execute(
            f"""
            create or replace temp table {ROWS} as
            select
                row_number() over () as _line,
                record,
                case
                    when not contains(record, {unreadable}) and json_valid(record)
                        then left(ltrim(record, chr(9) || chr(10) || chr(13) || ' '), 1)
                end as opening
            from {_lines_of(path)}
            """
        )
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"{request.path.name} cannot be read as JSON lines: {first_line(error)}",
            f"Each line must be one JSON object of at most {MAX_LINE_BYTES >> 20} MB.",
        ) from error
    connection.execute(
        f"""
        insert into {REJECTED}
        select
            _line,
            case
                when contains(record, {unreadable}) then 'unreadable_bytes'
                when opening is null then 'broken_json'
                else 'not_an_object'
            end as reason_code,
            case reason_code
                when 'unreadable_bytes' then 'Bytes that are not in the file''s encoding.'
                when 'broken_json' then 'The line is no valid JSON.'
                else 'The line is a JSON ' || lower(json_type(record)) || ', not an object.'
            end,
            replace(record, {unreadable}, '\ufffd')
        from {ROWS}
        where trim(coalesce(record, '')) <> '' and coalesce(opening, '') not in ('{{', '[')
        """
    )
    connection.execute(f"delete from {ROWS} where coalesce(opening, '') not in ('{{', '[')")
    lists = connection.execute(f"select count(*) from {ROWS} where opening = '['").fetchone()
    return bool(lists and lists[0])


def _with_equal_newlines(text: TextFile, workdir: Path) -> Path:
    target = workdir / "lines.txt"
    with (
        text.path.open(encoding="utf-8-sig") as source,
        target.open("w", encoding="utf-8", newline="\n") as sink,
    ):
        while chunk := source.read(1 << 20):
            sink.write(chunk)
    return target


def _load_json_document(
    connection: duckdb.DuckDBPyConnection, request: ReadRequest, text: TextFile
) -> None:
    try:
        connection.execute(
            f"""
            create or replace temp table {ROWS} as
            select
                cast(1 as bigint) as _line,
                cast(replace(content, '\ufeff', '') as json) as record
            from read_text({sql_file(text.path)})
            """
        )
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"{request.path.name} is no valid JSON: {first_line(error)}",
            "Deliver the file again; it may have been cut off.",
        ) from error


def _unpack_records(connection: duckdb.DuckDBPyConnection, records_path: str | None) -> None:
    """Turn documents into records: what stands at ``records_path``, or in the list they are.

    Of a list, each element is a document, or the record itself where it has no ``records_path``:
    scripts that call an API write the pages, or what is on them. A line keeps its number; the
    records of a document are numbered.
    """
    path = json_path(records_path) if records_path else "$"
    connection.execute(
        f"""
        create or replace temp table found as
        select
            _line,
            record,
            is_element,
            case
                when is_element then coalesce(json_extract(record, {sql_text(path)}), record)
                else json_extract(record, {sql_text(path)})
            end as content
        from (
            select
                _line,
                json_type(record) = 'ARRAY' as is_element,
                unnest(
                    case
                        when json_type(record) = 'ARRAY' then json_extract(record, '$[*]')
                        else [record]
                    end
                ) as record
            from {ROWS}
        )
        """
    )
    connection.execute(
        f"""
        insert into {REJECTED}
        select
            _line,
            'no_records',
            'There is no record at ' || {sql_text(records_path or "the top")} || '.',
            cast(record as varchar)
        from found
        where
            not is_element
            and (content is null or json_type(content) not in ('ARRAY', 'OBJECT'))
        """
    )
    is_lines = connection.execute(f"select count(*) > 1 or max(_line) > 1 from {ROWS}").fetchone()
    number = "_line" if is_lines and is_lines[0] else "row_number() over ()"
    connection.execute(
        f"""
        create or replace temp table unpacked as
        select {number} as _line, record
        from (
            select
                _line,
                unnest(
                    case
                        when json_type(content) = 'ARRAY' then json_extract(content, '$[*]')
                        else [content]
                    end
                ) as record
            from found
            where is_element or json_type(content) in ('ARRAY', 'OBJECT')
        )
        """
    )
    connection.execute(
        f"""
        insert into {REJECTED}
        select
            _line,
            'not_an_object',
            'The record is a JSON ' || lower(json_type(record)) || ', not an object.',
            cast(record as varchar)
        from unpacked
        where json_type(record) <> 'OBJECT'
        """
    )
    connection.execute(
        f"""
        create or replace temp table {ROWS} as
        select _line, record from unpacked where json_type(record) = 'OBJECT'
        """
    )
    connection.execute("drop table found; drop table unpacked")


def json_path(name: str) -> str:
    """A DuckDB JSON path.

    Args:
        name: A path (``$.a.b``) or a dotted name (``a.b``).

    Returns:
        The path, with every member quoted where it was a dotted name.
    """
    if name.startswith("$"):
        return name
    return "$" + "".join(f'."{part}"' for part in name.split(".") if part)


def _pointer(*keys: str) -> str:
    """A JSON pointer (RFC 6901), which can name any key; DuckDB's paths cannot."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def _json_columns(
    connection: duckdb.DuckDBPyConnection, declared: Sequence[Column], relation: str
) -> dict[str, str]:
    """JSON path of every key of the records, and of the objects that declared paths go through."""
    paths = {_dotted(column.path) for column in declared if column.path}
    parents = _parents(paths)
    columns: dict[str, str] = {}
    for parent in ("", *parents):
        # What is no object has no keys.
        keys = connection.execute(
            f"""
            select distinct unnest(json_keys(record, {sql_text(json_path(parent))})) as name
            from {relation}
            order by name
            """
        ).fetchall()
        for (key,) in keys:
            name = f"{parent}.{key}" if parent else key
            if name in parents:
                continue
            columns[name] = _pointer(*parent.split("."), key) if parent else _pointer(key)
    for path in sorted(path for path in paths if path.count(".") and path not in columns):
        if path.rsplit(".", 1)[0] in paths:  # below a column that is kept whole
            found = connection.execute(
                f"select count(json_extract(record, {sql_text(json_path(path))})) > 0 "
                f"from {relation}"
            ).fetchone()
            if found and found[0]:
                columns[path] = json_path(path)
    return columns


def _parents(paths: Set[str]) -> list[str]:
    """The objects that dotted paths go through, those aside that are kept whole."""
    return sorted(
        {
            ".".join(path.split(".")[:depth])
            for path in paths
            for depth in range(1, path.count(".") + 1)
        }
        - paths
    )


def _dotted(path: str) -> str:
    return re.sub(r'^\$\.|"', "", path)


# --- Parquet --------------------------------------------------------------------------------------


def _parquet_types(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    try:
        described = connection.execute(
            f"describe select * from read_parquet({sql_file(path)}, hive_partitioning = false)"
        ).fetchall()
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"{path.name} cannot be read as Parquet: {first_line(error)}",
            "Deliver the file again; it may have been cut off.",
        ) from error
    return {row[0]: row[1] for row in described}


def _read_parquet(connection: duckdb.DuckDBPyConnection, request: ReadRequest) -> FileContent:
    types = _parquet_types(connection, request.path)
    _no_rejects(connection)
    # A view: the values are copied once, by landing.
    connection.execute(
        f"""
        create or replace temp view {ROWS}_parquet as
        select file_row_number + 1 as _line, * exclude (file_row_number)
        from read_parquet(
            {sql_file(request.path)}, hive_partitioning = false, file_row_number = true
        )
        """
    )
    return FileContent(
        relation=f"{ROWS}_parquet",
        columns={name: sql_name(name) for name in types},
        types=types,
        place="_line",
    )


def is_fault_of_machine(error: Exception) -> bool:
    """Whether memory, disk or DuckDB itself gave way, so that the same file may land next time.

    Args:
        error: What DuckDB raised while a file was read or written.

    Returns:
        False where the file is at fault: a damaged Parquet file raises nearly every kind of error.
    """
    if isinstance(error, duckdb.IOException):
        return "Could not read enough bytes" not in str(error)
    return isinstance(
        error,
        duckdb.OutOfMemoryException
        | duckdb.InterruptException
        | duckdb.InternalException
        | duckdb.FatalException,
    )


def first_line(error: duckdb.Error) -> str:
    """What DuckDB says is wrong, without the values that it quotes: they may be personal.

    Args:
        error: What DuckDB raised.

    Returns:
        The first line of its message.
    """
    line = str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
    if isinstance(error, duckdb.ConversionException | duckdb.InvalidInputException):
        line = _QUOTED_VALUE.sub("…", line)
    return line.rstrip(" .!") + "."


def expression_error(expression: str, types: Mapping[str, str]) -> str | None:
    """What is wrong with an SQL expression whatever the rows.

    Args:
        expression: An expression of a mapping.
        types: DuckDB type of the file's columns by name.

    Returns:
        DuckDB's complaint; None where the expression fits the columns.
    """
    columns = ", ".join(f"cast(null as {kind}) as {sql_name(name)}" for name, kind in types.items())
    with duckdb.connect() as connection:
        try:
            connection.execute(f"explain select {expression} from (select {columns or 'null'})")
        except duckdb.Error as error:
            return first_line(error)
    return None


def shown_columns(names: Sequence[str], matched: int) -> str:
    """The columns of a file for a message, unless its first line may hold a record.

    Args:
        names: The names as read.
        matched: How many of them are declared columns.

    Returns:
        What the file has, in words; no value of a file without a header is repeated.
    """
    if not names:
        return "it has none"
    shown = [name for name in names if _NAME.fullmatch(name)][:_NAMES_SHOWN]
    if not shown or (not matched and len(shown) < min(len(names), _NAMES_SHOWN)):
        return "its first line names no columns"
    more = len(names) - len(shown)
    return f"it has {', '.join(shown)}" + (f" and {more} more" if more else "")
