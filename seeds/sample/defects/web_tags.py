"""Defects of collection, session, identity and schema: what broken tags do to `events`."""

from __future__ import annotations

from seeds.sample.defects.ledger import ADDED, NATURAL, REMOVED, Ledger

_EVENTS = "ga4.events"
_KEY = "event_timestamp"


def plant(ledger: Ledger) -> None:
    """Plant them all."""
    _hosts_and_guests(ledger)
    _sessions(ledger)
    _users(ledger)
    _names(ledger)
    _parameters(ledger)


def plant_copies(ledger: Ledger) -> None:
    """Plant what sends twice or not at all: after all other damage, so that copies carry it."""
    _doubles(ledger)
    _removals(ledger)


def within(window: tuple[int, int]) -> str:
    """SQL: the event lies in a window."""
    return f"event_timestamp >= {window[0]} and event_timestamp < {window[1]}"


def _span(ledger: Ledger, share: float, days: float, hour: float = 0.0) -> tuple[int, int]:
    """A stretch that begins at a share of the window; its length shrinks with a short window."""
    calendar = ledger.world.calendar
    scaled = max(1.0, days * calendar.settings.days / 120)
    return calendar.span(calendar.day(share), scaled, hour)


def _change(ledger: Ledger, where: str, assignment: str) -> int:
    """Pick events and change them; the picked keys stay in `hit`."""
    found = ledger.pick(f"select event, event_timestamp from events where {where}")
    ledger.world.run(f"update events set {assignment} where event in (select event from hit)")
    return found


def _count(where: str) -> str:
    return f"select count(*) from events where {where}"


def _hosts_and_guests(ledger: Ledger) -> None:
    window = _span(ledger, 0.27, 3, hour=13)
    where = f"{within(window)} and stream_id = '1001'"
    _change(
        ledger,
        f"{where} and lot(session, 11) < 250",
        "page_location = replace(page_location, 'www.kauppa.example', 'staging.kauppa.example'),"
        " host = 'staging.kauppa.example'",
    )
    ledger.record(
        "staging_host", "COL05", "Events of the staging site reach the production property.",
        _EVENTS, _KEY, window=window, scope={"host": "staging.kauppa.example"}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.5, 12)
    where = f"{within(window)} and stream_id = '1001'"
    _change(ledger, f"{where} and lot(session, 12) < 220", "traffic_type = 'internal'")
    ledger.record(
        "internal_traffic", "COL06", "The filter for the office network is left in test mode.",
        _EVENTS, _KEY, window=window, scope={"param": "traffic_type", "value": "internal"},
        of=_count(where),
    )  # fmt: skip
    _change(
        ledger,
        f"{within(_span(ledger, 0.5, 4))} and stream_id = '1001' and lot(session, 13) < 40",
        "debug_mode = 1",
    )
    ledger.record(
        "debug_traffic", "COL06", "A developer's debug hits are not filtered.", _EVENTS, _KEY,
        window=_span(ledger, 0.5, 4), scope={"param": "debug_mode"},
    )  # fmt: skip

    # A crawler reads pages one by one, never engages, and comes back on three days.
    window = _span(ledger, 0.82, 3)
    ledger.pick(
        f"""
        select row_number() over (order by event) as n, event
        from events
        where {within(window)} and event_name = 'page_view' and stream_id = '1001'
            and template in ('product', 'category') and is_consented and lot(event, 14) < 3500
        """
    )
    ledger.world.run(
        f"""
        insert into events
        select e.* replace (
            (select max(event) from events) + h.n as event,
            e.event_timestamp + 17 as event_timestamp,
            '1999999999.1700000000' as user_pseudo_id,
            null as user_id,
            null as loyalty_tier,
            null as customer_type,
            {window[0]} // 1000000 + (h.n // 160) * 14400 as ga_session_id,
            1 + h.n // 160 as ga_session_number,
            '0' as session_engaged,
            null as engagement_time_msec,
            null as page_referrer,
            null as source, null as medium, null as campaign, null as click_id_type,
            '(direct)' as session_source, '(none)' as session_medium, null as session_campaign,
            'Chrome' as browser, '79.0' as browser_version, 'Linux' as operating_system,
            'desktop' as device_category,
            'Ireland' as country, 'Dublin' as city, 'County Dublin' as region,
            -1 as session, -1 as person, -1 as mission
        )
        from events as e
        inner join hit as h on e.event = h.event
        order by h.n
        """
    )
    ledger.pick(f"select event_timestamp from events where person = -1 and {within(window)}")
    ledger.record(
        "crawler", "COL07", "A crawler views products and categories without engagement.",
        _EVENTS, _KEY, kind=ADDED, window=window,
        scope={"client_id": "1999999999.1700000000", "country": "Ireland"},
    )  # fmt: skip


