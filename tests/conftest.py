"""Homes for the tests: one small demo retailer, run once a session through the real job."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId
from hypothesis import HealthCheck, settings

from orchestration.dbt_build import adopt_parsed, is_parsed
from orchestration.transformation import project_fingerprint_of
from tests.warm_start import run_module

ROOT = Path(__file__).resolve().parent.parent

# Small, yet large enough that every source has rows and most planted defects show.
DEMO_CUSTOMERS = 400
DEMO_DAYS = 42

# A retailer without defects, to compare with the truth and run with run: everything that a run
# writes by the clock is the same in every home of it.
CLEAN_SIZE = ("--customers", "300", "--days", "42", "--clean")
CLEAN_SETTINGS = {
    "CXW_NOW": "2026-11-01T06:00:00Z",
    "CXW_HASH_KEY": "the-same-key-in-every-home-0123",
}


# No test is timed: on a busy machine making the examples is slow, too.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

#: Fixtures that take long and that tests of several modules share, with the name of their group.
_SHARED = {"demo_run": "demo", "clean_run": "clean", "audited": "audited"}


def _shares_in_its_module(item: pytest.Item) -> bool:
    known = getattr(item, "_fixtureinfo", None)
    definitions = known.name2fixturedefs.values() if known else ()
    return any(fixture.scope == "module" for found in definitions for fixture in found)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Keep tests that share something dear in one process: another would make it again."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        shared = next((name for name in _SHARED if name in fixtures), None)
        if shared:
            item.add_marker(pytest.mark.xdist_group(_SHARED[shared]))
        elif item.path.parent.name in {"end_to_end", "integration"} or _shares_in_its_module(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    yield
    # pytest-xdist 3.8 tells groups by an attribute that pytest 9.2 no longer reads.
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if config.getoption("loadgroup", False) and group and "@" not in item.nodeid:
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")


@dataclass(frozen=True)
class FinishedRun:
    """A home in which the job has run once."""

    home: Path
    output: str
    exit_code: int

    @property
    def marts(self) -> Path:
        return self.home / "published" / "current" / "marts.duckdb"


def share_parsed(home: Path) -> None:
    """Give a home the project as an earlier one parsed it, or keep it as this one did.

    Parsing is a fifth of a small run, and the same in every home.
    """
    fingerprint = project_fingerprint_of()
    kept = ROOT / ".pytest_cache" / "parsed" / fingerprint
    target = home / "dbt_target"
    if kept.exists():
        if home.is_dir() and not target.exists():
            adopt_parsed(kept, target)
    elif is_parsed(target, fingerprint):
        kept.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=kept.parent))
        adopt_parsed(target, folder)
        # Another process may have been first.
        with contextlib.suppress(OSError):
            folder.rename(kept)


def run_cxw(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `cxw` in a process of its own."""
    share_parsed(home)
    finished = run_module(
        "orchestration.cli",
        *arguments,
        environment={**os.environ, "CXW_HOME": str(home), "COLUMNS": "200", **environment},
    )
    share_parsed(home)
    return finished


@pytest.fixture(scope="session")
def cxw() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run_cxw


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The demo retailer, generated and run; read-only for the tests that share it."""
    home = tmp_path_factory.mktemp("demo")
    generated = run_cxw(home, "demo", "--customers", str(DEMO_CUSTOMERS), "--days", str(DEMO_DAYS))
    assert generated.returncode == 0, generated.stdout + generated.stderr
    finished = run_cxw(home, "run")
    return FinishedRun(home, finished.stdout + finished.stderr, finished.returncode)


@pytest.fixture(scope="session")
def clean_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The retailer without defects, but for one row that must be quarantined; nothing has run."""
    home = tmp_path_factory.mktemp("clean_home")
    generated = run_cxw(home, "demo", *CLEAN_SIZE)
    assert generated.returncode == 0, generated.stdout + generated.stderr
    with (home / "exports" / "ad_spend" / "spend.csv").open("a") as spend:
        spend.write("31.02.2026,google_ads,google_ads-5,brandi_yleinen,google,cpc,EUR,4.1,90,3\n")
    return home


@pytest.fixture(scope="session")
def clean_run(clean_home: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A finished run of the retailer without defects.

    Its `first_state` holds the warehouse as that run left it, and the truth, for tests that come
    after one which runs again.
    """
    home = tmp_path_factory.mktemp("clean") / "home"
    shutil.copytree(clean_home, home)
    finished = run_cxw(home, "run", **CLEAN_SETTINGS)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    first_state = home / "first_state"
    shutil.copytree(home / "truth", first_state / "truth")
    shutil.copy(home / "warehouse.duckdb", first_state)
    return FinishedRun(home, finished.stdout + finished.stderr, finished.returncode)
