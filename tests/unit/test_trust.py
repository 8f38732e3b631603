"""What `cxw trust explain` says of versions that cannot tell, and of none."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import WarehouseError
from orchestration.trust import explained
from orchestration.versions import DATABASE_NAME

_GRADED = (
    "create table mart_metric_trust as select 'nps' as metric_id, 'month' as period_type,"
    " date '2026-01-01' as period_start, 'all' as channel, 'A' as trust_grade"
)


def _published(folder: Path, *statements: str) -> Path:
    """A version as an early release left it."""
    current = folder / "current"
    current.mkdir(parents=True)
    version = {"version": "20260101T000000Z", "marts": [], "published_at": "", "seconds": 1.0}
    (current / "version.json").write_text(json.dumps(version))
    with duckdb.connect(str(current / DATABASE_NAME)) as connection:
        for statement in statements:
            connection.execute(statement)
    return folder


@pytest.mark.parametrize("statements", [(), (_GRADED,)], ids=["no grades", "grades alone"])
def test_a_version_from_before_explanations_says_so(
    statements: tuple[str, ...], tmp_path: Path
) -> None:
    published = _published(tmp_path, *statements)
    with pytest.raises(WarehouseError, match="20260101T000000Z was published before") as raised:
        explained(published, "nps", "month", None, "all")
    assert "cxw run" in str(raised.value.remedy)


def test_nothing_published_says_so(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="Nothing has been published"):
        explained(tmp_path, "nps", "month", None, "all")