def _sessions(ledger: Ledger) -> None:
    window = _span(ledger, 0.33, 4, hour=8)
    where = f"{within(window)} and is_consented and browser = 'Edge'"
    _change(
        ledger, f"{where} and lot(event, 21) < 3000",
        "ga_session_id = null, ga_session_number = null",
    )  # fmt: skip
    ledger.record(
        "missing_session_id", "SES01", "A tag fires before the session id is known.", _EVENTS,
        _KEY, window=window, scope={"browser": "Edge"}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.46, 5)
    where = f"{within(window)} and is_consented and app_version = '5.2.0'"
    _change(
        ledger, where, "ga_session_id_text = cast(ga_session_id as varchar), ga_session_id = null"
    )
    ledger.record(
        "session_id_as_text", "SES02", "An app release sends the session id as text.", _EVENTS,
        _KEY, window=window, scope={"app_version": "5.2.0"}, of=_count(where),
    )  # fmt: skip

    # The cross-domain linker is broken: the checkout begins a visit of its own.
    window = _span(ledger, 0.08, 3)
    struck = (
        f"{within(window)} and stream_id = '1001' and is_consented"
        " and template in ('checkout', 'shipping', 'payment', 'thanks')"
    )
    ledger.pick(
        f"""
        select event, event_timestamp, min(event_timestamp) over (partition by session) as began,
            session, row_number() over (partition by session order by event) as n
        from events where {struck}
        """
    )
    ledger.world.run(
        """
        update events
        set
            ga_session_id = h.began // 1000000,
            ga_session_number = 1,
            user_pseudo_id = (1700000000 + h.session) || '.' || (h.began // 1000000),
            user_first_touch_timestamp = h.began,
            page_referrer = case when h.n = 1 then 'https://www.kauppa.example/ostoskori'
                else events.page_referrer end,
            session_source = 'kauppa.example',
            session_medium = 'referral',
            session_campaign = null
        from hit as h
        where events.event = h.event
        """
    )
    ledger.record(
        "broken_linker", "SES04",
        "The checkout's own domain starts a new visit with a new client id.", _EVENTS, _KEY,
        window=window, scope={"host": "checkout.kauppa.example"},
    )  # fmt: skip
    ledger.pick("select * from hit where n = 1")
    ledger.record(
        "self_referral", "ATT03", "Those visits come from the shop's own host.", _EVENTS, _KEY,
        window=window, scope={"source": "kauppa.example", "medium": "referral"},
    )  # fmt: skip


def _users(ledger: Ledger) -> None:
    window = _span(ledger, 0.57, 5)
    where = f"{within(window)} and user_id is not null and stream_id = '1001'"
    _change(
        ledger, f"{where} and browser = 'Samsung Internet'",
        "user_id = null, loyalty_tier = null, customer_type = null",
    )  # fmt: skip
    ledger.pick("select h.* from hit as h inner join events using (event)"
                " where events.event_name = 'login'")  # fmt: skip
    ledger.record(
        "login_without_user_id", "SES05", "A login does not set the user id.", _EVENTS, _KEY,
        window=window, scope={"event_name": "login", "browser": "Samsung Internet"},
        of=_count(f"{within(window)} and event_name = 'login' and stream_id = '1001'"),
    )  # fmt: skip

    for number, (word, value) in enumerate(
        {
            "null": "'null'",
            "undefined": "'undefined'",
            "email": "'u' || person || '@posti.example'",
        }.items()
    ):
        window = _span(ledger, 0.22 + 0.02 * number, 4)
        where = f"{within(window)} and user_id is not null"
        low, high = 1000 * number, 1000 * number + (1400 if word == "undefined" else 500)
        _change(
            ledger, f"{where} and lot(session, 22) between {low} and {high}", f"user_id = {value}"
        )
        check = "PRI01" if word == "email" else "SES06"
        ledger.record(
            f"user_id_{word}", check, f"The user id is sent as {word}.", _EVENTS, _KEY,
            window=window, scope={"column": "user_id"}, of=_count(where),
        )  # fmt: skip

    # Two of a family log in one after the other on one tablet.
    ledger.pick(
        """
        select e.event, e.event_timestamp
        from events as e
        inner join sessions as s on e.session = s.session
        inner join devices as d on s.device = d.device
        where d.is_shared and not d.is_kiosk and e.user_id is not null
            and lot(e.session, 23) < 900
            and e.event_timestamp - 30000000 > s.login_at
        """
    )
    ledger.world.run(
        """
        update events
        set user_id = 'u' || other.contact_number
        from people as p
        inner join people as other
            on p.household_id = other.household_id and p.person <> other.person
        where
            events.event in (select event from hit) and events.person = p.person
            and other.is_registered
            and other.person = (
                select min(o.person) from people as o
                where o.household_id = p.household_id and o.person <> p.person and o.is_registered
            )
        """
    )
    ledger.pick(
        """
        select h.* from hit as h
        inner join events as e on h.event = e.event
        inner join people as p on e.person = p.person
        where e.user_id <> 'u' || p.contact_number
        """
    )
    ledger.record(
        "user_switch", "SES09", "Two people log in within one visit on a shared tablet.",
        _EVENTS, _KEY, scope={"device": "shared tablet"},
    )  # fmt: skip
    ledger.pick(
        """
        select e.event_timestamp from events as e
        inner join sessions as s on e.session = s.session
        inner join devices as d on s.device = d.device
        where d.is_kiosk
        """
    )
    ledger.record(
        "kiosk", "SES06", "A tablet in the Helsinki store is used by many logged-in people.",
        _EVENTS, _KEY, kind=NATURAL, scope={"device": "store kiosk"},
    )  # fmt: skip


