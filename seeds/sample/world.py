"""The frame that every part of the simulation shares: settings, calendar, randomness, tables.

NumPy draws, DuckDB joins and writes. Tables are put into one in-memory DuckDB database, so that
later steps and the writers can be plain SQL over them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Columns = dict[str, Array]

ZONE = ZoneInfo("Europe/Helsinki")
SECOND = 1_000_000
DAY = 86_400 * SECOND

#: Rates are given for this window; a shorter one keeps a floor of activity so that every file has
#: rows even at the size that tests use.
REFERENCE_DAYS = 120
FLOOR_DAYS = 45


@dataclass(frozen=True)
class Settings:
    """What the caller chose.

    Attributes:
        customers: People whom the retailer knows; three times as many prospects only browse.
        days: Length of the window.
        seed: Everything random follows from it.
        end_date: Last day of the window.
        is_clean: Plant no tracking defect: what was sent is what happened.
    """

    customers: int = 5000
    days: int = 120
    seed: int = 7
    end_date: date = date(2026, 10, 31)
    is_clean: bool = False

    @property
    def start_date(self) -> date:
        """First day of the window."""
        return self.end_date - timedelta(days=self.days - 1)

    @property
    def activity(self) -> float:
        """How much of a reference window's activity a person shows in this one."""
        return max(self.days, FLOOR_DAYS) / REFERENCE_DAYS


class Calendar:
    """The retailer's local days in UTC microseconds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        first = settings.start_date
        self.day_starts: Ints = np.array(
            [_midnight(first + timedelta(days=n)) for n in range(settings.days + 1)], dtype=np.int64
        )
        edges, offsets = _transitions(first - timedelta(days=3700), first + timedelta(days=800))
        self._edges, self._offsets = edges, offsets

    @property
    def start(self) -> int:
        """First instant of the window."""
        return int(self.day_starts[0])

    @property
    def end(self) -> int:
        """First instant after the window."""
        return int(self.day_starts[-1])

    def local(self, instants: Array) -> Ints:
        """UTC microseconds as local wall-clock microseconds."""
        values = np.asarray(instants, dtype=np.int64)
        return values + self._offsets[np.searchsorted(self._edges, values, side="right") - 1]

    def day_index(self, instants: Array) -> Ints:
        """Number of the local day within the window."""
        return np.asarray(
            np.searchsorted(self.day_starts, np.asarray(instants, dtype=np.int64), side="right") - 1
        )

    def day(self, share: float) -> int:
        """The day at a share of the window, as an index: how episodes keep their place."""
        return min(self.settings.days - 1, max(0, round(share * (self.settings.days - 1))))

    @property
    def months(self) -> list[str]:
        """The window's calendar months, YYYYMM."""
        days = (self.date_of(day) for day in range(self.settings.days))
        return list(dict.fromkeys(day.strftime("%Y%m") for day in days))

    def month_end(self, month: str) -> int:
        """First instant after a month, or after the window where that ends sooner."""
        later = [
            int(self.day_starts[day + 1])
            for day in range(self.settings.days)
            if self.date_of(day).strftime("%Y%m") == month
        ]
        return max(later)

    def span(self, day: int, days: float = 1.0, hour: float = 0.0) -> tuple[int, int]:
        """From an hour of a day, so many days long, clipped to the window."""
        start = int(self.day_starts[day]) + int(hour * 3600 * SECOND)
        return start, min(start + int(days * DAY), self.end)

    def date_of(self, day: int) -> date:
        """Calendar date of a day index."""
        return self.settings.start_date + timedelta(days=day)


