"""E-mail campaigns and advertising: letters, clicks that lead to real visits, and cost."""

from __future__ import annotations

import numpy as np

from seeds.sample.vocabulary import CAMPAIGNS
from seeds.sample.web_sessions import SOURCES
from seeds.sample.world import DAY, SECOND, World, texts

SEND_WEEKDAY = 1
SEND_HOUR = 9
#: Advertising platform and price of a click by number of the traffic source.
_BY_SOURCE = {
    ("google", "cpc"): ("google_ads", 0.62),
    ("facebook", "paid_social"): ("meta", 0.41),
    ("instagram", "paid_social"): ("meta", 0.47),
    ("tiktok", "paid_social"): ("tiktok_ads", 0.3),
    ("bing", "cpc"): ("microsoft_ads", 0.5),
    ("google", "display"): ("dv360", 0.9),
}
AD_PLATFORMS = {
    number: _BY_SOURCE[(source.source, source.medium)]
    for number, source in enumerate(SOURCES)
    if (source.source, source.medium) in _BY_SOURCE
}


def make_mailings(world: World) -> None:
    """Weekly letters to those who consented; puts `mailings`, `messages`, `message_events`."""
    rng = world.rng("mailings")
    people = world.get("people")
    first = (SEND_WEEKDAY - world.settings.start_date.weekday()) % 7
    days = np.arange(first, world.settings.days, 7)
    sent_at = world.calendar.day_starts[days] + SEND_HOUR * 3600 * SECOND
    count = len(days)
    monthly = np.arange(count) % 4 == 3
    world.put(
        "mailings",
        {
            "mailing": np.arange(count),
            "campaign_id": texts([f"C{1000 + n}" for n in range(count)]),
            "campaign_name": np.where(
                monthly, CAMPAIGNS[7], texts([CAMPAIGNS[4]] * max(1, count))[:count]
            ).astype(object),
            "sent_at": sent_at,
            "path": np.where(monthly, "/kanta-asiakas", "/kampanja/syyskampanja").astype(object),
        },
    )
    able = np.flatnonzero(people["has_email_consent"])
    mailing = np.repeat(np.arange(count), len(able))
    person = np.tile(able, count)
    keep = people["joined_at"][person] < sent_at[mailing]
    mailing, person = mailing[keep], person[keep]
    size = len(person)
    sent = sent_at[mailing] + rng.integers(0, 900, size) * SECOND
    interest = 1 / (1 + np.exp(-(-1.15 + 0.3 * people["latent"][person])))
    opened = rng.random(size) < interest
    delay = (rng.exponential(0.6, size) * DAY).astype(np.int64) + 60 * SECOND
    bounces = rng.random(size) < 0.008
    unsubscribes = opened & ~bounces & (rng.random(size) < 0.004)
    complains = opened & ~bounces & (rng.random(size) < 0.0006)
    # Who leaves the list gets no further letter.
    left = np.full(len(people["person"]), np.iinfo(np.int64).max)
    leaving = unsubscribes | complains
    np.minimum.at(left, person[leaving], (sent + delay)[leaving])
    wanted = sent <= left[person]
    world.put(
        "messages",
        {
            "message": np.arange(int(wanted.sum())),
            "mailing": mailing[wanted],
            "person": person[wanted],
            "sent_at": sent[wanted],
            "bounces": bounces[wanted],
            "opens": opened[wanted],
            "open_delay": delay[wanted],
            "unsubscribes": unsubscribes[wanted],
            "complains": complains[wanted],
        },
    )
    world.run(f"create or replace table message_events as {_MESSAGE_EVENTS}")


# A visit from the newsletter was a click on the newest letter that its visitor had received.
_MESSAGE_EVENTS = f"""
with clicks as (
    select m.message, s.started_at - 4 * {SECOND} as clicked_at, s.session
    from sessions as s
    inner join sources as so on s.source = so.source
    asof inner join messages as m on s.person = m.person and s.started_at >= m.sent_at
    where so.traffic_source = 'newsletter' and not m.bounces
),

told as (
    select message, 'sent' as event, sent_at as occurred_at from messages
    union all
    select message, 'bounce', sent_at + 30 * {SECOND} from messages where bounces
    union all
    select message, 'delivered', sent_at + 20 * {SECOND} from messages where not bounces
    union all
    select message, 'open', sent_at + open_delay from messages
    where opens and not bounces and message not in (select message from clicks)
    union all
    select message, 'open', min(clicked_at) - 15 * {SECOND} from clicks group by message
    union all
    select message, 'click', clicked_at from clicks
    union all
    select message, 'unsubscribe', sent_at + open_delay + 40 * {SECOND} from messages
    where unsubscribes and not bounces
    union all
    select message, 'complaint', sent_at + open_delay + 50 * {SECOND} from messages
    where complains and not bounces
)

select
    row_number() over (order by t.occurred_at, t.message, t.event) as message_event,
    t.message,
    m.mailing,
    m.person,
    t.event,
    t.occurred_at
from told as t
inner join messages as m on t.message = m.message
order by message_event
"""


def make_ad_spend(world: World) -> None:
    """Cost per day, platform and campaign, from the visits that ads brought; puts `ad_spend`."""
    rng = world.rng("ad spend")
    paid = world.fetch(
        """
        select s.started_at, so.source, c.campaign
        from sessions as s
        inner join sources as so on s.source = so.source
        inner join campaigns as c on s.campaign = c.campaign
        where so.traffic_medium in ('cpc', 'paid_social', 'display')
        order by s.session
        """
    )
    days = world.calendar.day_index(np.asarray(paid["started_at"]))
    key, count = np.unique(
        np.stack([days, paid["source"], paid["campaign"]], axis=1), axis=0, return_counts=True
    )
    clicks = np.rint(count * rng.uniform(1.02, 1.25, len(key))).astype(np.int64)
    price = np.array([AD_PLATFORMS.get(n, ("", 0.0))[1] for n in range(len(SOURCES))])[
        key[:, 1]
    ] * np.exp(rng.normal(0, 0.12, len(key)))
    platform = texts([AD_PLATFORMS.get(n, ("", 0.0))[0] for n in range(len(SOURCES))])[key[:, 1]]
    world.put(
        "ad_spend",
        {
            "spend_date": texts([world.calendar.date_of(int(d)).isoformat() for d in key[:, 0]]),
            "platform": platform,
            "campaign_id": texts([f"{p}-{c}" for p, c in zip(platform, key[:, 2], strict=True)]),
            "campaign_name": texts(CAMPAIGNS)[key[:, 2]],
            "utm_source": texts([s.source for s in SOURCES])[key[:, 1]],
            "utm_medium": texts([s.medium for s in SOURCES])[key[:, 1]],
            "cost": np.round(clicks * price, 2),
            "impressions": clicks * rng.integers(25, 70, len(key)),
            "clicks": clicks,
        },
    )


def make_opt_outs(world: World) -> None:
    """Who left the mailing list: a few before the window, and those who unsubscribed."""
    rng = world.rng("opt-outs")
    people = dict(world.get("people"))
    left = np.full(len(people["person"]), np.iinfo(np.int64).max)
    gone = world.fetch(
        "select person, min(occurred_at) as at_time from message_events"
        " where event in ('unsubscribe', 'complaint') group by person order by person"
    )
    left[np.asarray(gone["person"])] = np.asarray(gone["at_time"])
    before = people["is_contact"] & ~people["has_email_consent"] & (rng.random(len(left)) < 0.25)
    left = np.where(before, people["joined_at"] + 3600 * SECOND, left)
    people["opted_out_at"] = left
    world.put("people", people)
