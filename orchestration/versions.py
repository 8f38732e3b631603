"""Versions of the published marts: the next is written beside the last, checked, then switched.

Readers open ``published/current/marts.duckdb`` or ``published/current/parquet/*.parquet``. A
version is a folder that never changes once its name exists; ``current`` is a symbolic link that
one rename moves, so a reader sees the previous version or the next, never a mixture. The DuckDB
file is written in the 1.2 storage format, which the 1.x drivers of BI tools can open.

A version begins as a copy of the one before it, in which only the rows that differ are deleted,
written and searched for personal data; the Parquet file of a mart in which none differs is the same
file under two names. What was deleted leaves its bytes in a database: a version begins empty after
the warehouse was built anew, as it is when a person was erased.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from expectations.memory import limited
from orchestration.compaction import DELETED_SHARE, GROUP_ROWS
from orchestration.errors import PublicationError
from orchestration.parquet import PARQUET

STORAGE_VERSION = "v1.2.0"
DATABASE_NAME = "marts.duckdb"
DESCRIPTION_NAME = "version.json"
VERSIONS_KEPT = 5
#: Of the first rows of a mart, which share of a text column's values differ where it holds keys.
KEY_SHARE = 0.1

# What must not stand in any text column of a published mart: an e-mail address, or a Finnish
# personal identity code (ddmmyy, century sign, individual number, control character).
_PERSONAL_DATA_PATTERNS = {
    "an e-mail address": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}",
    "a Finnish personal identity code": (
        r"\b(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d\d[-+ABCDEFUVWXY]\d{3}[0-9A-FHJ-NPR-Y]\b"
    ),
}


@dataclass(frozen=True)
class Mart:
    """One model to publish, as dbt's manifest describes it."""

    name: str
    schema: str
    description: str
    column_descriptions: dict[str, str]


@dataclass(frozen=True)
class PublishedMart:
    """One mart of a version: its size and the file that holds it."""

    name: str
    rows: int
    parquet: str


@dataclass(frozen=True)
class PublishedVersion:
    """A version that readers can open.

    Attributes:
        version: Its name.
        published_at: The run clock.
        seconds: What it took to write.
        marts: What it holds.
        origin: Of what warehouse its rows came, and what they were searched for: where another
            version says the same, rows that both have need not be written and searched again.
    """

    version: str
    published_at: str
    seconds: float
    marts: tuple[PublishedMart, ...]
    origin: str = ""


def marts_of(manifest: dict[str, Any]) -> list[Mart]:
    """The models under ``models/marts`` of a dbt manifest, sorted by name."""
    return sorted(
        (
            Mart(
                name=node["name"],
                schema=node["schema"],
                description=node.get("description", ""),
                column_descriptions={
                    name: column.get("description", "") for name, column in node["columns"].items()
                },
            )
            for node in manifest["nodes"].values()
            if node["resource_type"] == "model" and "marts" in node["fqn"][1:2]
        ),
        key=lambda mart: mart.name,
    )


def publish(
    warehouse: Path,
    published: Path,
    marts: list[Mart],
    now: datetime,
    versions_kept: int = VERSIONS_KEPT,
    add_page: Callable[[Path, str], object] | None = None,
    built: str = "",
    on_whole: Callable[[str], object] | None = None,
) -> PublishedVersion:
    """Write, check and switch to a new version of the marts.

    Args:
        warehouse: dbt's working database; opened read-only.
        published: The folder of versions.
        marts: What to publish.
        now: The run clock; names the version.
        versions_kept: How many versions stay, the new one included.
        add_page: Called with the folder of the written marts and the version's name, before readers
            see them: what it adds there changes in the same rename.
        built: Names the warehouse since it was last built anew; without a name, or where it differs
            from that of the version before, everything is written anew.
        on_whole: Told why a version that could have begun as the one before is written whole.

    Returns:
        The new version, with the number of rows of each mart.

    Raises:
        PublicationError: A mart is missing, differs from the warehouse after it was written, or
            holds personal data. The previous version stays current.
    """
    started = time.monotonic()
    if not marts:
        raise PublicationError(
            "There is no mart to publish.", "Check that dbt_project/models/marts has models."
        )
    published.mkdir(parents=True, exist_ok=True)
    for leftover in published.glob(".building-*"):
        shutil.rmtree(leftover)
    version = _free_version(published, now)
    building = published / f".building-{version}"
    (building / "parquet").mkdir(parents=True)
    origin = f"{built} {_searched_for()}" if built else ""
    before = _version_like(published, origin)
    try:
        try:
            sizes = _write(warehouse, building, marts, before)
        except (duckdb.Error, OSError) as error:
            if before is None:
                raise
            # A file of the version before is damaged, or what differs does not fit into memory:
            # nothing of it is needed.
            if on_whole:
                on_whole(
                    f"The version cannot begin as the one before ({type(error).__name__}): all "
                    "marts are written anew, which takes longer. If memory is short, raise "
                    "CXW_MEMORY_LIMIT."
                )
            shutil.rmtree(building)
            (building / "parquet").mkdir(parents=True)
            sizes = _write(warehouse, building, marts, None)
        _check(building, sizes)
        if add_page:
            add_page(building, version)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    result = PublishedVersion(
        version=version,
        published_at=now.isoformat(),
        seconds=round(time.monotonic() - started, 2),
        marts=tuple(PublishedMart(name, rows, _parquet_of(name)) for name, rows in sizes.items()),
        origin=origin,
    )
    (building / DESCRIPTION_NAME).write_text(json.dumps(asdict(result), indent=2) + "\n")
    os.replace(building, published / version)
    point_current_at(published, version)
    _drop_old_versions(published, versions_kept)
    return result


