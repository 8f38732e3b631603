"""What is waiting to be landed, and which days it is for; cheap enough to ask every minute."""

from __future__ import annotations

import re
from datetime import date, datetime

from orchestration.home import Home
from orchestration.ingestion.landing import PendingFile, discover
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
    """The day that a web export's file name carries (``events_20240111.parquet``), if any."""
    match = _DAY.search(file.file_key or "")
    if not match:
        return None
    try:
        return datetime.strptime(match.group(), "%Y%m%d").date()
    except ValueError:
        return None


def partition_tags(files: list[PendingFile]) -> dict[str, str]:
    """The tags that make one run cover all days of the waiting files; none without a day."""
    days = sorted(day for day in map(day_of, files) if day and day >= FIRST_PARTITION)
    if not days:
        return {}
    return {RANGE_START_TAG: days[0].isoformat(), RANGE_END_TAG: days[-1].isoformat()}
