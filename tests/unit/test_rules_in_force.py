"""By which rules the tables of a warehouse were made."""

from __future__ import annotations

from pathlib import Path

from orchestration.home import Home
from orchestration.transformation import begins_anew, is_built_with, warehouse_built


def test_rules_that_come_back_after_a_failed_build_by_others_claim_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.warehouse.touch()
    home.warehouse.with_suffix(".rules").write_text("before")
    assert not begins_anew(home, "before")
    assert begins_anew(home, "edited")
    name = warehouse_built(home)
    # That build failed, and the edit is taken back.
    assert not is_built_with(home, "before")
    assert begins_anew(home, "before")
    assert warehouse_built(home) not in ("", name)
