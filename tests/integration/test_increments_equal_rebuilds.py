"""Whatever the order and the pieces in which files arrive, increments end where a rebuild ends.

A small retailer's files are delivered in random order and pieces (fixed seeds): days late, a day
that first comes cut short and later whole, old content again, contacts and orders that change, a
day that is taken out of the raw zone and with it the only login of a visitor; a run breaks off
half-way, around which raw days come and go and visits vanish, and models lose their tables, as one
that is added later has none. After the last delivery every table of the incremental warehouse
must equal, row for row, that of a warehouse built at once from the same raw zone. Then the files of
old days are spoilt, and one more day must come in all the same.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations.findings import ensure_store
from expectations.plan import export_tables, load_plan
from orchestration.dbt_build import invoke
from orchestration.home import Home
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources
from orchestration.probabilistic.store import show_none
from orchestration.restatements import remember_published
from orchestration.transformation import (
    changed_raw_tables,
    landing_books,
    load_manifest,
    project_fingerprint_of,
    rules_in_force,
    unchanged_tables,
)
from tests.conftest import share_parsed

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)

# What tells of the run itself, and what the audit writes after it.
OF_THE_RUN = (
    "int_touched_",
    "int_metric_periods_",
    "int_raw_files_",
    "stg_ga4__touched_days",
    "stg_ga4__export_deliveries",
    "int_audit_web_events_judged",
    "int_audit_param_values_gathered",
)


@pytest.fixture(scope="module")
def exports(
    tmp_path_factory: pytest.TempPathFactory,
    cxw: Callable[..., subprocess.CompletedProcess[str]],
) -> Path:
    """Vendor files of a very small retailer."""
    home = tmp_path_factory.mktemp("world")
    generated = cxw(home, "demo", "--customers", "80", "--days", "16")
    assert generated.returncode == 0, generated.stdout + generated.stderr
    return home / "exports"


class Warehouse:
    """A home whose landing and models are run step by step, without Dagster."""

    def __init__(self, root: Path, sources_file: Path) -> None:
        self.home = Home(root)
        for folder in (self.home.root, self.home.raw, self.home.state, root / "exports"):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(sources_file, self.home.sources_file)
        export_tables(load_plan(), self.home.state / "plan")
        ensure_store(self.home.state / "findings")
        show_none(self.home)
        remember_published(self.home)
        share_parsed(root)

    def land(self, step: int) -> None:
        sources = load_sources(self.home.sources_file)
        batches = land(
            discover(sources, self.home.raw),
            sources,
            self.home.raw,
            f"step-{step}",
            NOW + timedelta(days=step),
        )
        assert batches
        assert not [batch for batch in batches if batch.status != "loaded"]

    def unchanged_tables(self) -> set[str]:
        """What the job would leave out now."""
        rules = rules_in_force(self.home)
        return set(unchanged_tables(self.home, load_manifest(self.home), rules))

    def stamp(self) -> None:
        """Say, as the job does, that all was built by these rules from what is landed now."""
        self.home.warehouse.with_suffix(".rules").write_text(rules_in_force(self.home))
        self.home.warehouse.with_suffix(".whole").write_text(landing_books(self.home))

    def dbt(self, *arguments: str, fails_with: str | None = None) -> None:
        """Run dbt inside this process, as the job does."""
        result = invoke(
            self.home.dbt_target, project_fingerprint_of(), "--no-write-json", *arguments
        )
        share_parsed(self.home.root)
        failed = [
            (row.node.name, row.message)
            for row in getattr(result.result, "results", [])
            if str(row.status) == "error"
        ]
        assert [name for name, _ in failed] == ([fails_with] if fails_with else []), failed
        assert result.success == (fails_with is None), result.exception

    def execute(self, statement: str) -> None:
        """Change a table behind dbt's back."""
        with duckdb.connect(str(self.home.warehouse)) as connection:
            connection.execute(statement)


