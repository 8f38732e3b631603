"""The whole graph on one screen: assets by layer, one job, its schedule and its sensor.

landing (raw zone) -> dbt: staging, intermediate, facts, metrics -> audit, probable links
-> trusted marts -> publication
"""

import gc
from collections.abc import Iterator

import dagster as dg

from orchestration.audit import build_audit
from orchestration.automation import build_schedule, build_sensor
from orchestration.dagster_savings import spare_dagster_lookups
from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.ingestion.assets import build_landing_assets
from orchestration.ingestion.suppression import is_pending
from orchestration.probabilistic.assets import build_probabilistic_assets
from orchestration.publication import build_publication
from orchestration.run_lock import LOCK_RESOURCE, is_held, only_run
from orchestration.transformation import build_dbt_assets

REFRESH_JOB = "refresh_warehouse"

# dbt's manifest, its macros and the assets are some hundred thousand objects that live as long as
# the process. At Python's own threshold of 700 allocations they were searched for garbage again and
# again, which took a tenth of a small run's processor time.
_ALLOCATIONS_BEFORE_COLLECTION = (100_000, 50, 100)


def build_definitions(home: Home) -> dg.Definitions:
    """Everything that Dagster knows, for one home; the process collects garbage less often then."""
    gc.set_threshold(*_ALLOCATIONS_BEFORE_COLLECTION)
    spare_dagster_lookups()
    audit = build_audit(home)
    refresh_warehouse = dg.define_asset_job(
        REFRESH_JOB,
        selection=dg.AssetSelection.all(),
        description="Land what is new, build, audit and publish.",
    )
    return dg.Definitions(
        assets=[
            *build_landing_assets(home),
            *build_dbt_assets(home),
            *audit.assets,
            *build_probabilistic_assets(home),
            *build_publication(home),
        ],
        asset_checks=audit.checks,
        jobs=[refresh_warehouse],
        schedules=[build_schedule(REFRESH_JOB, home)],
        sensors=[build_sensor(REFRESH_JOB, home)],
        resources={LOCK_RESOURCE: _run_lock(home)},
        # One process: a step's start-up would cost more than most steps.
        executor=dg.in_process_executor,
    )


def _run_lock(home: Home) -> dg.ResourceDefinition:
    """A resource that lives as long as a run: whoever starts it, it is the only one in its home."""

    @dg.resource(description="One run at a time in this home.")
    def run_lock(context: dg.InitResourceContext) -> Iterator[None]:
        is_within_a_command = is_held(home)
        with only_run(home, context.log.warning if context.log else print):
            # `cxw run` completes it first; a run that the daemon starts must not build and publish
            # what is erased by half.
            if is_pending(home.state) and not is_within_a_command:
                raise WarehouseError(
                    "The erasure of a person was stopped before it was whole: nothing is built.",
                    "Run `cxw erase --resume` on the machine of this home, then run this again.",
                )
            yield

    return run_lock


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` and the daemon load: the home that the environment names."""
    return build_definitions(Home.from_environment().prepare())
