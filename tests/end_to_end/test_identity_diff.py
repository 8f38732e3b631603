"""Other identity rules are tried on a finished run before anybody applies them."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import FinishedRun

Cxw = Callable[..., subprocess.CompletedProcess[str]]

RULES = Path(__file__).resolve().parents[2] / "seeds" / "reference" / "identity_rules.csv"


def with_limit(path: Path, identifier_type: str, max_linked: int) -> Path:
    with RULES.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["identifier_type"] == identifier_type:
            row["max_linked"] = str(max_linked)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_rules_in_force_change_nobody(demo_run: FinishedRun, cxw: Cxw) -> None:
    """So the trial builds what the run built: any difference would come from the rules."""
    answer = cxw(demo_run.home, "identity", "diff", "--exit-code")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert ": 0 merges, 0 splits" in answer.stdout


def test_numbers_that_join_nobody_split_customers_and_change_nothing_yet(
    demo_run: FinishedRun, cxw: Cxw, tmp_path: Path
) -> None:
    def customers() -> list[tuple[Any, ...]]:
        with duckdb.connect(str(demo_run.home / "warehouse.duckdb"), read_only=True) as warehouse:
            return warehouse.execute(
                "select customer_id, count(*) filter (identifier_type = 'phone_hash'), count(*)"
                " from intermediate.int_identifiers_resolved group by all order by all"
            ).fetchall()

    before = customers()
    with_phone = {customer: phones for customer, phones, all_ in before if 0 < phones < all_}
    assert with_phone
    rules = with_limit(tmp_path / "rules.csv", "phone_hash", 0)
    answer = cxw(demo_run.home, "identity", "diff", "--rules", str(rules), "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    splits = [change for change in found["changes"] if change["kind"] == "split"]
    assert {change["before"][0] for change in splits} <= set(with_phone)
    # A browser whose people the numbers held together may find another customer.
    others = [change for change in found["changes"] if change["kind"] != "split"]
    assert {change["kind"] for change in others} <= {"rearranged"}
    assert len(others) <= 0.01 * len(splits)
    assert len(splits) >= 0.9 * len(with_phone)
    assert found["customers_after"] - found["customers_before"] == sum(
        len(change["after"]) - len(change["before"]) for change in found["changes"]
    )
    # The oldest part keeps the id.
    assert all(change["before"][0] in change["after"] for change in splits)
    assert customers() == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("identifier_type,limit\nphone_hash,3\n", "identity_rules"),
        ("", "identity_rules"),
    ],
)
def test_a_file_that_is_no_rules_is_named(
    demo_run: FinishedRun, cxw: Cxw, tmp_path: Path, text: str, words: str
) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(text)
    answer = cxw(demo_run.home, "identity", "diff", "--rules", str(wrong))
    assert answer.returncode == 1
    assert str(wrong) in answer.stderr
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