def differences(left: Path, right: Path) -> dict[str, tuple[int, int]]:
    """Tables that differ: rows that only one of two warehouses has, as multisets."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as one (read_only)")
        connection.execute(f"attach '{right}' as other (read_only)")
        names = connection.execute(
            """
            select database_name, schema_name || '."' || table_name || '"' from duckdb_tables()
            where database_name in ('one', 'other')
            """
        ).fetchall()
        tables = {name for database, name in names if database == "one"}
        assert tables == {name for database, name in names if database == "other"}
        compared = [t for t in sorted(tables) if not any(word in t for word in OF_THE_RUN)]
        assert len(compared) > 100
        for table in compared:
            columns = "*"
            if not table.startswith("marts"):
                # Before they are published, sums of doubles differ in their last digits with the
                # order in which threads add.
                doubles = connection.execute(
                    """
                    select column_name from duckdb_columns()
                    where
                        database_name = 'one'
                        and schema_name || '."' || table_name || '"' = ?
                        and data_type = 'DOUBLE'
                    """,
                    [table],
                ).fetchall()
                rounded = ", ".join(f'round("{name}", 7) as "{name}"' for (name,) in doubles)
                columns = f"* replace ({rounded})" if rounded else "*"
            counts = [
                connection.execute(
                    f"""
                    select count(*) from (
                        select {columns} from {a}.{table}
                        except all
                        select {columns} from {b}.{table}
                    )
                    """
                ).fetchone()
                for a, b in (("one", "other"), ("other", "one"))
            ]
            only = tuple(int(row[0]) for row in counts if row)
            if any(only):
                found[table] = (only[0], only[1])
    return found


def spoil(path: Path) -> None:
    """Make the rows of a Parquet file unreadable; its size and its footer stay as they are."""
    content = bytearray(path.read_bytes())
    footer = int.from_bytes(content[-8:-4], "little") + 8
    content[4:-footer] = bytes(len(content) - 4 - footer)
    path.write_bytes(content)


def newest_manifest(home: Home) -> Path:
    return max((home.raw / "_manifest").glob("*.parquet"), key=lambda path: path.stat().st_mtime)


def event_count(warehouse: Path) -> int:
    """Events that are neither repeated nor replaced."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        row = connection.execute(
            "select count(*) from intermediate.int_web_events_unioned"
        ).fetchone()
        assert row
        return int(row[0])


def touched_in_vain(earlier: Path, warehouse: Path) -> list[tuple[str, str, str]]:
    """Periods of metrics that were computed again and came out as they had been."""
    columns = """
        metric_id, period_type, period_start, grain_id, journey_stage, channel, touchpoint_id,
        persona_id, n, customer_count, round(wx, 6), round(wb, 6), round(cxx, 6), round(cbb, 6)
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{earlier}' as earlier (read_only)")
        connection.execute(f"attach '{warehouse}' as later (read_only)")
        return connection.execute(
            f"""
            with before as (select {columns} from earlier.intermediate.int_metric_cells_summed),
            after as (select {columns} from later.intermediate.int_metric_cells_summed),
            changed as (
                (from before except from after) union all (from after except from before)
            )

            select metric_id, period_type, cast(period_start as varchar)
            from later.intermediate.int_touched_metric_periods
            where metric_id in (select metric_id from after)
                and (metric_id, period_type, period_start) not in (
                    select (metric_id, period_type, period_start) from changed
                )
            order by all
            """
        ).fetchall()


def written_by_difference(home: Home) -> list[str]:
    """Tables that are computed whole and written where they differ, by schema and name."""
    return sorted(
        f"{node['schema']}.{node['alias']}"
        for node in load_manifest(home)["nodes"].values()
        if node["config"].get("incremental_strategy") == "difference"
    )


def rows_kept(earlier: Path, warehouse: Path, tables: list[str]) -> dict[str, tuple[int, ...]]:
    """Of each table: rows that stayed where they lay, that came out as they had been, and had been.

    Rows lie in another place when they have been written again.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{earlier}' as earlier (read_only)")
        connection.execute(f"attach '{warehouse}' as later (read_only)")
        found = {}
        for table in tables:
            row = connection.execute(
                f"""
                select
                    (select count(*) from (
                        select rowid, * from earlier.{table}
                        intersect
                        select rowid, * from later.{table}
                    )),
                    (select count(*) from (
                        select * from earlier.{table} intersect all select * from later.{table}
                    )),
                    (select count(*) from earlier.{table})
                """
            ).fetchone()
            assert row
            found[table] = row
        return found


