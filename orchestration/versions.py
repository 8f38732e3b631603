"""Versions of the published marts: the next is written beside the last, checked, then switched.

Readers open ``published/current/marts.duckdb`` or ``published/current/parquet/*.parquet``. A
version is a folder that never changes once its name exists; ``current`` is a symbolic link that
one rename moves, so a reader sees the previous version or the next, never a mixture. The DuckDB
file is written in the 1.2 storage format, which the 1.x drivers of BI tools can open.
"""

from __future__ import annotations

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

from orchestration.compaction import GROUP_ROWS
from orchestration.errors import PublicationError
from orchestration.parquet import PARQUET

STORAGE_VERSION = "v1.2.0"
DATABASE_NAME = "marts.duckdb"
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
    """A version that readers can open."""

    version: str
    published_at: str
    seconds: float
    marts: tuple[PublishedMart, ...]


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
    try:
        sizes = _write(warehouse, building, marts)
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
    )
    (building / "version.json").write_text(json.dumps(asdict(result), indent=2) + "\n")
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
    description = published / "current" / "version.json"
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


def _write(warehouse: Path, building: Path, marts: list[Mart]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    # In the warehouse rows lie as its threads wrote them: to keep that order would only cost time.
    with duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        connection.execute(f"attach {_text(warehouse)} as warehouse (read_only)")
        connection.execute(
            f"attach {_text(building / DATABASE_NAME)} as target "
            f"(storage_version '{STORAGE_VERSION}')"
        )
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
            keys = _key_columns(connection, source, columns)
            definitions = (
                f"{_name(column)} {kind}{' using compression fsst' if column in keys else ''}"
                for column, kind in columns.items()
            )
            connection.execute(f"create table {target} ({', '.join(definitions)})")
            connection.execute(f"insert into {target} from {source}")
            _describe(connection, target, mart, set(columns))
            _write_parquet(
                connection, target, _text_columns(columns), building / _parquet_of(mart.name)
            )
            row = connection.execute(f"select count(*) from {source}").fetchone()
            sizes[mart.name] = int(row[0]) if row else 0
        connection.execute("checkpoint target")
        connection.execute("detach target")
    return sizes


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
    connection: duckdb.DuckDBPyConnection, table: str, texts: list[str], path: Path
) -> None:
    """Write a new table as Parquet; no row with personal data gets there.

    The rows are searched on the way, as they are read back, so that it takes no other reading.
    """
    is_clean = f"not {_is_suspected(texts)}" if texts else "true"
    try:
        connection.execute(
            f"copy (from {table} where case when {is_clean} then true else"
            f" error('personal data') end) to {_text(path)} ({PARQUET})"
        )
    except duckdb.InvalidInputException:
        for column, kind in _columns_with_personal_data(connection, table, texts):
            raise PublicationError(
                f"The column {column} of the mart {path.stem} holds {kind}.",
                "Mask it in staging (only raw and the vault may hold personal data); the "
                "previous version stays published.",
            ) from None
        raise


def _describe(
    connection: duckdb.DuckDBPyConnection, target: str, mart: Mart, built: set[str]
) -> None:
    """Carry dbt's descriptions over as comments, so that a SQL shell shows them."""
    comments = [
        f"comment on column {target}.{_name(column)} is {_text(description)}"
        for column, description in mart.column_descriptions.items()
        if description and column in built
    ]
    if mart.description:
        comments.append(f"comment on table {target} is {_text(mart.description)}")
    # One commit a mart: a thousand small ones take seconds.
    connection.execute("begin")
    for comment in comments:
        connection.execute(comment)
    connection.execute("commit")


def _check(building: Path, sizes: dict[str, int]) -> None:
    """Read the new files as an outsider would: every mart is whole."""
    with duckdb.connect(str(building / DATABASE_NAME), read_only=True) as connection:
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


def _is_suspected(texts: list[str]) -> str:
    """Whether any text of a row may hold personal data, as an expression.

    No pattern matches across a line, so a row is searched once, as one text: many times cheaper
    than each value for each pattern, which only a finding is worth.
    """
    row_text = f"concat_ws(chr(10), {', '.join(_name(column) for column in texts)})"
    any_pattern = "|".join(f"({pattern})" for pattern in _PERSONAL_DATA_PATTERNS.values())
    return f"regexp_matches({row_text}, {_text(any_pattern)})"


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
        (path for path in published.iterdir() if path.is_dir() and not path.is_symlink()),
        key=lambda path: (path.stat().st_mtime_ns, path.name),
        reverse=True,
    )
    for old in versions[kept:]:
        if old.name != current:
            shutil.rmtree(old)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"
