"""What the current version says, kept where the models can read it: the next is compared with it.

Restatements are figures that readers have seen and that came out otherwise later. The comparison is
with what is published, not with what the last run computed: a run that fails or is held back has
told nobody anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.home import Home
from orchestration.versions import current_version

_CELL: list[pa.Field[Any]] = [
    pa.field("metric_id", pa.string()),
    pa.field("period_type", pa.string()),
    pa.field("period_start", pa.date32()),
    pa.field("journey_stage", pa.string()),
    pa.field("channel", pa.string()),
    pa.field("touchpoint_id", pa.string()),
    pa.field("persona_id", pa.string()),
]

# Columns that the models read of the published marts, whatever else a version had.
_SCHEMAS: dict[str, pa.Schema] = {
    "mart_journey_metrics": pa.schema(
        [
            *_CELL,
            pa.field("metric_version", pa.int32()),
            pa.field("n", pa.int64()),
            pa.field("value", pa.float64()),
            pa.field("is_suppressed", pa.bool_()),
            pa.field("published_version", pa.string()),
        ]
    ),
    "mart_restatements": pa.schema(
        [
            *_CELL,
            pa.field("restated_version", pa.string()),
            pa.field("restated_at", pa.timestamp("us")),
            pa.field("kind", pa.string()),
            pa.field("old_value", pa.float64()),
            pa.field("new_value", pa.float64()),
            pa.field("old_n", pa.int64()),
            pa.field("new_n", pa.int64()),
        ]
    ),
}


# Names of the files, and of the sources that the models know them by.
REMEMBERED = tuple(f"published_{mart.removeprefix('mart_')}" for mart in _SCHEMAS)


def remember_published(home: Home) -> Path:
    """Write what the models compare with: `<state>/published/published_<mart>.parquet`.

    A mart that was never published, or a column that its version did not have, is empty.

    Returns:
        The folder.
    """
    folder = home.state / "published"
    folder.mkdir(parents=True, exist_ok=True)
    current = current_version(home.published)
    for name, (mart, schema) in zip(REMEMBERED, _SCHEMAS.items(), strict=True):
        table = schema.empty_table()
        published = home.published / "current" / "parquet" / f"{mart}.parquet"
        if current is not None and published.exists():
            table = pq.read_table(published)
            if "published_version" in schema.names:
                version = pa.array([current.version] * len(table), pa.string())
                table = table.append_column("published_version", version)
            table = pa.table(
                [
                    table.column(field.name).cast(field.type)
                    if field.name in table.column_names
                    else pa.nulls(len(table), field.type)
                    for field in schema
                ],
                schema=schema,
            )
        draft = folder / f"{name}.draft"
        pq.write_table(table, draft)
        draft.replace(folder / f"{name}.parquet")
    return folder
