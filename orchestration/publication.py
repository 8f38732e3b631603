"""Publication in Dagster: the last asset, which stops where a structural check has failed.

What the version before it said is an asset too: the marts are compared with it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq

from orchestration.audit import blocking_outcomes, read_outcomes
from orchestration.compaction import compact
from orchestration.dashboard import Issue, lead_to_current, load_choice, write_dashboard
from orchestration.errors import WarehouseError
from orchestration.home import Home, engine, run_clock
from orchestration.restatements import REMEMBERED, remember_published
from orchestration.run_lock import LOCK_RESOURCE, WAREHOUSE_POOL
from orchestration.transformation import load_manifest, warehouse_built
from orchestration.versions import DATABASE_NAME, marts_of, publish

PUBLISHED = dg.AssetKey(["published", "marts"])


def build_publication(home: Home) -> list[dg.AssetsDefinition]:
    """The asset that publishes every mart once all are built and audited, and what it replaces."""
    marts = marts_of(load_manifest(home))

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(["state", name], group_name="publication", kinds={"parquet"})
            for name in REMEMBERED
        ],
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def version_before() -> Iterator[dg.MaterializeResult]:
        """What readers see now, for mart_restatements to compare with."""
        folder = remember_published(home)
        for name in REMEMBERED:
            rows = pq.read_metadata(folder / f"{name}.parquet").num_rows
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["state", name]), metadata={"dagster/row_count": rows}
            )

    @dg.asset(
        key=PUBLISHED,
        deps=[dg.AssetKey([mart.schema, mart.name]) for mart in marts],
        group_name="publication",
        kinds={"duckdb", "parquet"},
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
        retry_policy=dg.RetryPolicy(max_retries=2, delay=5),
    )
    def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """All marts as one version, with the dashboard of them, switched in one rename."""
        reasons = blocking_outcomes(home)
        if reasons:
            raise dg.Failure(
                description=(
                    "Publication is blocked; the previous version stays published:\n"
                    + "\n".join(reasons)
                    + "\nMend these and run again, or live with one until a day: cxw audit accept"
                    f" {reasons[0].split(':')[0]} --until DATE --why TEXT, then cxw run."
                    f" The report says more: {home.reports / 'audit' / 'index.html'}."
                    " The built tables stay for inspection."
                ),
                allow_retries=False,
            )
        try:
            version = publish(
                home.warehouse,
                home.published,
                marts,
                run_clock(),
                add_page=_dashboard(home),
                # what Spark built are views here, whose rows have no place
                built=warehouse_built(home) if engine() == "duckdb" else "",
                on_whole=context.log.warning,
            )
        except WarehouseError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        if engine() == "duckdb":
            _compact_warehouse(home, context.log)
        folder = home.published / "current"
        return dg.MaterializeResult(
            metadata={
                "version": version.version,
                "marts": len(version.marts),
                "dagster/row_count": sum(mart.rows for mart in version.marts),
                "seconds": version.seconds,
                "database": dg.MetadataValue.path(str(folder / DATABASE_NAME)),
                "dashboard": dg.MetadataValue.path(str(lead_to_current(home))),
                "rows": dg.MetadataValue.table(
                    [
                        dg.TableRecord({"mart": mart.name, "rows": mart.rows})
                        for mart in version.marts
                    ]
                ),
            }
        )

    return [version_before, published_marts]


def _dashboard(home: Home) -> Callable[[Path, str], Path]:
    """What writes the dashboard of a version into its folder.

    Raises:
        WarehouseError: The choice of what it shows is wrong.
    """
    choice = load_choice()
    audited = read_outcomes(home)

    def write(folder: Path, version: str) -> Path:
        issue = Issue(version, run_clock(), audited.get("property_name"), audited.get("score"))
        return write_dashboard(folder, choice, issue)

    return write


def _compact_warehouse(home: Home, log: dg.DagsterLogManager) -> None:
    """Compact where it pays. Readers have the new version by now: nothing here may take it back."""
    try:
        compaction = compact(home.warehouse)
    except duckdb.Error as error:
        log.warning(
            f"The warehouse was not compacted ({type(error).__name__}): somebody has it open, or"
            " the disk is full. The next run tries again."
        )
        return
    if compaction:
        log.info(
            f"Compacted {', '.join(compaction.tables)}: the warehouse stores"
            f" {compaction.stored_rows:,} rows instead of {compaction.stored_rows_before:,}."
        )
