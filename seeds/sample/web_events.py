"""What the tags send: one row per GA4 event, flat, before any defect.

Events are drawn by rule over page views; their parameters are then looked up set-based. The flat
table `events` is what `defects.web` damages and `writers.ga4` nests into the export's schema.
"""

from __future__ import annotations

import numpy as np

from seeds.sample import vocabulary as words
from seeds.sample.web_sessions import CONSIDERATION, PAGE_NUMBER, PAGES, SOURCES
from seeds.sample.web_sessions import page_variants as variants
from seeds.sample.world import SECOND, Array, Columns, World, texts, weighted

EVENT_NAMES = (
    "session_start", "first_visit", "page_view", "user_engagement", "scroll", "view_item_list",
    "view_item", "select_item", "add_to_cart", "remove_from_cart", "view_cart", "begin_checkout",
    "add_shipping_info", "add_payment_info", "purchase", "refund", "login", "logout", "sign_up",
    "generate_lead", "loyalty_signup", "app_download_click", "view_search_results", "video_start",
    "video_progress", "video_complete", "click", "form_error", "checkout_error",
    "content_feedback", "file_download", "section_view", "rage_click", "dead_click", "LCP", "INP",
    "CLS", "TTFB", "return_start", "return_submit", "claim_start", "claim_submit",
)  # fmt: skip
EVENT_NUMBER = {name: number for number, name in enumerate(EVENT_NAMES)}
#: Sections of a campaign page, and the share of views that reach each.
SECTIONS = (("tarjoukset", 0.85), ("uutuudet", 0.5), ("ehdot", 0.2))
#: Median and spread (of the logarithm) of the load metrics: milliseconds, CLS as it is.
WEB_VITALS = {"LCP": (2100, 0.45), "INP": (140, 0.6), "CLS": (0.06, 0.8), "TTFB": (420, 0.5)}
#: Share of page views whose load is measured: web-vitals events are sampled, as they are many.
MEASURED_SHARE = 0.006
#: Share of the stay on a page of which its first scroll tells.
SCROLLED_SHARE = 0.55
WEB_STREAM, APP_STREAM = "1001", "2002"
WEB_HOST, CHECKOUT_HOST = "www.kauppa.example", "checkout.kauppa.example"

#: Events of one name: pages, number of the name, seconds into the stay, what it tells.
Sent = tuple[Array, int, Array, Array]


