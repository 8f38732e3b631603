"""Great Expectations on DuckDB, and the shim that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations import gx_engine
from expectations.gx_engine import judge
from expectations.suites import Expectation


def _expectations(*queries: str) -> list[Expectation]:
    return [
        Expectation(f"COL0{n}", "collection", "numbers", query, "warning", f"question {n}")
        for n, query in enumerate(queries)
    ]


@pytest.fixture
def numbers(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"n": list(range(500))}), path)
    return {"numbers": path}


def test_failing_rows_are_all_returned(numbers: dict[str, Path], tmp_path: Path) -> None:
    judged = judge(
        _expectations("select * from {batch} where n > 900", "select * from {batch} where n > 99"),
        numbers,
        tmp_path / "work",
        tmp_path / "docs",
    )
    assert [j.success for j in judged] == [True, False]
    assert len(judged[1].failing_rows) == 400


def test_a_query_that_cannot_run_is_an_error_and_no_pass(
    numbers: dict[str, Path], tmp_path: Path
) -> None:
    judged = judge(
        _expectations("select * from {batch} where nowhere > 1"),
        numbers,
        tmp_path / "work",
        tmp_path / "docs",
    )
    assert not judged[0].success
    assert judged[0].error


def test_the_duckdb_shim_is_still_needed(
    numbers: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When this fails, Great Expectations fetches from DuckDB by itself: delete the shim."""
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine

    def leave_as_shipped(module: Any) -> None:
        shipped = tuple(d for d in module._PERSISTED_CONNECTION_DIALECTS if d != "duckdb")
        monkeypatch.setattr(engine, "_PERSISTED_CONNECTION_DIALECTS", shipped)

    monkeypatch.setattr(gx_engine, "keep_connections_open", leave_as_shipped)
    judged = judge(
        _expectations("select * from {batch} where n > 900"),
        numbers,
        tmp_path / "work",
        tmp_path / "docs",
    )
    assert judged[0].error, "the shim in expectations/gx_engine.py is no longer needed"
