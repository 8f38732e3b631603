"""What the tests of vendor modules share: landing a few files into a temporary raw zone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources


@dataclass(frozen=True)
class RawZone:
    """A raw zone that a test has landed files in."""

    root: Path

    def rows(self, vendor: str, table: str, order_by: str = "_row") -> list[dict[str, Any]]:
        files = f"{self.root}/{vendor}/{table}/dt=*/*.parquet"
        return self._records(
            "select * from read_parquet(?, hive_partitioning = true, "
            f"hive_types = {{'dt': date}}, union_by_name = true) order by {order_by}",
            files,
        )

    def quarantined(self) -> list[dict[str, Any]]:
        return self._records(
            "select * from read_parquet(?, union_by_name = true) where line is not null "
            "order by source_file, line",
            f"{self.root}/_quarantine/*.parquet",
        )

    def manifest(self) -> dict[str, dict[str, Any]]:
        rows = self._records(
            "select * from read_parquet(?, union_by_name = true) where batch_id is not null",
            f"{self.root}/_manifest/*.parquet",
        )
        return {row["source_file"]: row for row in rows}

    def _records(self, query: str, files: str) -> list[dict[str, Any]]:
        with duckdb.connect() as connection:
            cursor = connection.execute(query, [files])
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


LandFiles = Callable[..., RawZone]


@pytest.fixture
def land_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LandFiles:
    """Write files, land them as one vendor's source, and give the raw zone.

    A text is written as it is (bytes too); a sequence of mappings becomes JSON lines.
    """
    monkeypatch.setenv("CXW_HASH_KEY", "a key for tests")

    def write_and_land(
        vendor: str,
        files: Mapping[str, str | bytes | Sequence[Mapping[str, Any]]],
        layout: str = "native",
    ) -> RawZone:
        exports = tmp_path / "exports" / vendor
        exports.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            if isinstance(content, bytes):
                (exports / name).write_bytes(content)
            elif isinstance(content, str):
                (exports / name).write_text(content, encoding="utf-8")
            else:
                lines = [json.dumps(record, ensure_ascii=False) for record in content]
                (exports / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        sources_file = tmp_path / "sources.yml"
        sources_file.write_text(
            f"version: 1\nsources:\n"
            f"  - {{name: {vendor}, vendor: {vendor}, path: {exports}, format: {layout}}}\n",
            encoding="utf-8",
        )
        sources = load_sources(sources_file)
        raw_root = tmp_path / "raw"
        pending = discover(sources, raw_root)
        land(pending, sources, raw_root, "run", datetime(2026, 3, 1, 6, 0, tzinfo=UTC))
        return RawZone(raw_root)

    return write_and_land
