"""What the pipeline does around Spark, without Spark."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import TransformationError, WarehouseError
from orchestration.home import Home
from orchestration.spark import remove_unknown_tables, write_views
from orchestration.transformation import _beginning


def spark_table(tables: Path, schema: str, name: str, query: str) -> None:
    folder = tables / f"{schema}.db" / name
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"copy ({query}) to '{folder}/part-0.parquet' (format parquet)")


def test_views_give_utc_times_without_a_zone_wherever_they_are_read(tmp_path: Path) -> None:
    moment = "timestamptz '2026-03-04 05:06:07.000008+00'"
    spark_table(tmp_path / "warehouse", "marts", "fct_orders", f"select 1 as id, {moment} as at")
    spark_table(tmp_path / "warehouse", "scratch", "round_1", "select 1 as id")
    assert write_views(tmp_path / "warehouse", tmp_path / "tables.duckdb") == 1
    with duckdb.connect(str(tmp_path / "tables.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'America/New_York'")
        rows = connection.execute("from marts.fct_orders").fetchall()
    assert rows == [(1, datetime(2026, 3, 4, 5, 6, 7, 8))]


def test_only_folders_of_tables_that_spark_does_not_know_are_removed(tmp_path: Path) -> None:
    tables = tmp_path / "warehouse"
    for schema, name in (("marts", "orders"), ("marts", "visits"), ("scratch", "orders")):
        spark_table(tables, schema, name, "select 1 as id")
    (tables / "marts.db" / "note.txt").write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tables / "marts.db" / "linked").symlink_to(tmp_path / "elsewhere")
    known = {"marts.visits", "marts.a_view", "scratch.orders"}
    assert remove_unknown_tables(tables, known) == ["marts.orders"]
    left = {path.relative_to(tables).as_posix() for path in tables.glob("*.db/*")}
    assert left == {"marts.db/visits", "marts.db/note.txt", "marts.db/linked", "scratch.db/orders"}
    assert remove_unknown_tables(tables, known) == []


def test_a_table_with_partitions_is_one_and_keeps_its_columns_without_rows(tmp_path: Path) -> None:
    days = tmp_path / "warehouse" / "staging.db" / "events"
    days.mkdir(parents=True)
    columns = days / "_columns" / "part-0.parquet"
    columns.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select 1 as id, date '2026-03-04' as partition_date where false) "
            f"to '{columns}' (format parquet)"
        )

    def rows() -> list[tuple[object, ...]]:
        write_views(tmp_path / "warehouse", tmp_path / "tables.duckdb")
        with duckdb.connect(str(tmp_path / "tables.duckdb"), read_only=True) as connection:
            described = connection.execute("describe staging.events").fetchall()
            assert [row[:2] for row in described] == [("id", "INTEGER"), ("partition_date", "DATE")]
            return connection.execute("from staging.events order by id").fetchall()

    assert rows() == []
    with duckdb.connect() as connection:
        for number in (1, 2):
            day = days / f"partition_date=2026-03-0{number}"
            day.mkdir()
            connection.execute(f"copy (select {number} as id) to '{day}/part-0.parquet'")
    assert rows() == [(1, date(2026, 3, 1)), (2, date(2026, 3, 2))]


def test_a_build_that_left_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransformationError, match="holds no table"):
        write_views(tmp_path, tmp_path / "tables.duckdb")
    assert not (tmp_path / "tables.duckdb").exists()


def test_the_engines_keep_their_warehouses_and_artifacts_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    places = set()
    for target in ("duckdb", "spark"):
        monkeypatch.setenv("CXW_TARGET", target)
        places |= {home.warehouse, home.dbt_target}
    assert len(places) == 4


def test_an_unknown_target_is_told_with_those_that_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXW_TARGET", "sprak")
    with pytest.raises(WarehouseError, match=r"sprak.*duckdb, spark, spark_cluster"):
        Home(tmp_path).prepare()


def test_a_missing_spark_is_told_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXW_TARGET", "spark")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WarehouseError, match=r"requirements-spark\.lock"):
        Home(tmp_path).prepare()


def test_a_failed_model_is_told_without_the_plan_of_its_statement() -> None:
    short = "Runtime Error\n  Table or view not found: a"
    assert _beginning(short) == short
    plan = "\n".join(f"+- Project [column#{number}]" for number in range(60))
    told = _beginning(f"{short}\n{plan}")
    assert told.startswith(short)
    assert told.endswith("\n… and 37 more lines")
    assert len(told.splitlines()) == 26


def test_what_a_killed_statement_left_is_no_table(tmp_path: Path) -> None:
    spark_table(tmp_path / "warehouse", "marts", "fct_orders", "select 1 as id")
    for left in ("_temporary/0", ".spark-staging-1/partition_date=2026-03-01"):
        folder = tmp_path / "warehouse" / "staging.db" / "events" / left
        folder.mkdir(parents=True)
        (folder / "part-0.parquet").touch()
    assert write_views(tmp_path / "warehouse", tmp_path / "tables.duckdb") == 1
