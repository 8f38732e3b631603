"""Whoever reads large tables keeps the memory limit, whatever the machine has."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from expectations.memory import limited, workplace


def test_a_database_holds_what_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, held in (("512MB", "488.2 MiB"), (None, "3.7 GiB")):
        if said:
            monkeypatch.setenv("CXW_MEMORY_LIMIT", said)
        else:
            monkeypatch.delenv("CXW_MEMORY_LIMIT")
        with limited(duckdb.connect()) as connection:
            row = connection.execute("select current_setting('memory_limit')").fetchone()
        assert row == (held,)


def test_what_a_workplace_spills_lies_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXW_MEMORY_LIMIT", "60MB")
    with workplace() as connection:
        row = connection.execute("select current_setting('temp_directory')").fetchone()
        connection.execute(
            "create table texts as select md5(cast(i as varchar)) as text from range(4000000) r(i)"
        )
        assert row
        folder = Path(row[0])
        assert list(folder.iterdir()), "60 MB hold more than four million texts"
        assert folder.stat().st_mode & 0o077 == 0, "others read what was spilled"
    assert not folder.exists()
    assert not list(tmp_path.iterdir())
