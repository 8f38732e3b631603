"""One run at a time in a home: the next one waits until the run before it has ended.

Step by step is not enough: a run that publishes what another has half built would show readers a
mixture of both. The lock is the system's, so that a killed process gives it back at once.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.home import Home

# Every asset requires the resource of this name and belongs to this pool: Dagster's daemon shows
# the runs that wait as queued, the lock keeps out those that it did not start.
LOCK_RESOURCE = "run_lock"
WAREHOUSE_POOL = "warehouse"

WAITING = "Another run is going on in this home: waiting for it to end."

# How often this process holds a home's lock: `cxw run` takes it before Dagster does.
_held: dict[Path, int] = {}


def is_held(home: Home) -> bool:
    """Whether this process holds the home's run lock."""
    return bool(_held.get(_place(home)))


@contextmanager
def only_run(home: Home, tell: Callable[[str], object]) -> Iterator[None]:
    """Hold the home's run lock for the block; the process that holds it may take it again.

    Args:
        home: The installation.
        tell: Is given a line for people when there is someone to wait for.
    """
    place = _place(home)
    if _held.get(place):
        _held[place] += 1
        try:
            yield
        finally:
            _held[place] -= 1
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(WAITING)
            fcntl.flock(handle, fcntl.LOCK_EX)
        _held[place] = 1
        try:
            yield
        finally:
            del _held[place]


def _place(home: Home) -> Path:
    return home.state / "run.lock"
