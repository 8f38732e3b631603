"""Requests to compute days again: what is asked for is served once, and not lost before."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.ingestion.assets import BACKFILL_TAG, build_landing_assets
from orchestration.ingestion.deliveries import RANGE_END_TAG, RANGE_START_TAG
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources
from orchestration.replay import Window, pending, remember, request, served
from orchestration.run_lock import LOCK_RESOURCE

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)

SETTINGS = ("CXW_REPLAY_FROM", "CXW_REPLAY_TO", "CXW_REPLAY_SOURCE")


def told() -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in SETTINGS)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which receipts of two days were landed."""
    home = Home(tmp_path).prepare()
    (tmp_path / "spend.csv").write_text("d,c,p\n2026-10-05,1,a\n2026-10-07,2,a\n")
    home.sources_file.write_text(
        "version: 1\nsources:\n  - name: our_ads\n    vendor: generic\n    tables:\n"
        "      - table: ad_spend\n        path: spend.csv\n"
        "        columns: {spend_date: d, spend_amount: c, platform: p}\n"
    )
    sources = load_sources(home.sources_file)
    batches = land(discover(sources, home.raw), sources, home.raw, "run", NOW)
    assert [batch.status for batch in batches] == ["loaded"]
    return home


def test_a_request_waits_until_it_is_served(home: Home) -> None:
    asked = request(home, date(2026, 10, 5), date(2026, 10, 6), "our_ads")
    request(home, date(2026, 10, 5), date(2026, 10, 6), "our_ads")
    assert pending(home) == [asked] == [Window("2026-10-05", "2026-10-06", "our_ads")]
    with pytest.raises(ValueError, match="broken"), served(home):
        raise ValueError("broken model")
    assert pending(home) == [asked]
    assert told() == (None, None, None)
    with served(home):
        assert told() == ("2026-10-05", "2026-10-06", "our_ads")
    assert pending(home) == []
    with served(home):
        assert told() == (None, None, None)


def test_several_requests_are_served_together(home: Home) -> None:
    remember(home, Window("2026-10-05", "2026-10-05", "our_ads"))
    remember(home, Window("2026-10-01", "2026-10-02"))
    with served(home):
        assert told() == ("2026-10-01", "2026-10-05", "")
        late = remember(home, Window("2026-09-01", "2026-09-02"))
        again = remember(home, Window("2026-10-01", "2026-10-02"))
    assert pending(home) == [late, again]


@pytest.mark.parametrize(
    ("first", "last", "source", "said"),
    [
        (date(2026, 10, 7), date(2026, 10, 5), None, "are none"),
        (date(2026, 10, 5), date(2026, 10, 7), "till", "our_ads"),
        (date(2026, 10, 8), date(2026, 10, 9), None, "2026-10-05 to 2026-10-07"),
    ],
)
def test_a_request_that_cannot_be_served_is_refused(
    home: Home, first: date, last: date, source: str | None, said: str
) -> None:
    with pytest.raises(WarehouseError) as refused:
        request(home, first, last, source)
    assert said in f"{refused.value.message} {refused.value.remedy}"
    assert pending(home) == []


def test_the_command_refuses_in_words(
    home: Home, cxw: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    asked = cxw(home.root, "replay", "--help")
    assert asked.returncode == 0
    assert {"--from", "--to", "--source"} <= set(asked.stdout.split())
    backwards = cxw(home.root, "replay", "--from", "2026-10-07", "--to", "2026-10-05")
    assert backwards.returncode == 1
    assert "are none" in backwards.stderr
    no_day = cxw(home.root, "replay", "--from", "yesterday", "--to", "2026-10-05")
    assert no_day.returncode == 2
    assert "Traceback" not in backwards.stderr + no_day.stderr
    half = cxw(home.root, "replay", "--from", "2026-10-05")
    assert half.returncode == 2


@pytest.mark.parametrize("is_backfill", [True, False])
def test_a_backfill_has_its_days_computed_again(home: Home, is_backfill: bool) -> None:
    """An ordinary run carries the days of waiting files too, and must not compute all between."""
    web = next(
        asset
        for asset in build_landing_assets(home)
        if dg.AssetKey(["ga4", "events"]) in asset.keys
    )
    tags = {RANGE_START_TAG: "2026-10-03", RANGE_END_TAG: "2026-10-09"}
    if is_backfill:
        tags[BACKFILL_TAG] = "abcdefgh"
    no_lock = {LOCK_RESOURCE: dg.ResourceDefinition.none_resource()}
    assert dg.materialize([web], tags=tags, resources=no_lock).success
    assert pending(home) == ([Window("2026-10-03", "2026-10-09")] if is_backfill else [])
