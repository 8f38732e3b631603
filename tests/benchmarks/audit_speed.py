"""What the whole audit costs, to one bare scan of the same web events.

``python -m tests.benchmarks.audit_speed WHAT HOME`` runs one part in a process of its own over a
home whose deliveries were generated: ``land``, ``stage`` (all that the audit's models read), then
what is compared: ``scan``, ``models`` (the whole family in models/intermediate/audit) and
``judge`` (Great Expectations' suites and Data Docs). Each prints the seconds and the processor
time of its own work as JSON. An invocation of dbt and the import of Great Expectations are part of
it; Python's start and the parsing of the project, which every step of a run shares, are not.

The bare scan reads every value of the delivered Parquet files once and does next to nothing with
it: DuckDB takes the greatest, and the number, of each column, of each member of a structure, and
of each member of the elements of every list (parameters, items, user properties) after unnesting
it. No text is searched, nothing is grouped, joined or written.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from duckdb.sqltypes import DuckDBPyType

AUDIT = "path:models/intermediate/audit"


def scan(home: Path) -> dict[str, Any]:
    """Read every value of the web events once."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        statements = scan_statements(connection, home / "exports" / "ga4")
        return _timed(lambda: {"values": _values_read(connection, statements)})


def scan_statements(connection: duckdb.DuckDBPyConnection, exports: Path) -> list[str]:
    """One statement for all that stands once in a row, and one for each list of structures."""
    files = f"read_parquet('{exports}/**/*.parquet', hive_partitioning = false)"
    relation = connection.sql(f"from {files}")
    flat: list[str] = []
    statements = []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        if kind.id == "list":
            element = _members(kind)["child"]
            leaves = ", ".join(f"max({leaf}), count({leaf})" for leaf in _leaves("e", element))
            statements.append(f'select {leaves} from (select unnest("{name}") as e from {files})')
        else:
            flat += _leaves(f'"{name}"', kind)
    leaves = ", ".join(f"max({leaf}), count({leaf})" for leaf in flat)
    return [f"select {leaves} from {files}", *statements]


def _leaves(path: str, kind: DuckDBPyType) -> Iterator[str]:
    if kind.id == "struct":
        for name, member in _members(kind).items():
            yield from _leaves(f'{path}."{name}"', member)
    else:
        yield path


def _members(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    return {name: member for name, member in kind.children if isinstance(member, DuckDBPyType)}


def _values_read(connection: duckdb.DuckDBPyConnection, statements: list[str]) -> int:
    read = 0
    for statement in statements:
        (row,) = connection.execute(statement).fetchall()
        read += sum(row[1::2])
    return read


def land(home: Path) -> dict[str, Any]:
    """Land all deliveries and write the plan's tables."""
    from expectations.plan import export_tables, load_plan
    from orchestration.ingestion.landing import land
    from orchestration.ingestion.new_files import discover
    from orchestration.ingestion.sources import load_sources

    sources = load_sources(home / "sources.yml")
    raw, now = home / "raw", datetime.now(UTC)
    batches = land(discover(sources, raw), sources, raw, "benchmark", now)
    export_tables(load_plan(), home / "state" / "plan")
    return {"files": len(batches)}


def dbt(home: Path, *arguments: str) -> dict[str, Any]:
    """Run dbt over what was landed.

    Returns:
        What the invocation cost, dbt's own start included, and the seconds of each model.
    """
    from orchestration.dbt_build import load_project, project_arguments
    from orchestration.transformation import project_fingerprint_of

    target = home / "dbt_target"
    project = load_project(target, project_fingerprint_of())
    from dbt.cli.main import dbtRunner

    def run() -> dict[str, Any]:
        result = dbtRunner(project).invoke(
            [
                *project_arguments(target),
                *("build", "--full-refresh", "--exclude-resource-types", "test", "unit_test"),
                *arguments,
            ]
        )
        ran = getattr(result.result, "results", [])
        failed = [f"{row.node.name}: {row.message}" for row in ran if row.status == "error"]
        if not result.success:
            raise RuntimeError(f"dbt: {result.exception or failed}")
        return {"models": {row.node.name: row.execution_time for row in ran}}

    return _timed(run)


def stage(home: Path) -> dict[str, Any]:
    """Build what the audit's models read."""
    return dbt(home, "--select", f"+{AUDIT}", "--exclude", AUDIT)


def models(home: Path) -> dict[str, Any]:
    """Build the audit's models."""
    return dbt(home, "--select", AUDIT)


def judge(home: Path) -> dict[str, Any]:
    """Judge what the models measured, as the audit does, and write the Data Docs."""
    from expectations import gx_engine
    from expectations.catalogue import load_catalogue
    from expectations.plan import load_plan
    from expectations.run import export_audit_tables
    from expectations.suites import FILES, SHARES, expectations_for

    expectations = expectations_for(load_plan(), load_catalogue(), datetime.now(UTC))

    def run() -> dict[str, Any]:
        folder = export_audit_tables(home / "warehouse.duckdb", home / "state" / "audit")
        judged = gx_engine.judge(
            expectations,
            {name: folder / f"{name}.parquet" for name in (SHARES, FILES)},
            work=home / "state" / "audit",
            data_docs=home / "reports" / "data_docs",
        )
        errors = [one.error for one in judged if one.error]
        if errors:
            raise RuntimeError(errors[0])
        return {"expectations": len(judged)}

    return _timed(run)


def _timed(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    before, started = os.times(), time.perf_counter()
    found = work()
    after = os.times()
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": after.user + after.system - before.user - before.system,
        **found,
    }


PARTS = {part.__name__: part for part in (land, stage, scan, models, judge)}

if __name__ == "__main__":
    from orchestration.home import Home

    prepared = Home(Path(sys.argv[2])).prepare()
    print(json.dumps(PARTS[sys.argv[1]](prepared.root)))
