"""The sample is the same for the same seed, small sizes work, and the formats are the vendors'."""

import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from seeds.sample.generate import generate
from seeds.sample.world import Settings, World, new_world

SMALL = Settings(customers=60, days=14)


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sample")
    generate(SMALL, home / "exports", home / "truth")
    return home


def test_same_seed_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    generate(SMALL, tmp_path / "exports", tmp_path / "truth")
    assert digest(tmp_path) == digest(small)


@pytest.mark.parametrize("threads", [1, 5])
def test_the_number_of_cores_changes_nothing(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    def with_threads(settings: Settings) -> World:
        world = new_world(settings)
        world.run(f"set threads = {threads}")
        return world

    monkeypatch.setattr("seeds.sample.generate.new_world", with_threads)
    generate(SMALL, tmp_path / "exports", tmp_path / "truth")
    assert digest(tmp_path) == digest(small)


def test_another_seed_gives_another_retailer(small: Path, tmp_path: Path) -> None:
    generate(Settings(customers=60, days=14, seed=8), tmp_path / "exports")
    assert digest(tmp_path / "exports") != digest(small / "exports")


def test_every_vendor_has_its_files(small: Path) -> None:
    assert {path.name for path in (small / "exports").iterdir()} == {
        "ad_spend",
        "call_centre",
        "clarity",
        "email_campaigns",
        "ga4",
        "hubspot",
        "other_tools",
        "pos",
        "questback",
        "shopify",
        "typeform",
        "zendesk",
    }


def test_ga4_files_have_the_columns_of_the_export(small: Path) -> None:
    with duckdb.connect() as con:
        columns = con.execute(
            "describe select * from read_parquet(?)", [str(small / "exports/ga4/events_2*.parquet")]
        ).fetchall()
    types = {name: kind for name, kind, *_ in columns}
    assert list(types)[:5] == [
        "event_date",
        "event_timestamp",
        "event_name",
        "event_params",
        "event_previous_timestamp",
    ]
    assert "item_params" in types["items"]
    assert "hostname" in types["device"]
    assert "cross_channel_campaign" in types["session_traffic_source_last_click"]
    assert "analytics_storage VARCHAR" in types["privacy_info"]


def test_engaged_time_is_told_once_and_never_exceeds_the_visit(small: Path) -> None:
    with duckdb.connect() as con:
        visits = con.execute(
            """
            with events as (
                select distinct
                    event_timestamp,
                    event_name,
                    user_pseudo_id as client_id,
                    list_filter(event_params, lambda x: x.key = 'ga_session_id')[1]
                        .value.int_value as session_id,
                    list_filter(event_params, lambda x: x.key = 'engagement_time_msec')[1]
                        .value.int_value / 1000 as seconds
                from read_parquet(?)
            )

            select sum(events.seconds), any_value(sessions.duration_seconds)
            from events
            inner join read_parquet(?) as sessions
                on events.client_id = sessions.client_id
                    and events.session_id = sessions.ga_session_id
            where events.event_name in ('scroll', 'user_engagement')
            group by sessions.session
            """,
            [
                str(small / "exports/ga4/events_2*.parquet"),
                str(small / "truth/sessions.parquet"),
            ],
        ).fetchall()
    told = [(seconds, duration) for seconds, duration in visits if seconds]
    assert len(told) > 50
    assert [pair for pair in told if pair[0] > pair[1] + 0.1] == []
    # some visits are told nearly to the end: what is told is not a token
    assert any(seconds > 0.95 * duration for seconds, duration in told)


def test_orders_are_what_shopify_sends(small: Path) -> None:
    with open(small / "exports/shopify/orders.jsonl", encoding="utf-8") as lines:
        orders = [json.loads(line) for line in lines]
    assert orders
    for order in orders:
        lines_total = sum(
            float(line["price"]) * line["quantity"] - float(line["total_discount"])
            for line in order["line_items"]
        )
        assert order["name"].startswith("#KA")
        if order["line_items"] and all(line["quantity"] > 0 for line in order["line_items"]):
            assert lines_total == pytest.approx(float(order["subtotal_price"]))


def test_questback_is_latin_with_semicolons(small: Path) -> None:
    data = (small / "exports/questback/responses_purchase.csv").read_bytes()
    header = data.decode("iso-8859-1").splitlines()[0]
    assert header.startswith("respondent_id;survey_id;invitation_id;")
