"""Homes for the tests: one small demo retailer, run once a session through the real job."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Small, yet large enough that every source has rows and most planted defects show.
DEMO_CUSTOMERS = 400
DEMO_DAYS = 42


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a finished run in one process: another would make it again."""
    for item in items:
        if "demo_run" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("demo"))
        elif item.path.parent.name in {"end_to_end", "integration"}:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@dataclass(frozen=True)
class FinishedRun:
    """A home in which the job has run once."""

    home: Path
    output: str
    exit_code: int

    @property
    def marts(self) -> Path:
        return self.home / "published" / "current" / "marts.duckdb"


def run_cxw(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `cxw` as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "CXW_HOME": str(home), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


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
