"""A build of everything that failed or was killed goes on where it ended, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import transformation
from orchestration.home import Home

RULES = "rules"
SOURCES = {"orders": "generic", "marts": "published"}
PARENTS = {
    "model.names": [],
    "model.orders": ["source.orders", "seed.names"],
    "model.inlined": ["model.orders"],
    "model.customers": ["model.inlined"],
    "model.restatements": ["source.marts", "model.orders"],
    "model.later": ["model.customers"],
    "seed.names": [],
    "test.orders": ["model.orders"],
    "test.orders_of_customers": ["model.orders", "model.customers"],
    "test.customers_of_later": ["model.customers", "model.later"],
}
MADE = ["seed.names", "model.orders", "model.customers", "model.restatements"]
PASSED = ["test.orders", "test.orders_of_customers"]


@pytest.fixture
def manifest() -> dict[str, Any]:
    return {
        "nodes": {
            key: {
                "resource_type": key.split(".")[0],
                "name": key.split(".")[1],
                "alias": key.split(".")[1],
                "schema": "marts",
                "config": {"materialized": "ephemeral" if key == "model.inlined" else "table"},
            }
            for key in PARENTS
        },
        "sources": {
            f"source.{table}": {"source_name": source, "name": table}
            for table, source in SOURCES.items()
        },
        "parent_map": PARENTS,
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose warehouse holds what was made, of one raw file."""
    monkeypatch.delenv("CXW_TARGET", raising=False)
    (tmp_path / "raw" / "generic").mkdir(parents=True)
    (tmp_path / "raw" / "generic" / "1.parquet").write_bytes(b"rows")
    home = Home(tmp_path)
    transformation._begin_notes(home, RULES)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema marts")
        for key in MADE:
            connection.execute(f"create table marts.{key.split('.')[1]} (n integer)")
    return home


def noted(home: Home, nodes: Iterable[str]) -> None:
    note = transformation._noting(home, RULES)
    for node in nodes:
        note(node)


def test_what_was_made_and_has_passed_is_not_made_again(home: Home, manifest: Any) -> None:
    noted(home, MADE + PASSED)
    # not what reads a published version, which may be another by then
    assert transformation.made_before(home, manifest, RULES) == ["customers", "names", "orders"]


@pytest.mark.parametrize(
    ("passed", "made"),
    [
        # with the table that was made last the test is asked
        (["test.orders"], ["names", "orders"]),
        # nor does what comes of it stay: Dagster hears of tables after those that they come from
        (["test.orders_of_customers"], ["names"]),
        ([], ["names"]),
    ],
)
def test_what_a_test_failed_or_was_not_asked_of_is_made_again(
    home: Home, manifest: Any, passed: list[str], made: list[str]
) -> None:
    noted(home, MADE + passed)
    assert transformation.made_before(home, manifest, RULES) == made


def test_a_table_that_is_gone_is_made_again(home: Home, manifest: Any) -> None:
    noted(home, MADE + PASSED)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("drop table marts.orders")
    assert transformation.made_before(home, manifest, RULES) == ["names"]


def test_what_a_test_said_of_a_table_before_it_was_built_once_more_is_void(
    home: Home, manifest: Any
) -> None:
    noted(home, MADE + PASSED)
    noted(home, ["model.customers"])
    assert transformation.made_before(home, manifest, RULES) == ["names", "orders"]
    noted(home, ["test.orders_of_customers"])
    assert transformation.made_before(home, manifest, RULES) == ["customers", "names", "orders"]


def test_a_line_that_a_kill_cut_off_says_nothing(home: Home, manifest: Any) -> None:
    noted(home, MADE + PASSED)
    made = home.warehouse.with_suffix(".made")
    whole = made.read_text()
    made.write_text(f"{whole}model.customers")
    assert transformation.made_before(home, manifest, RULES) == ["customers", "names", "orders"]
    noted(home, ["seed.names"])
    assert made.read_text() == f"{whole}seed.names\n"


def test_what_other_rules_make_is_not_noted(home: Home, manifest: Any) -> None:
    """As when a chosen table is built under an edit that is taken back."""
    noted(home, MADE + PASSED)
    transformation._noting(home, "other rules")("model.customers")
    assert transformation.made_before(home, manifest, RULES) == []


def test_a_full_disk_costs_a_note_and_no_more(home: Home, monkeypatch: Any) -> None:
    note = transformation._noting(home, RULES)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    note("model.customers")


@pytest.mark.parametrize(
    "change", ["rules", "rows", "warehouse", "engine", "finished", "unknown", "empty", "replay"]
)
def test_what_was_made_of_anything_else_is_made_again(
    home: Home, manifest: Any, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(home, MADE + PASSED)
    rules = RULES
    if change == "rules":
        rules = "other rules"
    elif change == "rows":
        (home.raw / "generic" / "2.parquet").write_bytes(b"more rows")
    elif change == "warehouse":
        copy = home.warehouse.with_suffix(".copy")
        copy.write_bytes(home.warehouse.read_bytes())
        copy.replace(home.warehouse)
    elif change == "engine":
        monkeypatch.setenv("CXW_TARGET", "spark")
    elif change == "finished":
        home.warehouse.with_suffix(".rules").write_text(RULES)
    elif change == "empty":
        home.warehouse.with_suffix(".made").write_text("")
    elif change == "replay":
        monkeypatch.setenv("CXW_REPLAY_FROM", "2026-01-01")
    else:
        home.warehouse.with_suffix(".made").unlink()
    assert transformation.made_before(home, manifest, rules) == []
