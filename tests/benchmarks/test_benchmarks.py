"""The benchmarks measure what they say: same rows by hand, in other libraries and by the warehouse.

Nothing here is timed.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.benchmarks import (
    agreement,
    audit_speed,
    generator,
    hand_written,
    measure,
    report,
    side_by_side,
)

SIZE = generator.Size(events=24_000, days=20, seed=3)
# A column of figures of each mart that the script yields.
ONE_VALUE_OF = {
    "dim_customers": "session_count",
    "fct_orders": "total_amount",
    "fct_sessions": "duration_seconds",
    "fct_stage_transitions": "seconds_in_stage",
    "fct_touchpoints": "value_eur",
    "mart_customer_timeline": "encounter_number",
    "mart_journey_funnels": "reached_share_ci_low",
    "mart_journey_leavers": "leaver_share",
    "mart_journey_links": "path_share_ci_high",
    "mart_journey_metrics": "n",
    "mart_journey_sequences": "path_count",
}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the base delivery and one more day on top."""
    home = tmp_path_factory.mktemp("benchmark")
    generator.write_base(SIZE, home)
    generator.write_next_day(SIZE, home)
    return home


@pytest.fixture(scope="module")
def by_hand(delivered: Path) -> Path:
    database = delivered / "hand_written.duckdb"
    hand_written.run_script(delivered / "exports", database)
    return database


