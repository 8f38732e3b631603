"""sources.yml: every mistake is told with its line and remedy, before anything is loaded."""

from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest

from orchestration.ingestion.errors import SourcesError
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.sources import doctor, init_text, load_sources

HEAD = "version: 1\nsources:\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "sources.yml"
    path.write_text(text)
    return path


def load(folder: Path, text: str):
    return load_sources(written(folder, text))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("  - {name: a, vendor: ga5, path: x}\n", 3, "vendor ga5 is unknown"),
        ("  - {name: a, vendor: ga4}\n", 3, "a has no path"),
        ("  - name: a\n    vendor: ga4\n    path: x\n    format: csv\n", 6, "no format csv"),
        ("  - name: a\n    vendor: ga4\n    pth: x\n", 5, "pth is not known"),
        ("  - name: A b\n    vendor: ga4\n    path: x\n", 3, "name"),
        (
            "  - {name: a, vendor: ga4, path: x}\n  - {name: a, vendor: ga4, path: x}\n",
            4,
            "stands twice",
        ),
        ("  - name: a\n    vendor: generic\n", 3, "a has no tables"),
        (
            "  - name: a\n    vendor: generic\n    tables:\n      - table: orders\n"
            "        path: x.csv\n        columns:\n          order_id: id\n",
            8,
            "orders needs ordered_at",
        ),
        (
            "  - name: a\n    vendor: generic\n    tables:\n      - table: refunds\n"
            "        path: x.csv\n        columns:\n          refund_id: id\n          price: p\n",
            10,
            "refunds has no column price",
        ),
        (
            "  - name: a\n    vendor: generic\n    tables:\n      - table: orders\n"
            "        path: x.csv\n        timezone: Mars\n        columns: {order_id: a}\n",
            8,
            "time zone 'Mars' is unknown",
        ),
        ("  - name: a\n   vendor: x\n", 4, "no valid YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(tmp_path, text, line, words):
    with pytest.raises(SourcesError) as caught:
        load(tmp_path, HEAD + text)
    assert f"sources.yml, line {line}" in caught.value.message
    assert words in caught.value.message
    assert caught.value.remedy


def test_a_missing_file_says_how_to_write_one(tmp_path):
    with pytest.raises(SourcesError, match="cxw init"):
        load_sources(tmp_path / "sources.yml")


def test_an_unset_variable_in_a_path_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("CXW_NO_SUCH", raising=False)
    sources = load(tmp_path, HEAD + "  - {name: a, vendor: ga4, path: '${CXW_NO_SUCH}/x'}\n")
    with pytest.raises(SourcesError, match="CXW_NO_SUCH is not set"):
        discover(sources, tmp_path / "raw")
    assert "CXW_NO_SUCH" in doctor(sources)[0].remedy


def test_an_absent_folder_is_nothing_to_land_unless_it_is_required(tmp_path):
    entry = "  - {name: a, vendor: ga4, path: gone%s}\n"
    assert discover(load(tmp_path, HEAD + entry % ""), tmp_path / "raw") == []
    with pytest.raises(SourcesError, match=r"gone does not exist"):
        discover(load(tmp_path, HEAD + entry % ", required: true"), tmp_path / "raw")


def test_init_writes_a_file_that_loads_with_the_demo_active_and_every_vendor_in_it(tmp_path):
    (tmp_path / "exports" / "ga4").mkdir(parents=True)
    text = init_text(tmp_path)
    sources = load(tmp_path, text)
    assert [source.name for source in sources.sources] == ["ga4"]
    for vendor in VENDORS:
        assert f"vendor: {vendor}\n" in text
    uncommented = "\n".join(
        line.replace("  # ", "  ", 1) if line.startswith(("  # - ", "  #   ")) else line
        for line in text.splitlines()
    )
    assert len(load(tmp_path, uncommented).sources) == len(VENDORS)


def test_init_without_exports_activates_nothing_and_still_loads(tmp_path):
    assert load(tmp_path, init_text(tmp_path)).sources == ()


def test_the_doctor_names_paths_patterns_and_columns_without_loading(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "sp").mkdir()
    (tmp_path / "sp" / "a.csv").write_text("event_id,page_title\n1,x\n")
    (tmp_path / "sp" / "b.csv").write_text("")
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "a.csv").write_text("event_id,collector_tstamp\n1,2026-01-01\n")
    sources = load(
        tmp_path,
        HEAD
        + "  - {name: gone, vendor: ga4, path: gone}\n"
        + "  - {name: empty, vendor: ga4, path: empty, required: true}\n"
        + "  - {name: sp, vendor: snowplow, path: sp}\n"
        + "  - {name: good, vendor: snowplow, path: good}\n"
        + "  - {name: till, vendor: generic, tables: [{table: orders, path: till.csv,"
        + " columns: {order_id: no, ordered_at: sold, total_amount: sum, currency: \"'EUR'\"}}]}\n",
    )
    (tmp_path / "till.csv").write_text("no,sold_at,sum\n1,2026-01-01,5\n")
    (tmp_path / "good" / "export.zip").write_text("PK")
    found = {(f.source, f.file.rpartition("/")[2], f.status): f.remedy for f in doctor(sources)}
    assert "does not exist" in found["gone", "gone", "error"]
    assert "events_*.parquet" in found["empty", "empty", "error"]
    assert "collector_tstamp" in found["sp", "a.csv", "error"]
    assert "empty" in found["sp", "b.csv", "error"]
    assert found["good", "1 file", "ok"] == "readable"
    assert "Not read" in found["good", "export.zip", "warning"]
    assert "sold, cannot be evaluated" in found["till", "till.csv", "error"]
    assert not (tmp_path / "raw" / "snowplow").exists()


def test_files_of_a_remote_path_are_copied_once_and_keep_their_place(tmp_path):
    remote = fsspec.filesystem("memory")
    remote.pipe("/bucket/day/a.csv", b"event_id,collector_tstamp\n1,2026-01-01 10:00:00\n")
    sources = load(tmp_path, HEAD + "  - {name: sp, vendor: snowplow, path: 'memory://bucket'}\n")
    raw = tmp_path / "raw"
    now = datetime(2026, 1, 2, tzinfo=UTC)
    (batch,) = land(discover(sources, raw), sources, raw, "run", now)
    assert (batch.source_file, batch.rows_landed) == ("day/a.csv", 1)
    assert discover(sources, raw) == []


def test_names_match_with_compression_case_and_folders(tmp_path):
    for name in ("events_20260101.PARQUET", "sub/events_20260102.parquet", "other.parquet"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    sources = load(tmp_path, HEAD + "  - {name: a, vendor: ga4, path: in}\n")
    assert sorted(item.source_file for item in discover(sources, tmp_path / "raw")) == [
        "events_20260101.PARQUET",
        "sub/events_20260102.parquet",
    ]
