"""What a row is told by when it is delivered again: a digest of its content, and a number.

The content is every declared column and ``_extra``; of equal rows of one delivery, each has a
number by its place. A later delivery of the same rows has the same identities. The SQL of staging
tells them alike where landing left them open (``TableSpec.identifies_late``,
macros/current_rows.sql).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
from duckdb.sqltypes import DuckDBPyType

from expectations.memory import in_memory
from orchestration.ingestion.readers import sql_name, sql_text
from orchestration.ingestion.specs import EXTRA_COLUMN, Column, TableSpec

_PART = re.compile(r"(-\d+)?[.]parquet$")


def content_digest(table: TableSpec) -> str:
    """SQL of the digest of a row's content, over the declared columns and ``_extra``."""
    parts = [part for column in table.columns for part in _content_parts(column)]
    parts.append(f"'{EXTRA_COLUMN}=' || {EXTRA_COLUMN}")
    return f"md5(concat_ws(chr(31), {', '.join(parts)}))"


def row_id(content: str, occurrence: str) -> str:
    """SQL of a row's identity.

    Args:
        content: SQL of the digest of its content.
        occurrence: SQL of its number, from 1, among the equal rows of its delivery.
    """
    return f"md5({content} || '|' || {occurrence})"


def late_row_ids(table: TableSpec, file: Path, numbers: Iterable[int]) -> dict[int, str]:
    """The identities of rows that landed without.

    Args:
        table: The raw table.
        file: A raw file of it.
        numbers: Rows of the file, from 0.

    Returns:
        The identities by number; none of rows that have theirs in the file.
    """
    wanted = list(numbers)
    if not table.identifies_late or not wanted:
        return {}
    # Equal rows are of one day; a batch may have several files of it.
    stem = _PART.sub("", file.name)
    files = [str(part) for part in file.parent.glob(f"{stem}*.parquet")]
    place = "coalesce(_row, file_row_number)"
    number = f"row_number() over (partition by {content_digest(table)} order by {place})"
    with in_memory() as connection:
        rows = connection.execute(
            f"""
            select file_row_number, row_id
            from (
                select filename, file_row_number, _row_id,
                    {row_id(content_digest(table), number)} as row_id
                from read_parquet(
                    ?, union_by_name = true, filename = true, file_row_number = true,
                    hive_partitioning = false
                )
            )
            where filename = {sql_text(file)} and _row_id is null
                and list_contains(?, file_row_number)
            """,
            [files, wanted],
        ).fetchall()
    return dict(rows)


def _content_parts(column: Column) -> list[str]:
    """SQL of the texts that make up a column's content.

    The text of a nested value repeats the names of all its members, null or not, in every row:
    making and digesting it takes longer than writing the row. So each member of a structure stands
    by itself under a short mark, and nulls are left out.
    """
    name = sql_name(column.name)
    if column.type == "VARCHAR":
        return [f"'{column.name}=' || {name}"]
    return list(_leaf_parts(name, duckdb.sqltype(column.type), column.name))


def _leaf_parts(value: str, kind: DuckDBPyType, path: str, depth: int = 0) -> Iterator[str]:
    if kind.id == "struct":
        for name, child in children(kind):
            member = f"struct_extract({value}, {sql_text(name)})"
            yield from _leaf_parts(member, child, f"{path}.{name}", depth)
        return
    if kind.id == "list":
        item = f"x{depth}"
        parts = ", ".join(_leaf_parts(item, children(kind)[0][1], path, depth + 1))
        # Own separators for each level: what is nested cannot pass for what stands beside it.
        element = f"concat_ws(chr({30 - 2 * depth}), {parts})"
        texts = f"list_transform({value}, lambda {item}: {element})"
        text = f"array_to_string({texts}, chr({29 - 2 * depth}))"
    else:
        text = value if kind.id == "varchar" else f"cast({value} as varchar)"
    # A mark of the path alone: a member that is declared one day changes no content without it.
    yield f"'{hashlib.md5(path.encode()).hexdigest()[:6]}=' || {text}"


def children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """The members of a nested type, by name."""
    return [(name, child) for name, child in kind.children if isinstance(child, DuckDBPyType)]
