"""What went wrong in the demo's business, seen by change analysis when and where it was.

The demo of the tests has a handful of calls and checkouts, too few to tell a week from another. So
a retailer of the default size is simulated up to its calls, without a file being written, and the
models that lead from records of metrics and steps of visits to change analysis are computed over
them, as a run compiled them.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from seeds.sample import commerce, journeys, people, service, web_events, web_sessions
from seeds.sample.episodes import Episode, episodes
from seeds.sample.exports import files
from seeds.sample.world import Settings, new_world

Planted = tuple[dict[str, Episode], duckdb.DuckDBPyConnection]

# From the sums of records and the steps of visits to change analysis, in the order of building.
MODELS = (
    "intermediate/metrics/int_metric_cells_summed",
    "intermediate/metrics/int_metric_quantiles_estimated",
    "intermediate/metrics/int_metric_cells_counted",
    "intermediate/metrics/int_metric_cells_related",
    "intermediate/metrics/int_metric_cells_suppressed",
    "intermediate/metrics/int_journey_metrics_computed",
    "marts/journey/mart_journey_funnels",
    "intermediate/metrics/int_task_segments_estimated",
    "intermediate/metrics/int_task_times_counted",
    "intermediate/metrics/int_metric_periods_compared",
    "marts/journey/mart_metric_change",
)

# Who waited, and who gave up, of all who asked for a person.
CALLS = """
    select
        leg_number, person, channel, cast(local_time(started_at) as date) as occurred_date,
        wait_seconds, outcome = 'abandoned' as is_abandoned
    from legs
    where channel <> 'ivr' and (agent is not null or outcome = 'abandoned')
"""

# Every visit with where it was made, and how far each checkout came.
VISITS = """
    select
        cast(session as varchar) as session_key, cast(any_value(person) as varchar) as customer_id,
        cast(local_time(min(event_timestamp)) as date) as session_date,
        case any_value(stream_id) when '1001' then 'web' else 'app' end as platform,
        any_value(device_category) as device_category, any_value(browser) as browser,
        max(list_position(
            ['begin_checkout', 'add_shipping_info', 'add_payment_info', 'purchase'], event_name
        )) as deepest_step
    from events group by session
"""

# Every checkout that was begun, whether it was left, and how long it took or was tried.
CHECKOUTS = """
    select
        session as leg_number, any_value(person) as person,
        case any_value(stream_id) when '1001' then 'web' else 'app' end as channel,
        cast(local_time(begun_at) as date) as occurred_date, finished_at is null as is_left,
        (coalesce(finished_at, ended_at) - begun_at) / 1e6 as observed_seconds
    from (
        select
            session, person, stream_id, max(event_timestamp) as ended_at,
            min(event_timestamp) filter (where event_name = 'begin_checkout') as begun_at,
            min(event_timestamp) filter (where event_name = 'purchase') as finished_at
        from events group by session, person, stream_id
    )
    where begun_at is not null group by all