def digests(home: Path) -> dict[str, str]:
    exports = home / "exports"
    return {
        str(path.relative_to(exports)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(exports.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_files_and_another_seed_others(
    delivered: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    generator.write_base(SIZE, again)
    generator.write_next_day(SIZE, again)
    assert digests(again) == digests(delivered)
    other = tmp_path / "other"
    generator.write_base(generator.Size(SIZE.events, SIZE.days, SIZE.seed + 1), other)
    events = {name for name in digests(other) if name.startswith("ga4/")}
    assert len(events) == SIZE.days
    assert all(digests(other)[name] != digests(delivered)[name] for name in events)


def test_the_generated_shop_has_the_cardinalities_that_it_promises(
    delivered: Path, by_hand: Path
) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{by_hand}' as hand (read_only)")
        days = f"read_parquet('{delivered}/exports/ga4/events_*.parquet')"
        again = f"read_parquet('{delivered}/exports/ga4/exported_again/*.parquet')"
        row = connection.execute(
            f"""
            select
                (select count(*) from {days}) / {SIZE.events},
                (select avg(event_count) from hand.sessions),
                (select count(*) / count(distinct (client_id, session_date)) from hand.sessions),
                (select count(*) / count(distinct client_id) from hand.sessions),
                (select avg((user_id is not null)::int) from hand.sessions),
                (select avg(has_purchase::int) from hand.sessions),
                (select count(*) from {again}) - (
                    select count(*) from {days}
                    where event_date in (select distinct event_date from {again})
                ),
                (select count(*) from {again})
            """
        ).fetchone()
    assert row is not None
    volume, length, per_day, returning, logged_in, buying, late, exported_again = row
    assert volume == pytest.approx(1 + 1 / SIZE.days, rel=0.1)
    assert 7.5 < length < 8.7
    assert 1.05 < per_day < 1.25
    assert 2 < returning < 3.2
    assert 0.05 < logged_in < 0.2
    assert 0.015 < buying < 0.035
    assert 0.003 < late / exported_again < 0.03


def test_purchases_carry_the_ids_and_totals_of_orders(by_hand: Path) -> None:
    with duckdb.connect(str(by_hand), read_only=True) as connection:
        row = connection.execute(
            """
            select count(*), count(s.transaction_id)
            from order_rows as o
            left join sessions as s on o.transaction_ref = s.transaction_id
            """
        ).fetchone()
    assert row is not None
    orders, tracked = row
    assert orders > 50
    # an event that crossed midnight may be in a file that has not come yet
    assert orders - tracked <= 2


def test_the_warehouse_and_the_hand_written_script_yield_the_same_rows(
    delivered: Path, by_hand: Path, cxw: Callable[..., object]
) -> None:
    finished = cxw(delivered, "run", CXW_NOW="2026-03-22T06:00:00Z")
    assert finished.returncode == 0, finished.stdout + finished.stderr  # type: ignore[attr-defined]
    marts = delivered / "published" / "current" / "marts.duckdb"
    made = hand_written.marts_of(by_hand)
    found = agreement.differences(made, marts)
    assert all(compared > 40 for compared, _ in found.values()), found
    assert {table: rows for table, (_, rows) in found.items() if rows} == {}
    # The comparison sees a difference of one value in any of them.
    with duckdb.connect(str(made)) as connection:
        for mart, column in ONE_VALUE_OF.items():
            connection.execute(
                f"update {mart} set {column} = {column} * 1.5 where rowid = ("
                f"select min(t.rowid) from {mart} as t where t.{column} > 0.1)"
            )
    found = agreement.differences(made, marts)
    assert {mart: found[mart][1] for mart in ONE_VALUE_OF} == dict.fromkeys(ONE_VALUE_OF, 2)


def test_sql_pandas_and_polars_yield_the_same_sessions_and_users(
    by_hand: Path, tmp_path: Path
) -> None:
    events = tmp_path / "events.parquet"
    assert side_by_side.flat_events(by_hand, events) > 10_000
    for engine, run in side_by_side.ENGINES.items():
        (tmp_path / engine).mkdir()
        run(events, tmp_path / engine)
        found = side_by_side.differing_rows(tmp_path / "duckdb", tmp_path / engine)
        assert found == {"sessions": 0, "users": 0}, engine


def test_the_report_is_written_with_a_table_and_a_plot(tmp_path: Path) -> None:
    run: dict[str, Any] = {"seconds": 90.0, "cpu_seconds": 130.0, "peak_bytes": 2**30}
    run |= {
        "phases": {"start": 9.0, "landing": 8.0},
        "tests_seconds": 3.0,
        "steps": {"events": 5.0, "publication": 1.0},
    }
    run |= {"models": {"fct_sessions": 4.0, "fct_audit_findings": 40.0}}
    size: dict[str, Any] = {
        "events": 1_000_000,
        "needed_models": ["fct_sessions"],
        "full": run,
        "increment": {**run, "seconds": 39.0, "cpu_seconds": 55.0},
    }
    size |= {"hand_written": {**run, "seconds": 6.0, "cpu_seconds": 10.0}, "is_equal": True}
    figures: dict[str, Any] = {"machine": "here", "measured_at": "now"}
    figures["start_up"] = {"events": 1, "seconds": 30.0}
    figures["start_up"] |= {"cpu_seconds": 30.0}
    table = report.write_report({**figures, "sizes": [size]}, tmp_path).read_text()
    # 60 s beyond the start-up, ten times the script, one more day 9 s beyond it; of processor time
    # 100 s, ten times the script, and 25 s; of the script's tables landing and half of 4 s, two
    # models running at a time, to the script without the second in which it publishes
    assert "| 6.0 | 10.0 | 15% | 10.0 | 25% | 2.0 | 1.0 / 1.0 / 1.0 | yes |" in table
    assert "fct_sessions" in table
    assert (tmp_path / "results.svg").read_text().count("<circle") == 3
    assert "1000000,full,models: fct_sessions,4.0,seconds" in (tmp_path / "results.csv").read_text()


def test_the_bare_scan_reads_every_value_of_every_column_and_list(delivered: Path) -> None:
    with duckdb.connect() as connection:
        statements = audit_speed.scan_statements(connection, delivered / "exports" / "ga4")
        read = sum(
            sum(row[1::2])
            for statement in statements
            for row in connection.execute(statement).fetchall()
        )
        counted = connection.execute(
            # every value of a Parquet file is one of the values that its columns' chunks count
            "select sum(stats_values) from (select num_values - stats_null_count as stats_values"
            f" from parquet_metadata('{delivered}/exports/ga4/**/*.parquet'))"
        ).fetchone()
    assert counted is not None
    assert read == counted[0] > 100_000


def test_the_audits_table_sets_models_and_judging_against_the_scan(tmp_path: Path) -> None:
    def part(seconds: float, gigabytes: int) -> dict[str, object]:
        return {"seconds": seconds, "cpu_seconds": seconds * 2, "peak_bytes": gigabytes * 2**30}

    run: dict[str, Any] = {
        "events": 3_000_000,
        "scan": part(5, 1),
        "stage": part(20, 3),
        "judge": part(10, 1),
    }
    run["models"] = {**part(30, 2), "models": {"int_audit_metrics": 4.0}}
    figures = {"machine": "here", "measured_at": "now", "sizes": [], "audit": [run]}
    table = report.write_report(figures, tmp_path).read_text()
    assert "| audit in all | 40.0 | 80.0 | 8.0 | 8.0 | 2.0 |" in table
    assert "| int_audit_metrics | 4.0 |" in table


def test_the_metrics_table_sets_their_models_against_those_before(tmp_path: Path) -> None:
    run: dict[str, Any] = {"events": 3_000_000, "seconds": 90.0, "peak_bytes": 2**30}
    run["models"] = {
        "before": {"stg_orders": 6.0, "fct_orders": 2.0},
        "metrics": {"mart_journey_metrics": 1.0, "int_metric_records": 3.0},
        "audit": {"int_audit_metrics": 50.0},
    }
    figures = {"machine": "here", "measured_at": "now", "sizes": [], "metrics": [run]}
    table = report.write_report(figures, tmp_path).read_text()
    assert "| 3 M | 8.0 | 4.0 | 50.0 | 50% | 90 | 1.0 |" in table
    assert "| int_metric_records | 3.0 |" in table


def test_models_are_metrics_audit_or_before() -> None:
    folders = {
        "int_orders": "intermediate/web",
        "int_metric_records": "intermediate/metrics",
        "int_audit_metrics": "intermediate/audit",
        "fct_audit_findings": "marts/quality",
        "fct_feedback": "marts/service",
        "mart_journey_funnels": "marts/journey",
    }
    manifest = {
        "nodes": {
            name: {"name": name, "resource_type": "model", "fqn": ["cxw", *folder.split("/")]}
            for name, folder in folders.items()
        }
    }
    assert measure.models_by_part(manifest) == {
        "int_orders": "before",
        "int_metric_records": "metrics",
        "int_audit_metrics": "audit",
        "fct_audit_findings": "audit",
        "fct_feedback": "before",
        "mart_journey_funnels": "metrics",
    }


def test_what_the_scripts_tables_need_is_all_that_they_are_computed_from() -> None:
    manifest = {
        "nodes": {
            f"model.cxw.{name}": {
                "name": name,
                "resource_type": "model",
                "depends_on": {"nodes": [f"model.cxw.{parent}" for parent in parents]},
            }
            for name, parents in {
                "staged": ["source"],
                "sessions": ["staged"],
                "orders": ["staged", "sessions"],
                "audited": ["orders"],
            }.items()
        }
    }
    assert measure.upstream_models(manifest, ["orders"]) == {"staged", "sessions", "orders"}
    with pytest.raises(KeyError, match="unknown"):
        measure.upstream_models(manifest, ["unknown"])


def test_a_command_is_measured_with_its_children() -> None:
    child = "import time; held = bytearray(200_000_000); time.sleep(1.5); print('held')"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    measured = measure.measure([sys.executable, "-c", parent])
    assert measured.peak_bytes > 200_000_000
    assert measured.seconds > 1.5
    assert measured.output == "held\n"
    with pytest.raises(RuntimeError, match="it broke"):
        measure.measure([sys.executable, "-c", "raise SystemExit('it broke')"])
