"""Days to compute again although nothing about them has changed.

A request is a small file in the state folder. The next run takes all requests together, whoever
starts it, and forgets them only when its models are built: a replay that fails is not lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date

import duckdb

from orchestration.errors import WarehouseError
from orchestration.home import Home, settings_of

_REQUESTS = "replays"

# What the models read (int_raw_files_changed).
_FROM, _TO, _SOURCE = "CXW_REPLAY_FROM", "CXW_REPLAY_TO", "CXW_REPLAY_SOURCE"


@dataclass(frozen=True)
class Window:
    """Days, both ends included, by the vendors' own dates; of one source or of all."""

    first_day: str
    last_day: str
    source: str = ""


def request(home: Home, first_day: date, last_day: date, source: str | None = None) -> Window:
    """Ask the next run to compute days again from the raw zone.

    Args:
        home: The home whose raw zone holds them.
        first_day: The first day, by the vendor's own date (`dt` in the raw zone).
        last_day: The last day, included.
        source: A source's name; None for all.

    Returns:
        What was asked for.

    Raises:
        WarehouseError: The days are the wrong way round, the source is unknown, or nothing was
            ever landed for these days.
    """
    if first_day > last_day:
        raise WarehouseError(
            f"The days from {first_day} to {last_day} are none.",
            "Write the earlier day after --from and the later one after --to.",
        )
    spans = _landed_days(home)
    if source is not None and source not in spans:
        raise WarehouseError(
            f"The source {source} has landed nothing here.",
            f"Choose one of: {', '.join(sorted(spans)) or 'none yet (cxw run)'}.",
        )
    wanted = [span for name, span in spans.items() if source in {None, name}]
    if not any(first <= last_day and first_day <= last for first, last in wanted):
        least = min((first for first, _ in wanted), default=None)
        most = max((last for _, last in wanted), default=None)
        raise WarehouseError(
            f"Nothing was landed for the days from {first_day} to {last_day}.",
            f"The raw zone has days from {least} to {most}." if least else "Start with: cxw run",
        )
    return remember(home, Window(first_day.isoformat(), last_day.isoformat(), source or ""))


def remember(home: Home, window: Window) -> Window:
    """Keep a request until a run has served it; asking twice is asking once."""
    folder = home.state / _REQUESTS
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{window.first_day}_{window.last_day}_{window.source}.json"
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(window)))
    draft.replace(place)
    return window


def pending(home: Home) -> list[Window]:
    """The requests that no run has served yet."""
    return [
        Window(**json.loads(path.read_text()))
        for path in sorted((home.state / _REQUESTS).glob("*.json"))
    ]


@contextmanager
def served(home: Home) -> Iterator[None]:
    """Tell the models of the block of all pending requests; forget them if it ends well.

    What is asked for within the block stays for the next one.
    """
    asked = {path: path.stat().st_mtime_ns for path in (home.state / _REQUESTS).glob("*.json")}
    windows = [Window(**json.loads(path.read_text())) for path in asked]
    # More days than were asked for cost time and change nothing.
    settings = {}
    if windows:
        sources = {window.source for window in windows}
        settings = {
            _FROM: min(window.first_day for window in windows),
            _TO: max(window.last_day for window in windows),
            _SOURCE: sources.pop() if len(sources) == 1 else "",
        }
    with settings_of(settings):
        yield
    for path, asked_at in asked.items():
        if path.exists() and path.stat().st_mtime_ns == asked_at:
            path.unlink()


def _landed_days(home: Home) -> dict[str, tuple[date, date]]:
    """Per source the first and the last day of which rows were ever landed."""
    files = home.raw / "_manifest" / "*.parquet"
    if not any(files.parent.glob(files.name)):
        return {}
    rows = duckdb.execute(
        """
        select source, min(min_dt), max(max_dt)
        from read_parquet(?, union_by_name = true)
        where status = 'loaded' and min_dt is not null
        group by source
        """,
        [str(files)],
    ).fetchall()
    return {source: (first, last) for source, first, last in rows}
