"""A finding that blocks: readers keep the version before, and are told what to do about it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.versions import current_version
from tests.conftest import CLEAN_SETTINGS, FinishedRun

ROOT = Path(__file__).resolve().parents[2]

Cxw = Callable[..., subprocess.CompletedProcess[str]]

# Days that no calendar has, enough of them for STR02.
UNREADABLE = "31.02.2026,google_ads,google_ads-5,brandi_yleinen,google,cpc,EUR,4.1,90,3\n" * 200


def published(home: Path) -> str:
    version = current_version(home / "published")
    assert version
    return version.version


def exceptions(home: Path) -> list[tuple[str, str]]:
    """State and reason of the check's findings, as readers of the marts see them."""
    marts = home / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as connection:
        return connection.execute(
            "select finding_state, accepted_reason from fct_audit_findings"
            " where check_id = 'STR02' and failing_count > 0"
            " and audited_at = (select max(audited_at) from fct_audit_findings)"
        ).fetchall()


@pytest.fixture
def home(clean_run: FinishedRun) -> Path:
    """A published retailer whose plan says from now on that quarantined rows block.

    It is the one that test_interrupted_runs.py is done with by then.
    """
    shipped = (ROOT / "seeds" / "measurement_plan.yml").read_text(encoding="utf-8")
    blocking = shipped.replace("blocking_checks: []", "blocking_checks: [STR02]")
    assert blocking != shipped
    (clean_run.home / "measurement_plan.yml").write_text(blocking, encoding="utf-8")
    return clean_run.home


def test_a_blocked_run_keeps_the_version_before_until_the_finding_is_accepted(
    home: Path, cxw: Cxw
) -> None:
    before = published(home)
    dashboard = home / "reports" / "dashboard" / "index.html"
    page = dashboard.read_bytes()
    assert before.encode() in page
    assert exceptions(home) == []
    with (home / "exports" / "ad_spend" / "spend.csv").open("a") as spend:
        spend.write(UNREADABLE)

    # The second run brings nothing new, but nothing was mended either.
    for attempt in ("blocked", "still blocked"):
        run = cxw(home, "run", **CLEAN_SETTINGS)
        said = run.stdout + run.stderr
        assert run.returncode == 1, f"{attempt}: {said}"
        for words in (
            "Publication is blocked",
            "STR02: Could the rows of each file be read? ad_spend · spend:",
            "First step: Open mart_quarantine for the reasons, by column.",
            "cxw audit accept STR02 --until DATE --why TEXT",
            f"version {before} stays current",
        ):
            assert words in " ".join(said.split()), f"{attempt}: {said}"
        assert published(home) == before
        assert dashboard.read_bytes() == page
        assert exceptions(home) == []

    until = ("--until", "2026-12-31", "--why", "The agency sends the days again")
    accepted = cxw(home, "audit", "accept", "STR02", *until, **CLEAN_SETTINGS)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    later = CLEAN_SETTINGS | {"CXW_NOW": "2026-11-01T07:00:00Z"}
    run = cxw(home, "run", **later)
    assert run.returncode == 0, run.stdout + run.stderr
    assert published(home) != before
    assert published(home).encode() in dashboard.read_bytes()
    assert exceptions(home) == [("accepted", "The agency sends the days again")]
