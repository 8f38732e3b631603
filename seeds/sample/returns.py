"""Returns and claims in web and app: who begins the form, how long it takes, who gives up.

They are drawn when all else is known: who was refunded must have sent the goods back before, and
who asked the help desk about a fault may have tried the form first. Visits, pages and events come
after the others, with numbers and draws of their own, so that they move nobody else's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seeds.sample import journeys
from seeds.sample.vocabulary import RETURN_REASONS
from seeds.sample.web_events import EVENT_NUMBER, Sent, send, wide_events
from seeds.sample.web_sessions import (
    LONGEST_STAY,
    PAGE_NUMBER,
    SHORTEST_STAY,
    SOURCES,
    SUPPORT,
    lengths,
    number_visits,
    offsets,
    refuses_analytics,
    stays,
)
from seeds.sample.world import DAY, SECOND, Array, Columns, World, repeat_index, weighted


@dataclass(frozen=True)
class Form:
    """A form by which goods come back.

    Attributes:
        name: Name of the task; its events are `<name>_start` and `<name>_submit`.
        seconds: Median seconds from the first field to the accepted form.
        abandoned_from: Least share of that time after which somebody gives up.
    """

    name: str
    seconds: float
    abandoned_from: float


#: By `form` of `_WANTED`. A claim describes the fault; a return only chooses lines and a reason.
FORMS = (Form("return", 95, 0.1), Form("claim", 210, 0.2))
#: Spread (of the logarithm) of how quickly people fill in a form, and of one person's times.
PACE_SPREAD, TIME_SPREAD = 0.4, 0.25
#: Share of those who finish, and of those who give up, whose form was refused once.
REFUSED_SHARE = (0.1, 0.4)
#: Where a guest begins: on the page of the parcel, of the help desk, or of returns at once.
GUEST_LANDINGS, GUEST_WEIGHTS = ("tracking", "contact", "returns"), (0.3, 0.25, 0.45)
#: Neither a letter nor an advertisement leads here: the ways that cost nothing and are in no list.
FREE_MEDIUMS = ("(none)", "organic")
LOGIN_SHARE = 0.6
#: For so many days some still bring back what they bought before the history.
EARLIER_DAYS = 8
#: Room around a visit in which its device has no other.
CLEARANCE = 3600 * SECOND

# One row per order and form that may be begun, the earliest and latest moment, and the chances of
# beginning and finishing. Goods that are faulty or late are a claim, others a return. It comes
# before the refund and before the help desk is asked, which those ask who gave up; who sends in a
# return and gets no refund changed the goods for others or kept them.
_WANTED = f"""
with told as (
    select
        o.*,
        r.refunded_at,
        r.reason,
        m.product,
        o.is_faulty or o.is_delayed as is_claim,
        o.contacts and o.topic = 'return' as asks
    from (
        select o.*, t.topic
        from orders as o
        left join (
            select mission, any_value(topic) as topic from cases
            where not is_machine group by mission
        ) as t on o.mission = t.mission
        where not o.is_cancelled
    ) as o
    inner join missions as m on o.mission = m.mission
    left join refunds as r on o.order_number = r.order_number
),

known as (
    select s.person, s.product, s.started_at, b.start
    from sessions as s
    inner join people as p on s.person = p.person
    cross join window_bounds as b
    where
        p.is_customer
        and p.joined_at < b.start
        and s.started_at < b.start + {EARLIER_DAYS} * {DAY}
    qualify row_number() over (partition by s.person order by s.session) = 1
)