def point_current_at(published: Path, version: str) -> None:
    """Move the ``current`` link in one rename."""
    link = published / f".current-{version}"
    link.unlink(missing_ok=True)
    link.symlink_to(version, target_is_directory=True)
    os.replace(link, published / "current")


def current_version(published: Path) -> PublishedVersion | None:
    """The version that readers see now; None before the first publication."""
    description = published / "current" / DESCRIPTION_NAME
    if not description.exists():
        return None
    content = json.loads(description.read_text())
    return PublishedVersion(
        **{**content, "marts": tuple(PublishedMart(**mart) for mart in content["marts"])}
    )


def _free_version(published: Path, now: datetime) -> str:
    stem = now.strftime("%Y%m%dT%H%M%SZ")
    candidates = (stem if attempt == 1 else f"{stem}-{attempt}" for attempt in range(1, 10_000))
    return next(name for name in candidates if not (published / name).exists())


def _version_like(published: Path, origin: str) -> Path | None:
    """The folder of the current version, where its rows have this origin and nobody changed it."""
    current = current_version(published)
    if not origin or current is None or current.origin != origin:
        return None
    folder = published / "current"
    files = [folder / DATABASE_NAME, *(folder / mart.parquet for mart in current.marts)]
    # The description was written last.
    written = (folder / DESCRIPTION_NAME).stat().st_mtime_ns
    is_as_written = all(file.exists() and file.stat().st_mtime_ns <= written for file in files)
    return folder if is_as_written else None


def _searched_for() -> str:
    """Names the patterns that published rows were searched for."""
    return hashlib.sha256(json.dumps(_PERSONAL_DATA_PATTERNS).encode()).hexdigest()[:16]


def _write(
    warehouse: Path, building: Path, marts: list[Mart], before: Path | None
) -> dict[str, int]:
    sizes: dict[str, int] = {}
    if before:
        shutil.copyfile(before / DATABASE_NAME, building / DATABASE_NAME)
    # In the warehouse rows lie as its threads wrote them: to keep that order would only cost time.
    # And groups of rows are not joined for a few deleted ones (orchestration/compaction.py).
    config: dict[str, Any] = {"preserve_insertion_order": False, "max_vacuum_tasks": 0}
    # What does not fit into memory goes with the draft, whatever ends it.
    spilled = building / ".spilled"
    config["temp_directory"] = str(spilled)
    with limited(duckdb.connect(config=config)) as connection:
        connection.execute(f"attach {_text(warehouse)} as warehouse (read_only)")
        connection.execute(
            f"attach {_text(building / DATABASE_NAME)} as target "
            f"(storage_version '{STORAGE_VERSION}')"
        )
        stored = _stored_rows(connection)
        comments = _comments(connection)
        for gone in stored.keys() - {mart.name for mart in marts}:
            connection.execute(f"drop table target.main.{_name(gone)}")
        for mart in marts:
            source = f"warehouse.{_name(mart.schema)}.{_name(mart.name)}"
            target = f"target.main.{_name(mart.name)}"
            try:
                columns = _columns(connection, source)
            except duckdb.CatalogException as error:
                raise PublicationError(
                    f"The mart {mart.name} is not in the warehouse.",
                    "Run the whole job: its dbt step did not build this model.",
                ) from error
            path = building / _parquet_of(mart.name)
            texts = _text_columns(columns)
            changed = None
            if (
                mart.name in stored
                and columns == _columns(connection, target)
                and not any(map(_is_nested, columns.values()))
            ):
                changed = _change(connection, source, target, list(columns), stored[mart.name])
            if before and changed == 0:
                _share(before / _parquet_of(mart.name), path)
            elif changed:
                _refuse_personal_data(connection, "incoming", texts, mart.name)
                _write_parquet(connection, target, path)
            else:
                _create(connection, source, target, columns)
                try:
                    # Rows are searched as they are read back, so that it takes no other reading.
                    _write_parquet(connection, target, path, is_clean=_is_clean(texts))
                except duckdb.InvalidInputException:
                    _refuse_personal_data(connection, target, texts, mart.name)
                    raise
            said = {} if changed is None else comments.get(mart.name, {})
            _describe(connection, target, mart, set(columns), said)
            sizes[mart.name] = _count(connection, source)
        connection.execute("checkpoint target")
        connection.execute("detach target")
    shutil.rmtree(spilled, ignore_errors=True)
    return sizes


