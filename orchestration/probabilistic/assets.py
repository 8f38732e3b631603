"""The probable links' place in the run: after the customers and the vault, before what shows them.

Off by default: then the tables are written without rows, and splink is not imported.
"""

import time
from collections.abc import Iterator

import dagster as dg

from orchestration.home import Home
from orchestration.probabilistic.settings import is_switched_on, load_settings
from orchestration.probabilistic.store import find, show_none
from orchestration.run_lock import LOCK_RESOURCE, WAREHOUSE_POOL

PAIRS = dg.AssetKey(["probabilistic", "pairs"])
DUPLICATES = dg.AssetKey(["probabilistic", "duplicates"])

_READ = (
    ("vault", "personal_data_vault"),
    ("intermediate", "int_identifiers_resolved"),
    ("intermediate", "int_identity_separations"),
    ("intermediate", "int_crm_contacts_unioned"),
)


def build_probabilistic_assets(home: Home) -> list[dg.AssetsDefinition]:
    """Scored pairs of records, and what thresholds and reviewers make of them."""

    @dg.multi_asset(
        name="probable_links",
        specs=[
            dg.AssetSpec(
                key,
                deps=[dg.AssetKey(list(read)) for read in _READ],
                description=description,
            )
            for key, description in (
                (PAIRS, "Pairs of records of different customers, with their scores."),
                (DUPLICATES, "Pairs of customers, with status and group."),
            )
        ],
        group_name="intermediate",
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def probable_links(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        """Compare the vault's records, where CXW_IDENTITY_PROBABILISTIC=show asks for it."""
        if not is_switched_on():
            show_none(home)
            for key in (PAIRS, DUPLICATES):
                yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": 0})
            return
        started = time.monotonic()
        found = find(home, load_settings(home))
        for rule, number in found.rules_left_out.items():
            context.log.warning(f"Not compared by {rule}: {number:,} pairs would be too many")
        yield dg.MaterializeResult(
            asset_key=PAIRS,
            metadata={
                "dagster/row_count": found.pairs,
                "records_compared": found.records,
                "model_version": found.model_version or "none",
                "rules_left_out": found.rules_left_out,
                "seconds": round(time.monotonic() - started, 2),
            },
        )
        yield dg.MaterializeResult(
            asset_key=DUPLICATES,
            metadata={"dagster/row_count": sum(found.statuses.values()), **found.statuses},
        )

    return [probable_links]
