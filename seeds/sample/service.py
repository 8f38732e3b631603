"""Requests for help: tickets, calls through the IVR, chats, text messages, and how they ended.

A request is a case with one or more legs. What the customer met (a long wait, an unsolved matter)
goes to `experiences`, which later moves their scores.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import numpy as np

from seeds.sample import journeys
from seeds.sample.episodes import Episode
from seeds.sample.vocabulary import TOPICS
from seeds.sample.world import DAY, SECOND, ZONE, Array, World, texts, weighted

CHANNELS = ("ticket", "phone", "chat", "sms", "ivr")
TICKET, PHONE, CHAT, SMS, IVR = range(5)
AGENTS = 18
PATIENCE_SECONDS = 1500
#: When agents work, from Monday to Friday, and the weekdays on which they do not.
OPENING_HOURS = (9, 17)
CLOSED = {date(2026, 6, 19), date(2026, 12, 24), date(2026, 12, 25), date(2027, 1, 1)}


def make_cases(world: World, planted: dict[str, Episode]) -> None:
    """Draw cases from missions that need help and from self-service; puts `cases`."""
    rng = world.rng("cases")
    missions = world.get("missions")
    asked = np.flatnonzero(missions["contacts"])
    # Many ask a machine where the parcel is and need nobody.
    shipped = np.flatnonzero(missions["has_order"] & (missions["order_channel"] != journeys.STORE))
    machine = shipped[rng.random(len(shipped)) < 0.14]
    machine_at = journeys.awake(
        world,
        rng,
        missions["ordered_at"][machine] + (rng.uniform(1, 4, len(machine)) * DAY).astype(np.int64),
    )
    # An unsolved matter comes back within days.
    again = asked[rng.random(len(asked)) < 0.12]
    again_at = journeys.awake(
        world,
        rng,
        missions["contacted_at"][again] + (rng.uniform(0.6, 4, len(again)) * DAY).astype(np.int64),
        opening=(8, 20),
    )
    mission = np.concatenate([asked, machine, again])
    at = np.concatenate([missions["contacted_at"][asked], machine_at, again_at])
    kind = np.repeat([0, 1, 2], [len(asked), len(machine), len(again)])
    size = len(mission)
    channel = np.where(
        kind == 1,
        np.array([IVR, SMS, CHAT])[np.searchsorted([0.6, 0.85], rng.random(size), side="right")],
        weighted(rng, [0.42, 0.32, 0.18, 0.08], size),
    )
    topic = np.where(kind == 1, 0, missions["topic"][mission])
    keep = at < world.calendar.end - 3 * 3600 * SECOND
    order = np.lexsort((mission[keep], at[keep]))
    mission, at, kind, channel, topic = (
        values[keep][order] for values in (mission, at, kind, channel, topic)
    )
    size = len(mission)
    agent = rng.integers(0, AGENTS, size)
    skill = world.rng("agents").normal(0, 1, AGENTS)
    busy = planted["queue_week"].holds(at)
    wait = rng.exponential(np.where(channel == PHONE, 95.0, 40.0))
    wait = np.where(busy & (channel == PHONE), rng.uniform(600, 2400, size), wait)
    abandoned = (channel == PHONE) & (wait > rng.exponential(PATIENCE_SECONDS, size) + 120)
    # Of those who ask a machine few need somebody: what they want to know, it knows.
    is_machine = (kind == 1) & (channel != IVR)
    to_agent = np.where(
        (channel == SMS) | is_machine, rng.random(size) < np.where(kind == 1, 0.15, 0.5), True
    )
    to_agent &= (channel != IVR) & ~abandoned
    transferred = to_agent & (channel != TICKET) & (rng.random(size) < 0.09)
    handle = np.exp(rng.normal(5.65, 0.45, size) - 0.1 * skill[agent])
    resolved = to_agent & (rng.random(size) < np.clip(0.8 + 0.06 * skill[agent], 0, 0.98))
    response = (rng.gamma(1.4, 6.0, size) * 3600 * SECOND).astype(np.int64)
    response = np.where(channel == TICKET, response, (wait * SECOND).astype(np.int64))
    work = (rng.gamma(1.2, 20.0, size) * 3600 * SECOND).astype(np.int64)
    has_ticket = (channel == TICKET) | to_agent
    world.put(
        "cases",
        {
            "case_number": np.arange(size) + 1,
            "mission": mission,
            "person": missions["person"][mission],
            "opened_at": at,
            "channel": texts(CHANNELS)[channel],
            "is_machine": kind == 1,
            "is_repeat": kind == 2,
            "topic": texts([t[0] for t in TOPICS])[topic],
            "subject_fi": texts([t[1] for t in TOPICS])[topic],
            "subject_en": texts([t[2] for t in TOPICS])[topic],
            "menu_choice": texts([t[3] for t in TOPICS])[topic],
            "agent": np.where(to_agent, agent, -1),
            "wait_seconds": wait,
            "handle_seconds": handle,
            "is_abandoned": abandoned,
            "reaches_agent": to_agent,
            "is_transferred": transferred,
            "is_resolved": resolved,
            "has_ticket": has_ticket,
            "ticket_id": np.where(has_ticket, 30_000 + np.arange(size), 0),
            "first_response_at": at + response,
            "solved_at": at + response + np.where(resolved, work, 4 * DAY),
            "priority": texts(["low", "normal", "high", "urgent"])[
                weighted(rng, [2, 6, 2, 0.5], size)
            ],
            "tone": weighted(rng, [0.4, 0.45, 0.15], size),
            "dice": rng.integers(0, 1000, size),
        },
    )
    world.run(f"create or replace table legs as {_LEGS}")


# A call passes the IVR first: two legs of one case.
_LEGS = """
with parts as (
    select c.*, 'ivr' as leg, 0 as leg_order from cases as c where c.channel in ('phone', 'ivr')
    union all
    select c.*, c.channel as leg, 1 as leg_order from cases as c
    where c.channel in ('phone', 'chat', 'sms')
)