def _stored_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows that each published table stores, deleted ones included; by name."""
    return dict(
        connection.execute(
            "select table_name, estimated_size from duckdb_tables() where database_name = 'target'"
        ).fetchall()
    )


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str | None, str]]:
    """What is said of each published table and, by name, of its columns."""
    said: dict[str, dict[str | None, str]] = {}
    for table, column, comment in connection.execute(
        """
        select table_name, column_name, comment from duckdb_columns()
        where database_name = 'target'
        union all
        select table_name, null, comment from duckdb_tables() where database_name = 'target'
        """
    ).fetchall():
        said.setdefault(table, {})[column] = comment
    return said


def _is_nested(kind: str) -> bool:
    """Whether the hash of a type's values knows no difference between none and empty."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "INTERVAL"))


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _change(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    target: str,
    columns: list[str],
    stored: int,
) -> int | None:
    """Delete the rows of a published mart that went, and add the warehouse's that came.

    Rows are told by a hash of all their columns, of plain types: two that differ have the same in
    one of 2^64 cases, and where a zero has lost its sign. What is added stays in the table
    `incoming`.

    Returns:
        How many rows went and came; None where nothing was done, because writing all of them is
        better or necessary: many lie there deleted, or some row is there several times.
    """
    names = ", ".join(map(_name, columns))
    connection.execute(
        f"""
        create or replace temporary table differing as
        with written as (select rowid as place, hash({names}) as row_hash from {target}),
        wanted as (select rowid as place, hash({names}) as row_hash from {source})

        select
            coalesce(list(written.place) filter (where wanted.place is null), []) as gone,
            coalesce(list(wanted.place) filter (where written.place is null), []) as new,
            count(*) filter (where written.place is not null and wanted.place is not null) as kept
        from written
        full join wanted on written.row_hash = wanted.row_hash
        """
    )
    counts = connection.execute("select len(gone), len(new), kept from differing").fetchall()
    ((gone, new, kept),) = counts
    rows = kept + new
    # Rows of which there are several were joined more than once.
    if rows != _count(connection, source) or kept + gone != _count(connection, target):
        return None
    if stored + new > GROUP_ROWS and stored + new - rows >= DELETED_SHARE * (stored + new):
        return None
    if gone or new:
        for statement in (
            f"delete from {target} where rowid in (select unnest(gone) from differing)",
            f"""
            create or replace temporary table incoming as
            select {names} from {source} where rowid in (select unnest(new) from differing)
            """,
            f"insert into {target} ({names}) from incoming",
        ):
            connection.execute(statement)
    return int(gone + new)


def _create(
    connection: duckdb.DuckDBPyConnection, source: str, target: str, columns: dict[str, str]
) -> None:
    """Write a mart whole."""
    keys = _key_columns(connection, source, columns)
    definitions = (
        f"{_name(column)} {kind}{' using compression fsst' if column in keys else ''}"
        for column, kind in columns.items()
    )
    connection.execute(f"create or replace table {target} ({', '.join(definitions)})")
    connection.execute(f"insert into {target} from {source}")


def _share(file: Path, name: Path) -> None:
    """Give a file that never changes another name; a copy where the disk knows no such names."""
    try:
        name.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, name)


