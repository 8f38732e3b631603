"""dbt's unit tests judge code, not data: the daily job leaves them out, this runs them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.dbt_build import invoke, load_project
from orchestration.home import Home
from orchestration.transformation import project_fingerprint_of

if TYPE_CHECKING:
    from conftest import FinishedRun


def test_every_dbt_unit_test_passes(demo_run: FinishedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(demo_run.home)
    for name, value in home.environment().items():
        monkeypatch.setenv(name, value)
    declared = load_project(home.dbt_target, project_fingerprint_of()).unit_tests
    assert declared
    result = invoke(home.dbt_target, project_fingerprint_of(), "test", "--select", "test_type:unit")
    rows = {row.node.unique_id: row for row in getattr(result.result, "results", [])}
    failed = {name: rows[name].message for name in declared if rows[name].status != "pass"}
    assert failed == {}
    assert result.success, result.exception
