"""The README does not lie: its files exist, its commands are known, its settings are read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_make_target_of_the_readme_exists() -> None:
    named = set(re.findall(r"`?make ([a-z-]+)", README)) - {"help"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test", "ui"} <= named <= targets


def test_every_cxw_command_of_the_readme_exists() -> None:
    commands = set(re.findall(r"cxw ((?:plan )?[a-z]+)", README))
    assert {"init", "doctor", "run", "plan check"} <= commands
    for command in sorted(commands):
        answer = subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *command.split(), "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, f"cxw {command}: {answer.stderr}"


def test_every_file_of_the_repository_that_the_readme_names_exists() -> None:
    names = re.findall(
        r"`((?:seeds|orchestration|dbt_project|expectations|tests)/[\w./-]*)`", README
    )
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_setting_of_the_readme_is_read_somewhere() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("orchestration", "expectations", "dbt_project")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".yml", ".sql"} and "target" not in path.parts
    )
    settings = set(re.findall(r"\bCXW_[A-Z_]+", README))
    assert [name for name in settings if name not in code] == []


@pytest.mark.parametrize("mart", sorted(set(re.findall(r"`((?:dim|fct|mart)_\w+)`", README))))
def test_every_mart_of_the_readme_exists(mart: str) -> None:
    assert list((ROOT / "dbt_project" / "models" / "marts").rglob(f"{mart}.sql"))
