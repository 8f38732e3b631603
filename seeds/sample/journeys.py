"""Missions: what a person set out to get, through which stages, and how it ended.

A mission runs awareness → consideration → an attempt to buy → use → support. Its outcome is decided
here; web, commerce, service and survey modules only tell it in their systems' words.
"""

from __future__ import annotations

import numpy as np

from seeds.sample.episodes import Episode
from seeds.sample.vocabulary import PAYMENT_METHODS, PRODUCTS, STORES, TOPICS
from seeds.sample.world import DAY, SECOND, Array, World, repeat_index, texts, weighted

#: How far an attempt gets.
CART, CHECKOUT, SHIPPING, PAYMENT, BOUGHT = range(5)
WEB, APP, STORE = range(3)
STORE_HOURS = (9, 20)
HOUR_WEIGHTS = (1, 0.5, 0.3, 0.2, 0.3, 1, 2, 4, 5, 6, 6, 7, 7, 6, 6, 7, 8, 9, 10, 11, 11, 9, 6, 3)
WEEKDAY_WEIGHTS = (1.05, 1.0, 0.95, 1.0, 0.95, 0.9, 1.2)


def make_missions(world: World, planted: dict[str, Episode]) -> None:
    """Draw every mission with its moments and outcome; puts `missions`."""
    rng = world.rng("missions")
    people = world.get("people")
    is_customer = people["is_customer"].astype(bool)
    calendar = world.calendar
    rate = np.where(is_customer, people["missions"], 0.5) * world.settings.activity
    present = np.where(
        is_customer,
        (people["left_at"] - np.maximum(people["joined_at"] - 5 * DAY, calendar.start))
        / (calendar.end - calendar.start),
        1.0,
    )
    counts = rng.poisson(np.clip(rate * np.clip(present, 0.05, 1.0), 0, 30))
    # One trade customer buys through the counter on one account, dozens of times.
    counts[0] = int(np.clip(0.016 * world.settings.customers * world.settings.activity, 4, 90))
    person, position = repeat_index(counts)
    size = len(person)
    buyer = is_customer[person]

    day = weighted(rng, _day_weights(world), size)
    begun = moments(world, rng, day)
    floor = np.where(buyer, np.maximum(people["joined_at"][person] - 3 * DAY, calendar.start), 0)
    late = np.where(buyer, np.minimum(people["left_at"][person], calendar.end), calendar.end)
    width = np.maximum(late - floor, DAY)
    outside = (begun < floor) | (begun >= late)
    begun = np.where(outside, floor + (begun - calendar.start) % width, begun)

    latent = people["latent"][person]
    aware = rng.random(size) < np.where(buyer, 0.45, 0.9)
    considers = rng.poisson(np.where(buyer, 2.2, 1.0))
    attempts = buyer & (rng.random(size) < np.clip(0.60 + 0.05 * latent, 0.2, 0.9))
    counter = person == 0
    attempts |= counter
    store = rng.random(size) < people["store_share"][person]
    has_app = np.isin(
        person,
        world.get("device_users")["person"][
            world.get("devices")["is_app"][world.get("device_users")["device"]].astype(bool)
        ],
    )
    by_app = has_app & (rng.random(size) < 0.5)
    channel = np.where(store, STORE, np.where(by_app, APP, WEB))
    attempted = begun + (rng.exponential(2.0, size) * DAY).astype(np.int64) + 900 * SECOND
    attempted = np.where(
        channel == STORE,
        awake(world, rng, attempted, opening=STORE_HOURS),
        awake(world, rng, attempted),
    )
    attempts &= attempted < calendar.end - 3600 * SECOND

    # How far it gets: a cart costs nothing, a card must be found.
    reached = np.where(
        channel == STORE, BOUGHT, weighted(rng, [0.30, 0.08, 0.07, 0.06, 0.49], size)
    )
    payment = weighted(rng, [0.34, 0.34, 0.2, 0.12], size)
    products = rng.integers(0, len(PRODUCTS), size)
    bug_risk = (channel == WEB) & planted["checkout_bug"].holds(attempted)
    outage = (channel != STORE) & planted["payment_outage"].holds(attempted)
    reached = np.where(outage & (reached > PAYMENT), PAYMENT, reached)

    world.put(
        "missions",
        {
            "mission": np.arange(size),
            "person": person,
            "mission_number": position + 1,
            "begun_at": begun,
            "is_aware": aware,
            "considerations": considers,
            "attempts": attempts,
            "channel": channel,
            "attempted_at": attempted,
            "reached": np.where(attempts, reached, -1),
            "payment": texts(PAYMENT_METHODS)[payment],
            "product": products,
            "store_id": texts(STORES)[rng.integers(0, len(STORES), size)],
            "may_meet_bug": bug_risk & attempts,
            "meets_outage": outage & attempts,
            "is_counter": counter,
        },
    )


