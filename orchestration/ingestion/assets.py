"""The raw tables as Dagster assets: one step a vendor, one asset a table.

Web exports are partitioned by day: a backfill over any range of days is one run, which lands what
waits for these days and has the models compute them again. The other sources deliver whole files
whose rows carry their own dates.
"""

import time
from collections.abc import Iterator

import dagster as dg

from orchestration.errors import WarehouseError
from orchestration.home import Home, run_clock
from orchestration.ingestion.deliveries import FIRST_PARTITION, day_of, pending_files, run_counts
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import PendingFile, clock_behind
from orchestration.ingestion.raw_zone import LandedBatch, raw_row_counts
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.sources import load_sources
from orchestration.ingestion.specs import VendorSpec
from orchestration.replay import Window, remember
from orchestration.run_lock import LOCK_RESOURCE, WAREHOUSE_POOL

# Written by landing beside the rows; the ledger and the audit read them.
_BOOKS = {
    "manifest": "One row per source file and raw table that landing has read.",
    "quarantine": "One row per record that could not be landed, with place and reason.",
    "rows": "Every landed row, for counting.",
}

READABLE_CHECK = "files_are_readable"

# Dagster's own mark of a run that somebody asked for by its days.
BACKFILL_TAG = "dagster/backfill"

# Disks and mounts hiccup; a file that cannot be parsed fails at once and is not tried again.
IO_RETRIES = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL)


def build_landing_assets(home: Home) -> list[dg.AssetsDefinition]:
    """One multi-asset per vendor, in the order of the registry, and landing's own books."""
    return [*(_landing_assets(home, spec) for spec in VENDORS.values()), _bookkeeping(home)]


def _bookkeeping(home: Home) -> dg.AssetsDefinition:
    raw_tables = [[spec.name, table.name] for spec in VENDORS.values() for table in spec.tables]

    @dg.multi_asset(
        name="landing_bookkeeping",
        specs=[
            dg.AssetSpec(["landing", name], deps=raw_tables, description=description)
            for name, description in _BOOKS.items()
        ],
        group_name="landing",
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def landing_bookkeeping(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """What this run landed and what it refused, over all vendors."""
        warning = clock_behind(home.raw, run_clock())
        if warning:
            context.log.warning(warning)
        counts = run_counts(home, context.run_id)
        for name in _BOOKS:
            yield dg.MaterializeResult(asset_key=["landing", name], metadata=counts)

    return landing_bookkeeping


def _is_dated(spec: VendorSpec) -> bool:
    return any(rule.file_key for table in spec.tables for rule in table.files)


def _landing_assets(home: Home, spec: VendorSpec) -> dg.AssetsDefinition:
    daily = dg.DailyPartitionsDefinition(start_date=FIRST_PARTITION.isoformat(), end_offset=1)

    @dg.multi_asset(
        name=f"land_{spec.name}",
        specs=[
            dg.AssetSpec(
                key=[spec.name, table.name],
                description=table.description,
                kinds={"parquet"},
                metadata={"documentation": dg.MetadataValue.url(spec.docs_url)},
            )
            for table in spec.tables
        ],
        check_specs=[
            dg.AssetCheckSpec(
                READABLE_CHECK,
                asset=[spec.name, table.name],
                description="Every file of this run could be read; each failure names its remedy.",
            )
            for table in spec.tables
        ],
        group_name="landing",
        can_subset=True,
        partitions_def=daily if _is_dated(spec) else None,
        backfill_policy=dg.BackfillPolicy.single_run() if _is_dated(spec) else None,
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
        retry_policy=IO_RETRIES,
    )
    def land_vendor(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        started = time.monotonic()
        if BACKFILL_TAG in context.run.tags and context.has_partition_key_range:
            days = context.partition_key_range
            remember(home, Window(days.start, days.end))
        tables = {key.path[-1] for key in context.selected_asset_keys}
        waiting = [
            file
            for file in pending_files(home)
            if file.vendor == spec.name and file.table in tables and _is_selected(context, file)
        ]
        try:
            batches = land(
                waiting, load_sources(home.sources_file), home.raw, context.run_id, run_clock()
            )
        except WarehouseError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        seconds = time.monotonic() - started
        row_counts = raw_row_counts(home.raw, spec.name)
        for table in spec.tables:
            if table.name in tables:
                mine = [batch for batch in batches if batch.table_name == table.name]
                row_count = row_counts.get(table.name, 0)
                yield _materialization(home, spec, table.name, mine, row_count, seconds)
                yield _readable(spec, table.name, mine)

    return land_vendor


def _is_selected(context: dg.AssetExecutionContext, file: PendingFile) -> bool:
    """Whether the file belongs to the partitions of this run; a file without a day always does."""
    day = day_of(file)
    if day is None or not context.has_partition_key_range:
        return True
    days = context.partition_key_range
    return days.start <= day.isoformat() <= days.end


def _materialization(
    home: Home,
    spec: VendorSpec,
    table: str,
    batches: list[LandedBatch],
    row_count: int,
    seconds: float,
) -> dg.MaterializeResult:
    loaded = [batch for batch in batches if batch.status == "loaded"]
    days = [day for batch in loaded for day in (batch.min_dt, batch.max_dt) if day]
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(row_count),
        "files": dg.MetadataValue.int(len(loaded)),
        "rows_read": dg.MetadataValue.int(sum(batch.rows_read for batch in loaded)),
        "rows_landed": dg.MetadataValue.int(sum(batch.rows_landed for batch in loaded)),
        "rows_quarantined": dg.MetadataValue.int(sum(batch.rows_quarantined for batch in loaded)),
        "vendor_seconds": dg.MetadataValue.float(round(seconds, 3)),
        "folder": dg.MetadataValue.path(str(home.raw / spec.name / table)),
    }
    if days:
        metadata["first_day"] = dg.MetadataValue.text(min(days).isoformat())
        metadata["last_day"] = dg.MetadataValue.text(max(days).isoformat())
    return dg.MaterializeResult(asset_key=[spec.name, table], metadata=metadata)


def _readable(spec: VendorSpec, table: str, batches: list[LandedBatch]) -> dg.AssetCheckResult:
    failed = [batch for batch in batches if batch.status == "failed"]
    is_required = any(batch.is_required for batch in failed)
    return dg.AssetCheckResult(
        check_name=READABLE_CHECK,
        asset_key=[spec.name, table],
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if is_required else dg.AssetCheckSeverity.WARN,
        metadata={
            "files": len(batches),
            "warnings": [
                f"{batch.source_file}: {batch.warnings}" for batch in batches if batch.warnings
            ],
            "failed": dg.MetadataValue.table(
                [
                    dg.TableRecord({"file": batch.source_file, "error": batch.error or ""})
                    for batch in failed
                ],
                schema=dg.TableSchema.from_name_type_dict({"file": "string", "error": "string"}),
            ),
        },
    )
