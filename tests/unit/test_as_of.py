"""A past state holds what was landed and audited by then, and leaves the present alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.findings import ensure_store
from expectations.plan import plan_files
from orchestration.as_of import past_state
from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources

FIRST = datetime(2026, 10, 6, 6, tzinfo=UTC)


def land_and_audit(home: Home, text: str, day: int) -> str:
    """One run: a file as it now is, and an audit a minute later."""
    (home.root / f"spend_{day}.csv").write_text(text)
    now = FIRST + timedelta(days=day)
    sources = load_sources(home.sources_file)
    (batch,) = land(discover(sources, home.raw), sources, home.raw, f"run-{day}", now)
    assert batch.status == "loaded"
    ensure_store(home.state / "findings")
    audited_at = (now + timedelta(minutes=1)).replace(tzinfo=None)
    for name in ("findings", "assessments"):
        table = pa.table({"audited_at": pa.array([audited_at], pa.timestamp("us"))})
        pq.write_table(table, home.state / name / f"{name}_{day}.parquet")
    return batch.batch_id


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path).prepare()
    home.sources_file.write_text(
        "version: 1\nsources:\n  - name: our_ads\n    vendor: generic\n    tables:\n"
        "      - table: ad_spend\n        path: spend_*.csv\n"
        "        columns: {spend_date: d, spend_amount: c, platform: p}\n"
    )
    return home


def rows(home: Home) -> list[tuple[object, ...]]:
    return duckdb.execute(
        "select spend_amount from read_parquet(?, union_by_name = true) order by all",
        [str(home.raw / "generic" / "ad_spend" / "dt=*" / "*.parquet")],
    ).fetchall()


def test_a_past_state_has_what_was_there_then(home: Home) -> None:
    batches = [
        land_and_audit(home, f"d,c,p\n2026-10-05,{day},a\n2026-10-04,{day}0,a\n", day)
        for day in (1, 2, 3)
    ]
    everything = rows(home)
    past = past_state(home, batches[1])
    assert len(everything) == 6
    assert len(rows(past.home)) == 4
    assert set(rows(past.home)) < set(everything)
    assert rows(home) == everything
    assert past.clock == FIRST + timedelta(days=2, minutes=1)
    audits = {file.name for file in (past.home.state / "assessments").iterdir()}
    assert audits == {"0_schema.parquet", "assessments_1.parquet"}
    manifest = duckdb.execute(
        "select distinct batch_id from read_parquet(?) order by 1",
        [str(past.home.raw / "_manifest" / "*.parquet")],
    ).fetchall()
    assert [batch for (batch,) in manifest] == sorted(batches[:2])


def test_a_past_state_has_the_earlier_versions_of_the_plan(home: Home) -> None:
    earlier = home.root / "measurement_plan_versions" / "v1.yml"
    earlier.parent.mkdir()
    earlier.write_text("what held before\n")
    (home.root / "measurement_plan.yml").write_text("what holds\n")
    batch = land_and_audit(home, "d,c,p\n2026-10-05,1,a\n", 1)
    past = past_state(home, batch)
    assert [file.read_text() for file in plan_files(past.home.plan_file)] == [
        "what holds\n",
        "what held before\n",
    ]


def test_rows_erased_since_are_not_in_a_past_state(home: Home) -> None:
    batch = land_and_audit(home, "d,c,p\n2026-10-05,1,a\n2026-10-04,2,a\n", 1)
    assert len(rows(past_state(home, batch).home)) == 2
    for file in (home.raw / "generic" / "ad_spend" / "dt=2026-10-04").iterdir():
        file.unlink()
    assert len(rows(past_state(home, batch).home)) == 1


def test_an_unknown_batch_is_refused(home: Home) -> None:
    with pytest.raises(WarehouseError, match="nosuch"):
        past_state(home, "nosuch")
    land_and_audit(home, "d,c,p\n2026-10-05,1,a\n", 1)
    with pytest.raises(WarehouseError, match="nosuch"):
        past_state(home, "../nosuch")
    assert not (home.root / "as_of").exists()