def make_events(world: World) -> None:
    """Draw the events of every page view; puts `raw_events`, `lookups` and the flat `events`."""
    rng = world.rng("events")
    pages = world.get("pages")
    sessions = world.get("sessions")
    kind, session, dwell = pages["kind"], pages["session"], pages["dwell"]
    total = len(kind)
    first = pages["position"] == 0
    on = {name: kind == number for name, number in PAGE_NUMBER.items()}
    intent = sessions["intent"][session]
    chosen: list[Sent] = []

    def fire(name: str, mask: Array, share: float, at: float, value: Array | None = None) -> Array:
        """Send an event on the pages of a mask, at a share of the stay; returns those pages."""
        where = np.flatnonzero(mask)
        if share < 1:
            where = where[rng.random(len(where)) < share]
        extra = value[where] if value is not None else np.full(len(where), np.nan)
        chosen.append((where, EVENT_NUMBER[name], dwell[where] * at, extra))
        return where

    is_app = world.get("devices")["is_app"][sessions["device"]][session].astype(bool)

    def mark(where: Array) -> Array:
        mask = np.zeros(total, dtype=bool)
        mask[where] = True
        return mask

    fire("session_start", first, 1, 0)
    fire("first_visit", first & sessions["is_first"][session].astype(bool), 1, 0)
    fire("page_view", np.ones(total, dtype=bool), 1, 0)
    depth = np.array([10, 25, 50, 75, 90, 100.0])[weighted(rng, [1, 2, 3, 3, 4, 1], total)]
    fire("scroll", ~is_app & (dwell > 8) & (kind < PAGE_NUMBER["cart"]), 0.26, 0.6, depth)
    content = on["guide"] | on["care"] | on["faq"] | on["size_guide"] | on["reviews"]
    fire("scroll", ~is_app & content & (dwell > 8), 0.8, 0.6, depth)
    fire("user_engagement", (dwell > 10) | pages["is_last"].astype(bool), 0.45, 0.99)
    fire("view_item_list", on["category"] | on["campaign"], 1, 0.03)
    following = np.concatenate([kind[1:], [-1]])
    following[pages["is_last"].astype(bool)] = -1
    fire("select_item", on["category"] & (following == PAGE_NUMBER["product"]), 1, 0.95)
    fire("view_item", on["product"], 1, 0.04)
    to_cart = (following == PAGE_NUMBER["cart"]) & on["product"]
    fire("add_to_cart", to_cart, 1, 0.8)
    fire("add_to_cart", on["product"] & (intent == CONSIDERATION), 0.05, 0.7)
    fire("view_cart", on["cart"], 1, 0.05)
    fire("remove_from_cart", on["cart"], 0.07, 0.5)
    fire("begin_checkout", on["checkout"], 1, 0.02)
    fire("add_shipping_info", on["shipping"], 1, 0.9)
    fire("add_payment_info", on["payment"], 1, 0.3)
    fire("purchase", on["thanks"], 1, 0.05)
    logs_in = sessions["logs_in"][session].astype(bool)
    # In the shop one logs in at the checkout, else on the account page, else at once.
    gate = on["checkout"] | on["account"]
    has_gate = np.bincount(session, weights=gate, minlength=len(sessions["session"]))[session] > 0
    seen = np.cumsum(gate) - gate
    base = np.maximum.accumulate(np.where(first, seen, 0))
    gate_first = gate & (seen == base)
    logged = fire("login", logs_in & ~is_app & np.where(has_gate, gate_first, first), 1, 0.4)
    fire("logout", logs_in & ~is_app & pages["is_last"].astype(bool), 0.04, 0.9)
    signed_up = fire("sign_up", on["account"] & ~logs_in, 0.25, 0.9)
    if world.settings.is_clean:
        # Nobody creates two accounts in a visit; some of the other retailer's visitors seem to.
        once = np.unique(session[signed_up], return_index=True)[1]
        where, code, offset, value = chosen.pop()
        chosen.append((where[once], code, offset[once], value[once]))
    # The trial of a form may fail before it succeeds.
    fire("form_error", on["newsletter"] | on["loyalty_join"], 0.06, 0.4)
    fire("form_error", on["checkout"] | on["shipping"], 0.045, 0.5)
    fire("generate_lead", on["newsletter"], 0.3, 0.8)
    member = world.get("people")["is_member"][sessions["person"]][session].astype(bool)
    fire("loyalty_signup", on["loyalty_join"] & member, 0.55, 0.9)
    fire("app_download_click", ~is_app & (on["loyalty"] | on["home"] | on["thanks"]), 0.014, 0.8)
    fire("view_search_results", on["search"], 1, 0.05)
    started = fire("video_start", (on["guide"] | on["care"]) & (dwell > 15), 0.36, 0.1)
    watching = mark(started)
    watched = rng.choice([10.0, 25.0, 50.0, 75.0], total, p=[0.2, 0.3, 0.25, 0.25])
    fire("video_progress", watching, 0.85, 0.6, watched)
    fire("video_complete", watching & (watched >= 75), 0.7, 0.85)
    fire("click", ~is_app & (on["home"] | on["stores"] | on["reviews"]), 0.04, 0.7)
    fire("content_feedback", on["guide"] | on["care"] | on["faq"], 0.13, 0.9)
    fire("file_download", ~is_app & (on["guide"] | on["returns"]), 0.1, 0.5)
    fire("checkout_error", on["payment"] | on["shipping"], 0.018, 0.6)
    bug = sessions["meets_bug"][session].astype(bool) & on["checkout"]
    for moment in (0.35, 0.6, 0.8):
        fire("form_error", bug, 0.75, moment)
    fire("checkout_error", bug, 1, 0.9)
    outage = sessions["meets_outage"][session].astype(bool) & on["payment"]
    for moment in (0.5, 0.8):
        fire("checkout_error", outage, 0.9, moment)

    page = np.concatenate([c[0] for c in chosen])
    name = np.concatenate([np.full(len(c[0]), c[1]) for c in chosen])
    offset = np.concatenate([c[2] for c in chosen])
    amount = np.concatenate([c[3] for c in chosen])
    at = pages["viewed_at"][page] + (offset * SECOND).astype(np.int64)
    at += rng.integers(0, 40_000, len(at)) + name * 50
    order = np.lexsort((name, page, at))
    page, name, at, amount = page[order], name[order], at[order], amount[order]
    # Every event has a microsecond of its own: its name in the truth.
    steps = np.arange(len(at))
    at = np.maximum.accumulate(at - steps) + steps

    # As GA4 does, each event tells the engaged time since the one before it, not since the page
    # began.
    engaged = np.zeros(len(at))
    scrolls = np.flatnonzero(name == EVENT_NUMBER["scroll"])
    engaged[scrolls[np.unique(page[scrolls], return_index=True)[1]]] = SCROLLED_SHARE
    is_scrolled = np.bincount(page[scrolls], minlength=total) > 0
    leaves = np.flatnonzero(name == EVENT_NUMBER["user_engagement"])
    engaged[leaves] = 1 - SCROLLED_SHARE * is_scrolled[page[leaves]]

    login_at = np.full(len(sessions["session"]), np.iinfo(np.int64).max)
    np.minimum.at(
        login_at,
        session[logged],
        pages["viewed_at"][logged] + (dwell[logged] * 0.4 * SECOND).astype(np.int64),
    )
    app_login = sessions["logs_in"].astype(bool) & world.get("devices")["is_app"][
        sessions["device"]
    ].astype(bool)
    sessions["login_at"] = np.where(app_login, sessions["started_at"], login_at)
    world.put("sessions", sessions)
    world.put(
        "raw_events",
        {
            "event": np.arange(len(at)),
            "page": page,
            "name": name,
            "at": at,
            "amount": amount,
            "engaged": engaged,
            "dice": rng.integers(0, 1000, len(at)),
            "server_offset": (rng.exponential(1.2, len(at)) * SECOND).astype(np.int64),
        },
    )
    _watch_pages(world)
    _put_lookups(world)
    world.run(f"create or replace table events as {wide_events('raw_events')}")


