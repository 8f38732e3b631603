"""Which runs are alive: a run whose process was killed must not seem to go on for ever.

Dagster hears of a run's end from its process, and a killed process says nothing. Every `cxw run`
therefore holds a lock on a file of its own, which the system lets go of however the process ends.
A file that nobody holds belongs to a dead run: it is told to have failed, which also gives its
place in Dagster's queue back.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestration.home import Home

if TYPE_CHECKING:
    from dagster import DagsterInstance


@contextmanager
def living(home: Home, instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Show that a run is alive while it goes, and bury those that died before it.

    Args:
        home: The installation.
        instance: Its Dagster instance.
        run_id: The run of this process.
    """
    folder = home.dagster / "alive"
    folder.mkdir(exist_ok=True)
    mark = folder / run_id
    with mark.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        bury_dead_runs(home, instance)
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def bury_dead_runs(home: Home, instance: DagsterInstance) -> list[str]:
    """End the runs whose process is gone.

    Args:
        home: The installation.
        instance: Its Dagster instance.

    Returns:
        The runs that were found dead.
    """
    dead = []
    for mark in sorted((home.dagster / "alive").glob("*")):
        try:
            handle = mark.open("r+")
        except FileNotFoundError:  # it ended a moment ago
            continue
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            run = instance.get_run_by_id(mark.name)
            if run is not None and not run.is_finished:
                instance.report_run_failed(run, "The process of this run is gone.")
                dead.append(mark.name)
            mark.unlink(missing_ok=True)
    return dead
