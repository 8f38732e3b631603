"""Surveys: who is asked, who answers, what they say and why.

A score is a person's latent satisfaction, plus what they met in the last month, plus noise. The
drivers are in the truth, so that an analysis of causes can be judged.
"""

from __future__ import annotations

import numpy as np

from seeds.sample import journeys
from seeds.sample.service import mood
from seeds.sample.vocabulary import COMMENTS, SURVEY_CAUSES
from seeds.sample.world import DAY, SECOND, Array, Columns, Floats, World, only_if, texts

#: Day (as share of the window) from which the service form asks for effort on the new scale.
CES_V2_FROM = 0.85
RELATIONSHIP_WAVES = (0.3, 0.8)
EXQ_ITEMS = 12
EMOTION_WORDS = (
    (("turhautunut", "frustrated"), ("pettynyt", "disappointed"), ("ärtynyt", "annoyed")),
    (("neutraali", "neutral"), ("yllättynyt", "surprised"), ("välinpitämätön", "indifferent")),
    (("iloinen", "happy"), ("luottavainen", "confident"), ("helpottunut", "relieved")),
)
CTT_TOUCHPOINTS = ("product_page", "checkout", "payment", "delivery_tracking", "store_purchase")


def make_surveys(world: World) -> None:
    """Draw every survey; puts one table of invitations and one of responses per survey."""
    _purchase(world)
    _relationship(world)
    _service(world)
    _content(world)
    _store_messages(world)
    _ratings(world)


