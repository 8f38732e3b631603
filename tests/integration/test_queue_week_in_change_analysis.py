"""The planted queue week, seen by change analysis in the week and the channel in which it was.

The demo of the tests has a handful of calls, too few to tell a week from another. So a retailer of
the default size is simulated up to its calls, without a file being written, and the models that
lead from records of metrics to change analysis are computed over them, as a run compiled them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from seeds.sample import commerce, journeys, people, service, web_events, web_sessions
from seeds.sample.episodes import Episode, episodes
from seeds.sample.exports import files
from seeds.sample.world import Settings, new_world

# From the sums of records to change analysis, in the order in which they are built.
MODELS = (
    "intermediate/metrics/int_metric_cells_summed",
    "intermediate/metrics/int_metric_quantiles_estimated",
    "intermediate/metrics/int_metric_cells_counted",
    "intermediate/metrics/int_metric_cells_related",
    "intermediate/metrics/int_metric_cells_suppressed",
    "intermediate/metrics/int_journey_metrics_computed",
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


@pytest.fixture(scope="module")
def planted() -> tuple[Episode, duckdb.DuckDBPyConnection]:
    """The queue week and the calls of a retailer of the default size."""
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
    return found["queue_week"], world.con


@pytest.fixture(scope="module")
def changes(clean_run, planted, tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of the small retailer with the calls of the large one."""
    database = tmp_path_factory.mktemp("calls") / "warehouse.duckdb"
    shutil.copy(clean_run.home / "first_state" / "warehouse.duckdb", database)
    calls = planted[1].execute(CALLS).df()
    compiled = Path(clean_run.home) / "dbt_target" / "compiled" / "cx_warehouse" / "models"
    with duckdb.connect(str(database)) as connection:
        connection.register("calls", calls)
        connection.execute("delete from intermediate.int_metric_records")
        for metric_id, value, where in (
            ("average_speed_of_answer", "wait_seconds", "not is_abandoned"),
            ("contact_abandonment", "cast(is_abandoned as integer)", "true"),
        ):
            connection.execute(
                f"""
                insert into intermediate.int_metric_records by name
                select
                    '{metric_id}' as record_set, cast(leg_number as varchar) as record_key,
                    occurred_date, 'support' as journey_stage, channel,
                    channel || '_contact' as touchpoint_id, 'unknown' as persona_id,
                    cast(person as varchar) as customer_id, {value} as value_number,
                    1 as base_number, 1 as weight, false as is_censored, true as is_counted
                from calls where {where}
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
                on records.record_set = grains.metric_id
            """
        )
        for model in MODELS:
            schema = "marts" if model.startswith("marts") else "intermediate"
            name = model.rsplit("/", 1)[1]
            query = (compiled / f"{model}.sql").read_text()
            connection.execute(f"create or replace table {schema}.{name} as {query}")
        yield connection


def significant(connection: duckdb.DuckDBPyConnection, metric_id: str, rises: bool) -> set[tuple]:
    """Weeks and channels in which a metric moved as chance would not have it."""
    found = connection.execute(
        f"""
        select cast(period_start as varchar), segment
        from marts.mart_metric_change
        where
            metric_id = ? and period_type = 'week' and dimension = 'channel' and is_significant
            and journey_stage = 'all' and touchpoint_id = 'all'
            and rate_effect {">" if rises else "<"} 0
        """,
        [metric_id],
    )
    return set(found.fetchall())


def test_waits_rise_on_the_phone_in_the_queue_week_and_fall_after_it(planted, changes):
    episode, calls = planted
    week, week_after = calls.execute(
        """
        select
            cast(date_trunc('week', local_time(?)) as date)::varchar,
            cast(date_trunc('week', local_time(?)) as date)::varchar
        """,
        [episode.started_at, episode.ended_at],
    ).fetchone()
    # it fills a week of the calendar: what is compared is neither more nor less than it
    assert week < week_after
    for metric_id in ("average_speed_of_answer", "contact_abandonment"):
        assert significant(changes, metric_id, rises=True) == {(week, "phone")}, metric_id
        assert significant(changes, metric_id, rises=False) == {(week_after, "phone")}, metric_id
    before, during = changes.execute(
        """
        select value_before, value_after from marts.mart_metric_change
        where metric_id = 'average_speed_of_answer' and period_type = 'week'
            and dimension = 'channel' and segment = 'phone' and period_start = cast(? as date)
            and journey_stage = 'all' and touchpoint_id = 'all'
        """,
        [week],
    ).fetchone()
    # callers waited a minute or two; in the queue week ten to forty
    assert before < 200
    assert during > 600