"""

# How many figures of all metrics are compared in a week of the default demo; here are
# a few of them. What is clear enough for all is so after Benjamini–Hochberg too.
COMPARED_IN_A_WEEK = 1300


@pytest.fixture(scope="module")
def planted() -> Planted:
    """The episodes, the visits and the calls of a retailer of the default size."""
    world = new_world(Settings())
    files.add_macros(world)
    world.put(
        "window_bounds",
        {"start": np.array([world.calendar.start]), "end": np.array([world.calendar.end])},
    )
    found = episodes(world.calendar)
    people.make_people(world)
    people.make_devices(world)
    journeys.make_missions(world, found)
    web_sessions.make_sessions(world, found)
    web_sessions.make_pages(world)
    web_events.make_events(world)
    commerce.make_baskets(world)
    commerce.make_orders(world)
    service.make_cases(world, found)
    return found, world.con


@pytest.fixture(scope="module")
def changes(
    clean_run: Any, planted: Planted, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of the small retailer with the visits and calls of the large one."""
    database = tmp_path_factory.mktemp("calls") / "warehouse.duckdb"
    shutil.copy(clean_run.home / "first_state" / "warehouse.duckdb", database)
    calls, visits, checkouts = (planted[1].execute(sql).df() for sql in (CALLS, VISITS, CHECKOUTS))
    compiled = Path(clean_run.home) / "dbt_target" / "compiled" / "cx_warehouse" / "models"
    with duckdb.connect(str(database)) as connection:
        connection.register("calls", calls)
        connection.register("visits", visits)
        connection.register("checkouts", checkouts)
        connection.execute(
            """
            delete from marts.fct_sessions;
            insert into marts.fct_sessions by name select * exclude (deepest_step) from visits;
            delete from intermediate.int_journey_steps_reached;
            insert into intermediate.int_journey_steps_reached by name
            select
                session_key || ' ' || step_number as journey_step_key, session_key,
                'checkout' as journey_id, step_number, 1 as meeting_count, deepest_step,
                deepest_step > step_number as is_continued
            from (select *, unnest(range(1, deepest_step + 1)) as step_number from visits)
            """
        )
        connection.execute(
            """
            delete from intermediate.int_session_tasks_timed;
            insert into intermediate.int_session_tasks_timed by name
            select
                cast(leg_number as varchar) as session_task_key,
                cast(leg_number as varchar) as session_key, 'checkout' as task_id
            from checkouts
            """
        )
        connection.execute(
            """
            create table intermediate.records as from intermediate.int_metric_records limit 0;
            drop view intermediate.int_metric_records;
            alter table intermediate.records rename to int_metric_records
            """
        )
        for metric_id, records, where, value, censored, stage, touchpoint in (
            ("average_speed_of_answer", "calls", "not is_abandoned", "wait_seconds", "false",
             "support", "channel || '_contact'"),
            ("contact_abandonment", "calls", "true", "cast(is_abandoned as integer)", "false",
             "support", "channel || '_contact'"),
            ("task_abandonment", "checkouts", "true", "cast(is_left as integer)", "false",
             "purchase", "'checkout'"),
            ("task_duration_seconds", "checkouts", "true", "observed_seconds", "is_left",
             "purchase", "'checkout'"),
            ("task_duration_seconds_p90", "checkouts", "true", "observed_seconds", "is_left",
             "purchase", "'checkout'"),
        ):  # fmt: skip
            connection.execute(
                f"""
                insert into intermediate.int_metric_records by name
                select
                    '{metric_id}' as record_set, cast(leg_number as varchar) as record_key,
                    occurred_date, '{stage}' as journey_stage, channel,
                    {touchpoint} as touchpoint_id, 'unknown' as persona_id,
                    cast(person as varchar) as customer_id, {value} as value_number,
                    1 as base_number, 1 as weight, {censored} as is_censored, true as is_counted
                from {records} where {where}
                """
            )
        # of a home that ran again, the models are compiled for what was touched: that is all of it
        connection.execute(
            """
            create or replace table intermediate.int_touched_metric_periods as
            select distinct
                records.record_set as metric_id, grains.period_type,
                cast(date_trunc(grains.period_type, records.occurred_date) as date) as period_start
            from intermediate.int_metric_records as records
            inner join intermediate.int_metric_grains_applied as grains
                on records.record_set = grains.metric_id;
            create or replace table intermediate.int_metric_periods_hashed as
            select distinct record_set, 'day' as period_type, occurred_date as period_start
            from intermediate.int_metric_records
            """
        )
        for model in MODELS:
            schema = "marts" if model.startswith("marts") else "intermediate"
            name = model.rsplit("/", 1)[1]
            query = (compiled / f"{model}.sql").read_text()
            connection.execute(f"create or replace table {schema}.{name} as {query}")
        yield connection


def days_of(calls: duckdb.DuckDBPyConnection, episode: Episode, unit: str) -> list[str]:
    """Days or weeks, by their first day, that an episode touches."""
    found = calls.execute(
        f"""
        select cast(unnest(generate_series(
            date_trunc('{unit}', local_time(?)), date_trunc('{unit}', local_time(?)),
            interval 1 {unit}
        )) as date)::varchar
        """,
        [episode.started_at, episode.ended_at - 1],
    )
    return [row[0] for row in found.fetchall()]


def significant(
    connection: duckdb.DuckDBPyConnection,
    metric_id: str,
    rises: bool,
    period_type: str = "week",
    dimension: str = "channel",
    touchpoint: str = "all",
) -> set[tuple]:
    """Periods and parts in which a metric moved as chance would not have it, step by step.

    Browsers are many and some have a handful of visits: of those that the mart flags as small
    samples some always seem to have moved.
    """
    found = connection.execute(
        f"""
        select
            cast(period_start as varchar), segment,
            case when metric_id = 'funnel_step_through' then step_number end
        from marts.mart_metric_change
        where
            metric_id = ? and period_type = ? and dimension = ? and is_significant
            and basis in ('previous', 'week_before')
            and (dimension <> 'browser' or not is_small_sample)
            and touchpoint_id = ? and (journey_stage = 'all') = (touchpoint_id = 'all')
            and value_change {">" if rises else "<"} 0
        """,
        [metric_id, period_type, dimension, touchpoint],
    )
    return set(found.fetchall())


