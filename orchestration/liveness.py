"""Which runs are alive: a run whose process was killed must not keep others waiting.

Dagster gives the slot of a pool back when a step ends, and a killed process ends no step. Every
`cxw run` therefore holds a lock on a file of its own, which the system lets go of however the
process ends. A file that nobody holds belongs to a dead run: it is told to have failed and its
slots are freed.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestration.home import Home

if TYPE_CHECKING:
    from dagster import DagsterInstance

_LOOK_EVERY_SECONDS = 5.0


@contextmanager
def living(home: Home, instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Show that a run is alive while it goes, and bury dead ones that it would wait for.

    Args:
        home: The installation.
        instance: Its Dagster instance.
        run_id: The run of this process.
    """
    folder = home.dagster / "alive"
    folder.mkdir(exist_ok=True)
    mark = folder / run_id
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_SECONDS):
            bury_dead_runs(home, instance)

    with mark.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        bury_dead_runs(home, instance)
        watch = threading.Thread(target=look, name="bury-dead-runs", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            mark.unlink(missing_ok=True)


def bury_dead_runs(home: Home, instance: DagsterInstance) -> list[str]:
    """End the runs whose process is gone and free what they held.

    Args:
        home: The installation.
        instance: Its Dagster instance.

    Returns:
        The runs that were found dead.
    """
    dead = []
    alive = set()
    storage = instance.event_log_storage
    for mark in sorted((home.dagster / "alive").glob("*")):
        try:
            handle = mark.open("r+")
        except FileNotFoundError:  # it ended a moment ago
            continue
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                alive.add(mark.name)
                continue
            run = instance.get_run_by_id(mark.name)
            if run is not None and not run.is_finished:
                instance.report_run_failed(run, "The process of this run is gone.")
                dead.append(mark.name)
            storage.free_concurrency_slots_for_run(mark.name)
            mark.unlink(missing_ok=True)
    for run_id in storage.get_concurrency_run_ids() - alive:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:  # it ended between its last step and its own clean-up
            storage.free_concurrency_slots_for_run(run_id)
    return dead
