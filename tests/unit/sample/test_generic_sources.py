"""The examples of mappings are read as they stand: over the files that the demo's tools write."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.home import DBT_PROJECT_DIR
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources
from seeds.sample import OTHER_TOOLS
from seeds.sample.generate import generate
from seeds.sample.world import Settings


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw zone of a home whose sources are the examples alone."""
    home = tmp_path_factory.mktemp("examples")
    generate(Settings(customers=120, days=42, seed=7, is_clean=True), home / "exports")
    shutil.copy(OTHER_TOOLS, home / "sources.yml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXW_HASH_KEY", "a key for tests")
        sources = load_sources(home / "sources.yml")
        pending = discover(sources, home / "raw")
        land(pending, sources, home / "raw", "run", datetime(2026, 11, 1, 6, 0, tzinfo=UTC))
    return home / "raw"


def landed(raw: Path, table: str, columns: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns}, count(*) from read_parquet(?, union_by_name = true) group by all",
            [f"{raw}/generic/{table}/dt=*/*.parquet"],
        ).fetchall()


def test_every_kind_that_a_metric_may_need_has_an_example(raw: Path) -> None:
    project = yaml.safe_load((DBT_PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    for table, kinds in project["vars"]["conformed_kinds"].items():
        assert {kind for kind, _ in landed(raw, table, "kind")} == set(kinds)


def test_every_example_lands_and_nothing_of_it_is_quarantined(raw: Path) -> None:
    mapped = yaml.safe_load(OTHER_TOOLS.read_text(encoding="utf-8"))["sources"]
    tables = {table["table"] for source in mapped for table in source["tables"]}
    found = {source: count for table in tables for source, count in landed(raw, table, "_source")}
    assert set(found) == {source["name"] for source in mapped}
    with duckdb.connect() as connection:
        quarantined = connection.execute(
            "select source_file, line, reason from read_parquet(?, union_by_name = true)"
            " where line is not null",
            [f"{raw}/_quarantine/*.parquet"],
        ).fetchall()
    assert quarantined == []


def test_a_testimonial_tells_its_stars_and_place_and_names_nobody(raw: Path) -> None:
    told = landed(
        raw,
        "feedback",
        "kind, place is null, cast(rating as double) between 4 and 5, email is null",
    )
    assert [row[:4] for row in told if row[0] == "testimonials"] == [
        ("testimonials", False, True, True)
    ]
