"""The event log with open connections keeps what Dagster's own keeps, where Dagster looks."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.event_log import EventLog
from orchestration.home import Home
from orchestration.run import prepare_instance


@dg.asset
def numbers() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path)
    for name, value in home.environment().items():
        monkeypatch.setenv(name, value)
    home.dagster.mkdir()
    prepare_instance(home)
    return home


def test_a_home_uses_it_and_others_read_its_events_at_once(home: Home) -> None:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        result = dg.materialize([numbers], instance=instance)
        # while the writer still holds its connections, as the web server reads
        plain = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))
        kinds = [event.event_type_value for event in result.all_events]
        read = [
            entry.dagster_event.event_type_value
            for entry in plain.get_logs_for_run(result.run_id)
            if entry.dagster_event
        ]
        assert "ASSET_MATERIALIZATION" in kinds
        assert [kind for kind in read if kind in kinds] == kinds
        assert plain.has_asset_key(numbers.key)


def test_a_deleted_run_is_gone_and_its_log_can_be_made_again(home: Home) -> None:
    with dg.DagsterInstance.get() as instance:
        result = dg.materialize([numbers], instance=instance)
        instance.event_log_storage.delete_events(result.run_id)
        Path(home.dagster / "history" / "runs" / f"{result.run_id}.db").unlink(missing_ok=True)
        assert list(instance.event_log_storage.get_logs_for_run(result.run_id)) == []
        again = dg.materialize([numbers], instance=instance)
        assert instance.event_log_storage.get_logs_for_run(again.run_id)
