"""What holds for every file of the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".py", ".sql", ".yml", ".yaml", ".toml", ".md", ".lock", ".txt", ".csv", ".json", ".sh", ""}

REGISTRY_HOSTS = re.compile(r"pypi\.org|pythonhosted|npmjs|deb\.debian|--index-url|--extra-index")
MACHINE_PATHS = re.compile(r"(?<![\w./])/(?:work|root|opt/pypi|home/\w+)/")


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    offences = []
    for path in tracked_files():
        if path.suffix not in TEXT or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if REGISTRY_HOSTS.search(line) or MACHINE_PATHS.search(line):
                offences.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert offences == []


def test_every_locked_package_has_its_hash() -> None:
    for name in (
        "requirements.lock",
        "requirements-spark.lock",
        "requirements-probabilistic.lock",
        "tests/end_to_end/duckdb-1.lock",
        "tests/febrl/febrl.lock",
    ):
        lock = (ROOT / name).read_text()
        packages = re.findall(r"^[A-Za-z0-9._-]+==\S+", lock, re.MULTILINE)
        blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", lock, flags=re.MULTILINE)[1:]
        assert packages
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
