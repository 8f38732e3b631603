"""A run that was killed is told to have failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import dagster as dg
import pytest

from orchestration.home import Home
from orchestration.liveness import bury_dead_runs, living
from orchestration.run import prepare_instance

#: A run that is killed inside its step.
KILLED = """
import os, signal, sys
from pathlib import Path
import dagster as dg
from orchestration.home import Home
from orchestration.liveness import living

@dg.op
def work():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job
def job():
    work()

home = Home(Path(sys.argv[1]))
with dg.DagsterInstance.get() as instance, living(home, instance, sys.argv[2]):
    job.execute_in_process(run_id=sys.argv[2], instance=instance)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path)
    home.dagster.mkdir()
    prepare_instance(home)
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    return home


def test_a_killed_run_has_failed(home: Home) -> None:
    run_id = "11111111-1111-4111-8111-111111111111"
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(home.root), run_id],
        env=dict(os.environ),
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.STARTED
        assert bury_dead_runs(home, instance) == [run_id]
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.FAILURE
        assert bury_dead_runs(home, instance) == []


def test_a_living_run_is_left_alone(home: Home) -> None:
    with dg.DagsterInstance.get() as instance:
        with living(home, instance, "living"):
            assert bury_dead_runs(home, instance) == []
            assert [mark.name for mark in (home.dagster / "alive").iterdir()] == ["living"]
        assert list((home.dagster / "alive").iterdir()) == []
