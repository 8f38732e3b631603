"""Rows of a file under the declared columns, and what is said of each: its day, its problem."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import duckdb
from duckdb.sqltypes import DuckDBPyType

from orchestration.ingestion.errors import MappingError, MissingColumnError
from orchestration.ingestion.readers import (
    FileContent,
    first_line,
    shown_columns,
    sql_name,
    sql_text,
)
from orchestration.ingestion.row_identity import children, content_digest
from orchestration.ingestion.sources import SourceFile
from orchestration.ingestion.specs import EXTRA_COLUMN, Column, TableSpec, match_columns

#: The rows under the declared columns, with line, place, day, problem and digest.
STAGED = "staged_rows"
#: The same rows without their values.
JUDGED = "judged_rows"
# Beside the columns of a file, which may have one that is called _line.
_LINE, _PLACE = "_line_of_row", "_place_of_row"

_TRUTHS = (
    *("true", "false", "t", "f", "yes", "no", "y", "n", "1", "0", "1.0", "0.0"),
    *("kyllä", "ei", "kylla"),
)
# Software's smallest moment, which lies before the first year in another time zone, and years of
# more than four digits: what reads tables after DuckDB has no such days.
_NO_DAY_THAT_CAN_BE_MEANT = (
    r"(000[01]|\d{5,})-.*|000[01]\d{4}|\d{1,2}[./]\d{1,2}[./](000[01]|\d{5,})(\D.*)?"
)
_DATE_SPELLINGS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d", "%d %b %Y", "%b %d, %Y")
_TIME_SPELLINGS = ("%H:%M:%S", "%H:%M", "%H.%M.%S", "%H.%M", "%I:%M %p", "%I:%M:%S %p")
_TIMESTAMP_FORMATS = [
    *_DATE_SPELLINGS,
    *(f"{day} {clock}" for day in _DATE_SPELLINGS for clock in _TIME_SPELLINGS),
]


@dataclass(frozen=True)
class ColumnMapping:
    """Where each declared column comes from.

    Attributes:
        sources: File column by declared column.
        expressions: SQL over the file's columns by declared column, instead of a file column.
        extra: File columns that nothing declares.
        warnings: What a person should know.
        file_name: The file, for messages.
    """

    sources: Mapping[str, str]
    expressions: Mapping[str, str]
    extra: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    file_name: str = ""


def match_file(file: SourceFile, content: FileContent) -> ColumnMapping:
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
    return ColumnMapping(found, expressions, extra, file_name=file.path.name)


def kept_rows(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, content: FileContent
) -> FileContent:
    """Keep the rows that a mapping means; the others are not rows of its table.

    Args:
        connection: Where the file was read.
        file: The file, with the condition.
        content: Its rows.

    Returns:
        The rows that meet the condition, in a table.

    Raises:
        MappingError: The condition cannot be evaluated.
    """
    try:
        connection.execute(
            f"""
            create or replace temp table kept_rows as
            select * from {named_rows(content)} where {file.where}
            """
        )
    except duckdb.Error as error:
        raise MappingError(
            f"{file.source_file}: the condition {file.where} cannot be evaluated: "
            f"{first_line(error)}",
            f"The file's columns are {', '.join(content.columns)}.",
        ) from error
    columns = {name: sql_name(name) for name in content.columns}
    return replace(content, relation="kept_rows", columns=columns, line=_LINE, place="rowid")


def named_rows(content: FileContent) -> str:
    """The rows under the file's own column names."""
    columns = "".join(
        f", {sql} as {sql_name(name)}"
        for name, sql in (
            *content.columns.items(),
            *((f"_object_{name}", sql) for name, sql in content.objects.items()),
        )
    )
    places = f"{content.line} as {_LINE}, {content.place} as {_PLACE}"
    return f"(select {places}{columns} from {content.relation})"


def count_rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """How many rows a relation has."""
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0


def stage(
    connection: duckdb.DuckDBPyConnection,
    table: TableSpec,
    content: FileContent,
    mapping: ColumnMapping,
    load_date: date,
    *,
    is_digested: bool,
    is_kept: bool = True,
) -> None:
    """Make ``staged_rows``: the declared columns, and each row's day, problem and content in short.

    ``judged_rows`` has only what is said of the rows. Rows that are not kept are read anew from the
    file whenever they are asked for.
    The values of nested rows stay where they are: ``staged_rows`` is a view, so that wide rows are
    copied once, from the file to the raw zone, and only the judgement is kept meanwhile. Of texts
    one table holds both, which is less work than to join them, row by row.

    Args:
        connection: Where the file was read.
        table: The raw table.
        content: The file.
        mapping: Where the declared columns come from.
        load_date: The day of rows that tell none.
        is_digested: Whether the content of each row is told in short, for its identity.
        is_kept: Whether the rows are put into a table.
    """
    guarded = _failing_expressions(connection, content, mapping)
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
            {_LINE} as _line,
            {_PLACE} as _place,
            {", ".join(selected)},
            {_extra(mapping, content)} as {EXTRA_COLUMN},
            {_unfit(unfit, content)} as _unfit
        from {named_rows(content.without_lines() if are_counted else content)}
    """
    judgement = f"""
        coalesce({day}, date '{load_date}') as _dt,
        {f"case {cases} end" if cases else "cast(null as varchar)"} as _problem,
        cast({digest} as varchar) as _content
    """
    judged = "_place, _line, _dt, _problem, _content"
    judged_table = judged_table_of(table)
    if table.is_nested:
        connection.execute(
            f"""
            create or replace temp table {judged_table} as
            select _place, _line, {judgement} from ({typed})
            """
        )
        staged = f"""
            select typed.* {excluded}, {judged.removeprefix("_place, _line, ")}
            from ({typed}) as typed
            inner join {judged_table} as judged on typed._place = judged._place
        """
    else:
        staged = f"select * {excluded}, {judgement} from ({typed})"
        if is_kept:
            connection.execute(f"create or replace temp table {judged_table} as {staged}")
            staged = f"""
                select * replace (
                    coalesce(_line, rowid + {content.first_row_line}) as _line,
                    coalesce(_place, rowid) as _place
                )
                from {judged_table}
            """
    connection.execute(f"create or replace temp view {STAGED} as {staged}")
    connection.execute(
        f"create or replace temp view {JUDGED} as "
        f"select {judged} from {STAGED if not table.is_nested else judged_table}"
    )


def judged_table_of(table: TableSpec) -> str:
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


def _extra(mapping: ColumnMapping, content: FileContent) -> str:
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
    if column.kind in ("timestamp", "date"):
        # All but a few begin like this.
        common = f"{name} between '1900' and '22'"
        strange = f"regexp_full_match({value}, {sql_text(_NO_DAY_THAT_CAN_BE_MEANT)})"
        tests.append(
            (f"case when {common} then false else {strange} end", f"{column.name}|out_of_range")
        )
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
    mapping: ColumnMapping,
) -> dict[str, list[str]]:
    """The mapped expressions that raise on some row, with the columns that they use.

    Raises:
        MappingError: An expression is wrong whatever the row.
    """
    relation = named_rows(content)
    failing: dict[str, list[str]] = {}
    for column, expression in mapping.expressions.items():
        try:
            connection.execute(f"explain select {expression} from {relation}")
        except duckdb.Error as error:
            raise MappingError(
                f"{mapping.file_name}: the mapping of {column}, {expression}, cannot be evaluated: "
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