def settle_missions(world: World, meets_bug: Array) -> None:
    """Finish missions once it is known who met the checkout bug; puts `missions` anew.

    Args:
        world: The world, with `missions` and devices chosen for the attempts.
        meets_bug: Missions whose attempt ran on the broken browser in the broken window.
    """
    rng = world.rng("outcomes")
    missions = dict(world.get("missions"))
    people = world.get("people")
    size = len(missions["mission"])
    reached = missions["reached"]
    stopped = meets_bug & (reached >= SHIPPING) & (rng.random(size) < 0.62)
    reached = np.where(stopped, CHECKOUT, reached)
    bought = reached == BOUGHT
    channel = missions["channel"]

    # Some of the abandoned come back, often by another door.
    abandoned = missions["attempts"].astype(bool) & ~bought
    rescued = abandoned & (rng.random(size) < 0.22)
    rescue_channel = np.where(
        channel == WEB,
        weighted(rng, [0.35, 0.15, 0.5], size),
        weighted(rng, [0.45, 0.2, 0.35], size),
    )
    rescued_at = awake(
        world,
        rng,
        missions["attempted_at"] + (rng.exponential(1.4, size) * DAY).astype(np.int64) + DAY // 24,
    )
    rescued_at = np.where(
        rescue_channel == STORE, awake(world, rng, rescued_at, opening=STORE_HOURS), rescued_at
    )
    rescued &= rescued_at < world.calendar.end - 3600 * SECOND
    ordered_at = np.where(rescued, rescued_at, missions["attempted_at"])
    order_channel = np.where(rescued, rescue_channel, channel)
    # A rescue by app needs the app; else it happens on the web.
    app_users = world.get("device_users")["person"][
        world.get("devices")["is_app"][world.get("device_users")["device"]].astype(bool)
    ]
    order_channel = np.where(
        (order_channel == APP) & ~np.isin(missions["person"], app_users), WEB, order_channel
    )
    has_order = bought | rescued

    shipped_days = np.clip(rng.gamma(4.0, 0.8, size), 1, 14)
    delayed = (order_channel != STORE) & (rng.random(size) < 0.13)
    shipped_days = np.where(delayed, shipped_days + rng.uniform(3, 8, size), shipped_days)
    delivered_at = np.where(
        order_channel == STORE,
        ordered_at,
        ordered_at + (shipped_days * DAY).astype(np.int64),
    )
    uses = np.where(has_order, rng.poisson(0.9, size) + (order_channel != STORE), 0)

    # Trouble: late parcels, broken goods, failed payments.
    faulty = has_order & (rng.random(size) < 0.05)
    p_contact = np.where(has_order, 0.13, 0.05)
    p_contact = np.where(delayed & has_order, 0.34, p_contact)
    p_contact = np.where(faulty, 0.65, p_contact)
    p_contact = np.where(missions["meets_outage"] | meets_bug, 0.25, p_contact)
    is_customer = people["is_customer"][missions["person"]].astype(bool)
    contacts = (rng.random(size) < p_contact) & is_customer & ~missions["is_counter"]
    general = weighted(rng, [t[4] for t in TOPICS], size)
    topic = np.select(
        [faulty, delayed & has_order, missions["meets_outage"] | meets_bug], [1, 0, 2], general
    )
    contacted_at = awake(
        world,
        rng,
        np.where(
            (missions["meets_outage"] | meets_bug),
            missions["attempted_at"] + 1800 * SECOND,
            np.where(
                delayed,
                ordered_at + (shipped_days * 0.8 * DAY).astype(np.int64),
                np.where(
                    has_order,
                    delivered_at + (rng.exponential(2, size) * DAY).astype(np.int64),
                    missions["begun_at"] + (rng.exponential(1, size) * DAY).astype(np.int64),
                ),
            ),
        ),
        opening=(8, 20),
    )
    contacts &= contacted_at < world.calendar.end - 2 * 3600 * SECOND
    missions.update(
        {
            "reached": reached,
            "meets_bug": meets_bug,
            "is_rescued": rescued,
            "rescue_channel": np.where(rescued, order_channel, -1),
            "has_order": has_order,
            "order_channel": np.where(has_order, order_channel, -1),
            "ordered_at": ordered_at,
            "is_delayed": delayed & has_order,
            "delivered_at": delivered_at,
            "uses": uses,
            "is_faulty": faulty,
            "contacts": contacts,
            "topic": topic,
            "contacted_at": contacted_at,
        }
    )
    world.put("missions", missions)


def moments(world: World, rng: np.random.Generator, day: Array) -> Array:
    """Instants on given days, by the hours at which people shop."""
    hour = weighted(rng, HOUR_WEIGHTS, len(day))
    inside = hour * 3600 * SECOND + rng.integers(0, 3600 * SECOND, len(day))
    return world.calendar.day_starts[day] + inside


def awake(
    world: World, rng: np.random.Generator, instants: Array, opening: tuple[int, int] = (7, 23)
) -> Array:
    """Move instants of the night into the hours between opening and closing."""
    local = world.calendar.local(instants)
    hour = (local // (3600 * SECOND)) % 24
    first, last = opening
    shut = (hour < first) | (hour >= last)
    target = rng.integers(first * 3600, last * 3600, len(instants)) * SECOND
    at = local % DAY
    # Forwards only: what follows another step must not come before it.
    shift = np.where(target > at, target - at, target - at + DAY)
    return np.where(shut, instants + shift, instants)


def _day_weights(world: World) -> Array:
    days = np.arange(world.settings.days)
    weekday = (world.settings.start_date.weekday() + days) % 7
    weights = np.array(WEEKDAY_WEIGHTS)[weekday] * (1 + 0.15 * days / max(1, len(days)))
    sale = world.calendar.day(0.45)
    weights[sale : sale + 3] *= 1.35
    return weights