def _names(ledger: Ledger) -> None:
    window = _span(ledger, 0.75, 5)
    ledger.pick(
        f"""
        select row_number() over (order by event) as n, event from events
        where {within(window)} and event_name = 'page_view' and template = 'home'
            and lot(event, 31) < 4000
        """
    )
    ledger.world.run(
        """
        insert into events
        select e.* replace (
            (select max(event) from events) + h.n as event,
            e.event_timestamp + 900123 as event_timestamp,
            'popup_shown' as event_name,
            null as entrances
        )
        from events as e inner join hit as h on e.event = h.event
        order by h.n
        """
    )
    ledger.pick("select event_timestamp from events where event_name = 'popup_shown'")
    ledger.record(
        "unplanned_event", "SCH01", "An event appears that the plan does not know.", _EVENTS,
        _KEY, kind=ADDED, window=window, scope={"event_name": "popup_shown"},
    )  # fmt: skip

    for defect, name, planned, share, days, salt, lots in (
        ("misspelt_purchase", "Purchase", "purchase", 0.85, 4, 32, 3500),
        ("misspelt_add_to_cart", "add-to-cart", "add_to_cart", 0.1, 6, 33, 3000),
    ):
        window = _span(ledger, share, days)
        where = f"{within(window)} and event_name = '{planned}'"
        _change(ledger, f"{where} and lot(event, {salt}) < {lots}", f"event_name = '{name}'")
        ledger.record(
            defect, "SCH03", f"{planned} is sent as {name}.", _EVENTS, _KEY, window=window,
            scope={"event_name": name}, of=f"select count(*) from events where {within(window)}"
            f" and event_name in ('{name}', '{planned}')",
        )  # fmt: skip


def _parameters(ledger: Ledger) -> None:
    window = _span(ledger, 0.3, 30)
    where = f"{within(window)} and event_name = 'add_to_cart' and browser = 'Firefox'"
    _change(ledger, where, "currency = null")
    ledger.record(
        "missing_currency", "SCH04", "add_to_cart lacks currency on Firefox.", _EVENTS, _KEY,
        window=window, scope={"event_name": "add_to_cart", "param": "currency",
                              "browser": "Firefox"}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.6, 10)
    where = f"{within(window)} and stream_id = '2002'"
    _change(
        ledger, where,
        "session_engaged_number = cast(session_engaged as bigint), session_engaged = null",
    )  # fmt: skip
    ledger.record(
        "mixed_type", "SCH05", "The app sends session_engaged as a number.", _EVENTS, _KEY,
        window=window, scope={"param": "session_engaged", "stream_id": "2002"}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.4, 30)
    where = f"{within(window)} and event_name = 'content_feedback'"
    _change(
        ledger, f"{where} and lot(event, 41) < 1500",
        "useful = case useful when 'yes' then 'kyllä' else 'ei' end",
    )  # fmt: skip
    ledger.record(
        "value_outside_set", "SCH06", "The Finnish form answers kyllä/ei instead of yes/no.",
        _EVENTS, _KEY, window=window, scope={"event_name": "content_feedback", "param": "useful"},
        of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.7, 3)
    where = f"{within(window)} and event_name = 'view_item'"
    _change(ledger, where, "extra_key = 'dbg_ts', extra_value = cast(event as varchar)")
    ledger.record(
        "unplanned_parameter", "SCH07", "A debugging parameter is left in.", _EVENTS, _KEY,
        window=window, scope={"event_name": "view_item", "param": "dbg_ts"}, of=_count(where),
    )  # fmt: skip

    window = _span(ledger, 0.2, 20)
    where = f"{within(window)} and event_name = 'view_search_results'"
    _change(ledger, f"{where} and lot(event, 42) < 200",
            "search_term = left(repeat(search_term || ' halvalla ', 12), 100)")  # fmt: skip
    ledger.record(
        "value_cut", "SCH08", "Search terms are cut at 100 characters.", _EVENTS, _KEY,
        window=window, scope={"param": "search_term"}, of=_count(where),
    )  # fmt: skip

    for defect, share, days, column, value, extra, salt, lots in (
        ("junk_content_id", 0.1, 10, "content_id", "undefined", "content_id is not null", 43, 2500),
        ("junk_title", 0.88, 1, "page_title", "{{page.title}}", "template = 'product'", 44, 9999),
        ("junk_object", 0.44, 10, "method", "[object Object]", "method is not null", 45, 1200),
        ("not_set", 0.5, 20, "coupon", "(not set)", "event_name = 'purchase'", 46, 700),
    ):
        window = _span(ledger, share, days)
        where = f"{within(window)} and {extra}"
        _change(ledger, f"{where} and lot(event, {salt}) < {lots}", f"{column} = '{value}'")
        ledger.record(
            defect, "SCH09", f"{column} is sent as {value}.", _EVENTS, _KEY, window=window,
            scope={"param": column, "value": value}, of=_count(where),
        )  # fmt: skip

    window = _span(ledger, 0.42, 5)
    where = f"{within(window)} and user_id is not null and stream_id = '1001'"
    _change(ledger, where, "loyalty_tier = null")
    ledger.record(
        "missing_user_property", "SCH11", "loyalty_tier is not sent for logged-in visitors.",
        _EVENTS, _KEY, window=window, scope={"user_property": "loyalty_tier"}, of=_count(where),
    )  # fmt: skip


