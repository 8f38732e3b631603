"""Which days a run covers, and that a file outside all partitions is not left lying."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from orchestration.ingestion.deliveries import FIRST_PARTITION, day_of, partition_tags


def file(day: str) -> SimpleNamespace:
    return SimpleNamespace(file_key=f"events_{day}")


@pytest.mark.parametrize(
    "day",
    [
        (FIRST_PARTITION - timedelta(days=1)).strftime("%Y%m%d"),
        (datetime.now(UTC) + timedelta(days=2)).strftime("%Y%m%d"),
        "20261399",
        "",
    ],
)
def test_a_file_of_a_day_without_a_partition_belongs_to_every_run(day):
    assert day_of(file(day)) is None
    assert partition_tags([file(day)]) == {}


def test_one_run_covers_all_days_that_wait():
    tags = partition_tags([file("20240103"), file(""), file("20240101")])
    assert list(tags.values()) == ["2024-01-01", "2024-01-03"]
