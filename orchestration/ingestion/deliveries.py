"""What waits to be landed and for which days, and what a run has landed; cheap to ask."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from orchestration.home import Home
from orchestration.ingestion.new_files import PendingFile, discover
from orchestration.ingestion.sources import load_sources

# Dagster's own tags for a run over a range of partitions, written out because importing Dagster
# takes longer than the question of what is waiting.
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"

FIRST_PARTITION = date(2015, 1, 1)

_DAY = re.compile(r"(?:19|20)\d{6}")


def pending_files(home: Home) -> list[PendingFile]:
    """The files of all sources that are new or changed since they were last landed."""
    return discover(load_sources(home.sources_file), home.raw)


def day_of(file: PendingFile) -> date | None:
    """The day that a web export's file name carries (``events_20240111.parquet``), if any.

    None too where no partition is of that day: such a file belongs to every run.
    """
    match = _DAY.search(file.file_key or "")
    if not match:
        return None
    try:
        day = datetime.strptime(match.group(), "%Y%m%d").date()
    except ValueError:
        return None
    return day if FIRST_PARTITION <= day <= datetime.now(UTC).date() else None


def partition_tags(files: list[PendingFile]) -> dict[str, str]:
    """The tags that make one run cover all days of the waiting files; none without a day."""
    days = sorted(day for day in map(day_of, files) if day)
    if not days:
        return {}
    return {RANGE_START_TAG: days[0].isoformat(), RANGE_END_TAG: days[-1].isoformat()}


def landed_by_source(home: Home, run_id: str) -> list[dict[str, Any]]:
    """Files and rows of this run by source, from the landing manifest."""
    rows = duckdb.execute(
        """
        select
            source,
            count(distinct source_file) filter (where status = 'loaded') as files,
            coalesce(sum(rows_landed), 0)::bigint as rows_landed,
            coalesce(sum(rows_quarantined), 0)::bigint as rows_quarantined,
            count(distinct source_file) filter (where status = 'failed') as failed_files
        from read_parquet(?)
        where run_id = ?
        group by source
        order by source
        """,
        [str(home.raw / "_manifest" / "*.parquet"), run_id],
    )
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def failed_files(home: Home, run_id: str) -> list[str]:
    """What a run could not read: source and message, which names the file and the remedy."""
    return [
        f"{source}: {error}"
        for source, error in duckdb.execute(
            """
            select source, error
            from read_parquet(?)
            where run_id = ? and status = 'failed'
            order by source, source_file, table_name
            """,
            [str(home.raw / "_manifest" / "*.parquet"), run_id],
        ).fetchall()
    ]


def run_counts(home: Home, run_id: str) -> dict[str, int]:
    """Files and rows of one run over all sources."""
    sources = landed_by_source(home, run_id)
    return {
        name: sum(source[name] for source in sources)
        for name in ("files", "rows_landed", "rows_quarantined", "failed_files")
    }
