"""Runs are killed, two start at once, days are asked for again: the marts come out the same.

So do all their figures when a person is erased in between.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources
from orchestration.run_lock import WAITING
from tests.conftest import CLEAN_SETTINGS, FinishedRun

ROOT = Path(__file__).resolve().parents[2]

Cxw = Callable[..., subprocess.CompletedProcess[str]]

_RENAMED = "the ids of the person's records and of the person are others"
_NAMELESS = f"{_RENAMED}, and free text is gone"
_TIED = "encounters of one moment follow one another by their keys, which are others"

# What may differ after an erasure, and why; no figure of a metric may.
CHANGED_BY_ERASURE = {
    "customer_id_history": _RENAMED,
    "dim_customer_personas": _RENAMED,
    "dim_customers": _RENAMED,
    "fct_carts": _RENAMED,
    "fct_contracts": _RENAMED,
    "fct_feedback": _NAMELESS,
    "fct_messages": _RENAMED,
    "fct_order_lines": _RENAMED,
    "fct_orders": _RENAMED,
    "fct_readings": _RENAMED,
    "fct_refunds": _RENAMED,
    "fct_service_cases": _RENAMED,
    "fct_service_contacts": _RENAMED,
    "fct_sessions": _RENAMED,
    "fct_stage_transitions": _RENAMED,
    "fct_survey_answers": _NAMELESS,
    "fct_survey_responses": _RENAMED,
    "fct_touchpoints": _RENAMED,
    "mart_customer_timeline": _NAMELESS,
    "mart_journey_links": _TIED,
    "mart_journey_sequences": _TIED,
    "mart_row_ledger": "the books say what was left without a name",
    "mart_survey_responses": _RENAMED,
}


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `cxw` in a process group of its own, dbt and all."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **CLEAN_SETTINGS, "CXW_HOME": str(home), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def stop_at(
    home: Path, words: str, with_signal: signal.Signals, *arguments: str
) -> tuple[int, str]:
    """Start a run and stop it once it says these words; its exit code and what it said."""
    process = start(home, *(arguments or ("run",)))
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            break
    os.killpg(process.pid, with_signal)
    said += process.stdout.read()
    process.wait()
    process.stdout.close()
    assert words in said, said
    return process.returncode, said


def models_built(home: Path) -> list[set[str]]:
    """The models that each run built, in the order of the runs."""
    logs = sorted((home / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
    return [set(re.findall(r"OK created .* model (\S+)", path.read_text())) for path in logs]


def differing_marts(one: Path, other: Path) -> dict[str, tuple[int, int]]:
    """Published tables that are not the same multiset of rows."""
    found = {}
    with duckdb.connect() as connection:
        for name, home in (("one", one), ("other", other)):
            file = home / "published" / "current" / "marts.duckdb"
            connection.execute(f"attach '{file}' as {name} (read_only)")
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'one' order by all"
        ).fetchall()
        assert tables
        for (table,) in tables:
            counts = [
                connection.execute(
                    f"select count(*) from (from {a}.{table} except all from {b}.{table})"
                ).fetchone()
                for a, b in (("one", "other"), ("other", "one"))
            ]
            only = tuple(int(row[0]) for row in counts if row)
            if any(only):
                found[table] = (only[0], only[1])
    return found


def test_after_a_kill_two_runs_at_once_end_where_an_undisturbed_run_ends(
    clean_home: Path, clean_run: FinishedRun, tmp_path: Path, cxw: Cxw
) -> None:
    """One works, the other waits and finds nothing to do; what was half done hinders neither.

    Nor is what was made made again, but for what was not yet tested when the run was killed.
    """
    home = tmp_path / "killed"
    shutil.copytree(clean_home, home)
    code, last_words = stop_at(home, "done landing_bookkeeping", signal.SIGINT)
    assert code == 1, last_words
    assert "Nothing new was published" in last_words, last_words
    stop_at(home, "warehouse_models: 150 tables", signal.SIGKILL)
    stop_at(home, "done warehouse_models", signal.SIGKILL)
    both = [start(home, "run") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(said)
    assert sorted(WAITING in each for each in said) == [False, True], "\n".join(said)
    assert sorted("Nothing new" in each for each in said) == [False, True], "\n".join(said)
    first, then, last = models_built(home)[1:4]
    assert min(len(first), len(then)) > 100
    assert len(first & then) < 30
    assert len(last & (first | then)) < 30
    assert differing_marts(clean_run.home, home) == {}
    erase_somebody(home, cxw)
    changed = differing_marts(clean_run.home, home)
    assert {"dim_customers", "fct_orders"} < set(changed) <= set(CHANGED_BY_ERASURE), changed
    renamed = {mart for mart, why in CHANGED_BY_ERASURE.items() if why.startswith(_RENAMED)}
    assert all(one == other for mart, (one, other) in changed.items() if mart in renamed)
    # What came later changes nothing about what was published then, less who was erased since.
    batch = land_one_more_file(home)
    as_of = cxw(home, "run", "--as-of", batch, **CLEAN_SETTINGS)
    assert as_of.returncode == 0, as_of.stdout + as_of.stderr
    assert differing_marts(home, home / "as_of" / batch) == {}


def erase_somebody(home: Path, cxw: Cxw) -> None:
    """Erase a customer who was met everywhere; the erasure is killed, the next run completes it."""
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb")) as marts:
        found = marts.execute(
            """
            select customer_id from dim_customers
            where
                contact_id_count > 0 and session_count > 0 and order_count > 0 and case_count > 0
            order by touchpoint_count desc, customer_id
            limit 1
            """
        ).fetchone()
    assert found
    stop_at(home, "Raw zone:", signal.SIGKILL, "erase", found[0], "--yes")
    said = cxw(home, "run", **CLEAN_SETTINGS)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "0 hits" in said.stdout
    assert "Nothing new" in said.stdout
    (certificate,) = (home / "state" / "erasures").glob("*.json")
    assert found[0] not in certificate.read_text()
    versions = [path for path in (home / "published").iterdir() if not path.is_symlink()]
    assert len(versions) == 1


def land_one_more_file(home: Path) -> str:
    """Land what no run has seen yet; returns a batch of the landing before."""
    manifest = str(home / "raw" / "_manifest" / "*.parquet")
    before = duckdb.execute("select max(batch_id) from read_parquet(?)", [manifest]).fetchone()
    assert before
    with (home / "exports" / "ad_spend" / "spend.csv").open("a") as spend:
        spend.write("2026-10-31,google_ads,google_ads-5,brandi_yleinen,google,cpc,EUR,9.5,90,3\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXW_HASH_KEY", CLEAN_SETTINGS["CXW_HASH_KEY"])
        sources = load_sources(home / "sources.yml")
        waiting = discover(sources, home / "raw")
        later = datetime.fromisoformat(CLEAN_SETTINGS["CXW_NOW"]) + timedelta(days=1)
        (batch,) = land(waiting, sources, home / "raw", "later", later)
    assert (batch.status, batch.rows_landed > 0) == ("loaded", True)
    return str(before[0])


def test_a_replay_computes_the_days_asked_for_and_forgets_deleted_ones(
    clean_run: FinishedRun, tmp_path: Path, cxw: Cxw
) -> None:
    """One run mends a damaged day, leaves one that nobody asked for and drops a deleted one."""
    days = sorted((clean_run.home / "raw" / "ga4" / "events").glob("dt=2*"))
    mended, left, deleted = (day.name.removeprefix("dt=") for day in days[1:4])
    damage = "update staging.stg_ga4__web_events set language = 'xx' where partition_date in (?, ?)"
    built = """
        select partition_date::varchar, count(*), count(*) filter (where language = 'xx')
        from staging.stg_ga4__web_events group by all
    """
    with duckdb.connect(str(clean_run.home / "warehouse.duckdb")) as warehouse:
        before = {day: rows for day, rows, _ in warehouse.execute(built).fetchall()}
        assert min(before[mended], before[left], before[deleted]) > 0
        warehouse.execute(damage, [mended, left])
    for file in days[3].glob("*.parquet"):
        file.unlink()
    said = cxw(clean_run.home, "replay", "--from", mended, "--to", mended, **CLEAN_SETTINGS)
    assert said.returncode == 0, said.stdout + said.stderr
    with duckdb.connect(str(clean_run.home / "warehouse.duckdb")) as warehouse:
        after = {day: (rows, damaged) for day, rows, damaged in warehouse.execute(built).fetchall()}
    assert after[mended] == (before[mended], 0)
    assert after[left] == (before[left], before[left])
    assert deleted not in after
    marts = duckdb.connect(str(clean_run.home / "published" / "current" / "marts.duckdb"))
    with marts:
        assert marts.execute(
            "select sum(row_count)::bigint from mart_row_ledger where fate = 'removed'"
        ).fetchone() == (before[deleted],)
    said = cxw(clean_run.home, "run", **CLEAN_SETTINGS)
    assert "Nothing new" in said.stdout
