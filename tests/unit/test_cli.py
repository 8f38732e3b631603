"""A user's mistake ends in a message that names place and remedy, never in a traceback."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.home import Home
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources
from orchestration.run import rules_fingerprint

Cxw = Callable[..., subprocess.CompletedProcess[str]]


def said(answer: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in answer.stdout + answer.stderr
    return " ".join((answer.stdout + answer.stderr).split())


def test_help_lists_the_commands(cxw: Cxw, tmp_path: Path) -> None:
    answer = cxw(tmp_path, "--help")
    assert answer.returncode == 0
    for command in ("init", "doctor", "demo", "run", "summary", "ui", "plan"):
        assert command in answer.stdout


def test_a_run_without_sources_says_how_to_get_some(cxw: Cxw, tmp_path: Path) -> None:
    answer = cxw(tmp_path, "run")
    assert answer.returncode == 1
    assert "sources.yml does not exist" in said(answer)
    assert "cxw init" in said(answer)


def test_a_run_with_nothing_to_load_fails_and_says_so(cxw: Cxw, tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text("version: 1\nsources: []\n")
    answer = cxw(tmp_path, "run")
    assert answer.returncode == 1
    assert "names no source" in said(answer)
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: shop, vendor: ga4, path: nowhere}\n"
    )
    answer = cxw(tmp_path, "run")
    assert answer.returncode == 1
    assert "No source has a file" in said(answer)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CXW_NOW", "yesterday"),
        ("CXW_TIMEZONE", "Europe/Helsinkki"),
        ("CXW_MEMORY_LIMIT", "lots"),
        ("CXW_THREADS", "0"),
        ("CXW_THREADS", "many"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    cxw: Cxw, tmp_path: Path, name: str, value: str
) -> None:
    answer = cxw(tmp_path, "init", **{name: value})
    assert answer.returncode == 1
    assert f"{name}={value}" in said(answer)


def test_a_home_that_cannot_be_made_is_named(cxw: Cxw, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = cxw(tmp_path / "file" / "home", "init")
    assert answer.returncode == 1
    assert "cannot be created" in said(answer)
    assert "CXW_HOME" in said(answer)


def test_init_writes_sources_that_doctor_accepts_and_never_overwrites_them(
    cxw: Cxw, tmp_path: Path
) -> None:
    assert cxw(tmp_path, "init").returncode == 0
    written = (tmp_path / "sources.yml").read_text()
    assert "ga4" in written
    assert cxw(tmp_path, "doctor").returncode == 0
    (tmp_path / "sources.yml").write_text("version: 1\nsources: []\n")
    again = cxw(tmp_path, "init")
    assert again.returncode == 1
    assert "--force" in said(again)
    assert (tmp_path / "sources.yml").read_text() == "version: 1\nsources: []\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nsources:\n  - name: x\n    vendor: nosuch\n    path: .\n", "nosuch"),
        ("version: 1\nsources:\n  - name: x\n    path: .\n", "vendor is missing"),
        ("version: 1\nsources:\n  - {name: x, vendor: ga4, path: ., formt: native}\n", "formt"),
        ("version: 1\nsources: [\n", "line"),
    ],
)
def test_a_mistake_in_sources_is_told_with_its_line(
    cxw: Cxw, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "sources.yml").write_text(text)
    for command in ("run", "doctor"):
        answer = cxw(tmp_path, command)
        assert answer.returncode == 1
        assert "sources.yml" in said(answer)
        assert message in said(answer)


def test_doctor_names_a_missing_folder_and_a_missing_column(cxw: Cxw, tmp_path: Path) -> None:
    (tmp_path / "tills").mkdir()
    (tmp_path / "tills" / "receipts_202601.csv").write_text("receipt_id;total\nr1;9,90\n")
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n"
        "  - {name: tills, vendor: pos, path: tills}\n"
        "  - {name: shop, vendor: ga4, path: nowhere}\n"
    )
    answer = cxw(tmp_path, "doctor")
    assert answer.returncode == 1
    assert "nowhere" in said(answer)
    assert "sold_at" in said(answer)
    assert not list((tmp_path / "raw").rglob("*.parquet")), "doctor must load nothing"


def test_doctor_tells_a_clock_that_stands_behind_the_last_landing(
    cxw: Cxw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXW_HASH_KEY", "a key for tests")
    (tmp_path / "tills").mkdir()
    (tmp_path / "tills" / "receipts_202601.csv").write_text("receipt_id;sold_at\nr1;2026-01-05\n")
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: tills, vendor: pos, path: tills}\n"
    )
    raw = tmp_path / "raw"
    sources = load_sources(tmp_path / "sources.yml")
    land(discover(sources, raw), sources, raw, "run", datetime(2027, 5, 1, tzinfo=UTC))
    assert "the last landing was at 2027-05-01" in said(cxw(tmp_path, "doctor"))
    assert "the last landing" not in said(cxw(tmp_path, "doctor", CXW_NOW="2027-05-02T00:00:00Z"))


def test_the_plan_check_names_the_line_of_a_mistake(cxw: Cxw, tmp_path: Path) -> None:
    assert cxw(tmp_path, "plan", "check").returncode == 0
    broken = tmp_path / "plan.yml"
    shipped = Path(__file__).resolve().parents[2] / "seeds" / "measurement_plan.yml"
    lines = shipped.read_text(encoding="utf-8").splitlines()
    place = next(i for i, line in enumerate(lines) if line.strip().startswith("status: live"))
    lines[place] = lines[place].replace("live", "alive")
    broken.write_text("\n".join(lines), encoding="utf-8")
    answer = cxw(tmp_path, "plan", "check", str(broken))
    assert answer.returncode == 1
    assert f"plan.yml:{place + 1}:" in said(answer)
    # Line 100 too, which a terminal may take for a picture.
    before, after = shipped.read_text(encoding="utf-8").split("  currency: EUR\n", 1)
    moved = "# moved down\n" * (99 - before.count("\n"))
    broken.write_text(f"{moved}{before}  currency: euro\n{after}", encoding="utf-8")
    assert "plan.yml:100:" in said(cxw(tmp_path, "plan", "check", str(broken)))


def test_the_plan_check_names_sources_that_nothing_delivers(cxw: Cxw, tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[2] / "seeds" / "measurement_plan.yml"
    before, after = shipped.read_text(encoding="utf-8").split("\nsources:\n", 1)
    listed = after.split("\n\n", 1)
    own = "  - {name: web_shop, schedule_hours: 24}\n  - {name: web_shopp, schedule_hours: 24}"
    plan = tmp_path / "measurement_plan.yml"
    plan.write_text(f"{before}\nsources:\n{own}\n\n{listed[1]}", encoding="utf-8")
    assert "note:" not in said(cxw(tmp_path, "plan", "check"))
    (tmp_path / "exports").mkdir()
    (tmp_path / "sources.yml").write_text(
        f"version: 1\nsources: [{{name: web_shop, vendor: ga4, path: {tmp_path / 'exports'}}}]\n"
    )
    answer = cxw(tmp_path, "plan", "check")
    assert answer.returncode == 0
    assert "sources.yml reads no 'web_shopp'" in said(answer)
    assert "'web_shop'" not in said(answer)


def test_the_demo_never_overwrites_sources_of_ones_own(cxw: Cxw, tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text("version: 1\nsources: []\n")
    answer = cxw(tmp_path, "demo", "--customers", "20", "--days", "7")
    assert answer.returncode == 1
    assert "sources of your own" in said(answer)


def test_an_exception_goes_into_a_plan_of_ones_own(cxw: Cxw, tmp_path: Path) -> None:
    until = ("--until", "2999-12-31", "--why", "Tests")
    unknown = cxw(tmp_path, "audit", "accept", "COL99", *until)
    assert unknown.returncode == 1
    assert "There is no check COL99. Did you mean COL09" in said(unknown)
    assert "SUR01" not in said(unknown)
    past = cxw(tmp_path, "audit", "accept", "COL06", "--until", "2020-01-01", "--why", "Tests")
    assert past.returncode == 1
    assert "has passed" in said(past)
    assert not (tmp_path / "measurement_plan.yml").exists()
    before = rules_fingerprint(Home(tmp_path))
    assert cxw(tmp_path, "audit", "accept", "COL06", *until).returncode == 0
    # The next run looks at it, though no file is new.
    assert rules_fingerprint(Home(tmp_path)) != before
    checked = cxw(tmp_path, "plan", "check")
    assert checked.returncode == 0
    assert str(tmp_path / "measurement_plan.yml") in said(checked)
    shipped = Path(__file__).resolve().parents[2] / "seeds" / "measurement_plan.yml"
    own = (tmp_path / "measurement_plan.yml").read_text(encoding="utf-8")
    assert own != shipped.read_text(encoding="utf-8")
    assert "COL06" in own


def test_a_plan_cannot_be_compared_before_anything_was_loaded(cxw: Cxw, tmp_path: Path) -> None:
    for command in ("diff", "draft"):
        answer = cxw(tmp_path, "plan", command)
        assert answer.returncode == 1
        assert "cxw run" in said(answer)
        assert "Traceback" not in said(answer)