def _purchase(world: World) -> None:
    """Questback after a purchase: NPS, CES, CSAT, emotions per touchpoint."""
    rng = world.rng("purchase survey")
    orders = world.fetch(
        """
        select
            o.order_number, o.person, o.channel, o.delivered_at, o.loyalty_id is not null as member,
            p.has_email_consent, m.is_delayed, m.meets_bug,
            case when o.channel = 'store' then 'R' || o.order_number else 'KA' || o.order_number end
                as order_ref
        from orders as o
        inner join people as p on o.person = p.person
        inner join missions as m on o.mission = m.mission
        where not o.is_cancelled and (o.channel <> 'store' or o.loyalty_id is not null)
        order by o.order_number
        """
    )
    asked = rng.random(len(orders["person"])) < 0.75
    orders = {key: value[asked] for key, value in orders.items()}
    size = len(orders["person"])
    sent = journeys.awake(
        world,
        rng,
        orders["delivered_at"] + DAY + rng.integers(0, DAY // 2, size),
        opening=(9, 17),
    )
    inside = sent < world.calendar.end - DAY // 2
    orders = {key: value[inside] for key, value in orders.items()}
    sent = sent[inside]
    size = len(sent)
    state = _state(world, rng, orders["person"], sent)
    answers = _answering(world, rng, orders["person"], state, 0.27)
    ces_shift = np.where(orders["meets_bug"].astype(bool), -1.6, 0.0)
    is_store = orders["channel"] == "store"
    language = world.get("people")["language"][orders["person"]]
    touched = {
        "product_page": ~is_store,
        "checkout": ~is_store,
        "payment": ~is_store,
        "delivery_tracking": ~is_store,
        "store_purchase": is_store,
    }
    shifts = {
        "checkout": ces_shift,
        "delivery_tracking": np.where(orders["is_delayed"].astype(bool), -1.2, 0.1),
    }
    emotions: Columns = {}
    weakest = np.zeros(size, dtype=np.int64)
    lowest = np.full(size, np.inf)
    for number, touchpoint in enumerate(CTT_TOUCHPOINTS):
        feeling = 0.35 + 0.6 * state + shifts.get(touchpoint, 0.0) + rng.normal(0, 0.8, size)
        tone = np.where(feeling > 0.5, 2, np.where(feeling < -0.5, 0, 1))
        word = _emotion(rng, tone, language)
        emotions[f"ctt_emotion_{touchpoint}"] = only_if(touched[touchpoint], word)
        less = touched[touchpoint] & (feeling < lowest)
        weakest = np.where(less, number, weakest)
        lowest = np.where(less, feeling, lowest)
    names = rng.random(size) < 0.6
    started = journeys.awake(
        world, rng, sent + (rng.exponential(0.5, size) * DAY).astype(np.int64) + 300 * SECOND
    )
    world.put(
        "purchase_survey",
        {
            "number": np.arange(size) + 1,
            "person": orders["person"],
            "order_ref": texts(orders["order_ref"].tolist()),
            "touchpoint_id": np.select(
                [is_store, orders["channel"] == "app"],
                ["store_purchase", "app_purchase"],
                "web_purchase",
            ).astype(object),
            "is_member": orders["member"].astype(bool),
            "sent_at": sent,
            "is_delivered": rng.random(size) < 0.985,
            "answers": answers,
            "started_at": started,
            "seconds": np.exp(rng.normal(4.7, 0.4, size)),
            "state": state,
            "nps": _nps(rng, state),
            "ces": _scale(rng, 5.5 + ces_shift + 0.75 * state, 0.8, 1, 7),
            "csat": _scale(rng, 4.05 + 0.6 * state, 0.55, 1, 5),
            **emotions,
            "ctt_decisive": only_if(names, texts(CTT_TOUCHPOINTS)[weakest]),
            "ctt_cause": only_if(
                names, texts(SURVEY_CAUSES)[rng.integers(0, len(SURVEY_CAUSES), size)]
            ),
            "open_text": _comment(rng, state, language, 0.4),
            "is_complete": rng.random(size) < 0.94,
        },
    )


def _relationship(world: World) -> None:
    """Questback twice in the window to a sample of contacts: NPS, WOMI, EXQ."""
    rng = world.rng("relationship survey")
    people = world.get("people")
    parts = []
    for wave, share in enumerate(RELATIONSHIP_WAVES, start=1):
        start, _ = world.calendar.span(world.calendar.day(share), 1, hour=9)
        able = people["has_email_consent"] & (people["joined_at"] < start)
        chosen = np.flatnonzero(able & (rng.random(len(able)) < 0.4))
        parts.append((chosen, np.full(len(chosen), start), np.full(len(chosen), wave)))
    person, sent, wave_number = (np.concatenate(column) for column in zip(*parts, strict=True))
    sent = sent + rng.integers(0, 3600, len(sent)) * SECOND
    size = len(person)
    state = _state(world, rng, person, sent, days=60)
    language = people["language"][person]
    exq: Columns = {}
    blocks = (0.1, 0.0, -0.15)
    for item in range(1, EXQ_ITEMS + 1):
        base = 5.1 + 0.75 * state + blocks[(item - 1) // 4]
        score = _scale(rng, base, 0.75, 1, 7).astype(np.float64)
        exq[f"exq_{item:02d}"] = np.where(rng.random(size) < 0.03, np.nan, score)
    recommend = _scale(rng, 7.3 + 1.6 * state, 1.1, 1, 10)
    discourage = _scale(rng, 2.0 - 1.5 * state, 1.2, 1, 10)
    # A few of the disappointed truly warn others: far fewer than those who would not recommend.
    warning = world.rng("warnings to others")
    warns = warning.random(size) < 0.05 * np.clip(0.6 - state, 0, 3)
    discourage = np.where(warns, warning.integers(9, 11, size), discourage)
    world.put(
        "relationship_survey",
        {
            "number": np.arange(size) + 1,
            "person": person,
            "wave": wave_number,
            "sent_at": sent,
            "is_delivered": rng.random(size) < 0.98,
            "answers": _answering(world, rng, person, state, 0.2),
            "started_at": journeys.awake(
                world, rng, sent + (rng.exponential(1.2, size) * DAY).astype(np.int64) + 60 * SECOND
            ),
            "seconds": np.exp(rng.normal(5.5, 0.35, size)),
            "state": state,
            "nps": _nps(rng, state),
            "womi_recommend": recommend,
            "womi_discourage": discourage,
            **exq,
            "open_text": _comment(rng, state, language, 0.3),
            "is_complete": rng.random(size) < 0.9,
        },
    )


def _service(world: World) -> None:
    """Typeform after a case: CSAT and CES, late in the window with the effort question rescaled."""
    rng = world.rng("service survey")
    cases = world.fetch(
        "select case_number, person, ticket_id, solved_at, channel, is_resolved, wait_seconds,"
        " agent from cases where has_ticket order by case_number"
    )
    sent = cases["solved_at"] + 3600 * SECOND
    state = _state(world, rng, cases["person"], sent)
    state += 0.3 * world.rng("agents").normal(0, 1, 18)[cases["agent"]] * (cases["agent"] >= 0)
    size = len(sent)
    started = journeys.awake(world, rng, sent + (rng.exponential(0.4, size) * DAY).astype(np.int64))
    answers = _answering(world, rng, cases["person"], state, 0.33)
    answers &= started < world.calendar.end - 1200 * SECOND
    ease = _scale(rng, 4.9 + 0.8 * state + 0.5 * cases["is_resolved"], 0.9, 1, 7)
    effort = _scale(rng, 2.6 - 0.55 * state - 0.4 * cases["is_resolved"], 0.7, 1, 5)
    version, _ = world.calendar.span(world.calendar.day(CES_V2_FROM), 1)
    world.put(
        "service_survey",
        {
            "number": np.arange(size) + 1,
            "person": cases["person"],
            "case_number": cases["case_number"],
            "ticket_id": cases["ticket_id"],
            "touchpoint_id": np.select(
                [
                    cases["channel"] == "phone",
                    cases["channel"] == "chat",
                    cases["channel"] == "sms",
                ],
                ["phone_call", "chat", "sms_service"],
                "support_ticket",
            ).astype(object),
            "sent_at": sent,
            "answers": answers,
            "started_at": started,
            "seconds": np.exp(rng.normal(4.0, 0.4, size)),
            "state": state,
            "csat": _scale(rng, 3.8 + 0.7 * state + 0.3 * cases["is_resolved"], 0.6, 1, 5),
            "ces": np.where(started < version, ease, effort),
            "ces_version": np.where(started < version, 1, 2),
            "open_text": _comment(
                rng, state, world.get("people")["language"][cases["person"]], 0.35
            ),
        },
    )


def _content(world: World) -> None:
    """Typeform pop-up on guides, care articles and answers: was this useful?"""
    rng = world.rng("content survey")
    views = world.fetch(
        """
        select e.event, e.event_timestamp, e.person, e.session, e.template, e.path, e.stream_id
        from events as e
        where e.event_name = 'page_view' and e.template in ('guide', 'care', 'faq')
        order by e.event
        """
    )
    chosen = rng.random(len(views["event"])) < 0.09
    views = {key: value[chosen] for key, value in views.items()}
    size = len(views["event"])
    state = _state(world, rng, views["person"], views["event_timestamp"])
    # Some articles are worse than others.
    quality = np.where(np.char.find(views["path"].astype(str), "takuu") >= 0, -0.8, 0.4)
    quality = np.where(np.char.find(views["path"].astype(str), "teltta") >= 0, -0.4, quality)
    useful = rng.random(size) < 1 / (1 + np.exp(-(0.7 + quality + 0.3 * state)))
    started = views["event_timestamp"] + 25 * SECOND
    world.put(
        "content_survey",
        {
            "number": np.arange(size) + 1,
            "person": views["person"],
            "session": views["session"],
            "path": texts(views["path"].tolist()),
            "channel": np.where(views["stream_id"] == "2002", "app", "web").astype(object),
            "touchpoint_id": np.select(
                [views["template"] == "guide", views["template"] == "care"],
                ["user_guide", "care_article"],
                "faq",
            ).astype(object),
            "started_at": started,
            "seconds": np.exp(rng.normal(2.4, 0.4, size)),
            "useful": useful,
            "open_text": _comment(
                rng, state, world.get("people")["language"][views["person"]], 0.12
            ),
        },
    )


def _store_messages(world: World) -> None:
    """A text message after a visit to a store: how did we do, 1 to 5."""
    rng = world.rng("store messages")
    orders = world.fetch(
        """
        select o.order_number, o.person, o.ordered_at
        from orders as o
        inner join people as p on o.person = p.person
        where o.channel = 'store' and o.loyalty_id is not null and p.has_sms_consent
        order by o.order_number
        """
    )
    size = len(orders["person"])
    sent = orders["ordered_at"] + 2 * 3600 * SECOND
    state = _state(world, rng, orders["person"], sent)
    answers = _answering(world, rng, orders["person"], state, 0.38)
    received = sent + (rng.exponential(2.0, size) * 3600 * SECOND).astype(np.int64) + 30 * SECOND
    score = _scale(rng, 4.15 + 0.55 * state, 0.55, 1, 5)
    words = _comment(rng, state, world.get("people")["language"][orders["person"]], 0.25)
    world.put(
        "store_messages",
        {
            "number": np.arange(size) + 1,
            "person": orders["person"],
            "order_number": orders["order_number"],
            "sent_at": sent,
            "is_delivered": rng.random(size) < 0.97,
            "answers": answers & (received < world.calendar.end),
            "received_at": received,
            "state": state,
            "score": score,
            "open_text": words,
        },
    )


def _ratings(world: World) -> None:
    """The help desk's own good or bad after a ticket is solved."""
    rng = world.rng("ratings")
    cases = world.fetch(
        "select case_number, person, ticket_id, agent, solved_at, is_resolved from cases"
        " where has_ticket order by case_number"
    )
    size = len(cases["person"])
    state = _state(world, rng, cases["person"], cases["solved_at"])
    good = rng.random(size) < 1 / (1 + np.exp(-(0.9 + 0.9 * state + 0.8 * cases["is_resolved"])))
    given = rng.random(size) < 0.24
    world.put(
        "ratings",
        {
            "number": np.arange(size) + 1,
            "person": cases["person"],
            "ticket_id": cases["ticket_id"],
            "agent": cases["agent"],
            "offered_at": cases["solved_at"] + 60 * SECOND,
            "rated_at": cases["solved_at"]
            + (rng.exponential(0.5, size) * DAY).astype(np.int64)
            + 120 * SECOND,
            "score": np.where(~given, "offered", np.where(good, "good", "bad")).astype(object),
            "comment": only_if(
                given, _comment(rng, state, world.get("people")["language"][cases["person"]], 0.3)
            ),
        },
    )


def _state(
    world: World, rng: np.random.Generator, person: Array, at: Array, days: int = 30
) -> Floats:
    """What a person feels at an instant."""
    noise = rng.normal(0, 0.35, len(person))
    return 0.75 * world.get("people")["latent"][person] + mood(world, person, at, days) + noise


def _answering(
    world: World, rng: np.random.Generator, person: Array, state: Floats, base: float
) -> Array:
    """Who answers: the very pleased and the very displeased, the loyal, rather than the rest."""
    tier = world.get("people")["is_member"][person].astype(float)
    chance = base * (0.8 + 0.18 * np.abs(state) + 0.3 * tier)
    return rng.random(len(person)) < np.clip(chance, 0.02, 0.9)


def _nps(rng: np.random.Generator, state: Floats) -> Array:
    return _scale(rng, 7.9 + 1.55 * state, 1.0, 0, 10)


def _scale(rng: np.random.Generator, mean: Floats, noise: float, low: int, high: int) -> Array:
    return np.clip(np.rint(mean + rng.normal(0, noise, len(mean))), low, high).astype(np.int64)


def _emotion(rng: np.random.Generator, tone: Array, language: Array) -> Array:
    words = np.array(EMOTION_WORDS, dtype=object)
    return words[tone, rng.integers(0, 3, len(tone)), (language == "en").astype(np.int64)]


def _comment(rng: np.random.Generator, state: Floats, language: Array, share: float) -> Array:
    """Free text by tone and language; most leave it blank."""
    size = len(state)
    tone = np.where(state > 0.6, 2, np.where(state < -0.5, 0, 1))
    english = (language == "en").astype(np.int64)
    width = max(len(texts_) for by_tone in COMMENTS for texts_ in by_tone)
    table = np.array(
        [
            [[by_language[n % len(by_language)] for n in range(width)] for by_language in by_tone]
            for by_tone in COMMENTS
        ],
        dtype=object,
    )
    text = table[tone, english, rng.integers(0, width, size)]
    return only_if(rng.random(size) < share, text)