def _doubles(ledger: Ledger) -> None:
    for defect, check, what, share, days, condition, shift, lots, salt in (
        (
            "double_tag", "COL04", "Two tags on the category template: each view counts twice.",
            0.15, 4, "event_name = 'page_view' and template = 'category'", 300_007, 9999, 51,
        ),
        (
            "duplicate_events", "COL03", "A retry sends the same hits again.",
            0.4, 5, "is_consented", 0, 250, 52,
        ),
        (
            "repeated_loyalty_signup", "GOL08", "The loyalty form counts twice in a visit.",
            0.0, 120, "event_name = 'loyalty_signup'", 3_000_011, 800, 53,
        ),
        (
            "reloaded_purchase", "GOL02", "Reloading the thank-you page sends the order again.",
            0.0, 120, "event_name in ('purchase', 'Purchase')", 95_000_019, 320, 54,
        ),
    ):  # fmt: skip
        window = _span(ledger, share, days)
        where = f"{within(window)} and {condition} and person >= 0"
        ledger.pick(
            f"""
            select row_number() over (order by event) as n, event,
                event_timestamp + {shift} as event_timestamp
            from events where {where} and lot(event, {salt}) < {lots}
            """
        )
        examined = ledger.world.count(_count(where))
        ledger.world.run(
            """
            insert into events
            select e.* replace (
                (select max(event) from events) + h.n as event,
                h.event_timestamp as event_timestamp
            )
            from events as e inner join hit as h on e.event = h.event
            order by h.n
            """
        )
        ledger.record(
            defect, check, what, _EVENTS, _KEY, kind=ADDED, window=window,
            scope={"condition": condition}, of=f"select {examined}",
        )  # fmt: skip


def _removals(ledger: Ledger) -> None:
    for defect, check, what, share, days, condition, scope in (
        (
            "tag_removed", "COL08", "The tag is gone from the care pages.", 0.66, 5,
            "template = 'care'", {"page_group": "care", "path": "/hoito-ohjeet/"},
        ),
        (
            "goal_event_missing", "SCH02", "generate_lead is not sent for two days.", 0.52, 2,
            "event_name = 'generate_lead'", {"event_name": "generate_lead"},
        ),
        (
            "app_version_silent", "SCH12", "App 5.2.1 stops sending add_payment_info.", 0.65, 42,
            "event_name = 'add_payment_info' and app_version = '5.2.1'",
            {"event_name": "add_payment_info", "app_version": "5.2.1"},
        ),
        (
            "checkout_begin_missing", "GOL07", "begin_checkout is not sent by the app.", 0.12, 6,
            "event_name = 'begin_checkout' and stream_id = '2002'",
            {"event_name": "begin_checkout", "stream_id": "2002"},
        ),
        (
            "no_session_start", "SES03", "Some visits lack session_start.", 0.0, 120,
            "event_name = 'session_start' and lot(event, 61) < 60",
            {"event_name": "session_start"},
        ),
    ):  # fmt: skip
        window = _span(ledger, share, days)
        where = f"{within(window)} and {condition} and person >= 0"
        ledger.pick(f"select event, event_timestamp from events where {where}")
        ledger.world.run("delete from events where event in (select event from hit)")
        ledger.record(defect, check, what, _EVENTS, _KEY, kind=REMOVED, window=window, scope=scope)
