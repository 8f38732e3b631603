"""The raw zone's books, and its tables that exist without data."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.ingestion.readers import sql_name, sql_text
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.suppression import RETURNED_SCHEMA

MANIFEST_SCHEMA: tuple[tuple[str, str], ...] = (
    ("batch_id", "VARCHAR"),
    ("run_id", "VARCHAR"),
    ("source", "VARCHAR"),
    ("vendor", "VARCHAR"),
    ("table_name", "VARCHAR"),
    ("source_file", "VARCHAR"),
    ("file_key", "VARCHAR"),
    ("content_sha256", "VARCHAR"),
    ("size_bytes", "BIGINT"),
    ("definition", "VARCHAR"),
    ("delivered_at", "TIMESTAMP"),
    ("loaded_at", "TIMESTAMP"),
    ("rows_read", "BIGINT"),
    ("rows_landed", "BIGINT"),
    ("rows_quarantined", "BIGINT"),
    ("min_dt", "DATE"),
    ("max_dt", "DATE"),
    ("status", "VARCHAR"),
    ("error", "VARCHAR"),
    ("warnings", "VARCHAR"),
    ("is_required", "BOOLEAN"),
    ("rows_erased", "BIGINT"),
    ("rows_anonymised", "BIGINT"),
)
QUARANTINE_SCHEMA: tuple[tuple[str, str], ...] = (
    ("batch_id", "VARCHAR"),
    ("source", "VARCHAR"),
    ("vendor", "VARCHAR"),
    ("table_name", "VARCHAR"),
    ("source_file", "VARCHAR"),
    ("line", "BIGINT"),
    ("column_name", "VARCHAR"),
    ("reason_code", "VARCHAR"),
    ("reason", "VARCHAR"),
    ("record", "VARCHAR"),
    ("loaded_at", "TIMESTAMP"),
)


_EMPTY_PARTITION = "dt=1900-01-01"
# Spark skips files that begin with an underscore, and takes a folder's columns from the first file.
SCHEMA_FILE = "0_schema.parquet"


@dataclass(frozen=True)
class LandedBatch:
    """One source file landed into one table: a row of the manifest."""

    batch_id: str
    run_id: str
    source: str
    vendor: str
    table_name: str
    source_file: str
    file_key: str
    content_sha256: str
    size_bytes: int
    definition: str
    delivered_at: datetime
    loaded_at: datetime
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    min_dt: date | None
    max_dt: date | None
    status: str
    error: str | None
    warnings: str | None
    is_required: bool
    rows_erased: int = 0
    rows_anonymised: int = 0


def write_manifest(
    connection: duckdb.DuckDBPyConnection, raw_root: Path, group: Sequence[LandedBatch]
) -> None:
    """Write the manifest rows of a group of batches: from then on they are landed."""
    columns = ", ".join(f"{name} {kind}" for name, kind in MANIFEST_SCHEMA)
    connection.execute(f"create or replace temp table manifest_rows ({columns})")
    connection.executemany(
        f"insert into manifest_rows values ({', '.join('?' * len(MANIFEST_SCHEMA))})",
        [[asdict(batch)[name] for name, _ in MANIFEST_SCHEMA] for batch in group],
    )
    draft = raw_root / "_incoming" / "_work" / "manifest.parquet"
    connection.execute(f"copy manifest_rows to {sql_text(draft)} (format parquet)")
    os.replace(draft, raw_root / "_manifest" / f"{group[0].batch_id}.parquet")


def ensure_raw_schemas(raw_root: Path) -> None:
    """Give every declared table its zero-row Parquet, so that every model builds.

    Args:
        raw_root: The raw zone; created where it is missing.
    """
    wanted: dict[Path, Sequence[tuple[str, str]]] = {
        raw_root / "_manifest" / SCHEMA_FILE: MANIFEST_SCHEMA,
        raw_root / "_quarantine" / SCHEMA_FILE: QUARANTINE_SCHEMA,
        raw_root / "_returned" / SCHEMA_FILE: RETURNED_SCHEMA,
    }
    for vendor in VENDORS.values():
        for table in vendor.tables:
            place = raw_root / vendor.name / table.name / _EMPTY_PARTITION / SCHEMA_FILE
            wanted[place] = table.raw_columns
    record = raw_root / "_schemas.json"
    try:
        written = json.loads(record.read_text())
    except (OSError, ValueError):
        written = {}
    marks = {
        str(path.relative_to(raw_root)): hashlib.md5(repr(columns).encode()).hexdigest()
        for path, columns in wanted.items()
    }
    stale = [
        path
        for path in wanted
        if not path.exists()
        or written.get(str(path.relative_to(raw_root))) != marks[str(path.relative_to(raw_root))]
    ]
    if not stale:
        return
    with duckdb.connect() as connection:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            empty = ", ".join(
                f"cast(null as {kind}) as {sql_name(name)}" for name, kind in wanted[path]
            )
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            connection.execute(
                f"copy (select {empty} limit 0) to {sql_text(draft)} (format parquet)"
            )
            os.replace(draft, path)
    draft = record.with_name(f"{record.name}.{os.getpid()}")
    draft.write_text(json.dumps(marks, indent=0))
    os.replace(draft, record)


def raw_row_counts(raw_root: Path, vendor: str) -> dict[str, int]:
    """Rows of a vendor's raw tables, as the manifest counts them.

    Args:
        raw_root: The raw zone.
        vendor: Vendor name.

    Returns:
        Rows landed so far, by table; a table without any is absent.
    """
    with duckdb.connect() as connection:
        rows = connection.execute(
            """
            select table_name, sum(rows_landed)
            from read_parquet(?, union_by_name = true)
            where vendor = ?
            group by table_name
            """,
            [str(raw_root / "_manifest" / "*.parquet"), vendor],
        ).fetchall()
    return {table: int(count or 0) for table, count in rows}