select
    order_number,
    mission,
    person,
    product,
    1 as form,
    case when is_faulty then delivered_at
        else ordered_at + (delivered_at - ordered_at) // 2 end as earliest,
    least(
        case when is_faulty then delivered_at + 5 * {DAY} else delivered_at end,
        case when contacts then contacted_at - {DAY // 6} end,
        refunded_at - {DAY // 4}
    ) as latest,
    case when is_faulty then 0.9 else 0.65 end as begins,
    case when contacts then 0.5 else 0.85 end as finishes,
    case when is_faulty then 'faulty' else 'late' end as reason
from told
where is_claim
union all
select
    order_number,
    mission,
    person,
    product,
    0,
    delivered_at,
    case
        when refunded_at is not null then refunded_at - {DAY // 4}
        when asks then contacted_at - {DAY // 6}
        else delivered_at + 10 * {DAY}
    end,
    case when refunded_at is not null then 0.9 when asks then 0.75 else 0.2 end,
    case when refunded_at is not null then 0.95 when asks then 0.4 else 0.65 end,
    -- who keeps the goods after all, or changes them, had no fault to name
    coalesce(reason, case when order_number % 2 = 0 then 'wrong_size' else 'changed_mind' end)
from told
where not is_claim and channel <> 'store'
union all
-- goods bought before the history: else nobody would bring anything back in its first days
select
    0,
    -1,
    k.person,
    k.product,
    f.form,
    k.started_at + {DAY // 24},
    k.started_at + 2 * {DAY},
    f.begins * (1 - (k.started_at - k.start) / ({EARLIER_DAYS} * {DAY})),
    f.finishes,
    f.reason
from known as k
cross join (
    values (0, 0.008, 0.7, 'changed_mind'), (1, 0.006, 0.8, 'faulty')
) as f (form, begins, finishes, reason)
order by order_number, person, form
"""


def make_returns(world: World) -> None:
    """Draw who returns goods or claims; puts `returns`, adds visits, pages and events."""
    rng = world.rng("returns")
    wanted = _begun(world, rng)
    first_visit = len(world.get("sessions")["session"])
    first_page = len(world.get("pages")["page"])
    visits = _visits(world, rng, wanted, first_visit)
    pages = _pages(world, rng, wanted, visits, first_page)
    world.put("pages", _joined(world.get("pages"), pages))
    visits.update(lengths(pages["session"] - first_visit, pages["dwell"], len(wanted["person"])))
    visits["login_at"], sent = _sent(world, rng, wanted, visits, pages, first_page)
    sessions = _joined(world.get("sessions"), visits)
    sessions["session_number"], sessions["is_first"] = number_visits(
        world, sessions["cookie"], sessions["started_at"]
    )
    world.put("sessions", sessions)
    # A visit in between gives the later ones of its cookie a higher number.
    world.run(
        """
        update events set ga_session_number = s.session_number
        from sessions as s
        where events.session = s.session and events.ga_session_number <> s.session_number
        """
    )
    taken = world.fetch("select event_timestamp from events")["event_timestamp"]
    added = send(world, rng, sent, world.count("select max(event) + 1 from events"), taken)
    # As nothing else tells of the time on these pages, the last event tells of all.
    added["engaged"] = np.where(added["name"] == EVENT_NUMBER["user_engagement"], 1.0, 0.0)
    world.put("raw_returns", added)
    world.run(f"insert into events {wide_events('raw_returns')}")
    world.put(
        "returns",
        {
            "order_number": wanted["order_number"],
            "person": wanted["person"],
            "session": visits["session"],
            "form": wanted["form"],
            "is_submitted": wanted["is_submitted"],
            "reason": wanted["reason"],
        },
    )


def _begun(world: World, rng: np.random.Generator) -> Columns:
    """Choose who begins which form and when, on the device that they used last."""
    wanted = world.fetch(_WANTED)
    size = len(wanted["person"])
    room = wanted["latest"] - wanted["earliest"]
    begins = (rng.random(size) < wanted["begins"]) & (room > 0)
    started = wanted["earliest"] + ((0.05 + 0.9 * rng.random(size)) * room).astype(np.int64)
    started = journeys.awake(world, rng, started) // SECOND * SECOND
    begins &= (started <= wanted["latest"]) & (started >= world.calendar.start)
    begins &= started < world.calendar.end - CLEARANCE
    wanted["is_submitted"] = rng.random(size) < wanted["finishes"]
    wanted["started_at"] = started
    columns = {key: value[begins] for key, value in wanted.items()}
    world.put("returns_begun", {"number": np.arange(int(begins.sum())), **columns})
    placed = world.fetch(
        f"""
        with placed as (
            select b.number, b.started_at, s.device, s.cookie
            from returns_begun as b
            inner join sessions as s on b.person = s.person and s.started_at < b.started_at
            inner join devices as d on s.device = d.device
            where not d.is_kiosk
            qualify row_number() over (
                partition by b.number order by s.started_at desc, s.session desc
            ) = 1
        ),

        -- who is in the shop within the hour anyway, or fills in another form, does it another way
        alone as (
            select p.* from placed as p
            where not exists (
                select 1 from sessions as s
                where s.device = p.device
                    and s.started_at < p.started_at + 2 * {CLEARANCE}
                    and s.started_at + s.seconds * {SECOND} > p.started_at - {CLEARANCE}
            )
            qualify coalesce(p.started_at - lag(p.started_at) over (
                partition by p.device order by p.started_at, p.number
            ) > 3 * {CLEARANCE}, true)
        )

        select number, device, cookie from alone order by number
        """
    )
    kept = placed["number"]
    found = {key: value[kept] for key, value in columns.items()}
    return {**found, "device": placed["device"], "cookie": placed["cookie"]}


def _visits(world: World, rng: np.random.Generator, wanted: Columns, first_visit: int) -> Columns:
    """The visits' columns of `sessions`, but for their number and what their pages make of them."""
    people = world.get("people")
    person, device, started = wanted["person"], wanted["device"], wanted["started_at"]
    size = len(person)
    is_app = world.get("devices")["is_app"][device].astype(bool)
    is_registered = people["is_registered"][person].astype(bool)
    is_registered &= started >= people["joined_at"][person]
    free = np.array([s.weights[SUPPORT] * (s.medium in FREE_MEDIUMS) for s in SOURCES])
    return {
        "session": first_visit + np.arange(size),
        "mission": wanted["mission"],
        "person": person,
        "started_at": started,
        "intent": np.full(size, SUPPORT),
        "reached": np.full(size, -1),
        "is_rescue": np.zeros(size, dtype=bool),
        "device": device,
        "cookie": wanted["cookie"],
        "source": np.where(is_app, 0, weighted(rng, free, size)),
        "campaign": np.full(size, -1),
        "product": wanted["product"],
        "is_consented": ~refuses_analytics(world, rng, device, started),
        "logs_in": is_registered & (is_app | (rng.random(size) < LOGIN_SHARE)),
        "meets_bug": np.zeros(size, dtype=bool),
        "meets_outage": np.zeros(size, dtype=bool),
    }


def _pages(
    world: World,
    rng: np.random.Generator,
    wanted: Columns,
    visits: Columns,
    first_page: int,
) -> Columns:
    """Lay out the pages: in by one's orders or as a guest, over the terms, to the form."""
    size = len(wanted["person"])
    guest = np.array([PAGE_NUMBER[name] for name in GUEST_LANDINGS])
    landing = np.where(
        visits["logs_in"], PAGE_NUMBER["account"], guest[weighted(rng, GUEST_WEIGHTS, size)]
    )
    counts = np.where(landing == PAGE_NUMBER["returns"], 2, 3)
    visit, position = repeat_index(counts)
    forms = np.array([PAGE_NUMBER[f"{form.name}_form"] for form in FORMS])
    from_end = counts[visit] - 1 - position
    kind = np.select(
        [from_end == 0, from_end == 1],
        [forms[wanted["form"]][visit], PAGE_NUMBER["returns"]],
        landing[visit],
    )
    dwell = stays(rng, kind)

    # The form: a look at it, then as long as this person takes, and a look at the answer.
    pace = world.rng("form pace").normal(0, PACE_SPREAD, len(world.get("people")["person"]))
    seconds = np.array([form.seconds for form in FORMS])[wanted["form"]] * np.exp(
        pace[wanted["person"]] + rng.normal(0, TIME_SPREAD, size)
    )
    least = np.array([form.abandoned_from for form in FORMS])[wanted["form"]]
    patience = least + (1 - least) * rng.random(size)
    seconds = np.where(wanted["is_submitted"], seconds, seconds * patience)
    before = 4 + rng.exponential(6, size)
    wanted["begun_after"] = before
    wanted["seconds"] = np.minimum(seconds, LONGEST_STAY - before)
    stay = before + wanted["seconds"] + 2 + rng.exponential(8, size)
    is_form = from_end == 0
    dwell = np.where(is_form, stay[visit], np.clip(dwell, SHORTEST_STAY, LONGEST_STAY))
    total = len(kind)
    return {
        "page": first_page + np.arange(total),
        "session": visits["session"][visit],
        "position": position,
        "is_last": is_form,
        "kind": kind,
        "product": visits["product"][visit],
        "variant": rng.integers(0, 1000, total),
        "dwell": dwell,
        "viewed_at": visits["started_at"][visit]
        + (offsets(counts, dwell) * SECOND).astype(np.int64),
    }


def _sent(
    world: World,
    rng: np.random.Generator,
    wanted: Columns,
    visits: Columns,
    pages: Columns,
    first_page: int,
) -> tuple[Array, list[Sent]]:
    """What these pages send, and when each visit logs in."""
    total, size = len(pages["page"]), len(wanted["person"])
    chosen: list[Sent] = []

    def fire(name: str, rows: Array, seconds: Array, value: Array | None = None) -> None:
        amount = np.full(len(rows), np.nan) if value is None else value.astype(np.float64)
        chosen.append((first_page + rows, EVENT_NUMBER[name], seconds, amount))

    every = np.arange(total)
    entry = np.flatnonzero(pages["position"] == 0)
    last = np.flatnonzero(pages["is_last"])
    fire("session_start", entry, np.zeros(size))
    fire("page_view", every, np.zeros(total))
    is_app = world.get("devices")["is_app"][visits["device"]].astype(bool)
    by_form = visits["logs_in"] & ~is_app
    login = entry[by_form]
    fire("login", login, 0.4 * pages["dwell"][login])
    is_done = wanted["is_submitted"].astype(bool)
    told = np.flatnonzero(((pages["dwell"] > 10) | pages["is_last"]) & (rng.random(total) < 0.45))
    fire("user_engagement", told, 0.99 * pages["dwell"][told])
    refused = rng.random(size) < np.where(is_done, *REFUSED_SHARE)
    half = wanted["begun_after"] + 0.6 * wanted["seconds"]
    fire("form_error", last[refused], half[refused])
    reasons = np.array([RETURN_REASONS.index(reason) for reason in wanted["reason"]], dtype=int)
    for number, form in enumerate(FORMS):
        mine = wanted["form"] == number
        fire(f"{form.name}_start", last[mine], wanted["begun_after"][mine])
        mine &= is_done
        fire(
            f"{form.name}_submit",
            last[mine],
            (wanted["begun_after"] + wanted["seconds"])[mine],
            reasons[mine],
        )
    login_at = np.where(visits["logs_in"], visits["started_at"], np.iinfo(np.int64).max)
    login_at[by_form] += (0.4 * pages["dwell"][login] * SECOND).astype(np.int64)
    return login_at, chosen


def _joined(old: Columns, rows: Columns) -> Columns:
    """The columns that both have, the new rows last."""
    return {key: np.concatenate([old[key], rows[key]]) for key in old if key in rows}