def seen_again_and_untouched(warehouse: Path, day: str) -> int:
    """Customers with web events of an exported day whose way is not computed again."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        row = connection.execute(
            """
            select count(distinct customer_id) from marts.fct_touchpoints
            where
                source_kind = 'web_event'
                and partition_date = cast(strptime(?, '%Y%m%d') as date)
                and customer_id not in (select customer_id from intermediate.int_touched_customers)
            """,
            [day],
        ).fetchone()
        assert row
        return int(row[0])


def cell_periods(warehouse: Path) -> tuple[int, int, int]:
    """Periods of metrics with marked cells, how many of them were touched, and all that were."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        row = connection.execute(
            """
            with kept as (
                select distinct metric_id, period_type, period_start
                from intermediate.int_metric_cells_summed
                where customer_count = -1
            ),
            touched as (
                select metric_id, period_type, period_start
                from intermediate.int_touched_metric_periods
            )
            select
                (select count(*) from kept),
                (select count(*) from kept semi join touched
                    using (metric_id, period_type, period_start)),
                (select count(*) from touched)
            """
        ).fetchone()
        assert row
        return row


def deliveries(exports: Path, seed: int, steps: int) -> Iterator[list[tuple[Path, Path]]]:
    """Which file goes where, step by step; the last step brings whatever is left."""
    chance = random.Random(seed)
    files = sorted(path for path in exports.rglob("*") if path.is_file())
    days = [path for path in files if "ga4" in path.parts]
    others = [path for path in files if "ga4" not in path.parts]
    chance.shuffle(days)
    chance.shuffle(others)
    for step in range(steps):
        taken = days[: len(days) // (steps - step)]
        del days[: len(taken)]
        also = others[: len(others) // (steps - step)]
        del others[: len(also)]
        yield [(path, path.relative_to(exports)) for path in [*taken, *also]]


def half_of(path: Path, target: Path) -> None:
    """The first half of a file's records, as a delivery that was cut short."""
    if path.suffix != ".parquet":
        lines = path.read_bytes().splitlines(keepends=True)
        target.write_bytes(b"".join(lines[: 1 + len(lines) // 2]))
        return
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
                select * exclude (file_row_number)
                from read_parquet('{path}', file_row_number = true)
                where file_row_number < (select count(*) / 2 from read_parquet('{path}'))
            ) to '{target}' (format parquet)
            """
        )


def with_visitors(path: Path, visitors: list[tuple[str, str | None, str, bool]]) -> None:
    """Add visitors to a day of web events, each as a page view of the day makes one.

    Args:
        path: The day's file.
        visitors: Client, user, event and whether consent was granted, of each event.
    """
    with duckdb.connect() as connection:
        connection.execute(f"create table events as from '{path}'")
        for client, user, event, is_granted in visitors:
            connection.execute(
                """
                insert into events
                select * replace (
                    $client as user_pseudo_id,
                    $user as user_id,
                    $event as event_name,
                    {
                        'analytics_storage': $consent,
                        'ads_storage': $consent,
                        'uses_transient_token': 'No'
                    } as privacy_info
                )
                from events
                where event_name = 'page_view' and cast(event_params as varchar) like '%/tuote/%'
                order by event_timestamp, user_pseudo_id
                limit 1
                """,
                {
                    "client": client,
                    "user": user,
                    "event": event,
                    "consent": "Yes" if is_granted else "No",
                },
            )
        written = path.stat()
        connection.execute(f"copy events to '{path}' (format parquet)")
        os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))


def without_some_clients(path: Path, target: Path) -> None:
    """A day's file without the events of every third client, whose visits of the day vanish."""
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (from '{path}' where user_pseudo_id is null or hash(user_pseudo_id) % 3 > 0)"
            f" to '{target}' (format parquet)"
        )


@pytest.mark.parametrize("seed", [3])
def test_increments_equal_a_rebuild(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    warehouse = Warehouse(tmp_path / "home", exports.parent / "sources.yml")
    for name, value in {**warehouse.home.environment(), "CXW_NOW": NOW.isoformat()}.items():
        monkeypatch.setenv(name, value)
    warehouse.dbt("seed")
    chance = random.Random(seed)
    cut_short: list[tuple[Path, Path]] = []
    steps = 3
    delivered: list[list[Path]] = []

    def raw_day(export: Path) -> Path:
        day = datetime.strptime(export.stem.removeprefix("events_"), "%Y%m%d").date()
        return warehouse.home.raw / "ga4" / "events" / f"dt={day}"

    for step, delivery in enumerate(deliveries(exports, seed, steps)):
        for source, place in [*delivery, *cut_short]:
            target = warehouse.home.root / "exports" / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            os.utime(target, (NOW.timestamp() + step, NOW.timestamp() + step))
        cut_short = []
        if step < steps - 1:
            days = [pair for pair in delivery if pair[0].suffix == ".parquet"]
            texts = [pair for pair in delivery if pair[0].suffix != ".parquet"]
            cut_short = [*chance.sample(days, 2), *chance.sample(texts, len(texts) // 2)]
            for source, place in cut_short:
                half_of(source, warehouse.home.root / "exports" / place)
        delivered.append(
            [
                warehouse.home.root / "exports" / place
                for source, place in delivery
                if "ga4" in source.parts and (source, place) not in cut_short
            ]
        )
        if step == 0:
            # Of consent refused no login is taken, and "guest" is nobody whoever sends it.
            with_visitors(
                delivered[0][0],
                [
                    ("902.1", None, "page_view", True),
                    ("902.1", "u_mixed", "login", False),
                    ("903.1", "guest", "page_view", False),
                ],
            )
            warehouse.land(step)
        if step == 1:
            with_visitors(
                delivered[1][0],
                [("902.1", "u_mixed", "login", True), ("904.1", "guest", "page_view", True)],
            )
            warehouse.land(step)
            warehouse.execute("drop table marts.fct_touchpoints")
            warehouse.execute("drop table intermediate.int_sessions_built")
        if step == 2:
            fewer = delivered[0][1]
            without_some_clients(fewer, fewer)
            os.utime(fewer, (NOW.timestamp() + step, NOW.timestamp() + step))
            warehouse.land(step)
            absent = raw_day(delivered[0][2])
            absent.rename(tmp_path / absent.name)
            # Staging and visits are done when the facts break. The next run has no new file, and
            # other days: one is back that was away, and one is gone that had just come.
            warehouse.execute("alter table marts.fct_sessions add column unknown integer")
            warehouse.dbt("run", fails_with="fct_sessions")
            warehouse.execute("alter table marts.fct_sessions drop column unknown")
            (tmp_path / absent.name).rename(absent)
            shutil.rmtree(raw_day(min(delivered[2])))
        warehouse.dbt("run")

    # With it goes all by which the visitor of another day was known, and the other guest.
    gone = raw_day(delivered[1][0])
    for path in gone.iterdir():
        path.unlink()
    # As the job does: what no file of can have changed is left as it is.
    assert changed_raw_tables(warehouse.home) == {("ga4", "events")}
    assert warehouse.unchanged_tables() == set()
    warehouse.stamp()
    unchanged = warehouse.unchanged_tables()
    vendors = {name.removeprefix("stg_").split("__")[0] for name in unchanged}
    assert {"shopify", "hubspot", "zendesk"} < vendors
    assert "ga4" not in vendors
    # … with what comes from it alone, and what rules decide alone.
    assert {"fct_ad_spend", "dim_touchpoints", "channels"} < unchanged
    # What may have failed a test meets it again.
    whole = warehouse.home.warehouse.with_suffix(".whole")
    whole.rename(whole.with_suffix(".hidden"))
    assert warehouse.unchanged_tables() == set()
    whole.with_suffix(".hidden").rename(whole)
    warehouse.dbt("run", "--exclude", " ".join(sorted(unchanged)))

    # Where nothing came since, only what compares with the version that readers see is left.
    warehouse.stamp()
    listed = {"int_raw_files_listed", "int_staged_rows_counted", "mart_row_ledger"}
    unchanged = warehouse.unchanged_tables()
    assert {"fct_sessions", "mart_quarantine", *listed} < unchanged
    assert "mart_restatements" not in unchanged
    # A delivery of which no row could be read changes nothing but the books.
    manifest = newest_manifest(warehouse.home)
    again = manifest.with_name("again.parquet")
    shutil.copy(manifest, again)
    assert unchanged - warehouse.unchanged_tables() >= {"mart_quarantine", *listed}
    stays = {"fct_ad_spend", "fct_sessions"} & warehouse.unchanged_tables()
    assert stays == {"fct_ad_spend"}
    again.unlink()

    incremental = tmp_path / "incremental.duckdb"
    warehouse.home.warehouse.rename(incremental)
    warehouse.dbt("seed")
    warehouse.dbt("run")
    assert differences(incremental, warehouse.home.warehouse) == {}

    # One more day: no row of the days that are done is read, for none can be.
    newest = max(exports.rglob("events_2*.parquet"), key=lambda path: path.name)
    target = warehouse.home.root / "exports" / newest.relative_to(exports)
    half_of(newest, target)
    os.utime(target, (NOW.timestamp() + steps, NOW.timestamp() + steps))
    landed_days = sorted((warehouse.home.raw / "ga4" / "events").glob("dt=2*"))
    spoilt = [path for day in landed_days[:-6] for path in day.iterdir()]
    assert len(spoilt) > 5
    for path in spoilt:
        spoil(path)
        with pytest.raises(duckdb.Error):
            duckdb.execute(f"select count(distinct event_name) from read_parquet('{path}')")
    before = event_count(warehouse.home.warehouse)
    by_difference = written_by_difference(warehouse.home)
    for table in by_difference:
        # From last to first, as no model would write it again.
        warehouse.execute(
            f"create or replace table {table} as select * from {table} order by rowid desc"
        )
    earlier = warehouse.home.root / "earlier.duckdb"
    shutil.copy(warehouse.home.warehouse, earlier)
    warehouse.execute("update intermediate.int_metric_cells_summed set customer_count = -1")
    warehouse.land(steps)
    warehouse.dbt("run")
    assert 0 < event_count(warehouse.home.warehouse) < before
    # Whose events came again as they were has not changed, whatever the keys of the events are.
    day_again = newest.stem.removeprefix("events_")
    assert seen_again_and_untouched(warehouse.home.warehouse, day_again) > 0
    # Of the metrics, the cells of other periods were left alone.
    kept, also_touched, touched = cell_periods(warehouse.home.warehouse)
    assert kept > 0
    assert touched > 0
    assert also_touched == 0
    # And those that were not left alone had changed: a merge alone does not touch old days.
    assert touched_in_vain(earlier, warehouse.home.warehouse) == []
    # Of what is computed whole, rows that came out as they had been were not written again.
    kept_rows = rows_kept(earlier, warehouse.home.warehouse, by_difference)
    assert {t: rows for t, rows in kept_rows.items() if rows[0] != rows[1]} == {}
    in_part = {table for table, (_, same, all_rows) in kept_rows.items() if 0 < same < all_rows}
    assert {
        "intermediate.int_observations_unioned",
        "marts.mart_journey_funnels",
        "marts.mart_journey_metrics",
    } <= in_part
