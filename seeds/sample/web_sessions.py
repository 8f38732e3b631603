"""Visits to the web shop and the app: when, on which device, from where, over which pages.

What a page view sends is in `web_events`; what a broken tag makes of it is in `defects`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seeds.sample import journeys
from seeds.sample.episodes import Episode
from seeds.sample.people import assign_devices, make_cookies
from seeds.sample.vocabulary import (
    CAMPAIGN_PAGES,
    CARE_ARTICLES,
    CATEGORIES,
    GUIDES,
    PRODUCTS,
)
from seeds.sample.world import (
    DAY,
    SECOND,
    Array,
    Columns,
    World,
    repeat_index,
    texts,
    weighted_rows,
)

AWARENESS, CONSIDERATION, ATTEMPT, USE, SUPPORT, LOYALTY = range(6)
STAGES = ("awareness", "consideration", "purchase", "use", "support", "loyalty")


@dataclass(frozen=True)
class PageType:
    """A page template.

    Attributes:
        name: Short name, also the scope in the truth.
        path: Path, with `{}` for the part that varies.
        title: Title, with `{}` likewise.
        dwell: Median seconds on it.
        landing: Weight as first page, by intent.
        browse: Weight as a later page, by intent.
    """

    name: str
    path: str
    title: str
    dwell: float
    landing: tuple[float, ...]
    browse: tuple[float, ...]


_NO = (0.0,) * 6
PAGES = (
    PageType("home", "/", "Kauppa", 14, (3, 4, 4, 2, 2, 3), (1, 1, 1, 1, 1, 1)),
    PageType(
        "campaign", "/kampanja/{}", "Kampanja: {}", 20, (5, 1, 1, 0, 0, 2), (1, 1, 0, 0, 0, 1)
    ),
    PageType(
        "category", "/kategoria/{}", "{} | Kauppa", 22, (4, 4, 3, 0, 0, 1), (5, 6, 4, 0, 0, 1)
    ),
    PageType("product", "/tuote/{}", "{} | Kauppa", 38, (4, 5, 6, 0, 0, 0), (4, 8, 5, 0, 0, 0)),
    PageType("search", "/haku", "Haku | Kauppa", 12, (0, 0, 0, 0, 0, 0), (0.5, 2, 1.5, 0, 1, 0)),
    PageType("cart", "/ostoskori", "Ostoskori", 24, _NO, _NO),
    PageType("checkout", "/kassa", "Kassa", 48, _NO, _NO),
    PageType("shipping", "/kassa/toimitus", "Kassa: toimitus", 32, _NO, _NO),
    PageType("payment", "/kassa/maksu", "Kassa: maksu", 40, _NO, _NO),
    PageType("thanks", "/kassa/kiitos", "Kiitos tilauksesta", 15, _NO, _NO),
    PageType("account", "/oma-tili", "Oma tili", 26, (0, 0, 0, 3, 1, 3), (0, 0, 0, 3, 1, 3)),
    PageType(
        "tracking", "/toimitus/seuranta", "Toimituksen seuranta", 18,
        (0, 0, 0, 5, 2, 0), (0, 0, 0, 2, 2, 0),
    ),
    PageType(
        "guide", "/ohjeet/{}", "Ohje: {}", 75, (0.2, 0.3, 0, 3, 1, 0), (0, 0.2, 0, 3, 1, 0)
    ),
    PageType(
        "care", "/hoito-ohjeet/{}", "Hoito-ohje: {}", 66,
        (0.5, 0.3, 0, 3, 0.5, 0.5), (0, 0.2, 0, 2.5, 0.5, 0.3),
    ),
    PageType(
        "contact", "/asiakaspalvelu", "Asiakaspalvelu", 25, (0, 0, 0, 0.2, 5, 0),
        (0, 0, 0, 0.3, 5, 0),
    ),
    PageType(
        "faq", "/asiakaspalvelu/ukk", "Usein kysyttyä", 40, (0, 0, 0, 0.5, 3, 0),
        (0, 0.1, 0, 0.5, 4, 0),
    ),
    PageType(
        "returns", "/palautukset", "Palautukset", 34, (0, 0, 0, 0.5, 2, 0), (0, 0.1, 0, 0.5, 3, 0)
    ),
    PageType(
        "stores", "/myymalat", "Myymälät", 20, (0.5, 0.6, 0, 0, 0.5, 0), (0.3, 0.8, 0, 0, 0.5, 0.2)
    ),
    PageType(
        "loyalty", "/kanta-asiakas", "Kanta-asiakkuus", 28, (0.2, 0.1, 0, 0.3, 0, 4),
        (0.2, 0.2, 0, 0.3, 0, 4),
    ),
    PageType(
        "loyalty_join", "/kanta-asiakas/liity", "Liity kanta-asiakkaaksi", 45,
        (0, 0, 0, 0, 0, 0.8), (0.05, 0.05, 0, 0.1, 0, 1.2),
    ),
    PageType(
        "newsletter", "/uutiskirje", "Uutiskirje", 18, (0.2, 0.1, 0, 0, 0, 0.8),
        (0.4, 0.2, 0, 0, 0, 0.8),
    ),
    PageType(
        "size_guide", "/kokotaulukko", "Kokotaulukko", 22, _NO, (0.1, 1.0, 0.4, 0, 0, 0)
    ),
    PageType(
        "reviews", "/tuote/{}/arvostelut", "Arvostelut: {}", 30, (0.2, 0.6, 0, 0, 0, 0),
        (0.2, 1.4, 0.5, 0, 0, 0.2),
    ),
    # Only who means to return or claim opens these: how long they stay is drawn in `returns`.
    PageType("return_form", "/palautukset/palautus", "Palauta tuote", 0, _NO, _NO),
    PageType("claim_form", "/palautukset/reklamaatio", "Tee reklamaatio", 0, _NO, _NO),
)  # fmt: skip
PAGE_NUMBER = {page.name: number for number, page in enumerate(PAGES)}
MORE_PAGES = (0.9, 2.2, 1.6, 0.9, 1.1, 1.0)
FUNNEL = tuple(PAGE_NUMBER[p] for p in ("cart", "checkout", "shipping", "payment", "thanks"))


@dataclass(frozen=True)
class Source:
    """Where a visit comes from.

    Attributes:
        source: utm_source or the referrer's name.
        medium: utm_medium.
        click_id: Parameter of the click id, if the platform adds one.
        referrer: Referrer host, if any.
        is_tagged: The link carries utm parameters.
        weights: Weight by intent.
    """

    source: str
    medium: str
    click_id: str | None
    referrer: str | None
    is_tagged: bool
    weights: tuple[float, ...]


SOURCES = (
    Source("(direct)", "(none)", None, None, False, (10, 24, 26, 40, 34, 22)),
    Source("google", "organic", None, "www.google.com", False, (22, 30, 22, 30, 38, 10)),
    Source("google", "cpc", "gclid", "www.google.com", True, (22, 18, 18, 2, 4, 2)),
    Source("facebook", "paid_social", "fbclid", "l.facebook.com", True, (14, 4, 4, 0, 0, 1)),
    Source("instagram", "paid_social", None, "l.instagram.com", True, (10, 4, 3, 0, 0, 1)),
    Source("tiktok", "paid_social", None, "www.tiktok.com", True, (6, 1, 1, 0, 0, 0)),
    Source("bing", "cpc", "msclkid", "www.bing.com", True, (3, 2, 2, 0, 0, 0)),
    Source("bing", "organic", None, "www.bing.com", False, (3, 3, 2, 3, 4, 1)),
    Source("google", "display", "dclid", "ad.doubleclick.net", True, (5, 1, 0.5, 0, 0, 0)),
    Source("vertailu.example", "referral", None, "vertailu.example", False, (4, 8, 6, 0, 0, 0)),
    Source("newsletter", "email", None, None, True, (1, 5, 12, 10, 4, 55)),
    Source("sms", "sms", None, None, True, (0, 0, 3, 15, 10, 8)),
)
#: Bounds of the seconds on a page.
SHORTEST_STAY, LONGEST_STAY = 1.0, 1500.0
#: Share of the window from which a new consent banner is out.
CONSENT_BANNER_FROM = 0.94
#: Seconds over which a session id is unique; two visits of one cookie are at least this far apart.
_SESSION_GAP = 2 * SECOND


def make_sessions(world: World, planted: dict[str, Episode]) -> None:
    """Turn missions and habits into visits; settles missions; puts `sessions` and `cookies`."""
    attempts_first = _choose_attempt_devices(world, planted)
    missions = world.get("missions")
    rng = world.rng("sessions")
    calendar = world.calendar
    people = world.get("people")

    parts: list[dict[str, Array]] = []

    def add(mission: Array, started: Array, intent: int, reached: Array | int = -1) -> None:
        parts.append(
            {
                "mission": mission,
                "person": missions["person"][mission],
                "started_at": started,
                "intent": np.full(len(mission), intent),
                "reached": np.broadcast_to(np.asarray(reached), mission.shape).astype(np.int64),
                "is_rescue": np.zeros(len(mission), dtype=bool),
            }
        )

    aware = np.flatnonzero(missions["is_aware"])
    add(aware, missions["begun_at"][aware], AWARENESS)
    owner, _ = repeat_index(missions["considerations"])
    until = np.where(
        missions["attempts"], missions["attempted_at"], missions["begun_at"] + 5 * DAY
    )[owner]
    when = missions["begun_at"][owner] + (
        rng.random(len(owner)) * np.maximum(until - missions["begun_at"][owner], 3600 * SECOND)
    ).astype(np.int64)
    add(owner, journeys.awake(world, rng, when), CONSIDERATION)
    tried = np.flatnonzero(missions["attempts"] & (missions["channel"] != journeys.STORE))
    add(tried, missions["attempted_at"][tried], ATTEMPT, missions["reached"][tried])
    rescue = np.flatnonzero(missions["is_rescued"] & (missions["order_channel"] != journeys.STORE))
    add(rescue, missions["ordered_at"][rescue], ATTEMPT, journeys.BOUGHT)
    parts[-1]["is_rescue"][:] = True
    owner, _ = repeat_index(missions["uses"])
    span = missions["delivered_at"][owner] - missions["ordered_at"][owner] + 9 * DAY
    when = missions["ordered_at"][owner] + (rng.random(len(owner)) ** 1.5 * span).astype(np.int64)
    add(owner, journeys.awake(world, rng, when), USE)
    asked = np.flatnonzero(missions["contacts"] & (rng.random(len(missions["mission"])) < 0.55))
    add(asked, missions["contacted_at"][asked] - rng.integers(300, 5400, len(asked)) * SECOND, 4)

    habit = np.where(people["is_contact"], 0.9 + 0.8 * (people["latent"] > 0.4), 0.0)
    owner, _ = repeat_index(rng.poisson(habit * world.settings.activity))
    when = journeys.moments(world, rng, rng.integers(0, world.settings.days, len(owner)))
    keep = (when >= people["joined_at"][owner]) & (when < people["left_at"][owner])
    parts.append(
        {
            "mission": np.full(int(keep.sum()), -1),
            "person": owner[keep],
            "started_at": when[keep],
            "intent": np.full(int(keep.sum()), LOYALTY),
            "reached": np.full(int(keep.sum()), -1),
            "is_rescue": np.zeros(int(keep.sum()), dtype=bool),
        }
    )

    visits = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    inside = (visits["started_at"] >= calendar.start) & (
        visits["started_at"] < calendar.end - 1800 * SECOND
    )
    visits = {key: value[inside] for key, value in visits.items()}
    mission = visits["mission"]
    first_try = (visits["intent"] == ATTEMPT) & ~visits["is_rescue"]
    device = assign_devices(
        world,
        visits["person"],
        "visit devices",
        app_only=np.where(
            visits["intent"] == ATTEMPT,
            np.where(
                visits["is_rescue"],
                missions["order_channel"][mission] == journeys.APP,
                missions["channel"][mission] == journeys.APP,
            ),
            False,
        ),
    )
    device = np.where(first_try, attempts_first[mission], device)
    is_app = world.get("devices")["is_app"].astype(bool)
    # An attempt meant for the web runs on a browser, whatever the habit says.
    web_only = (visits["intent"] == ATTEMPT) & visits["is_rescue"]
    web_only &= missions["order_channel"][mission] == journeys.WEB
    device = np.where(web_only & is_app[device], _browser_of(world)[visits["person"]], device)

    order = np.lexsort((visits["person"], visits["started_at"], device))
    visits = {key: value[order] for key, value in visits.items()}
    device = device[order]
    # No two visits of one device start together.
    started = visits["started_at"] // SECOND * SECOND
    same = np.concatenate(
        [[False], (device[1:] == device[:-1]) & (np.diff(started) < _SESSION_GAP)]
    )
    started = started + same * _SESSION_GAP
    visits["started_at"] = started
    cookie = make_cookies(world, device, started)

    order = np.lexsort((visits["person"], visits["started_at"]))
    visits = {key: value[order] for key, value in visits.items()}
    device, cookie, started = device[order], cookie[order], visits["started_at"]
    size = len(device)
    source = weighted_rows(rng, np.array([s.weights for s in SOURCES]).T, visits["intent"])
    consent = people["has_email_consent"][visits["person"]].astype(bool)
    mailed = texts([s.source for s in SOURCES])[source] == "newsletter"
    source = np.where(mailed & ~consent, 0, source)
    source = np.where(is_app[device], 0, source)
    product = np.where(
        visits["mission"] >= 0,
        missions["product"][visits["mission"]],
        rng.integers(0, len(PRODUCTS), size),
    )
    session_number, is_first = number_visits(world, cookie, started)
    is_refused = refuses_analytics(world, rng, device, started)
    login = people["is_registered"][visits["person"]].astype(bool) & (
        visits["started_at"] >= people["joined_at"][visits["person"]]
    )
    login &= rng.random(size) < np.array([0.05, 0.15, 0.62, 0.75, 0.4, 0.6])[visits["intent"]]
    login |= is_app[device] & people["is_registered"][visits["person"]].astype(bool)
    world.put(
        "sessions",
        {
            "session": np.arange(size),
            **visits,
            "device": device,
            "cookie": cookie,
            "source": source,
            "campaign": _campaign(world, rng, source, visits["started_at"]),
            "product": product,
            "session_number": session_number,
            "is_first": is_first,
            "is_consented": ~is_refused,
            "logs_in": login,
            "meets_bug": np.where(
                (visits["intent"] == ATTEMPT) & ~visits["is_rescue"],
                missions["meets_bug"][visits["mission"]],
                False,
            ),
            "meets_outage": np.where(
                (visits["intent"] == ATTEMPT) & ~visits["is_rescue"],
                missions["meets_outage"][visits["mission"]],
                False,
            ),
        },
    )


def make_pages(world: World) -> None:
    """Lay out the page views of each visit with their moments; puts `pages`."""
    rng = world.rng("pages")
    sessions = world.get("sessions")
    intent = sessions["intent"]
    size = len(intent)
    more = np.minimum(rng.geometric(1 / (1 + np.array(MORE_PAGES)[intent])) - 1, 25)
    # A buyer always sees the product before the cart; a lead is rarely the first page.
    funnel = np.where(sessions["reached"] >= 0, sessions["reached"] + 2, 0)
    counts = 1 + more + funnel
    session, position = repeat_index(counts)
    own_intent = intent[session]
    landing = weighted_rows(rng, np.array([p.landing for p in PAGES]).T, own_intent)
    browse = weighted_rows(rng, np.array([p.browse for p in PAGES]).T, own_intent)
    step = position - 1 - more[session]
    kind = np.where(position == 0, landing, browse)
    kind = np.where(step == 0, PAGE_NUMBER["product"], kind)
    kind = np.where(step > 0, np.array(FUNNEL)[np.clip(step - 1, 0, 4)], kind)
    total = len(kind)

    # Two thirds of product pages show what the mission is about.
    focus = (rng.random(total) < 0.62) | (step == 0)
    product = np.where(focus, sessions["product"][session], rng.integers(0, len(PRODUCTS), total))
    dwell = stays(rng, kind)
    slow = sessions["meets_bug"][session].astype(bool) & (kind == PAGE_NUMBER["checkout"])
    dwell = np.where(slow, dwell * 2.6, dwell)
    dwell = np.clip(dwell, SHORTEST_STAY, LONGEST_STAY)
    offset = offsets(counts, dwell)
    world.put(
        "pages",
        {
            "page": np.arange(total),
            "session": session,
            "position": position,
            "is_last": position == counts[session] - 1,
            "kind": kind,
            "product": product,
            "variant": rng.integers(0, 1000, total),
            "dwell": dwell,
            "viewed_at": sessions["started_at"][session] + (offset * SECOND).astype(np.int64),
        },
    )
    world.put("sessions", {**sessions, **lengths(session, dwell, size)})


def number_visits(world: World, cookie: Array, started: Array) -> tuple[Array, Array]:
    """Number the visits of each cookie, those before the window counted in.

    Args:
        world: The world, with `cookies`.
        cookie: Cookie per visit.
        started: Start of each visit in UTC microseconds.

    Returns:
        The number of each visit, and whether it is the first ever of its cookie.
    """
    size = len(cookie)
    by_cookie = np.lexsort((started, cookie))
    rank = np.empty(size, dtype=np.int64)
    starts = np.concatenate([[True], cookie[by_cookie][1:] != cookie[by_cookie][:-1]])
    rank[by_cookie] = np.arange(size) - np.maximum.accumulate(np.where(starts, np.arange(size), 0))
    known = ~world.get("cookies")["is_new"][cookie].astype(bool)
    return rank + 1 + known * 2, (rank == 0) & ~known


def refuses_analytics(
    world: World, rng: np.random.Generator, device: Array, started: Array
) -> Array:
    """Which visits, by device and start, refuse to be measured; one draw per visit."""
    refuses = world.get("devices")["refuses_analytics"][device].astype(bool)
    # Late in the window a new consent banner makes refusing one click: one in six more does.
    banner, _ = world.calendar.span(world.calendar.day(CONSENT_BANNER_FROM), 1)
    by_banner = (started >= banner) & (rng.random(len(device)) < 0.17)
    return np.asarray(refuses | (by_banner & (not world.settings.is_clean)))


def stays(rng: np.random.Generator, kind: Array) -> Array:
    """Draw the seconds on each page of a kind; one draw per page."""
    return np.asarray(
        np.array([p.dwell for p in PAGES])[kind] * np.exp(rng.normal(0, 0.75, len(kind)))
    )


def offsets(counts: Array, dwell: Array) -> Array:
    """Seconds from the start of a visit to each of its pages, visits of `counts` pages in a row."""
    before = np.cumsum(dwell) - dwell
    return np.asarray(before - np.repeat(before[np.cumsum(counts) - counts], counts))


def lengths(session: Array, dwell: Array, size: int) -> Columns:
    """What the pages make of each of `size` visits: how many, how long, whether engaged."""
    pages_of = np.bincount(session, minlength=size)
    length = np.bincount(session, weights=dwell, minlength=size)
    return {
        "page_count": pages_of,
        "seconds": length,
        "is_engaged": (pages_of > 1) | (length > 10),
    }


def _choose_attempt_devices(world: World, planted: dict[str, Episode]) -> Array:
    """Choose the device of every first attempt and so decide who meets the checkout bug."""
    missions = world.get("missions")
    devices = world.get("devices")
    device = assign_devices(
        world,
        missions["person"],
        "attempt devices",
        app_only=missions["channel"] == journeys.APP,
    )
    is_app = devices["is_app"].astype(bool)
    wrong = (missions["channel"] == journeys.WEB) & is_app[device]
    device = np.where(wrong, _browser_of(world)[missions["person"]], device)
    struck = (
        missions["may_meet_bug"].astype(bool)
        & (devices["browser"][device] == "Safari")
        & (devices["category"][device] == "mobile")
        & (missions["reached"] >= journeys.CHECKOUT)
    )
    journeys.settle_missions(world, struck)
    return device


def _browser_of(world: World) -> Array:
    """One browser device of each person."""
    users = world.get("device_users")
    devices = world.get("devices")
    web = ~devices["is_app"][users["device"]].astype(bool)
    web &= ~devices["is_kiosk"][users["device"]].astype(bool)
    found = np.zeros(len(world.get("people")["person"]), dtype=np.int64)
    found[users["person"][web]] = users["device"][web]
    return found


def _campaign(world: World, rng: np.random.Generator, source: Array, started: Array) -> Array:
    """Campaign number by source and season, −1 for untagged."""
    share = (started - world.calendar.start) / (world.calendar.end - world.calendar.start)
    season = np.clip((share * 4).astype(np.int64), 0, 3)
    medium = texts([s.medium for s in SOURCES])[source]
    search = np.where(rng.random(len(source)) < 0.6, 6, 5)
    mail = np.where(rng.random(len(source)) < 0.75, 4, 7)
    tagged = np.array([s.is_tagged for s in SOURCES])[source]
    campaign = np.select(
        [medium == "cpc", medium == "email", medium == "sms"], [search, mail, 7], season
    )
    return np.where(tagged, campaign, -1)


def page_variants() -> dict[str, tuple[str, ...]]:
    """The part of a path that varies, per template that has one."""
    return {
        "campaign": CAMPAIGN_PAGES,
        "category": CATEGORIES,
        "guide": GUIDES,
        "care": CARE_ARTICLES,
    }