def _parquet_of(mart: str) -> str:
    return f"parquet/{mart}.parquet"


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table and their types, in their order."""
    return {row[0]: str(row[1]) for row in connection.execute(f"describe {table}").fetchall()}


def _text_columns(columns: dict[str, str]) -> list[str]:
    return [column for column, kind in columns.items() if kind == "VARCHAR"]


def _key_columns(
    connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]
) -> set[str]:
    """Text columns that are mostly keys, as far as the first rows tell; none of a small table.

    DuckDB would try every way to compress them, to end with this one (FSST): a fifth of the work of
    writing the largest mart.
    """
    texts = _text_columns(columns)
    if not texts:
        return set()
    counts = connection.execute(
        f"""
        select count(*), {", ".join(f"approx_count_distinct({_name(text)})" for text in texts)}
        from (from {table} limit {GROUP_ROWS})
        """
    ).fetchone()
    if counts is None or counts[0] < GROUP_ROWS:
        return set()
    return {
        text
        for text, distinct in zip(texts, counts[1:], strict=True)
        if distinct >= KEY_SHARE * GROUP_ROWS
    }


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path, is_clean: str = "true"
) -> None:
    """Write a table as Parquet; a row that is not clean is an error."""
    connection.execute(
        f"copy (from {table} where case when {is_clean} then true else"
        f" error('personal data') end) to {_text(path)} ({PARQUET})"
    )


def _refuse_personal_data(
    connection: duckdb.DuckDBPyConnection, table: str, texts: list[str], mart: str
) -> None:
    """Search the texts of rows.

    Raises:
        PublicationError: Some hold personal data.
    """
    if not connection.execute(
        f"select 1 from {table} where not {_is_clean(texts)} limit 1"
    ).fetchall():
        return
    for column, kind in _columns_with_personal_data(connection, table, texts):
        raise PublicationError(
            f"The column {column} of the mart {mart} holds {kind}.",
            "Mask it in staging (only raw and the vault may hold personal data); the "
            "previous version stays published.",
        )


def _describe(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    mart: Mart,
    built: set[str],
    said: dict[str | None, str],
) -> None:
    """Carry dbt's descriptions over as comments, so that a SQL shell shows them."""
    comments = [
        f"comment on column {target}.{_name(column)} is {_text(description)}"
        for column, description in mart.column_descriptions.items()
        if description and column in built and description != said.get(column)
    ]
    if mart.description and mart.description != said.get(None):
        comments.append(f"comment on table {target} is {_text(mart.description)}")
    # One commit a mart: a thousand small ones take seconds.
    connection.execute("begin")
    for comment in comments:
        connection.execute(comment)
    connection.execute("commit")


def _check(building: Path, sizes: dict[str, int]) -> None:
    """Read the new files as an outsider would: every mart is whole."""
    with limited(duckdb.connect(str(building / DATABASE_NAME), read_only=True)) as connection:
        for name, rows in sizes.items():
            parquet = _text(building / _parquet_of(name))
            for kind, relation in (
                ("DuckDB", _name(name)),
                ("Parquet", f"read_parquet({parquet})"),
            ):
                row = connection.execute(f"select count(*) from {relation}").fetchone()
                if row is None or row[0] != rows:
                    raise PublicationError(
                        f"The mart {name} was written as {kind} with {row and row[0]} rows instead"
                        f" of {rows}.",
                        "Check the free disk space and run again; the previous version stays.",
                    )


def _is_clean(texts: list[str]) -> str:
    """Whether no text of a row can hold personal data, as an expression.

    No pattern matches across a line, so a row is searched once, as one text: many times cheaper
    than each value for each pattern, which only a finding is worth.
    """
    if not texts:
        return "true"
    row_text = f"concat_ws(chr(10), {', '.join(_name(column) for column in texts)})"
    any_pattern = "|".join(f"({pattern})" for pattern in _PERSONAL_DATA_PATTERNS.values())
    return f"not regexp_matches({row_text}, {_text(any_pattern)})"


def _columns_with_personal_data(
    connection: duckdb.DuckDBPyConnection, table: str, texts: list[str]
) -> Iterator[tuple[str, str]]:
    questions = [
        (column, kind, f"bool_or(regexp_matches({_name(column)}, {_text(pattern)}))")
        for column in texts
        for kind, pattern in _PERSONAL_DATA_PATTERNS.items()
    ]
    answers = connection.execute(
        f"select {', '.join(expression for _, _, expression in questions)} from {table}"
    ).fetchone()
    for (column, kind, _), found in zip(questions, answers or (), strict=True):
        if found:
            yield column, kind


def _drop_old_versions(published: Path, kept: int) -> None:
    current = os.readlink(published / "current")
    versions = sorted(
        (
            path
            for path in published.iterdir()
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
        ),
        key=lambda path: (path.stat().st_mtime_ns, path.name),
        reverse=True,
    )
    for old in versions[kept:]:
        if old.name != current:
            # A kill in the middle must not leave half a version among those that are kept.
            going = old.with_name(f".building-{old.name}")
            old.rename(going)
            shutil.rmtree(going)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"