select
    row_number() over (order by p.opened_at, p.case_number, p.leg_order) as leg_number,
    p.case_number,
    p.person,
    p.leg as channel,
    -- a bot leads some chats first, and all that only ask where the parcel is
    p.leg = 'chat' and (p.is_machine or p.dice < 300) as is_bot,
    p.opened_at + case when p.leg = 'phone' then 40000000 else 0 end as started_at,
    p.opened_at + cast(
        case
            when p.leg = 'ivr' then 38
            when p.leg = 'phone' and p.is_abandoned then 40 + p.wait_seconds
            when p.reaches_agent then 40 + p.wait_seconds + p.handle_seconds
            else 60 + p.dice % 90
        end as bigint
    ) * 1000000 as ended_at,
    case when p.leg = 'ivr' then null else p.leg || '_fi' end as queue,
    case when p.leg = 'ivr' then p.menu_choice end as ivr_choice,
    p.topic,
    case when p.leg <> 'ivr' and p.reaches_agent then p.agent end as agent,
    case when p.leg = 'ivr' then 0 else round(p.wait_seconds) end as wait_seconds,
    case when p.leg <> 'ivr' and p.reaches_agent then round(p.handle_seconds) end
        as handle_seconds,
    case
        when p.leg = 'ivr' and p.channel = 'ivr' then 'contained'
        when p.leg = 'ivr' then 'transferred'
        when p.is_abandoned then 'abandoned'
        when not p.reaches_agent then 'contained'
        when p.is_resolved then 'resolved'
        else 'agent'
    end as outcome,
    p.leg <> 'ivr' and p.is_transferred as is_transferred,
    p.leg <> 'ivr' and p.is_resolved as is_resolved,
    case when p.leg <> 'ivr' and p.has_ticket then p.ticket_id end as ticket_id,
    p.dice
from parts as p
order by leg_number
"""


def make_experiences(world: World) -> None:
    """Collect what people met that moves their mind; puts `experiences`."""
    world.run(
        """
        create or replace table experiences as
        select person, delivered_at as met_at, 'late_delivery' as driver, -1.1 as effect
        from missions where is_delayed
        union all
        select person, delivered_at, 'good_delivery', 0.2
        from missions where has_order and not is_delayed and order_channel <> 2
        union all
        select person, delivered_at, 'faulty_product', -0.9 from missions where is_faulty
        union all
        select person, attempted_at, 'checkout_bug', -1.3 from missions where meets_bug
        union all
        select person, attempted_at, 'payment_outage', -0.9 from missions where meets_outage
        union all
        select person, opened_at, 'long_wait', -1.0 from cases
        where channel = 'phone' and wait_seconds > 600
        union all
        select person, solved_at, 'solved', 0.35 from cases where is_resolved
        union all
        select person, solved_at, 'unsolved', -0.8 from cases
        where reaches_agent and not is_resolved
        order by met_at, person, driver
        """
    )


def mood(world: World, person: Array, at: Array, days: int = 30) -> Array:
    """Sum of what each person met in the days before an instant.

    Args:
        world: The world, with `experiences`.
        person: Person numbers.
        at: Instants, UTC microseconds.
        days: How long an experience lasts.

    Returns:
        The shift of satisfaction per row.
    """
    world.put("asked", {"row": np.arange(len(person)), "person": person, "asked_at": at})
    found = world.fetch(
        f"""
        select a.row, coalesce(sum(e.effect), 0) as effect
        from asked as a
        left join experiences as e
            on a.person = e.person
            and e.met_at <= a.asked_at
            and e.met_at > a.asked_at - {days} * {DAY}
        group by a.row
        order by a.row
        """
    )
    return np.clip(np.asarray(found["effect"], dtype=np.float64), -2.5, 1.0)


def opening_clock(world: World) -> Callable[[Array], Array]:
    """A clock that runs while the help desk is open: microseconds by instant."""
    first = world.settings.start_date - timedelta(days=1)
    edges: list[int] = []
    for number in range(world.settings.days + 30):
        day = first + timedelta(days=number)
        if day.weekday() < 5 and day not in CLOSED:
            for hour in OPENING_HOURS:
                at = datetime.combine(day, time(hour), ZONE)
                edges.append(int(at.timestamp()) * SECOND)
    lengths = np.diff(edges)
    lengths[1::2] = 0
    passed = np.concatenate([[0], np.cumsum(lengths)])

    def clock(instants: Array) -> Array:
        moments = np.asarray(instants, dtype=np.float64)
        return np.asarray(np.interp(moments, np.array(edges, dtype=np.float64), passed))

    return clock
