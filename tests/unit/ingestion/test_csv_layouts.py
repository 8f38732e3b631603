"""The documented CSV layouts are those that landing reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.specs import Column

PAGE = Path(__file__).parents[3] / "docs" / "csv_layouts.md"
DOCUMENTED = [vendor for vendor in VENDORS.values() if vendor.docs_url == "docs/csv_layouts.md"]


def _row(column: Column) -> str:
    needed = "every row" if column.not_null else "column" if column.required else ""
    return f"| `{column.name}` | {needed} | {column.description} |".replace("|  |", "| |")


def _section(vendor: str) -> str:
    (section,) = [
        text
        for text in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
        if f"`{vendor}`" in text
    ]
    return section


@pytest.mark.parametrize("vendor", DOCUMENTED, ids=lambda vendor: vendor.name)
def test_page_lists_exactly_the_columns_that_landing_declares(vendor):
    section = _section(vendor.name)
    documented = [line for line in section.splitlines() if line.startswith("| `")]

    assert documented == [_row(column) for table in vendor.tables for column in table.columns]


@pytest.mark.parametrize("vendor", DOCUMENTED, ids=lambda vendor: vendor.name)
def test_page_names_exactly_the_files_that_landing_looks_for(vendor):
    headings = [
        line.removeprefix("### ")
        for line in _section(vendor.name).splitlines()
        if line.startswith("### ")
    ]

    assert headings == [
        ", ".join(f"`{pattern}`" for rule in table.files for pattern in rule.patterns)
        for table in vendor.tables
    ]
