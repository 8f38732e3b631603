"""The asset graph as a user of Dagster sees it: a change of it must show in review."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import REFRESH_JOB, build_definitions
from orchestration.home import Home
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.suppression import pending_file
from orchestration.run_lock import LOCK_RESOURCE, WAREHOUSE_POOL, only_run
from orchestration.transformation import load_manifest
from tests.conftest import share_parsed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    with pytest.MonkeyPatch.context() as patch:
        home = Home(tmp_path_factory.mktemp("graph"))
        for name, value in home.environment().items():
            patch.setenv(name, value)
        share_parsed(home.root)
        return home.prepare()


@pytest.fixture(scope="module")
def definitions(home: Home) -> dg.Definitions:
    return build_definitions(home)


def test_the_graph_has_one_job_one_schedule_and_one_sensor(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert [job.name for job in repository.get_all_jobs() if not job.name.startswith("__")] == [
        REFRESH_JOB
    ]
    assert [schedule.name for schedule in repository.schedule_defs] == ["refresh_warehouse_daily"]
    assert [sensor.name for sensor in repository.sensor_defs] == ["new_files"]
    assert repository.schedule_defs[0].cron_schedule == "0 6 * * *"


# Identity drops its state where a run broke off within it (identity_inputs_before), and encounters
# that may be gone are those that stand in the table from which they go.
OF_THEIR_OWN_STATE = {
    "int_touched_customer_identifiers",
    "int_touched_identifiers",
    "int_touched_identity_inputs",
    "int_touched_touchpoints",
}


def test_a_run_is_whole_once_all_that_it_touched_is_built(home: Home) -> None:
    manifest = load_manifest(home)
    models = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and ("touched" in node["name"] or node["name"] == "int_raw_files_changed")
    }
    compared = {
        node["name"] for node in models.values() if "relation_built_before(" in node["raw_code"]
    }
    kept = {node["name"] for node in models.values() if "touched_before_too(" in node["raw_code"]}
    assert kept
    assert compared - OF_THEIR_OWN_STATE == kept

    before_the_last: set[str] = set()
    waiting = ["model.cx_warehouse.int_raw_files_committed"]
    while waiting:
        found = set(manifest["parent_map"].get(waiting.pop(), ())) - before_the_last
        before_the_last |= found
        waiting += found
    told_of_touched_keys = {
        key
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and models.keys() & set(manifest["parent_map"][key])
    }
    assert len(told_of_touched_keys) > 40
    assert told_of_touched_keys <= before_the_last


def test_every_asset_belongs_to_the_group_of_its_layer(definitions: dg.Definitions) -> None:
    groups: dict[str, set[str]] = {}
    for spec in definitions.resolve_all_asset_specs():
        groups.setdefault(spec.group_name or "", set()).add(spec.key.path[0])
    assert set(groups) == {
        "landing",
        "reference",
        "staging",
        "intermediate",
        "vault",
        "marts",
        "audit",
        "publication",
    }
    assert groups["landing"] == {*VENDORS, "landing"}
    assert groups["marts"] == {"marts"}


def test_every_raw_table_is_an_asset_that_staging_reads(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    unread = [
        key.to_user_string()
        for vendor in VENDORS.values()
        for table in vendor.tables
        if not graph.get(key := dg.AssetKey([vendor.name, table.name])).child_keys
    ]
    assert unread == []


def test_web_exports_are_partitioned_by_day_and_backfilled_in_a_single_run(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    events = graph.get(dg.AssetKey(["ga4", "events"]))
    assert isinstance(events.partitions_def, dg.DailyPartitionsDefinition)
    assert events.backfill_policy == dg.BackfillPolicy.single_run()
    assert graph.get(dg.AssetKey(["hubspot", "contacts"])).partitions_def is None


def test_every_step_holds_the_run_lock_and_landing_is_tried_again(
    definitions: dg.Definitions,
) -> None:
    operations = definitions.resolve_job_def(REFRESH_JOB).nodes_in_topological_order
    required = {
        node.name: node.definition.required_resource_keys  # type: ignore[attr-defined]
        for node in operations
    }
    assert {"land_ga4", "warehouse_models", "tracking_checks", "published__marts"} <= set(required)
    assert [name for name, keys in required.items() if LOCK_RESOURCE not in keys] == []
    assert {node.definition.pool for node in operations} == {WAREHOUSE_POOL}  # type: ignore[attr-defined]
    landing = next(node.definition for node in operations if node.name == "land_ga4")
    assert landing.retry_policy.max_retries == 3  # type: ignore[attr-defined]


def test_a_run_of_the_daemon_builds_nothing_while_an_erasure_is_half_done(
    definitions: dg.Definitions, home: Home
) -> None:
    @dg.op(required_resource_keys={LOCK_RESOURCE})
    def build() -> None: ...

    resources = definitions.resources or {}

    @dg.job(resource_defs={LOCK_RESOURCE: resources[LOCK_RESOURCE]})
    def one_step() -> None:
        build()

    pending = pending_file(home.state)
    pending.parent.mkdir(parents=True)
    pending.write_text("{}")
    try:
        with pytest.raises(dg.DagsterResourceFunctionError) as raised:
            one_step.execute_in_process()
        assert "cxw erase --resume" in str(raised.value.__cause__)
        # the command that completes it holds the lock itself
        with only_run(home, pytest.fail):
            assert one_step.execute_in_process().success
    finally:
        pending.unlink()
    assert one_step.execute_in_process().success


def test_publication_waits_for_every_mart(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    published = graph.get(dg.AssetKey(["published", "marts"]))
    models = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "marts"
    assert {key.path[-1] for key in published.parent_keys} == {
        path.stem for path in models.rglob("*.sql")
    }


def test_the_sensor_asks_for_one_run_over_all_days_that_wait(
    definitions: dg.Definitions, home: Home, tmp_path: Path
) -> None:
    exports = tmp_path / "ga4"
    exports.mkdir()
    for day in ("20260105", "20260107"):
        (exports / f"events_{day}.parquet").write_bytes(b"not read by the sensor")
    home.sources_file.write_text(
        f"version: 1\nsources:\n  - name: shop\n    vendor: ga4\n    path: {exports}\n"
    )
    sensor = definitions.get_repository_def().get_sensor_def("new_files")
    with dg.DagsterInstance.ephemeral() as instance:
        requests = sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests
        again = sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests
    assert requests is not None
    assert again is not None
    (request,) = requests
    assert request.tags["dagster/asset_partition_range_start"] == "2026-01-05"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-01-07"
    assert again[0].run_key == request.run_key
