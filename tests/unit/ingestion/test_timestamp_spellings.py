"""Landing and staging read the same spellings: what the one lets pass, the other must not lose."""

import re
from pathlib import Path

from orchestration.ingestion import staged_rows

MACROS = Path(__file__).parents[3] / "dbt_project" / "macros" / "engine" / "time.sql"


def _list_in_macro(name: str) -> tuple[str, ...]:
    found = re.search(rf"macro {name}\(\) -%}}\s*{{{{ return\((\[.*?\])\) }}}}", MACROS.read_text())
    assert found, f"{name} is not in {MACROS.name}"
    return tuple(re.findall(r"'([^']+)'", found[1]))


def test_staging_reads_every_spelling_that_landing_lets_pass():
    assert _list_in_macro("date_spellings") == staged_rows._DATE_SPELLINGS
    assert _list_in_macro("time_spellings") == staged_rows._TIME_SPELLINGS