def _watch_pages(world: World) -> None:
    """Add what scripts of the web shop watch: sections in sight, clicks in vain, load times.

    They come after the others, with numbers and draws of their own, so that they move nothing else.
    """
    rng = world.rng("page scripts")
    pages, sessions, raw = world.get("pages"), world.get("sessions"), world.get("raw_events")
    kind, session, dwell = pages["kind"], pages["session"], pages["dwell"]
    is_web = ~world.get("devices")["is_app"][sessions["device"]][session].astype(bool)
    total = len(kind)
    chosen: list[Sent] = []

    def fire(name: str, where: Array, at: float, value: Array | None = None) -> None:
        amount = np.full(len(where), np.nan) if value is None else value
        chosen.append((where, EVENT_NUMBER[name], dwell[where] * at, amount))

    campaign = is_web & (kind == PAGE_NUMBER["campaign"])
    # Who comes to a section has passed those above it.
    depth = rng.random(total)
    for number, (_, reach) in enumerate(SECTIONS):
        where = np.flatnonzero(campaign & (depth < reach))
        fire("section_view", where, 0.2 + 0.2 * number, np.full(len(where), float(number)))
    stuck = sessions["meets_bug"][session].astype(bool) & (kind == PAGE_NUMBER["checkout"])
    vexing = np.where(stuck, 0.6, np.where(kind == PAGE_NUMBER["product"], 0.004, 0.001))
    fire("rage_click", np.flatnonzero(is_web & (rng.random(total) < vexing)), 0.7)
    dead = np.where(kind == PAGE_NUMBER["category"], 0.006, 0.001)
    fire("dead_click", np.flatnonzero(is_web & (rng.random(total) < dead)), 0.5)
    measured = np.flatnonzero(is_web & (rng.random(total) < MEASURED_SHARE))
    for vital, (median, spread) in WEB_VITALS.items():
        value = median * np.exp(rng.normal(0, spread, len(measured)))
        fire(vital, measured, 0.1, np.round(value, 4 if vital == "CLS" else 0))

    added = send(world, rng, chosen, first=len(raw["at"]), taken=raw["at"])
    world.put(
        "raw_events", {key: np.concatenate([raw[key], values]) for key, values in added.items()}
    )


