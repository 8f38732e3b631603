"""Dagster's event log in SQLite, with connections that stay open.

Dagster's own storage opens a connection for every event and closes it again; whenever the last one
closes, SQLite writes its log back and waits for the disk. A run of this job has some two thousand
events, which cost more than building the tables of a small retailer. Here each file keeps its
connections, and a commit does not wait for the disk: a killed process loses nothing, a power cut at
worst the last events of a run that is over with it anyway. Tables, files and everything else are
Dagster's own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import AssetKey, DagsterEventType, EventLogEntry, EventLogRecord
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._serdes import ConfigurableClassData

_BUSY_TIMEOUT_SECONDS = 60


class EventLog(SqliteEventLogStorage):
    """The event log of one Dagster home, named in its ``dagster.yaml``."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, sa.Engine] = {}
        self._tables_seen: set[str] = set()
        self._columns_seen: set[str] = set()
        #: The newest materialization of each asset that this process stored one of.
        self.materialized_here: dict[AssetKey, EventLogRecord] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing to set: the files lie where Dagster's own storage has them."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> EventLog:
        """The log of the home that ``DAGSTER_HOME`` names."""
        home = Path(os.environ["DAGSTER_HOME"]).expanduser().resolve()
        return cls(str(home / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None or not Path(self.path_for_shard(shard)).exists():
                engine = self._engines[shard] = self._open(shard)
            with engine.begin() as connection:
                yield connection

    def _open(self, shard: str) -> sa.Engine:
        # One run at a time writes here; the web server looks at many, one after the other.
        for other in [name for name in self._engines if name != INDEX_SHARD_NAME or name == shard]:
            self._engines.pop(other).dispose()
        engine = sa.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=sa.QueuePool,
            connect_args={"timeout": _BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        sa.event.listen(engine, "connect", _do_not_wait_for_the_disk)
        self._initdb(engine)
        return engine

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table: asked several times an event, and no table ever goes."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        # Asked of each event about an asset, by the database's catalogue; no column ever goes.
        if column_name not in self._columns_seen and super()._has_asset_key_col_on_connection(
            conn, column_name
        ):
            self._columns_seen.add(column_name)
        return column_name in self._columns_seen

    def _store_asset_event(self, conn: sa.Connection, event: EventLogEntry, event_id: int) -> None:
        super()._store_asset_event(conn, event, event_id)
        told = event.get_dagster_event()
        if told.event_type is DagsterEventType.ASSET_MATERIALIZATION and told.asset_key:
            self.materialized_here[told.asset_key] = EventLogRecord(event_id, event)

    def dispose(self) -> None:
        """Close all connections."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _do_not_wait_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma synchronous = normal")
