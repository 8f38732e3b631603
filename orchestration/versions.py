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

from orchestration.errors import PublicationError

STORAGE_VERSION = "v1.2.0"
DATABASE_NAME = "marts.duckdb"
VERSIONS_KEPT = 5

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
        _check(building / DATABASE_NAME, sizes)
        if add_page:
            add_page(building, version)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    result = PublishedVersion(
        version=version,
        published_at=now.isoformat(),
        seconds=round(time.monotonic() - started, 2),
        marts=tuple(
            PublishedMart(name, rows, f"parquet/{name}.parquet") for name, rows in sizes.items()
        ),
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
    with duckdb.connect() as connection:
        connection.execute(f"attach {_text(warehouse)} as warehouse (read_only)")
        connection.execute(
            f"attach {_text(building / DATABASE_NAME)} as target "
            f"(storage_version '{STORAGE_VERSION}')"
        )
        for mart in marts:
            source = f"warehouse.{_name(mart.schema)}.{_name(mart.name)}"
            target = f"target.main.{_name(mart.name)}"
            try:
                connection.execute(f"create table {target} as select * from {source}")
            except duckdb.CatalogException as error:
                raise PublicationError(
                    f"The mart {mart.name} is not in the warehouse.",
                    "Run the whole job: its dbt step did not build this model.",
                ) from error
            _describe(connection, target, mart)
            parquet = building / "parquet" / f"{mart.name}.parquet"
            # Keys are most of a file and do not compress: a higher level would save nothing.
            connection.execute(
                f"copy (from {target}) to {_text(parquet)}"
                " (format parquet, compression zstd, compression_level 1)"
            )
            row = connection.execute(f"select count(*) from {source}").fetchone()
            sizes[mart.name] = int(row[0]) if row else 0
        connection.execute("checkpoint target")
        connection.execute("detach target")
    return sizes


def _describe(connection: duckdb.DuckDBPyConnection, target: str, mart: Mart) -> None:
    """Carry dbt's descriptions over as comments, so that a SQL shell shows them."""
    built = {row[0] for row in connection.execute(f"describe {target}").fetchall()}
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


def _check(database: Path, sizes: dict[str, int]) -> None:
    """Read the new file as an outsider would: every mart is whole and free of personal data."""
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, rows in sizes.items():
            row = connection.execute(f"select count(*) from {_name(name)}").fetchone()
            if row is None or row[0] != rows:
                raise PublicationError(
                    f"The mart {name} was written with {row and row[0]} rows instead of {rows}.",
                    "Check the free disk space and run again; the previous version stays.",
                )
            for column, kind in _columns_with_personal_data(connection, name):
                raise PublicationError(
                    f"The column {column} of the mart {name} holds {kind}.",
                    "Mask it in staging (only raw and the vault may hold personal data); the "
                    "previous version stays published.",
                )


def _columns_with_personal_data(
    connection: duckdb.DuckDBPyConnection, table: str
) -> Iterator[tuple[str, str]]:
    text_columns = [
        row[0]
        for row in connection.execute(f"describe {_name(table)}").fetchall()
        if str(row[1]) == "VARCHAR"
    ]
    if not text_columns:
        return
    # No pattern matches across a line, so a row is searched once, as one text: many times cheaper
    # than each value for each pattern, which only a finding is worth.
    row_text = f"concat_ws(chr(10), {', '.join(_name(column) for column in text_columns)})"
    any_pattern = "|".join(f"({pattern})" for pattern in _PERSONAL_DATA_PATTERNS.values())
    suspected = connection.execute(
        f"select bool_or(regexp_matches({row_text}, {_text(any_pattern)})) from {_name(table)}"
    ).fetchone()
    if not (suspected and suspected[0]):
        return
    questions = [
        (column, kind, f"bool_or(regexp_matches({_name(column)}, {_text(pattern)}))")
        for column in text_columns
        for kind, pattern in _PERSONAL_DATA_PATTERNS.items()
    ]
    answers = connection.execute(
        f"select {', '.join(expression for _, _, expression in questions)} from {_name(table)}"
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