def send(
    world: World, rng: np.random.Generator, chosen: list[Sent], first: int, taken: Array
) -> Columns:
    """Make events that come after all others, with numbers and microseconds of their own.

    Args:
        world: The world, with `pages`.
        rng: The topic's generator: two draws per event.
        chosen: What is sent from where.
        first: Number of the first of them.
        taken: Microseconds that other events have.

    Returns:
        The columns of `raw_events`, engaged times zero.
    """
    pages = world.get("pages")
    page = np.concatenate([c[0] for c in chosen])
    name = np.concatenate([np.full(len(c[0]), c[1]) for c in chosen])
    offset = np.concatenate([c[2] for c in chosen])
    amount = np.concatenate([c[3] for c in chosen])
    at = pages["viewed_at"][page] + (offset * SECOND).astype(np.int64) + name * 50
    order = np.lexsort((name, page, at))
    page, name, at, amount = page[order], name[order], at[order], amount[order]
    size = len(at)
    while True:
        steps = np.arange(size)
        at = np.maximum.accumulate(at - steps) + steps
        is_taken = np.isin(at, taken)
        if not is_taken.any():
            break
        at = at + is_taken
    return {
        "event": first + np.arange(size),
        "page": page,
        "name": name,
        "at": at,
        "amount": amount,
        "engaged": np.zeros(size),
        "dice": rng.integers(0, 1000, size),
        "server_offset": (rng.exponential(1.2, size) * SECOND).astype(np.int64),
    }


def _put_lookups(world: World) -> None:
    """Small tables that turn numbers into words."""
    world.put(
        "event_names", {"name": np.arange(len(EVENT_NAMES)), "event_name": texts(EVENT_NAMES)}
    )
    world.put(
        "page_kinds",
        {
            "kind": np.arange(len(PAGES)),
            "template": texts([p.name for p in PAGES]),
            "path": texts([p.path for p in PAGES]),
            "title": texts([p.title for p in PAGES]),
        },
    )
    parts = [
        (PAGE_NUMBER[template], number, value, len(values))
        for template, values in variants().items()
        for number, value in enumerate(values)
    ]
    world.put(
        "page_parts",
        {
            "kind": np.array([p[0] for p in parts]),
            "number": np.array([p[1] for p in parts]),
            "part": texts([p[2] for p in parts]),
            "parts": np.array([p[3] for p in parts]),
        },
    )
    world.put(
        "products",
        {
            "product": np.arange(len(words.PRODUCTS)),
            "product_id": texts([p.product_id for p in words.PRODUCTS]),
            "product_name": texts([p.name_fi for p in words.PRODUCTS]),
            "category": texts([p.category for p in words.PRODUCTS]),
            "price": np.array([p.price for p in words.PRODUCTS]),
            "cost": np.array([p.cost for p in words.PRODUCTS]),
        },
    )
    world.put(
        "sources",
        {
            "source": np.arange(len(SOURCES)),
            "traffic_source": texts([s.source for s in SOURCES]),
            "traffic_medium": texts([s.medium for s in SOURCES]),
            "click_id_type": texts([s.click_id for s in SOURCES]),
            "referrer_host": texts([s.referrer for s in SOURCES]),
            "is_tagged": np.array([s.is_tagged for s in SOURCES]),
        },
    )
    world.put(
        "campaigns",
        {"campaign": np.arange(len(words.CAMPAIGNS)), "campaign_name": texts(words.CAMPAIGNS)},
    )
    world.put(
        "search_terms",
        {"number": np.arange(len(words.SEARCH_TERMS)), "search_term": texts(words.SEARCH_TERMS)},
    )
    world.put(
        "page_sections",
        {"number": np.arange(len(SECTIONS)), "section": texts([name for name, _ in SECTIONS])},
    )
    world.put(
        "return_reasons",
        {
            "number": np.arange(len(words.RETURN_REASONS)),
            "reason": texts(words.RETURN_REASONS),
        },
    )


def wide_events(raw: str) -> str:
    """SQL of the flat events of a table of raw ones, with visit, page and parameters looked up."""
    return _WIDE_EVENTS.replace("$raw", raw)


