"""What Dagster asks again for each of a run's thousand outputs: patches of it in this process.

What Dagster does comes out the same.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import cache, cached_property
from typing import TYPE_CHECKING

from orchestration.event_log import EventLog

if TYPE_CHECKING:
    from dagster import AssetKey, EventLogRecord
    from dagster._core.execution.context.system import StepExecutionContext
    from dagster._core.storage.event_log.base import AssetRecord


@cache
def spare_dagster_lookups() -> None:
    """Answer once what a step asks for each output: an eighth of a small run's processor time.

    Of a step with seven hundred outputs all keys were put together anew for each of them, and for
    each check the event of its asset, which this process had just stored, was read back.
    """
    from dagster._core.definitions.assets.definition.assets_definition import AssetsDefinition
    from dagster._core.execution.context.data_version_cache import DataVersionCache
    from dagster._core.execution.context.system import StepExecutionContext

    all_keys = AssetsDefinition.asset_and_check_keys.fget  # type: ignore[attr-defined]
    kept_keys = cached_property(all_keys)
    kept_keys.__set_name__(AssetsDefinition, "asset_and_check_keys")

    output_keys = StepExecutionContext.get_output_asset_keys

    def output_keys_once(step: StepExecutionContext) -> Set[AssetKey]:
        # Outputs and selection are fixed with the plan, which a step's context is made for.
        if "_output_asset_keys" not in vars(step):
            vars(step)["_output_asset_keys"] = output_keys(step)
        kept: Set[AssetKey] = vars(step)["_output_asset_keys"]
        return kept

    read_records = DataVersionCache._fetch_asset_records
    newest_event = DataVersionCache._get_input_asset_event

    def stored_here(versions: DataVersionCache) -> dict[AssetKey, EventLogRecord]:
        log = versions._context.instance.event_log_storage
        return log.materialized_here if isinstance(log, EventLog) else {}

    def read_other_records(
        versions: DataVersionCache, keys: Sequence[AssetKey]
    ) -> dict[AssetKey, AssetRecord]:
        known = stored_here(versions)
        return read_records(versions, [key for key in keys if key not in known])

    def newest_known_event(
        versions: DataVersionCache, key: AssetKey, record: AssetRecord | None
    ) -> EventLogRecord | None:
        event = stored_here(versions).get(key)
        if event is None:
            return newest_event(versions, key, record)
        versions._check_input_asset_event(key, event)
        return event

    AssetsDefinition.asset_and_check_keys = kept_keys  # type: ignore[assignment, method-assign]
    StepExecutionContext.get_output_asset_keys = output_keys_once  # type: ignore[method-assign, assignment]
    DataVersionCache._fetch_asset_records = read_other_records  # type: ignore[method-assign, assignment]
    DataVersionCache._get_input_asset_event = newest_known_event  # type: ignore[method-assign, assignment]
