"""Real and vendor-made exports through the whole job; skipped where the folder is not there.

`CXW_REAL_DATA` names the folder; by default it is looked for beside the repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[2]
REAL_DATA = Path(os.environ.get("CXW_REAL_DATA") or ROOT.parent / "shared" / "data")
SOURCES = Path(__file__).with_name("real_sources.yml")

# The newest record of the newest source: judged from a clock of today all of it would be stale.
CLOCK = "2021-02-01T06:00:00Z"

pytestmark = pytest.mark.skipif(
    not (REAL_DATA / "README.md").exists(),
    reason=f"no real data in {REAL_DATA}: name its folder in CXW_REAL_DATA",
)


@pytest.fixture(scope="module")
def real_run(
    tmp_path_factory: pytest.TempPathFactory,
    cxw: Callable[..., subprocess.CompletedProcess[str]],
) -> Path:
    home = tmp_path_factory.mktemp("real")
    shutil.copy(SOURCES, home / "sources.yml")
    finished = cxw(home, "run", CXW_REAL_DATA=str(REAL_DATA), CXW_NOW=CLOCK)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return home


@pytest.fixture
def marts(real_run: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    database = real_run / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def test_every_source_is_loaded_without_a_failed_file(real_run: Path) -> None:
    manifest = str(real_run / "raw" / "_manifest" / "*.parquet")
    rows = duckdb.execute(
        "select source, status, sum(rows_landed) from read_parquet(?) group by all", [manifest]
    ).fetchall()
    assert {(source, rows) for source, status, rows in rows if status == "failed"} == set()
    landed = {source: count for source, _, count in rows}
    assert landed["ga4"] == 24_219
    assert landed["universal_analytics"] == 2_556
    assert landed["online_retail"] == 525_461
    assert landed["complete_journey"] >= 1_469_307
    for source in ("olist", "hubspot", "salesforce", "zendesk", "shopify", "typeform"):
        assert landed[source] > 0
    assert landed["surveymonkey"] > 0


def test_the_marts_hold_every_family(marts: duckdb.DuckDBPyConnection) -> None:
    orders = dict(marts.execute("select source, count(*) from fct_orders group by 1").fetchall())
    assert orders["olist"] == 8_135
    assert orders["complete_journey"] > 100_000
    assert orders["online_retail"] > 20_000
    for mart in ("fct_sessions", "fct_survey_answers", "fct_service_cases", "dim_customers"):
        count = marts.execute(f"select count(*) from {mart}").fetchone()
        assert count is not None
        assert count[0] > 0, mart


def test_the_row_ledger_adds_up(marts: duckdb.DuckDBPyConnection) -> None:
    assert (
        marts.execute(
            """
        select layer, vendor, table_name, source, batch_id
        from mart_row_ledger
        group by all
        having
            coalesce(sum(row_count) filter (where fate = 'in'), 0)
            <> coalesce(sum(row_count) filter (where fate <> 'in'), 0)
        """
        ).fetchall()
        == []
    )


@pytest.mark.parametrize(
    ("quirk", "source", "checks"),
    [
        ("events are sampled, so sessions are broken", "ga4", {"SES03", "SES08"}),
        ("transaction_id is '(not set)'", "ga4", {"GOL03", "SCH09"}),
        ("transaction_id is repeated", "ga4", {"GOL02"}),
        ("session_engaged is now string, now int", "ga4", {"SCH05"}),
        ("user_id is always null", "ga4", {"SES05", "SES10"}),
        ("review ids are repeated", "olist", {"SUR02", "SUR10"}),
        ("customers are null", "online_retail", {"CRM05"}),
    ],
)
def test_the_audit_names_the_known_quirks(
    marts: duckdb.DuckDBPyConnection, quirk: str, source: str, checks: set[str]
) -> None:
    found = {
        row[0]
        for row in marts.execute(
            "select check_id from fct_audit_findings where source = ?", [source]
        ).fetchall()
    }
    assert checks & found, f"{quirk}: none of {sorted(checks)} among {sorted(found)}"
