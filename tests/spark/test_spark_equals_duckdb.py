"""The same models on Apache Spark: every published table equals DuckDB's, row for row.

One very small retailer goes through the whole job twice over the same raw zone: on DuckDB, and on
an embedded Spark session.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration import spark_cluster
from orchestration.home import DBT_PROJECT_DIR, Home
from orchestration.spark import write_views
from tests.warm_start import run_module

pytestmark = pytest.mark.spark

CLOCK = "2026-11-01T06:00:00Z"
# Doubles are sums and roots over rows that the engines add in different orders: they may differ in
# the last digits. Everything else (texts, dates, times, integers, decimals) is equal or it fails.
TOLERANCE = 1e-9

PROJECT = ("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR))

MARTS = sorted(path.stem for path in (DBT_PROJECT_DIR / "models" / "marts").rglob("*.sql"))

# Settings for tables of some rows: on those Spark spends its time compiling and planning, not
# computing, and adaptive execution plans what is left of a statement after each of its shuffles.
# What is broadcast, sorted or grouped gets buffers of millions of bytes by default, zeroed and soon
# swept away, for some rows.
SMALL_DATA = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.broadcast.blockSize": "64k",
    "spark.broadcast.compress": "false",
    "spark.buffer.pageSize": "256k",
    "spark.shuffle.compress": "false",
    "spark.sql.parquet.columnarReaderBatchSize": "256",
    "spark.sql.ui.retainedExecutions": "1",
}
# Hadoop's settings go to every task of a scan, each compressed by itself. Files of these names are
# found before Hadoop's own: they leave out thirteen hundred defaults, most of services that are not
# there; what these runs ask for and is not set has the same default in the code.
HADOOP_DEFAULTS = ("core-default.xml", "mapred-default.xml", "yarn-default.xml")
# Likewise of Java: what optimising code for minutes of work to come costs is not earned back here,
# and a cache that holds all code need not be swept.
JAVA_OPTIONS = (
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    " -XX:ReservedCodeCacheSize=512m -XX:-UseCodeCacheFlushing"
)
# Room for what one statement leaves behind, which is then not copied while the next one works.
DRIVER_OPTIONS = "-Xms2g -Xmn1200m -XX:MetaspaceSize=512m"

# Their fixtures are nested structures, which have no literals that both engines read.
DUCKDB_ONLY_UNIT_TESTS = (
    "stg_ga4__web_events",
    "stg_ga4__web_event_params",
    "stg_ga4__web_event_param_values",
    "stg_ga4__web_user_properties",
    "stg_ga4__repeated_events",
    "stg_universal_analytics__web_events",
)


@dataclass(frozen=True)
class Engines:
    """Two homes over the same raw rows, each built by one engine."""

    duckdb: Path
    spark: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def engines(
    tmp_path_factory: pytest.TempPathFactory,
    cxw: Callable[..., subprocess.CompletedProcess[str]],
) -> Engines:
    folder = tmp_path_factory.mktemp("engines")
    one, other = folder / "duckdb", folder / "spark"
    generated = cxw(one, "demo", "--customers", "120", "--days", "14")
    assert generated.returncode == 0, generated.stdout + generated.stderr
    finished = cxw(one, "run", CXW_NOW=CLOCK, CXW_TARGET="duckdb")
    assert finished.returncode == 0, finished.stdout + finished.stderr

    # The other engine gets what was landed, and nothing that was computed from it.
    for name in ("raw", "exports"):
        shutil.copytree(one / name, other / name)
    (other / "state").mkdir()
    for name in ("sources.yml", "state/hash_key"):
        shutil.copy2(one / name, other / name)
    settings = folder / "conf"
    settings.mkdir()
    (settings / "spark-defaults.conf").write_text(
        "".join(f"{name} {value}\n" for name, value in SMALL_DATA.items())
    )
    for name in HADOOP_DEFAULTS:
        (settings / name).write_text("<configuration/>\n")
    environment = {
        "CXW_NOW": CLOCK,
        "CXW_TARGET": "spark",
        "CXW_SPARK_PARTITIONS": "1",
        "SPARK_CONF_DIR": str(settings),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "JAVA_TOOL_OPTIONS": JAVA_OPTIONS,
        "SPARK_SUBMIT_OPTS": DRIVER_OPTIONS,
    }
    # All that follows is asked of what was built after a kill.
    kill_while_a_table_is_written(other, environment)
    finished = cxw(other, "run", **environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert not unfinished_tables(other)
    return Engines(one, other, environment)


def unfinished_tables(home: Path) -> list[Path]:
    # Seeds are created before their rows are written, so that Spark knows them.
    found = Home(home).spark_tables.glob("*.db/*/_temporary")
    return [draft for draft in found if draft.parents[1].name != "reference.db"]


def kill_while_a_table_is_written(home: Path, environment: dict[str, str]) -> None:
    """Start a run and kill it while the files of a table are written that Spark does not know."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "run"],
        env={**os.environ, **environment, "CXW_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None:
            if unfinished_tables(home):
                # It may be done by now, but not any more once it stands still.
                os.killpg(process.pid, signal.SIGSTOP)
                if unfinished_tables(home):
                    return
                os.killpg(process.pid, signal.SIGCONT)
            time.sleep(0.01)
        raise AssertionError("the run ended, and no table was seen while it was written")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def differences(one: Path, other: Path) -> list[str]:
    """How two Parquet files differ: columns and types, number of rows, columns with other values.

    Rows are put side by side in the order of all that must be equal, doubles last.
    """
    with duckdb.connect() as connection:
        shapes = [connection.execute(f"describe from '{path}'").fetchall() for path in (one, other)]
        columns = [[(row[0], row[1]) for row in shape] for shape in shapes]
        if columns[0] != columns[1]:
            return [f"columns {sorted(set(columns[0]) ^ set(columns[1]))}"]
        exact = [name for name, kind in columns[0] if kind != "DOUBLE"]
        doubles = [name for name, kind in columns[0] if kind == "DOUBLE"]
        order = ", ".join(
            [*(f'"{name}"' for name in exact), *(f'round("{name}", 6)' for name in doubles)]
        )
        for name, path in (("one", one), ("other", other)):
            connection.execute(
                f"create view {name} as "
                f"select *, row_number() over (order by {order}) as compared_place from '{path}'"
            )
        tests = {
            **{name: f'one."{name}" is distinct from other."{name}"' for name in exact},
            **{
                name: (
                    f'(one."{name}" is null) <> (other."{name}" is null) or '
                    f'abs(one."{name}" - other."{name}") > {TOLERANCE} * '
                    f'greatest(1, abs(one."{name}"), abs(other."{name}"))'
                )
                for name in doubles
            },
        }
        counts = connection.execute(
            "select count(one.compared_place), count(other.compared_place), "
            + ", ".join(f"count(*) filter (where {test})" for test in tests.values())
            + " from one full join other on one.compared_place = other.compared_place"
        ).fetchone()
        assert counts is not None
        found = [f"rows {counts[0]} and {counts[1]}"] if counts[0] != counts[1] else []
        return found + [
            f"{name}: {count} rows" for name, count in zip(tests, counts[2:], strict=True) if count
        ]


@pytest.mark.parametrize("mart", MARTS)
def test_a_published_table_is_the_same_on_both_engines(engines: Engines, mart: str) -> None:
    file = Path("published") / "current" / "parquet" / f"{mart}.parquet"
    assert differences(engines.duckdb / file, engines.spark / file) == []


def test_the_comparison_sees_a_changed_figure_and_a_lost_row(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        for name, query in {
            "one": "select range as id, range / 3 as share from range(9)",
            "figure": "select range as id, (range + (range = 4)::int / 1e6) / 3 as share "
            "from range(9)",
            "row": "select range as id, range / 3 as share from range(8)",
            "type": "select range::int as id, range / 3 as share from range(9)",
        }.items():
            connection.execute(f"copy ({query}) to '{tmp_path}/{name}.parquet' (format parquet)")
    one = tmp_path / "one.parquet"
    assert differences(one, one) == []
    assert differences(one, tmp_path / "figure.parquet") == ["share: 1 rows"]
    assert "rows 9 and 8" in differences(one, tmp_path / "row.parquet")
    assert differences(one, tmp_path / "type.parquet")[0].startswith("columns")


def test_the_marts_that_are_compared_have_rows(engines: Engines) -> None:
    marts = json.loads((engines.spark / "published/current/version.json").read_text())["marts"]
    assert len(marts) == len(MARTS)
    filled = {mart["name"] for mart in marts if mart["rows"] > 0}
    assert len(filled) >= 20, sorted(set(MARTS) - filled)


def test_the_audit_reaches_the_same_verdicts(engines: Engines) -> None:
    def verdicts(home: Path) -> dict[str, tuple[bool, bool, int]]:
        results = json.loads((home / "state" / "audit_outcomes.json").read_text())["results"]
        return {
            result["check_id"]: (
                result["passed"],
                result["assessable"],
                result["metadata"]["rows_failing"],
            )
            for result in results
        }

    found = verdicts(engines.spark)
    assert found == verdicts(engines.duckdb)
    assert any(not passed for passed, _, _ in found.values())


def test_staging_of_vendors_without_a_file_in_the_demo_passes_its_unit_tests(
    engines: Engines,
) -> None:
    home = Home(engines.spark)
    finished = run_module(
        *("dbt.cli.main", "test", "--no-version-check", *PROJECT),
        *("--select", "test_type:unit,staging", "--exclude", *DUCKDB_ONLY_UNIT_TESTS),
        environment={
            **os.environ,
            **home.environment(),
            **engines.environment,
            # parsed already, by the run
            "DBT_TARGET_PATH": str(home.root / "dbt_target_spark"),
        },
    )
    assert finished.returncode == 0, finished.stdout[-4000:]
    assert "unit tests" in finished.stdout


def test_a_standalone_cluster_builds_the_same_rows_through_its_thrift_server(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JAVA_TOOL_OPTIONS", "SPARK_CONF_DIR"):
        monkeypatch.setenv(name, engines.environment[name])

    def free_port() -> int:
        with socket.socket() as listener:
            listener.bind((spark_cluster.HOST, 0))
            return int(listener.getsockname()[1])

    home = Home(tmp_path)
    shutil.copytree(engines.duckdb / "raw", home.raw)
    port = free_port()
    spark_cluster.up(home, port, workers=1, master_port=free_port())
    try:
        finished = run_module(
            *("dbt.cli.main", "build", "--no-version-check", *PROJECT),
            *("--indirect-selection", "cautious"),
            *("--select", "channels", "stg_pos__orders", "int_raw_files_listed"),
            environment={
                **os.environ,
                **home.environment(),
                "CXW_TARGET": "spark_cluster",
                "CXW_SPARK_PORT": str(port),
            },
        )
        assert finished.returncode == 0, finished.stdout[-4000:]
    finally:
        spark_cluster.down(home)
    write_views(home.spark_tables, home.root / "tables.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{engines.duckdb}/warehouse.duckdb' as one (read_only)")
        connection.execute(f"attach '{home.root}/tables.duckdb' as other (read_only)")
        for table in ("reference.channels", "staging.stg_pos__orders"):
            assert connection.execute(f"from other.{table}").fetchall()
            assert not connection.execute(f"from one.{table} except from other.{table}").fetchall()
            assert not connection.execute(f"from other.{table} except from one.{table}").fetchall()


def test_days_that_go_or_are_replayed_are_replaced_and_no_other(
    engines: Engines, tmp_path: Path
) -> None:
    home = Home(engines.spark)
    target = home.root / "dbt_target_spark"
    by_day = partitioned_models(target / "manifest.json")
    assert {"stg_ga4__web_events", "int_audit_web_events_measured"} <= by_day.keys()
    delivered = sorted(home.raw.glob("ga4/events/dt=*"))
    gone, again = (delivered[place].name.removeprefix("dt=") for place in (2, 5))
    before = files_of_days(home, by_day)

    shutil.rmtree(home.raw / "ga4" / "events" / f"dt={gone}")
    finished = run_module(
        *("dbt.cli.main", "run", "--no-version-check", *PROJECT, "--select", *by_day),
        *("int_raw_files_listed", "int_raw_files_changed", "int_touched_days"),
        *("stg_ga4__export_deliveries", "stg_ga4__export_tables", "stg_ga4__touched_days"),
        *("int_touched_web_days", "int_audit_web_events_judged", "int_audit_param_values_gathered"),
        environment={
            **os.environ,
            **home.environment(),
            **engines.environment,
            "DBT_TARGET_PATH": str(target),
            # each of so many tasks has rows of a day and would write a file of its own
            "CXW_SPARK_PARTITIONS": "4",
            "CXW_REPLAY_FROM": again,
            "CXW_REPLAY_TO": again,
            "CXW_REPLAY_SOURCE": "",
        },
    )
    assert finished.returncode == 0, finished.stdout[-4000:]

    write_views(home.spark_tables, tmp_path / "tables.duckdb")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{engines.duckdb}/warehouse.duckdb' as one (read_only)")
        connection.execute(f"attach '{tmp_path}/tables.duckdb' as other (read_only)")
        touched = {
            str(day)
            for (day,) in connection.execute(
                "select partition_date from other.intermediate.int_touched_web_days"
            ).fetchall()
        }
        assert {gone, again} <= touched
        for name, schema in by_day.items():
            columns = connection.execute(f"describe other.{schema}.{name}").fetchall()
            for engine, kept in (("one", f"partition_date <> '{gone}'"), ("other", "true")):
                chosen = ", ".join(f'cast("{row[0]}" as {row[1]}) as "{row[0]}"' for row in columns)
                connection.execute(
                    f"copy (select {chosen} from {engine}.{schema}.{name} where {kept})"
                    f" to '{tmp_path}/{engine}_{name}.parquet' (format parquet)"
                )
    found = {
        name: differences(tmp_path / f"one_{name}.parquet", tmp_path / f"other_{name}.parquet")
        for name in by_day
    }
    assert {name: found[name] for name in by_day if found[name]} == {}

    after = files_of_days(home, by_day)
    assert before.keys() - after.keys() == {place for place in before if place[1] == gone}
    rewritten = {day for name, day in after if before.get((name, day)) != after[name, day]}
    assert again in rewritten <= touched < {day for _, day in before}
    assert {place: len(files) for place, files in after.items() if len(files) > 1} == {}
    # and of the raw zone the touched days alone are read
    query = next(target.rglob("compiled/**/stg_ga4__web_events.sql")).read_text()
    assert {str(day) for day in re.findall(r"date '(\d{4}-\d\d-\d\d)'", query)} == touched


def partitioned_models(manifest: Path) -> dict[str, str]:
    """The models of which Spark replaces days, with their schemas."""
    return {
        node["alias"]: node["schema"]
        for node in json.loads(manifest.read_text())["nodes"].values()
        if node["config"].get("incremental_strategy") == "insert_overwrite"
    }


def files_of_days(
    home: Home, models: dict[str, str]
) -> dict[tuple[str, str], set[tuple[str, int]]]:
    """The files of each model's partitions, with the times at which they were written."""
    return {
        (name, folder.name.removeprefix("partition_date=")): {
            (file.name, file.stat().st_mtime_ns) for file in folder.glob("*.parquet")
        }
        for name, schema in models.items()
        for folder in (home.spark_tables / f"{schema}.db" / name).glob("partition_date=*")
    }
