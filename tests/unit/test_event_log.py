"""The event log with open connections keeps what Dagster's own keeps, where Dagster looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.dagster_savings import spare_dagster_lookups
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


@dg.multi_asset(
    outs={"read": dg.AssetOut(), "counted": dg.AssetOut()},
    internal_asset_deps={"read": set(), "counted": {dg.AssetKey("read")}},
    check_specs=[dg.AssetCheckSpec("is_there", asset=name) for name in ("read", "counted")],
)
def in_one_step() -> Iterator[Any]:
    for name in ("read", "counted"):
        yield dg.Output(1, name)
        yield dg.AssetCheckResult(passed=True, check_name="is_there", asset_key=name)


def test_checks_and_inputs_name_the_newest_event_without_reading_it_back(home: Home) -> None:
    spare_dagster_lookups()
    with dg.DagsterInstance.get() as instance:
        for _ in range(2):
            result = dg.materialize([in_one_step], instance=instance)
            plain = SqliteEventLogStorage(str(home.dagster / "history" / "runs"))
            stored = {
                record.asset_entry.asset_key.path[
                    -1
                ]: record.asset_entry.last_materialization_record
                for record in plain.get_asset_records()
            }
            assert {event.run_id for event in stored.values() if event} == {result.run_id}
            targets = {
                check.asset_key.path[-1]: check.target_materialization_data
                for check in result.get_asset_check_evaluations()
            }
            assert {name: target and target.storage_id for name, target in targets.items()} == {
                name: event and event.storage_id for name, event in stored.items()
            }
            (counted,) = result.asset_materializations_for_node("in_one_step")[1:]
            assert counted.tags
            pointer = counted.tags["dagster/input_event_pointer/read"]
            assert stored["read"]
            assert pointer == str(stored["read"].storage_id)
