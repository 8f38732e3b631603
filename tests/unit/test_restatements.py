"""What is published is remembered for the comparison, whatever the version looked like."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.home import Home
from orchestration.restatements import REMEMBERED, remember_published
from orchestration.versions import Mart, publish

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
MART = Mart("mart_journey_metrics", "marts", "Figures.", {})


def remembered(home: Home, name: str) -> duckdb.DuckDBPyRelation:
    # a connection of its own: the default one refuses work while a result is unread
    return duckdb.connect().sql(f"from '{home.state / 'published' / name}.parquet'")


def test_before_the_first_version_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    home = Home(tmp_path)
    remember_published(home)
    for name in REMEMBERED:
        assert remembered(home, name).fetchall() == []
        assert "period_start" in remembered(home, name).columns


def test_a_published_figure_is_remembered_with_its_version(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema marts")
        # an old version, which did not know all of today's columns, and had one more
        connection.execute(
            """
            create table marts.mart_journey_metrics as
            select
                'nps' as metric_id, date '2026-02-01' as period_start, 41.5 as value,
                40 as n, false as is_suppressed, 'x' as retired_column
            """
        )
    version = publish(home.warehouse, home.published, [MART], NOW)
    remember_published(home)
    rows = remembered(home, "published_journey_metrics").project(
        "metric_id, value, n, persona_id, published_version"
    )
    assert rows.fetchall() == [("nps", 41.5, 40, None, version.version)]
    assert remembered(home, "published_restatements").fetchall() == []
    remember_published(home)
    assert len(rows.fetchall()) == 1