# Parameter columns carry the name of the GA4 parameter; the writer nests what is not null.
_WIDE_EVENTS = """
with visits as (
    select
        s.*,
        c.client_id,
        c.born_at,
        d.is_app,
        d.is_kiosk,
        d.category as device_category,
        d.browser,
        d.browser_version,
        d.operating_system,
        d.system_version,
        d.app_version,
        p.language,
        p.city,
        p.region,
        p.tier,
        p.contact_number,
        p.is_registered,
        so.traffic_source,
        so.traffic_medium,
        so.click_id_type,
        so.referrer_host,
        so.is_tagged,
        ca.campaign_name,
        first_value(so.traffic_source) over first_touch as first_source,
        first_value(so.traffic_medium) over first_touch as first_medium,
        first_value(ca.campaign_name) over first_touch as first_campaign
    from sessions as s
    inner join cookies as c on s.cookie = c.cookie
    inner join devices as d on s.device = d.device
    inner join people as p on s.person = p.person
    inner join sources as so on s.source = so.source
    left join campaigns as ca on s.campaign = ca.campaign
    window first_touch as (partition by s.cookie order by s.started_at, s.session)
),

views as (
    select
        g.page,
        g.session,
        g.position,
        g.dwell,
        g.variant,
        g.product as page_product,
        k.template,
        case when k.template in ('checkout', 'shipping', 'payment', 'thanks')
            then 'checkout.kauppa.example' else 'www.kauppa.example' end as host,
        replace(k.path, '{}', coalesce(t.part, pr.product_id)) as path,
        replace(k.title, '{}', coalesce(t.part, pr.product_name)) as title,
        pr.product_id,
        pr.product_name,
        pr.category,
        pr.price
    from pages as g
    inner join page_kinds as k on g.kind = k.kind
    inner join products as pr on g.product = pr.product
    left join page_parts as t on g.kind = t.kind and g.variant % t.parts = t.number
),

told as (
    select
        v.*,
        lag(v.host || v.path) over (partition by v.session order by v.position) as previous_page
    from views as v
)

select
    e.event,
    e.at as event_timestamp,
    n.event_name,
    v.session,
    v.page,
    v.template,
    v.host,
    v.path,
    v.product_id,
    v.product_name,
    v.category as item_category,
    v.price as item_price,
    s.mission,
    s.person,
    s.intent,
    s.is_consented,
    s.is_rescue,
    case when s.is_app then '2002' else '1001' end as stream_id,
    case when not s.is_app then 'WEB' when s.operating_system = 'iOS' then 'IOS'
        else 'ANDROID' end as platform,
    case when s.is_consented then s.client_id end as user_pseudo_id,
    s.client_id as true_client_id,
    case when s.is_consented and e.at >= s.login_at then 'u' || s.contact_number end as user_id,
    s.born_at as user_first_touch_timestamp,
    s.device_category,
    s.browser,
    s.browser_version,
    s.operating_system,
    s.system_version,
    s.app_version,
    s.language,
    'Finland' as country,
    s.city,
    s.region,
    case when s.is_consented and e.at >= s.login_at then s.tier end as loyalty_tier,
    case when s.is_consented and e.at >= s.login_at
        then case s.tier when 'gold' then 'loyal' else 'returning' end end as customer_type,
    case when s.is_consented then 'Yes' else 'No' end as analytics_storage,
    case when s.is_consented then 'Yes' else 'No' end as ads_storage,
    e.server_offset,
    s.first_source,
    s.first_medium,
    s.first_campaign,
    s.traffic_source as session_source,
    s.traffic_medium as session_medium,
    s.campaign_name as session_campaign,
    -- event parameters
    case when s.is_consented then s.started_at // 1000000 end as ga_session_id,
    cast(null as varchar) as ga_session_id_text,
    case when s.is_consented then s.session_number end as ga_session_number,
    'https://' || v.host || v.path
    || case
        when v.position = 0 and s.is_tagged then
            '?utm_source=' || s.traffic_source || '&utm_medium=' || s.traffic_medium
            || '&utm_campaign=' || s.campaign_name
            || coalesce('&' || s.click_id_type || '=' || md5(s.session || 'click')[:22], '')
        when v.template = 'search' then '?q=' || coalesce(st.search_term, '')
        else ''
    end as page_location,
    v.title as page_title,
    case
        when v.position > 0 then 'https://' || v.previous_page
        when s.referrer_host is not null then 'https://' || s.referrer_host || '/'
    end as page_referrer,
    case
        when n.event_name in ('user_engagement', 'scroll')
            then cast(v.dwell * 1000 * e.engaged as bigint)
        when n.event_name = 'page_view' and v.position > 0 then 120 + e.dice
    end as engagement_time_msec,
    case when s.is_engaged and v.position > 0 then '1' else '0' end as session_engaged,
    cast(null as bigint) as session_engaged_number,
    case when n.event_name = 'page_view' and v.position = 0 then 1 end as entrances,
    case when e.arrives and s.traffic_source <> '(direct)' then s.traffic_source end as source,
    case when e.arrives and s.traffic_source <> '(direct)' then s.traffic_medium end as medium,
    case when e.arrives and s.traffic_source <> '(direct)'
        then coalesce(s.campaign_name, '(' || s.traffic_medium || ')') end as campaign,
    case when e.arrives and s.is_tagged then s.click_id_type end as click_id_type,
    md5(s.session || 'click')[:22] as click_id,
    cast(null as varchar) as transaction_id,
    case
        when n.event_name in ('view_item', 'add_to_cart', 'remove_from_cart', 'select_item')
            then v.price
        when n.event_name in ('LCP', 'INP', 'CLS', 'TTFB') then e.amount
    end as value,
    cast(null as varchar) as value_text,
    case
        when n.event_name in ('view_item', 'add_to_cart', 'remove_from_cart', 'view_cart',
            'begin_checkout', 'add_shipping_info', 'add_payment_info', 'purchase', 'refund')
            then 'EUR'
    end as currency,
    cast(null as double) as tax,
    cast(null as double) as shipping,
    cast(null as varchar) as coupon,
    case when n.event_name = 'scroll' then cast(e.amount as bigint) end as percent_scrolled,
    st.search_term,
    case
        when n.event_name = 'click' then 'https://some.example/kauppa'
        when n.event_name = 'file_download'
            then 'https://www.kauppa.example/tiedostot/' || v.template || '.pdf'
        when n.event_name = 'app_download_click' then 'https://sovellus.example/kauppa'
    end as link_url,
    case
        when n.event_name = 'form_error' and s.meets_bug and v.template = 'checkout'
            then 'FORM_POSTAL_CODE'
        when n.event_name = 'form_error'
            then ['FORM_EMAIL', 'FORM_PHONE', 'FORM_REQUIRED'][1 + e.dice % 3]
        when n.event_name = 'checkout_error' and s.meets_bug then 'SHIPPING_UNAVAILABLE'
        when n.event_name = 'checkout_error' and s.meets_outage then 'PAYMENT_UNAVAILABLE'
        when n.event_name = 'checkout_error' then ['CARD_DECLINED', 'STOCK_OUT'][1 + e.dice % 2]
    end as error_code,
    case
        when n.event_name = 'form_error' then 'Tarkista kenttä'
        when n.event_name = 'checkout_error' and s.meets_outage then 'Maksupalvelu ei vastaa'
        when n.event_name = 'checkout_error' then 'Tilausta ei voitu viimeistellä'
    end as error_message,
    case when v.template in ('guide', 'care', 'faq', 'size_guide')
        and n.event_name in ('page_view', 'scroll', 'user_engagement', 'video_start',
            'video_progress', 'video_complete', 'content_feedback', 'file_download')
        then v.template || ':' || split_part(v.path, '/', -1)
        when n.event_name = 'section_view' then sc.section end as content_id,
    case when n.event_name = 'video_start' then 0
        when n.event_name = 'video_progress' then cast(e.amount as bigint)
        when n.event_name = 'video_complete' then 100 end as video_percent,
    case
        when n.event_name in ('login', 'sign_up') then ['email', 'google'][1 + (e.dice > 800)::int]
        when n.event_name = 'generate_lead' then 'newsletter_form'
    end as method,
    case when n.event_name = 'content_feedback'
        then ['yes', 'no'][1 + (e.dice > 720)::int] end as useful,
    rr.reason,
    cast(null as varchar) as traffic_type,
    cast(null as bigint) as debug_mode,
    cast(null as varchar) as extra_key,
    cast(null as varchar) as extra_value,
    cast(null as bigint) as order_number,
    false as items_lost,
    cast(null as date) as event_date_override,
    0 as delivery
from (
    select
        r.*,
        g.position = 0 and r.name in (select name from event_names where event_name in
            ('session_start', 'first_visit', 'page_view')) as arrives
    from $raw as r
    inner join pages as g on r.page = g.page
) as e
inner join event_names as n on e.name = n.name
inner join told as v on e.page = v.page
inner join visits as s on v.session = s.session
left join search_terms as st
    on n.event_name in ('view_search_results', 'page_view')
    and v.template = 'search' and v.variant % 12 = st.number
left join page_sections as sc on n.event_name = 'section_view' and e.amount = sc.number
left join return_reasons as rr
    on n.event_name in ('return_submit', 'claim_submit') and e.amount = rr.number
order by e.event
"""
