"""Whoever reads large tables keeps the memory limit, whatever the machine has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from expectations.memory import in_memory, limited, remove_spilled, workplace


def test_a_database_holds_what_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, held in (("512MB", "488.2 MiB"), (None, "3.7 GiB")):
        if said:
            monkeypatch.setenv("CXW_MEMORY_LIMIT", said)
        else:
            monkeypatch.delenv("CXW_MEMORY_LIMIT")
        with limited(duckdb.connect()) as connection:
            row = connection.execute("select current_setting('memory_limit')").fetchone()
        assert row == (held,)


def test_what_a_workplace_spills_lies_in_the_home_and_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXW_MEMORY_LIMIT", "60MB")
    with workplace(home) as connection:
        connection.execute(
            "create table texts as select md5(cast(i as varchar)) as text from range(4000000) r(i)"
        )
        (folder,) = home.iterdir()
        assert list((folder / "rows").iterdir()), "60 MB hold more than four million texts"
        assert folder.stat().st_mode & 0o077 == 0, "others read what was spilled"
    assert [path.name for path in tmp_path.rglob("*")] == ["home"]


def test_what_a_killed_workplace_left_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    left = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import pathlib, sys, time; from expectations.memory import workplace\n"
            "with workplace(pathlib.Path(sys.argv[1])): print('ready', flush=True); time.sleep(60)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    assert left.stdout
    left.stdout.readline()
    (folder,) = tmp_path.iterdir()
    remove_spilled(tmp_path)
    assert folder.exists(), "it is in use"
    left.kill()
    left.wait()
    left.stdout.close()
    assert folder.exists(), "the kill left nothing to remove"
    with workplace(tmp_path):
        assert not folder.exists()
    assert not list(tmp_path.iterdir())


def test_what_passes_rows_on_writes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CXW_MEMORY_LIMIT", "60MB")
    with in_memory() as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.execute(
            "create table texts as select md5(cast(i as varchar)) as text from range(4000000) r(i)"
        )
    assert not list(tmp_path.iterdir())
