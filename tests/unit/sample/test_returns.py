"""Returns and claims: they fit the orders that they are about, and move nobody else's data."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from seeds.sample import returns
from seeds.sample.generate import generate
from seeds.sample.world import Settings, World

SETTINGS = Settings(customers=1000, days=60, is_clean=True)
EVENTS = """
    create view {name} as
    select
        event_timestamp, event_name, user_pseudo_id as client_id,
        list_filter(event_params, lambda p: p.key = 'ga_session_id')[1].value.int_value
            as ga_session_id,
        list_filter(event_params, lambda p: p.key = 'reason')[1].value.string_value as reason,
        split_part(list_filter(event_params, lambda p: p.key = 'page_location')[1]
            .value.string_value, '?', 1) as page,
        list_filter(event_params, lambda p: p.key <> 'ga_session_number') as other_params,
        * exclude (event_timestamp, event_name, event_params)
    from read_parquet('{exports}/ga4/*.parquet')
"""


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The retailer, and the same one to whom nobody brings anything back by a form."""
    whole, without = (tmp_path_factory.mktemp(name) for name in ("whole", "without"))
    generate(SETTINGS, whole / "exports", whole / "truth")

    def nobody(world: World) -> None:
        """Return nothing."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(returns, "make_returns", nobody)
        generate(SETTINGS, without / "exports")
    return whole, without


@pytest.fixture(scope="module")
def con(homes: tuple[Path, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    whole, without = homes
    with duckdb.connect() as connection:
        connection.execute(EVENTS.format(name="events", exports=whole / "exports"))
        connection.execute(EVENTS.format(name="events_without", exports=without / "exports"))
        for table in (whole / "truth").glob("*.parquet"):
            connection.execute(
                f"create view true_{table.stem} as select * from read_parquet('{table}')"
            )
        yield connection


def counted(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    assert row
    return int(row[0])


def test_some_finish_and_some_give_up_either_form(con: duckdb.DuckDBPyConnection) -> None:
    begun = {
        (task, done): count
        for task, done, count in con.execute(
            "select task_id, is_submitted, count(*) from true_returns group by all"
        ).fetchall()
    }
    assert set(begun) == {(t, d) for t in ("return", "claim") for d in (True, False)}
    assert min(begun.values()) >= 3


def test_the_events_are_the_ones_of_the_truth(con: duckdb.DuckDBPyConnection) -> None:
    apart = con.execute(
        """
        with told as (
            select
                split_part(events.event_name, '_', 1) as task_id,
                events.event_name like '%_submit' as is_submitted,
                events.reason,
                sessions.session
            from events
            inner join true_sessions as sessions using (client_id, ga_session_id)
            where regexp_matches(events.event_name, '^(return|claim)_')
        ),

        meant as (
            select task_id, false as is_submitted, null as reason, session from true_returns
            where is_consented
            union all
            select task_id, true, reason, session from true_returns
            where is_consented and is_submitted
        )

        (from told except all from meant) union all (from meant except all from told)
        """
    ).fetchall()
    assert apart == []
    pages = con.execute(
        """
        select distinct split_part(event_name, '_', 1), page from events
        where regexp_matches(event_name, '^(return|claim)_') order by all
        """
    ).fetchall()
    assert pages == [
        ("claim", "https://www.kauppa.example/palautukset/reklamaatio"),
        ("return", "https://www.kauppa.example/palautukset/palautus"),
    ]


def test_goods_come_back_by_the_one_who_bought_them_and_before_their_money_does(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert counted(con, "select count(order_name) from true_returns") == counted(
        con,
        """
        select count(*) from true_returns as r
        inner join true_orders as o
            on r.order_name = o.order_name and r.person_id = o.person_id
                and r.started_at > o.ordered_at
        where not o.is_cancelled
        """,
    )
    # what was bought before the history comes back in its first days
    assert not con.execute(
        """
        select session from true_returns
        where order_name is null
            and started_at > (select min(started_at) from true_sessions) + interval 12 days
        """
    ).fetchall()
    refunded, late = con.execute(
        """
        select count(*), count(*) filter (r.started_at >= f.refunded_at)
        from true_returns as r
        inner join (
            select
                ecommerce.transaction_id as order_name,
                make_timestamp(min(event_timestamp)) as refunded_at
            from events where event_name = 'refund' group by all
        ) as f on r.order_name = f.order_name
        """
    ).fetchall()[0]
    assert refunded > 5
    assert late == 0


def test_a_claim_is_about_faulty_or_late_goods(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(
        """
        select distinct r.task_id, r.reason = 'faulty', j.is_faulty or j.is_delayed
        from true_returns as r
        inner join true_orders as o on r.order_name = o.order_name
        inner join true_journeys as j on o.mission = j.mission
        where r.task_id = 'claim' or j.is_faulty or j.is_delayed
        order by all
        """
    ).fetchall()
    assert found == [("claim", False, True), ("claim", True, True)]


def test_visits_of_a_cookie_are_numbered_through_and_none_lies_in_another(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert not con.execute(
        """
        select * from (
            select
                client_id,
                session_number
                - lag(session_number) over (partition by client_id order by started_at) as step
            from true_sessions
        ) where step <> 1
        """
    ).fetchall()
    assert not con.execute(
        """
        select r.session from true_returns as r
        inner join true_sessions as s on r.session = s.session
        inner join true_sessions as other
            on s.client_id = other.client_id and s.session <> other.session
                and other.started_at < s.started_at + interval 1 hour
                and other.started_at + to_seconds(other.duration_seconds)
                    > s.started_at - interval 1 hour
        """
    ).fetchall()


def test_what_others_sent_stays_but_for_the_number_of_later_visits(
    homes: tuple[Path, Path], con: duckdb.DuckDBPyConnection
) -> None:
    own = "ga_session_id, client_id"
    columns = "* exclude (page, reason)"
    lost = f"select {columns} from events_without except all select {columns} from events"
    assert counted(con, f"select count(*) from ({lost})") == 0
    added = con.execute(
        f"""
        select count(*), count(*) filter (({own}) not in (
            select (s.ga_session_id, s.client_id) from true_returns as r
            inner join true_sessions as s on r.session = s.session
        )) from (select {columns} from events except all select {columns} from events_without)
        where client_id is not null
        """
    ).fetchone()
    assert added
    assert added[0] > 100
    assert added[1] == 0

    # Clarity and the app's own log count visits, whoever made them.
    def files(home: Path) -> dict[str, str]:
        return {
            str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((home / "exports").rglob("*"))
            if path.is_file()
            and path.parent.name not in {"ga4", "clarity"}
            and path.name != "product_use.csv"
        }

    whole, without = homes
    assert files(whole) == files(without)