@dataclass
class World:
    """One simulated retailer.

    Attributes:
        settings: What the caller chose.
        calendar: Local days.
        con: The in-memory database that holds every table.
        shelf: Columns that later steps need as arrays, by table name.
    """

    settings: Settings
    calendar: Calendar
    con: duckdb.DuckDBPyConnection
    shelf: dict[str, Columns] = field(default_factory=dict)

    def rng(self, topic: str) -> np.random.Generator:
        """A generator of its own per topic, so that one topic's draws never move another's."""
        return np.random.default_rng([self.settings.seed, zlib.crc32(topic.encode())])

    def put(self, name: str, columns: Mapping[str, Array]) -> None:
        """Keep columns as arrays and as a DuckDB table of the same name."""
        self.shelf[name] = dict(columns)
        arrow = pa.table({key: pa.array(value, from_pandas=True) for key, value in columns.items()})
        self.con.register("incoming", arrow)
        self.con.execute(f'create or replace table "{name}" as select * from incoming')
        self.con.unregister("incoming")

    def get(self, name: str) -> Columns:
        """The arrays of a table that was put."""
        return self.shelf[name]

    def run(self, sql: str, **parameters: object) -> None:
        """Execute a statement."""
        self.con.execute(sql, parameters or None)

    def fetch(self, sql: str) -> Columns:
        """A query's answer as arrays; nothing in it may be null."""
        return {key: np.asarray(value) for key, value in self.con.execute(sql).fetchnumpy().items()}

    def count(self, sql: str) -> int:
        """The single number that a query answers."""
        rows = self.con.execute(sql).fetchall()
        return int(rows[0][0]) if rows and rows[0][0] is not None else 0


def new_world(settings: Settings) -> World:
    """An empty world with its database."""
    con = duckdb.connect(":memory:")
    con.execute("set timezone = 'UTC'")
    con.execute("set preserve_insertion_order = true")
    con.execute("set enable_progress_bar = false")
    return World(settings, Calendar(settings), con)


def weighted(rng: np.random.Generator, weights: npt.ArrayLike, size: int) -> Ints:
    """Draw category numbers with given weights."""
    share = np.asarray(weights, dtype=np.float64)
    return np.searchsorted(np.cumsum(share / share.sum())[:-1], rng.random(size), side="right")


def weighted_rows(rng: np.random.Generator, table: npt.ArrayLike, rows: Array) -> Ints:
    """Draw one category per row, with the weights of the row of `table` that `rows` names."""
    weights = np.asarray(table, dtype=np.float64)
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[rows]
    draws = rng.random(len(rows))[:, None]
    return np.minimum((cumulative < draws).sum(axis=1), weights.shape[1] - 1)


def repeat_index(counts: Array) -> tuple[Ints, Ints]:
    """Row numbers repeated by count, and the position within each repetition."""
    number = np.asarray(counts, dtype=np.int64)
    owners = np.repeat(np.arange(len(number)), number)
    starts = np.cumsum(number) - number
    return owners, np.arange(int(number.sum())) - starts[owners]


def only_if(mask: Array, values: Array) -> Array:
    """Values where the mask holds, else null."""
    found = np.full(len(mask), None, dtype=object)
    found[mask] = values[mask]
    return found


def texts(values: Sequence[str | None]) -> Array:
    """Text constants as an object array, ready for take by index."""
    return np.array(values, dtype=object)


def _midnight(day: date) -> int:
    local = datetime.combine(day, time(), ZONE)
    return int(local.astimezone(UTC).timestamp()) * SECOND


def _transitions(first: date, last: date) -> tuple[Ints, Ints]:
    """Instants from which an offset of the zone holds, to the hour."""
    edges: list[int] = []
    offsets: list[int] = []
    moment = datetime.combine(first, time(), UTC)
    stop = datetime.combine(last, time(), UTC)
    previous: int | None = None
    while moment < stop:
        offset = _offset(moment)
        if offset != previous:
            if previous is not None:
                while _offset(moment - timedelta(hours=1)) == offset:
                    moment -= timedelta(hours=1)
            edges.append(int(moment.timestamp()) * SECOND)
            offsets.append(offset)
            previous = offset
            moment = moment.replace(hour=0) + timedelta(days=1)
        else:
            moment += timedelta(days=1)
    return np.array(edges, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _offset(moment: datetime) -> int:
    delta = moment.astimezone(ZONE).utcoffset()
    return int(delta.total_seconds()) * SECOND if delta else 0
