"""Whoever reads large tables keeps the memory limit, whatever the machine has."""

from __future__ import annotations

import duckdb
import pytest

from expectations.memory import limited


def test_a_database_holds_what_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, held in (("512MB", "488.2 MiB"), (None, "3.7 GiB")):
        if said:
            monkeypatch.setenv("CXW_MEMORY_LIMIT", said)
        else:
            monkeypatch.delenv("CXW_MEMORY_LIMIT")
        with limited(duckdb.connect()) as connection:
            row = connection.execute("select current_setting('memory_limit')").fetchone()
        assert row == (held,)
