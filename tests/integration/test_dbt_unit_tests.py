"""dbt's unit tests judge code, not data: the daily job leaves them out, this runs them all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.home import DBT_PROJECT_DIR, Home

if TYPE_CHECKING:
    from conftest import FinishedRun


def test_every_dbt_unit_test_passes(demo_run: FinishedRun) -> None:
    finished = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            *["test", "--no-version-check", "--select", "test_type:unit"],
        ],
        cwd=DBT_PROJECT_DIR,
        env={**os.environ, **Home(demo_run.home).environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-4000:]
    assert " PASS=0 " not in finished.stdout
