"""Spark's tables as a file that DuckDB opens: what audit and publication read.

On Spark every table is a folder of Parquet. A small DuckDB file with one view per table stands
where the warehouse stands on DuckDB, so that whoever reads tables after the build (Great
Expectations, publication, tests) has one way to do it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Collection
from pathlib import Path

import duckdb
import yaml

from orchestration.errors import TransformationError, WarehouseError
from orchestration.home import DBT_PROJECT_DIR

REMEDY = (
    "Install Java 17 or newer and, into the environment of cxw: "
    "pip install --require-hashes --no-deps --no-build-isolation -r requirements-spark.lock"
)

# Unions of conformed staging that audit and publication read, and their families.
_UNIONS = {"int_web_events_landed": "web_events", "int_orders_unioned": "orders"}


def check_installation() -> None:
    """Check that this environment can start Spark.

    Raises:
        WarehouseError: dbt's adapter, Spark or Java is missing.
    """
    for module, what in (("dbt.adapters.spark", "dbt's Spark adapter"), ("pyspark", "PySpark")):
        if importlib.util.find_spec(module) is None:
            raise WarehouseError(f"CXW_TARGET=spark needs {what}, which is not installed.", REMEDY)
    java_home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java") or (java_home and (Path(java_home) / "bin" / "java").exists())):
        raise WarehouseError("CXW_TARGET=spark needs Java, which is not on PATH.", REMEDY)


def write_views(tables: Path, database: Path) -> int:
    """Write a DuckDB file with one view per Spark table; the old file is replaced in one rename.

    Spark writes times with a zone, always UTC; the views give them without, as DuckDB keeps them.

    Args:
        tables: Spark's warehouse folder: `<schema>.db/<table>/*.parquet`, with a folder for each
            value in between where the table has partitions.
        database: The file to write.

    Returns:
        The number of views.

    Raises:
        TransformationError: There is no table, so that nothing could be read from them.
    """
    found = {
        folder: files
        for folder in sorted(tables.glob("*.db/*"))
        if folder.parent.name != "scratch.db" and (files := _files(folder))
    }
    if not found:
        raise TransformationError(
            f"{tables} holds no table.", "Run the whole job: its dbt step built nothing on Spark."
        )
    draft = database.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with duckdb.connect(str(draft)) as connection:
        for folder, files in found.items():
            schema = folder.parent.name.removesuffix(".db")
            columns = connection.execute(f"describe from {files}").fetchall()
            chosen = ", ".join(_column(name, kind) for name, kind, *_ in columns)
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(
                f'create view "{schema}"."{folder.name}" as select {chosen} from {files}'
            )
        _unite(connection)
    os.replace(draft, database)
    return len(found)


def remove_unknown_tables(tables: Path, known: Collection[str]) -> list[str]:
    """Remove the folders that a killed statement left: Spark creates no table where one lies.

    Spark writes a table's files before it knows of the table.

    Args:
        tables: Spark's warehouse folder.
        known: The tables that Spark knows, as `schema.table`.

    Returns:
        The tables whose folders went, as `schema.table`.
    """
    removed = []
    for folder in sorted(tables.glob("*.db/*")):
        name = f"{folder.parent.name.removesuffix('.db')}.{folder.name}"
        if folder.is_dir() and not folder.is_symlink() and name not in known:
            shutil.rmtree(folder)
            removed.append(name)
    return removed


def _unite(connection: duckdb.DuckDBPyConnection) -> None:
    """Make dbt's unions of conformed staging, which are views in Spark and thus no files, again."""
    members = yaml.safe_load((DBT_PROJECT_DIR / "dbt_project.yml").read_text())["vars"]["conformed"]
    built = {
        name
        for (name,) in connection.execute(
            "select view_name from duckdb_views() where schema_name = 'staging'"
        ).fetchall()
    }
    for view, family in _UNIONS.items():
        tables = [f"stg_{vendor}__{family}" for vendor in members[family]]
        # A member that is a view itself has no files either: what needs the union must do without.
        if set(tables) <= built:
            union = " union all by name ".join(f'from staging."{table}"' for table in tables)
            connection.execute(f'create view intermediate."{view}" as {union}')


def _files(folder: Path) -> str | None:
    """SQL of a table's files; None where there are none but what a killed statement left.

    A table with partitions has only its columns where it has no rows.
    """
    for files, reading in (
        ("*.parquet", ""),
        ("*=*/*.parquet", ", hive_partitioning = true"),
        ("_columns/*.parquet", ""),
    ):
        if any(folder.glob(files)):
            return f"read_parquet('{_quoted(folder)}/{files}'{reading})"
    return None


def _column(name: str, kind: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f'"{name}" at time zone \'UTC\' as "{name}"'
    return f'"{name}"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
