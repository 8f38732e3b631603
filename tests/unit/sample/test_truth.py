"""What the truth says was planted is what the files hold, row by row."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from seeds.sample.generate import generate
from seeds.sample.world import Settings

EVENTS = """
    create view events as
    select *, filename
    from read_parquet('{exports}/ga4/**/*.parquet', filename = true, union_by_name = true)
"""
PARAM = """
    create macro param(params, name) as
        list_filter(params, lambda p: p.key = name)[1].value
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sample")
    generate(Settings(customers=500, days=60), home / "exports", home / "truth")
    return home


@pytest.fixture(scope="module")
def con(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(EVENTS.format(exports=home / "exports"))
        connection.execute(PARAM)
        for table in (home / "truth").glob("*.parquet"):
            connection.execute(
                f"create view truth_{table.stem} as select * from read_parquet('{table}')"
            )
        yield connection


def keys(con: duckdb.DuckDBPyConnection, defect: str) -> set[str]:
    return {
        key
        for (key,) in con.execute(
            "select row_key from truth_defect_rows where defect_id = ?", [defect]
        ).fetchall()
    }


def found(con: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    return {str(key) for (key,) in con.execute(sql).fetchall()}


def daily(con: duckdb.DuckDBPyConnection, condition: str) -> set[str]:
    """Events of a condition, the missing day aside."""
    return found(con, f"select distinct event_timestamp from events where {condition}")


def test_most_kinds_of_defects_are_planted(con: duckdb.DuckDBPyConnection) -> None:
    (checks,) = con.execute("select count(distinct check_id) from truth_defects").fetchall()[0]
    assert checks >= 50


def test_every_defect_counts_its_rows(con: duckdb.DuckDBPyConnection) -> None:
    assert not con.execute(
        """
        select d.defect_id, d.affected_rows, count(r.row_key)
        from truth_defects as d left join truth_defect_rows as r using (defect_id)
        group by all having d.affected_rows <> count(r.row_key)
        """
    ).fetchall()


@pytest.mark.parametrize(
    ("defect", "condition"),
    [
        ("purchase_without_id", "param(event_params, 'transaction_id') is null"),
        ("purchase_id_not_set", "param(event_params, 'transaction_id').string_value = '(not set)'"),
        ("value_as_text", "param(event_params, 'value').string_value is not null"),
        ("items_empty", "len(items) = 0"),
        ("currency_wrong", "param(event_params, 'currency').string_value = 'EURO'"),
    ],
)
def test_damaged_purchases_are_the_recorded_ones(
    con: duckdb.DuckDBPyConnection, defect: str, condition: str
) -> None:
    rows = daily(con, f"event_name in ('purchase', 'Purchase') and {condition}")
    repeated = keys(con, "reloaded_purchase") | keys(con, "duplicate_events")
    assert rows - repeated <= keys(con, defect)
    planted = keys(con, defect) - keys(con, "missing_day") - keys(con, "lost_return_from_bank")
    assert planted <= rows


@pytest.mark.parametrize(
    ("defect", "condition"),
    [
        ("staging_host", "param(event_params, 'page_location').string_value like '%staging%'"),
        ("unplanned_event", "event_name = 'popup_shown'"),
        ("internal_traffic", "param(event_params, 'traffic_type').string_value = 'internal'"),
        ("session_id_as_text", "param(event_params, 'ga_session_id').string_value is not null"),
        ("email_in_url", "param(event_params, 'page_location').string_value like '%email=%'"),
        ("user_id_undefined", "user_id = 'undefined'"),
        ("crawler", "user_pseudo_id = '1999999999.1700000000'"),
        ("consent_unset", "privacy_info.analytics_storage = 'Unset'"),
        ("unplanned_parameter", "param(event_params, 'dbg_ts') is not null"),
    ],
)
def test_damaged_events_are_the_recorded_ones(
    con: duckdb.DuckDBPyConnection, defect: str, condition: str
) -> None:
    copies = set().union(
        *(keys(con, d) for d in ("double_tag", "duplicate_events", "reloaded_purchase", "crawler"))
    )
    own = keys(con, defect)
    removed = set().union(
        *(
            keys(con, d)
            for (d,) in con.execute(
                "select defect_id from truth_defects where kind = 'removed'"
            ).fetchall()
        )
    )
    rows = daily(con, condition)
    assert own - removed <= rows
    assert rows - copies <= own


def test_duplicates_are_in_the_files_twice(con: duckdb.DuckDBPyConnection) -> None:
    doubled = found(
        con,
        """
        select event_timestamp from events
        where filename not like '%intraday%' and filename not like '%redelivered%'
        group by event_timestamp having count(*) > 1
        """,
    )
    assert doubled <= keys(con, "duplicate_events")
    assert keys(con, "duplicate_events") - keys(con, "missing_day") <= doubled | keys(
        con, "late_rows"
    )


def test_the_missing_day_has_no_file_and_the_last_day_only_an_intraday_one(home: Path) -> None:
    with duckdb.connect() as con:
        (scope,) = con.execute(
            "select scope from read_parquet(?) where defect_id = 'missing_day'",
            [str(home / "truth/defects.parquet")],
        ).fetchall()[0]
    names = {path.name for path in (home / "exports/ga4").glob("*.parquet")}
    assert f"events_{json.loads(scope)['day'].replace('-', '')}.parquet" not in names
    assert "events_20261031.parquet" not in names
    assert "events_intraday_20261031.parquet" in names


def test_a_redelivered_day_holds_the_late_rows_besides(con: duckdb.DuckDBPyConnection) -> None:
    late = keys(con, "late_rows")
    assert late
    first = daily(con, "filename not like '%redelivered%' and filename not like '%intraday%'")
    again = daily(con, "filename like '%redelivered%'")
    own = late - keys(con, "missing_day") - keys(con, "duplicate_events")
    assert not (own & first)
    arrived = {key for key in own if key in again}
    assert arrived


def test_broken_rows_stand_where_the_truth_says(home: Path, con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("select source_file, line, record from truth_quarantine").fetchall()
    assert len(rows) == 7
    for file, line, record in rows:
        encoding = "iso-8859-1" if "questback" in file else "utf-8"
        lines = (home / "exports" / file).read_text(encoding=encoding).splitlines()
        assert lines[line - 1] == record


def test_every_cookie_of_the_export_has_a_person(con: duckdb.DuckDBPyConnection) -> None:
    unknown = found(
        con,
        """
        select distinct e.user_pseudo_id from events as e
        left join truth_identifiers as i
            on i.identifier_type = 'client_id' and i.identifier_value = e.user_pseudo_id
        where e.user_pseudo_id is not null and i.identifier_value is null
        """,
    )
    assert unknown <= {"1999999999.1700000000"}


def test_linkable_pairs_belong_to_one_person_and_to_no_shared_identifier(
    con: duckdb.DuckDBPyConnection,
) -> None:
    (pairs,) = con.execute("select count(*) from truth_linkable_pairs").fetchall()[0]
    assert pairs > 1000
    assert not con.execute(
        """
        select * from truth_linkable_pairs as p
        inner join truth_identifiers as i
            on p.first_type = i.identifier_type and p.first_value = i.identifier_value
        where i.is_shared or i.is_blocked or i.person_id <> p.person_id
        """
    ).fetchall()


def test_episodes_move_what_they_should(con: duckdb.DuckDBPyConnection) -> None:
    (paid_in_outage,) = con.execute(
        """
        select count(*) from truth_orders as o, truth_episodes as e
        where e.episode_id = 'payment_outage' and o.channel in ('web', 'app') and not o.is_rescued
            and o.ordered_at between e.started_at + interval 1 hour and e.ended_at
        """
    ).fetchall()[0]
    assert paid_in_outage == 0
    (waits,) = con.execute(
        """
        select count(*) from truth_cases as c, truth_episodes as e
        where e.episode_id = 'queue_week' and c.channel = 'phone' and c.wait_seconds < 600
            and c.opened_at between e.started_at and e.ended_at
        """
    ).fetchall()[0]
    assert waits == 0


def test_scores_follow_satisfaction(con: duckdb.DuckDBPyConnection) -> None:
    (correlation,) = con.execute(
        "select corr(true_satisfaction, nps) from truth_survey_scores where nps is not null"
    ).fetchall()[0]
    assert correlation > 0.6
