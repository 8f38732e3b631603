"""Two runs never work in one home at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestration.home import Home
from orchestration.run_lock import WAITING, only_run

HOLDER = """
import sys, time
from pathlib import Path
from orchestration.home import Home
from orchestration.run_lock import only_run

with only_run(Home(Path(sys.argv[1])), print):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_next_run_waits_until_the_process_before_it_is_gone(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    told: list[str] = []
    waits, got_it = threading.Event(), threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        waits.set()

    def run() -> None:
        with only_run(Home(tmp_path), tell):
            got_it.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert waits.wait(30)
    assert not got_it.is_set()
    holder.send_signal(signal.SIGKILL)
    thread.join(30)
    assert got_it.is_set()
    assert told == [WAITING]


def test_who_holds_the_lock_takes_it_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with only_run(home, pytest.fail), only_run(home, pytest.fail):
        pass
    with only_run(home, pytest.fail):
        pass
