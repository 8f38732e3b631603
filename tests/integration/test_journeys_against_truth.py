"""Funnels and service against what truly happened to the demo's people.

The truth is written by the generator and read by nothing else. Where the marts differ from it, a
planted tracking defect must account for the difference.
"""

from __future__ import annotations

import duckdb
import pytest

# Defects that make a true purchase invisible in the visit that made it.
HIDING_PURCHASES = ("lost_return_from_bank", "misspelt_purchase", "broken_linker")


@pytest.fixture(scope="module")
def con(demo_run):
    """The warehouse, with each true visit beside the one that was built, and its checkout."""
    with duckdb.connect(str(demo_run.home / "warehouse.duckdb"), read_only=True) as connection:
        for name in ("sessions", "episodes", "defects", "cases"):
            path = demo_run.home / "truth" / f"{name}.parquet"
            connection.execute(f"create temp view true_{name} as from read_parquet('{path}')")
        connection.execute(
            """
            create temp view checkouts as
            select
                truth.*,
                built.session_key,
                steps.deepest_step,
                coalesce(steps.is_completed, false) as is_completed
            from true_sessions as truth
            inner join intermediate.int_sessions_built as built
                on
                    truth.client_id = built.client_id
                    and cast(truth.ga_session_id as varchar) = built.session_ref
            left join intermediate.int_journey_steps_reached as steps
                on
                    built.session_key = steps.session_key
                    and steps.journey_id = 'checkout'
                    and steps.step_number = 1
            """
        )
        yield connection


def counted(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row
    return int(row[0])


def test_nobody_completes_a_checkout_who_did_not_buy(con):
    assert counted(con, "select count(*) from checkouts where is_completed") > 30
    assert (
        counted(con, "select count(*) from checkouts where is_completed and not has_purchase") == 0
    )


def test_a_purchase_that_the_funnel_misses_was_hidden_by_a_planted_defect(con):
    missed = counted(con, "select count(*) from checkouts where has_purchase and not is_completed")
    hidden = counted(
        con,
        f"select sum(affected_rows) from true_defects where defect_id in {HIDING_PURCHASES}",
    )
    assert missed <= hidden
    assert missed < 0.2 * counted(con, "select count(*) from checkouts where has_purchase")


def test_the_checkout_bug_and_the_payment_outage_stop_people_where_they_struck(con):
    struck = con.execute(
        """
        select meets_bug, meets_outage, deepest_step, is_completed from checkouts
        where (meets_bug or meets_outage) and not has_purchase and deepest_step is not null
        """
    ).fetchall()
    assert struck
    for meets_bug, meets_outage, deepest_step, is_completed in struck:
        assert not is_completed
        # the bug is in the shipping form, the outage in paying
        assert deepest_step == 1 if meets_bug else deepest_step <= 3, (meets_bug, meets_outage)


def test_the_queue_week_is_where_callers_waited(con):
    within, outside = con.execute(
        """
        select
            avg(wait_seconds) filter (where is_in_queue_week),
            avg(wait_seconds) filter (where not is_in_queue_week)
        from (
            select
                contacts.wait_seconds,
                contacts.started_at >= episodes.started_at
                and contacts.started_at < episodes.ended_at as is_in_queue_week
            from marts.fct_service_contacts as contacts
            cross join true_episodes as episodes
            where contacts.channel = 'phone' and episodes.episode_id = 'queue_week'
        )
        """
    ).fetchone()
    assert within > 600 > outside


def test_the_funnels_segments_add_up_to_the_whole(con):
    assert counted(con, "select count(*) from marts.mart_journey_funnels") > 1000
    apart = con.execute(
        """
        with segments as (
            select journey_id, step_number, period_type, period_start, dimension, sum(n) as n
            from marts.mart_journey_funnels where dimension <> 'all'
            group by all
            having count(n) = count(*)
        )

        select segments.*, wholes.n as whole from segments
        inner join marts.mart_journey_funnels as wholes
            using (journey_id, step_number, period_type, period_start)
        where wholes.dimension = 'all' and segments.n <> wholes.n
        """
    ).fetchall()
    assert apart == []


def test_every_attempt_of_the_funnel_is_a_visit_that_met_its_first_step(con):
    """Counted a second time, straight from the events."""
    apart = con.execute(
        """
        with entered as (
            select journey_id, period_start, n from marts.mart_journey_funnels
            where dimension = 'all' and period_type = 'month' and step_number = 1
        ),

        seen as (
            select
                steps.journey_id,
                date_trunc('month', visits.session_date) as period_start,
                count(distinct visits.session_key) as n
            from intermediate.int_web_events_unioned as events
            inner join intermediate.int_sessions_built as built
                using (source, client_id, session_ref)
            inner join marts.fct_sessions as visits on built.session_key = visits.session_key
            inner join (
                select distinct journey_id, event_name
                from marts.mart_journey_funnels where step_number = 1
            ) as steps on events.event_name = steps.event_name
            where not coalesce(visits.is_internal, false)
            group by all
        )

        select * from entered full join seen using (journey_id, period_start)
        where entered.n is distinct from seen.n
        """
    ).fetchall()
    assert apart == []