def test_waits_rise_on_the_phone_in_the_queue_week_and_fall_after_it(
    planted: Planted, changes: duckdb.DuckDBPyConnection
) -> None:
    episodes, calls = planted
    ((week, week_after),) = calls.execute(
        """
        select
            cast(date_trunc('week', local_time(?)) as date)::varchar,
            cast(date_trunc('week', local_time(?)) as date)::varchar
        """,
        [episodes["queue_week"].started_at, episodes["queue_week"].ended_at],
    ).fetchall()
    # it fills a week of the calendar: what is compared is neither more nor less than it
    assert week < week_after
    for metric_id in ("average_speed_of_answer", "contact_abandonment"):
        assert significant(changes, metric_id, rises=True) == {(week, "phone", None)}, metric_id
        fallen = significant(changes, metric_id, rises=False)
        assert fallen == {(week_after, "phone", None)}, metric_id
    ((before, during),) = changes.execute(
        """
        select value_before, value_after from marts.mart_metric_change
        where metric_id = 'average_speed_of_answer' and period_type = 'week'
            and dimension = 'channel' and segment = 'phone' and period_start = cast(? as date)
            and journey_stage = 'all' and touchpoint_id = 'all'
        """,
        [week],
    ).fetchall()
    # callers waited a minute or two; in the queue week ten to forty
    assert before < 200
    assert during > 600


def test_mobile_safari_stops_at_the_shipping_form_when_the_bug_came_and_not_after_it(
    planted: Planted, changes: duckdb.DuckDBPyConnection
) -> None:
    episodes, calls = planted
    weeks = days_of(calls, episodes["checkout_bug"], "week")
    fallen = significant(changes, "funnel_step_through", rises=False, dimension="browser")
    assert fallen == {(weeks[0], "mobile / Safari", 1)}
    week_after = dt.date.fromisoformat(weeks[-1]) + dt.timedelta(days=7)
    risen = significant(changes, "funnel_step_through", rises=True, dimension="browser")
    assert risen == {(str(week_after), "mobile / Safari", 1)}


def test_checkout_takes_longer_on_mobile_safari_when_the_bug_came(
    planted: Planted, changes: duckdb.DuckDBPyConnection
) -> None:
    """Those who get through fill in the form again and again: their median nearly doubles."""
    episodes, calls = planted
    weeks = days_of(calls, episodes["checkout_bug"], "week")
    metric_id, segment = "task_duration_seconds", "mobile / Safari"
    risen = significant(changes, metric_id, True, dimension="browser", touchpoint="checkout")
    assert risen == {(weeks[0], segment, None)}
    moves = {
        row[0]: row[1:]
        for row in changes.execute(
            """
            select segment, value_before, value_after, p_value from marts.mart_metric_change
            where metric_id = ? and period_type = 'week' and basis = 'previous'
                and dimension in ('all', 'browser') and period_start = cast(? as date)
                and touchpoint_id = 'checkout'
            """,
            [metric_id, weeks[0]],
        ).fetchall()
    }
    before, after, p_value = moves[segment]
    assert after > 1.7 * before
    assert p_value * COMPARED_IN_A_WEEK <= 0.05
    # most checkouts are made elsewhere: in the whole it is lost
    before, after, p_value = moves["all"]
    assert after < 1.3 * before
    assert p_value * COMPARED_IN_A_WEEK > 0.05


def test_nobody_pays_on_the_day_of_the_payment_outage(
    planted: Planted, changes: duckdb.DuckDBPyConnection
) -> None:
    """On web and app alike, so that it is the whole that moves, at its last step alone."""
    episodes, calls = planted
    (day,) = days_of(calls, episodes["payment_outage"], "day")
    moves = changes.execute(
        """
        select cast(period_start as varchar), step_number, value_before, value_after
        from marts.mart_metric_change
        where metric_id = 'funnel_step_through' and period_type = 'day' and dimension = 'all'
            and basis = 'week_before' and is_significant and contribution < 0
        order by z
        """
    ).fetchall()
    clearest, step, before, after = moves[0]
    assert (clearest, step) == (day, 3)
    assert [step for when, step, *_ in moves if when == day] == [3]
    assert before > 0.8
    assert after < 0.5
    tasks = changes.execute(
        """
        select cast(period_start as varchar) from marts.mart_metric_change
        where metric_id = 'task_abandonment' and period_type = 'day' and dimension = 'all'
            and touchpoint_id = 'checkout' and is_significant and contribution > 0
        order by z desc
        """
    ).fetchall()
    assert tasks[0] == (day,)
