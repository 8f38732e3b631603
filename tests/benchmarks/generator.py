"""Vendor exports of any size, written by DuckDB alone: what the benchmarks deliver to `cxw run`.

Everything about a session is a function of its number and the seed, so that nothing has to be kept:
a day's file, the orders of a month and the truth about a client are computed where they are
needed. The shop is one without defects, apart from what every export has: events that came twice,
rows that come late.

Cardinalities: eight events a session, 1.1 sessions per client and day, two and a half sessions per
client over the window, a quarter of the clients known by login, two clients per known person, one
session in forty with an order. One row in five hundred comes twice. One in a hundred of the last
three days is late: it comes with the next delivery, in which those days are exported again.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.ingestion.vendors.ga4 import EVENTS

EVENTS_PER_SESSION = 8
LATE_DAYS = 3
# The last day of the base delivery; no clock change falls into the window before or after it.
LAST_DAY = date(2026, 3, 20)
OFFSET_HOURS = 2
_SECOND = 1_000_000

_SOURCES = """version: 1
phone_region: FI
sources:
  - {name: ga4, vendor: ga4, path: exports/ga4}
  - {name: hubspot, vendor: hubspot, path: exports/hubspot}
  - {name: questback, vendor: questback, path: exports/questback}
  - {name: shopify, vendor: shopify, path: exports/shopify}
  - {name: zendesk, vendor: zendesk, path: exports/zendesk}
"""


@dataclass(frozen=True)
class Size:
    """How much is generated.

    Attributes:
        events: GA4 events of the base delivery, as near as sessions of random length come.
        days: Days of the base delivery.
        seed: Same seed, same files.
    """

    events: int
    days: int = 60
    seed: int = 7

    @property
    def sessions(self) -> int:
        """Sessions of the base delivery."""
        return max(self.events // EVENTS_PER_SESSION, self.days)

    @property
    def clients(self) -> int:
        """Browsers and apps that they come from."""
        return max(self.sessions * 2 // 5, 8)

    def first_session(self, day: int) -> int:
        """Number of the first session of a day; days may lie after the base delivery."""
        return -(-day * self.sessions // self.days)

    def date_of(self, day: int) -> date:
        """The day of that number."""
        return LAST_DAY - timedelta(days=self.days - 1 - day)

    def starts_at(self, day: int) -> int:
        """Microseconds since 1970 of local midnight."""
        midnight = datetime.combine(self.date_of(day), datetime.min.time(), UTC)
        return int((midnight - timedelta(hours=OFFSET_HOURS)).timestamp()) * _SECOND


def write_base(size: Size, home: Path) -> None:
    """Write the base delivery and the sources.yml that reads it.

    Args:
        size: How much.
        home: The home that will run it.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "sources.yml").write_text(_SOURCES, encoding="utf-8")
    exports = home / "exports"
    with _world(size) as world:
        _write_days(world, size, exports / "ga4", range(size.days), is_late_held_back=True)
        _write_records(world, size, exports, 0, size.days, "base")


def write_next_day(size: Size, home: Path) -> None:
    """Write one more day on top: its events, late rows of the days before, changed records.

    Args:
        size: The size of the base delivery.
        home: The home that has run it.
    """
    exports = home / "exports"
    with _world(size) as world:
        _write_days(world, size, exports / "ga4", range(size.days, size.days + 1))
        again = range(max(size.days - LATE_DAYS, 0), size.days)
        _write_days(world, size, exports / "ga4" / "exported_again", again)
        _write_records(world, size, exports, size.days, size.days + 1, "next")
        _write_changes(world, size, exports)


def write_single_file(kind: str, rows: int, folder: Path) -> Path:
    """Write one large file of a vendor, for the benchmark of ingestion alone.

    Args:
        kind: `parquet` (a GA4 day), `csv` (a send log) or `jsonl` (Shopify orders).
        rows: About how many rows.
        folder: Where to.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # One session in forty has an order.
    size = Size(rows * 40 * EVENTS_PER_SESSION if kind == "jsonl" else rows, days=1)
    with _world(size) as world:
        if kind == "parquet":
            _write_days(world, size, folder, range(1))
            return next(folder.glob("events_*.parquet"))
        if kind == "jsonl":
            path = folder / "orders.jsonl"
            sql = _orders_sql(f"orders_between(0, {size.sessions})", "false")
            _write(world, sql, path, "format json, array false", size.starts_at(1))
            return path
        path = folder / "events.csv"
        sql = f"""
            select
                'C' || (1000 + message % 40) as campaign_id,
                'uutiskirje_' || message % 40 as campaign_name,
                'M' || message // 3 as message_id,
                (['sent', 'delivered', 'open'])[message % 3 + 1] as event,
                utc_text({size.starts_at(0)} + message * 50000) as occurred_at,
                'asiakas' || message // 3 % 200000 || '@posti.example' as email,
                (500000 + message // 3 % 200000)::varchar as contact_id,
                case when message % 30 = 2 then 'https://www.kauppa.example/kampanja/1' end as url
            from range({rows}) as r(message)
        """
        _write(world, sql, path, "format csv, header true", size.starts_at(1))
        return path


def _world(size: Size) -> duckdb.DuckDBPyConnection:
    """A database that knows every session by its number."""
    world = duckdb.connect()
    world.execute("set TimeZone = 'UTC'")
    # One query a core, each of one thread: rows keep their order, whatever the number of cores.
    world.execute("set threads = 1")
    for macro in _macros(size):
        world.execute(macro)
    return world


def _macros(size: Size) -> list[str]:
    return [
        # Ten thousand equal chances; what it is for keeps one chance from following another.
        f"create macro lot(number, purpose) as hash(number, purpose, {size.seed}) % 10000",
        f"create macro pick(number, purpose, count) as"
        f" cast(hash(number, purpose, {size.seed}) % count as bigint)",
        f"create macro day_of(session) as session * {size.days} // {size.sessions}",
        # One session in eleven is the client's second of the day.
        f"""
        create macro client_of(session) as case
            when lot(session, 'again') < 900 and day_of(session - 1) = day_of(session)
                then pick(session - 1, 'client', {size.clients})
            else pick(session, 'client', {size.clients})
        end
        """,
        # Every fourth client is known by login; two of those are one person's.
        "create macro person_of(client) as case when client % 4 = 0 then client // 8 end",
        "create macro client_text(client) as"
        " (1000000000 + client)::varchar || '.' || (1600000000 + client % 100000000)::varchar",
        "create macro customer_of(client) as coalesce(person_of(client), 100000000 + client)",
        "create macro email_of(customer) as case when customer < 100000000"
        " then 'asiakas' || customer else 'vieras' || customer end || '@posti.example'",
        "create macro price_of(product) as cast(5 + product * 7 % 195 + 0.9 as decimal(12, 2))",
        "create macro utc_text(us) as strftime(make_timestamp(us), '%Y-%m-%dT%H:%M:%SZ')",
        f"""
        create macro local_text(us) as strftime(
            make_timestamp(us + {OFFSET_HOURS * 3600 * _SECOND}), '%Y-%m-%d %H:%M:%S'
        )
        """,
        f"""
        create macro sessions_between(first_session, next_session) as table
        with numbered as (
            select
                session,
                client_of(session) as client,
                lot(session, 'buy') < 250 as has_order,
                {size.starts_at(0)} + day_of(session) * {86400 * _SECOND}
                -- three draws make evenings and noons busier than nights
                + ({6 * 3600} + (
                    pick(session, 'hour 1', 21600) + pick(session, 'hour 2', 21600)
                    + pick(session, 'hour 3', 21600)
                )) * {_SECOND} as started_at,
                pick(session, 'way', 20) as way
            from range(first_session, next_session) as r(session)
        )
        select
            session,
            client,
            person_of(client) as person,
            customer_of(client) as customer,
            -- who is known orders under that name
            person_of(client) is not null and (has_order or lot(session, 'login') < 4500)
                as has_login,
            has_order,
            started_at,
            2 + pick(session, 'length', 13) + case when has_order then 6 else 0 end as length,
            5 + pick(session, 'pace', 36) as pace,
            pick(client, 'device', 10) as device,
            case when way < 7 then null when way < 15 then 'google'
                when way < 18 then 'facebook' else 'newsletter' end as traffic_source,
            case when way < 7 then null when way < 12 then 'organic' when way < 15 then 'cpc'
                when way < 18 then 'paid_social' else 'email' end as traffic_medium,
            case when way >= 12 then 'kevat_' || pick(session, 'campaign', 12) end
                as traffic_campaign
        from numbered
        """,
        """
        create macro orders_between(first_session, next_session) as table
        select
            *,
            100000000 + session as order_number,
            started_at + length * pace * 1000000 as ordered_at,
            pick(session, 'lines', 3) + 1 as line_count
        from sessions_between(first_session, next_session)
        where has_order
        """,
    ]


def _write(world: duckdb.DuckDBPyConnection, sql: str, path: Path, options: str, at: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    quoted = str(path).replace("'", "''")
    written = world.execute(f"copy ({sql}) to '{quoted}' ({options})").fetchone()
    if not written or not written[0]:
        path.unlink()  # an export without a record is not sent
        return
    os.utime(path, (at // _SECOND, at // _SECOND))


# --- GA4 ------------------------------------------------------------------------------------------


def _write_days(
    world: duckdb.DuckDBPyConnection,
    size: Size,
    folder: Path,
    days: range,
    is_late_held_back: bool = False,
) -> None:
    """One Parquet file a day, as the property's export has it: by local day of the event."""

    def write_day(day: int) -> None:
        is_late = is_late_held_back and day >= size.days - LATE_DAYS
        delivered_on = max(days.stop, day + 1)
        with world.cursor() as cursor:
            _write(
                cursor,
                _events_of_day(size, day, is_late),
                folder / f"events_{size.date_of(day):%Y%m%d}.parquet",
                "format parquet, compression zstd",
                size.starts_at(delivered_on if day < size.days else day + 1) + 4 * 3600 * _SECOND,
            )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(write_day, days))


def _param(key: str, member: str, value: str) -> str:
    types = {
        "string_value": "varchar",
        "int_value": "bigint",
        "float_value": "double",
        "double_value": "double",
    }
    members = ", ".join(
        f"{name}: {f'cast({value} as {kind})' if name == member else f'cast(null as {kind})'}"
        for name, kind in types.items()
    )
    return f"{{key: '{key}', value: {{{members}}}}}"


def _params(test: str, *params: tuple[str, str, str]) -> str:
    listed = f"[{', '.join(_param(*param) for param in params)}]"
    return listed if test == "true" else f"case when {test} then {listed} else [] end"


def _events_of_day(size: Size, day: int, is_late_held_back: bool) -> str:
    first, following = size.starts_at(day), size.starts_at(day + 1)
    # A session that began before midnight goes on in the next day's file.
    sessions = f"{max(size.first_session(day - 1), 0)}, {size.first_session(day + 1)}"
    held_back = "and lot(event, 'late') >= 100" if is_late_held_back else ""
    params = " || ".join(
        [
            _params(
                "true",
                ("ga_session_id", "int_value", "started_at // 1000000"),
                ("ga_session_number", "int_value", "pick(session, 'number', 9) + 1"),
                ("page_location", "string_value", "page_location"),
                ("page_title", "string_value", "page_title"),
                ("session_engaged", "string_value", "case when step > 0 then '1' else '0' end"),
            ),
            _params("step > 1", ("engagement_time_msec", "int_value", "pace * 700")),
            _params("step > 0", ("page_referrer", "string_value", "page_referrer")),
            _params(
                "step < 2 and traffic_source is not null",
                ("source", "string_value", "traffic_source"),
                ("medium", "string_value", "traffic_medium"),
                ("campaign", "string_value", "coalesce(traffic_campaign, '(organic)')"),
            ),
            _params("event_name = 'scroll'", ("percent_scrolled", "int_value", "90")),
            _params("event_name = 'login'", ("method", "string_value", "'email'")),
            _params(
                "event_name in ('view_item', 'add_to_cart', 'begin_checkout', 'add_payment_info',"
                " 'purchase')",
                ("currency", "string_value", "'EUR'"),
                # what was paid, as the order has it: with the delivery
                (
                    "value",
                    "double_value",
                    "goods + case when event_name = 'purchase' then 4.9 else 0 end",
                ),
            ),
            _params(
                "event_name = 'purchase'",
                ("transaction_id", "string_value", "'KA' || (100000000 + session)"),
                ("tax", "double_value", "round(goods * 0.2032, 2)"),
                ("shipping", "double_value", "4.9"),
            ),
        ]
    )
    tier = "case when pick(person, 'tier', 4) = 0 then 'gold' else 'none' end"
    user_properties = ", ".join(
        _param(name, "string_value", value)
        for name, value in (("loyalty_tier", tier), ("customer_type", "'returning'"))
    )
    values = {
        "event_date": f"'{size.date_of(day):%Y%m%d}'",
        "event_timestamp": "occurred_at",
        "event_name": "event_name",
        "event_params": params,
        "event_bundle_sequence_id": "session % 1000000",
        "event_server_timestamp_offset": "cast(pick(event, 'offset', 900000) as bigint)",
        "user_id": "case when has_login and step > 1 then 'u' || person end",
        "user_pseudo_id": "client_text(client)",
        "user_properties": f"case when has_login and step > 1 then [{user_properties}] else [] end",
        "privacy_info": "{analytics_storage: 'Yes', ads_storage: 'Yes',"
        " uses_transient_token: 'No'}",
        "user_first_touch_timestamp": f"{size.starts_at(0)} + client",
        "user_ltv": "{revenue: 0.0, currency: 'EUR'}",
        "device": "{category: case when device < 6 then 'mobile' else 'desktop' end,"
        " operating_system: case when device < 3 then 'iOS' when device < 6 then 'Android'"
        " else 'Windows' end, language: 'fi-fi', is_limited_ad_tracking: 'No',"
        " web_info: {browser: case when device < 3 then 'Safari' else 'Chrome' end,"
        " browser_version: '134.0', hostname: 'www.kauppa.example'}}",
        "geo": "{city: 'Helsinki', country: 'Finland', continent: 'Europe', region: 'Uusimaa',"
        " sub_continent: 'Northern Europe', metro: '(not set)'}",
        "traffic_source": "{name: '(direct)', medium: '(none)', source: '(direct)'}",
        "collected_traffic_source": "case when step < 2 and traffic_campaign is not null then"
        " {manual_campaign_name: traffic_campaign, manual_source: traffic_source,"
        " manual_medium: traffic_medium,"
        " gclid: case when traffic_medium = 'cpc' then md5(session::varchar) end} end",
        "stream_id": "'1001'",
        "platform": "'WEB'",
        "event_dimensions": "{hostname: 'www.kauppa.example'}",
        "ecommerce": "case when event_name = 'purchase' then {total_item_quantity: line_count,"
        " purchase_revenue: goods, shipping_value: 4.9, unique_items: line_count,"
        " transaction_id: 'KA' || (100000000 + session)} end",
        "items": "case"
        " when event_name in ('view_item', 'add_to_cart', 'begin_checkout', 'add_payment_info',"
        " 'purchase') then list_transform(range(case when event_name in ('view_item',"
        " 'add_to_cart') then 1 else line_count end), lambda line: {"
        " item_id: 'P' || (100 + (product + line * 7) % 40),"
        " item_name: 'Tuote ' || ((product + line * 7) % 40), item_brand: 'Kauppa',"
        " item_category: 'osasto ' || ((product + line * 7) % 8),"
        " price: cast(price_of((product + line * 7) % 40) as double), quantity: 1}) end",
        "is_active_user": "true",
        "batch_event_index": "1",
        "batch_page_id": "step",
        "batch_ordering_id": "1",
    }
    columns = ",\n            ".join(
        f"cast({values.get(column.name, 'null')} as {column.type}) as {column.name}"
        for column in EVENTS.columns
        if column.name != "_table"
    )
    return f"""
        with steps as (
            select
                *,
                session * 32 + step as event,
                started_at + step * pace * 1000000 + pick(session * 32 + step, 'ms', 3000000)
                    as occurred_at,
                case
                    when step = 0 then 'session_start'
                    when step = 1 then 'page_view'
                    when has_login and step = 2 then 'login'
                    when has_order and step = length - 4 then 'add_to_cart'
                    when has_order and step = length - 3 then 'begin_checkout'
                    when has_order and step = length - 2 then 'add_payment_info'
                    when has_order and step = length - 1 then 'purchase'
                    when lot(session * 32 + step, 'kind') < 4500 then 'page_view'
                    when lot(session * 32 + step, 'kind') < 6500 then 'user_engagement'
                    when lot(session * 32 + step, 'kind') < 8000 then 'scroll'
                    when lot(session * 32 + step, 'kind') < 9500 then 'view_item'
                    else 'add_to_cart'
                end as event_name,
                case when has_order and step >= length - 4 then pick(session, 'product', 40)
                    else pick(session * 32 + step // 3, 'product', 40) end as product,
                case when has_order then pick(session, 'lines', 3) + 1 else 1 end as line_count
            from sessions_between({sessions})
            cross join lateral unnest(range(length)) as numbers(step)
        ),

        pages as (
            select
                *,
                case
                    when event_name in ('begin_checkout', 'add_payment_info', 'purchase')
                        then '/kassa'
                    when step < 2 then '/'
                    when event_name in ('view_item', 'add_to_cart') or lot(event, 'page') < 5000
                        then '/tuote/P' || (100 + product)
                    when lot(event, 'page') < 8500 then '/kategoria/' || product % 8
                    when lot(event, 'page') < 9300 then '/hoito-ohjeet/' || product
                    else '/asiakaspalvelu/ukk'
                end as page_path,
                case
                    when event_name in ('view_item', 'add_to_cart')
                        then cast(price_of(product) as double)
                    else cast(list_sum(list_transform(
                        range(line_count), lambda line: price_of((product + line * 7) % 40)
                    )) as double)
                end as goods
            from steps
            where occurred_at >= {first} and occurred_at < {following} {held_back}
        ),

        placed as (
            select
                *,
                'https://www.kauppa.example' || page_path || case
                    when step < 2 and traffic_medium = 'cpc'
                        then '?gclid=' || md5(session::varchar)
                    when step < 2 and traffic_campaign is not null
                        then '?utm_source=' || traffic_source || '&utm_medium=' || traffic_medium
                            || '&utm_campaign=' || traffic_campaign
                    else '' end as page_location,
                'Kauppa ' || split_part(page_path, '/', 2) as page_title,
                case when step = 1 and traffic_source is null then null
                    when step = 1 then 'https://www.' || traffic_source || '.example/'
                    else 'https://www.kauppa.example/' end as page_referrer
            from pages
        )

        select
            {columns}
        from placed
        cross join lateral unnest(range(case when lot(event, 'twice') < 20 then 2 else 1 end))
            as copies(copy)
    """


# --- what the other systems say of the same customers ---------------------------------------------


def _write_records(
    world: duckdb.DuckDBPyConnection,
    size: Size,
    exports: Path,
    first_day: int,
    next_day: int,
    name: str,
) -> None:
    """Orders, responses, tickets and contacts that were made on these days."""
    at = size.starts_at(next_day) + 4 * 3600 * _SECOND
    made = f"{size.first_session(first_day)}, {size.first_session(next_day)}"
    # What follows an order comes days later; the file has what had come by then.
    since = max(first_day - 7, 0)
    orders = f"orders_between({size.first_session(since)}, {size.first_session(next_day)})"
    window = (size.starts_at(first_day) if first_day else 0, size.starts_at(next_day))
    _write(
        world,
        _orders_sql(f"orders_between({made})", "false"),
        exports / "shopify" / f"orders_{name}.jsonl",
        "format json, array false",
        at,
    )
    _write(
        world,
        _responses_sql(orders, window),
        exports / "questback" / f"responses_purchase_{name}.csv",
        "format csv, delimiter ';', header true",
        at,
    )
    _write(
        world,
        _tickets_sql(orders, window),
        exports / "zendesk" / f"tickets_{name}.jsonl",
        "format json, array false",
        at,
    )
    _write(
        world,
        f"""
        select distinct
            6000000000 + customer as id,
            cast(null as varchar) as external_id,
            email_of(customer) as name,
            email_of(customer) as email,
            'end-user' as role,
            true as active,
            utc_text({size.starts_at(first_day)}) as created_at,
            utc_text({size.starts_at(first_day)}) as updated_at
        from {orders}
        where {_has_ticket(window)}
        order by id
        """,
        exports / "zendesk" / f"users_{name}.jsonl",
        "format json, array false",
        at,
    )
    # A person is in the CRM from before the window: contacts come with the base delivery.
    people = size.clients // 8 if first_day == 0 else 0
    if people:
        _write(
            world,
            _contacts_sql(
                f"select person from range({people}) as r(person) where person % 5 < 4",
                str(size.starts_at(0) - 100 * 86400 * _SECOND),
                "subscriber",
            ),
            exports / "hubspot" / "contacts_base.jsonl",
            "format json, array false",
            at,
        )


def _write_changes(world: duckdb.DuckDBPyConnection, size: Size, exports: Path) -> None:
    """Orders of the week before that were refunded, a contact that changed, contacts merged."""
    at = size.starts_at(size.days + 1) + 5 * 3600 * _SECOND
    changed_at = size.starts_at(size.days) + 12 * 3600 * _SECOND
    week = f"{size.first_session(max(size.days - 7, 0))}, {size.first_session(size.days)}"
    _write(
        world,
        _orders_sql(
            f"(select * from orders_between({week}) where lot(session, 'refund') < 300)",
            "true",
            str(changed_at),
        ),
        exports / "shopify" / "orders_changed.jsonl",
        "format json, array false",
        at,
    )
    contacts = _contacts_sql(
        "select person from (values (0), (1), (2)) as v(person)", str(changed_at), "lead"
    )
    _write(
        world,
        contacts,
        exports / "hubspot" / "contacts_changed.jsonl",
        "format json, array false",
        at,
    )
    _write(
        world,
        f"""
        select
            500000 as "canonical-vid",
            500000 + 3 as "vid-to-merge",
            {changed_at} // 1000 as "timestamp",
            '901' as "entity-id",
            901 as "user-id",
            4 as "num-properties-moved"
        """,
        exports / "hubspot" / "contact_merge_audit_next.jsonl",
        "format json, array false",
        at,
    )


def _orders_sql(orders: str, is_refunded: str, updated_at: str = "ordered_at + 3600000000") -> str:
    product = "(pick(session, 'product', 40) + line * 7) % 40"
    goods = (
        "cast(list_sum(list_transform(range(line_count), "
        f"lambda line: price_of({product}))) as decimal(12, 2))"
    )
    return f"""
        select
            5000000000 + order_number as id,
            '#KA' || order_number as name,
            order_number,
            email_of(customer) as email,
            utc_text(ordered_at) as created_at,
            utc_text(ordered_at) as processed_at,
            utc_text({updated_at}) as updated_at,
            cast(null as varchar) as cancelled_at,
            'EUR' as currency,
            goods::varchar as subtotal_price,
            goods::varchar as total_line_items_price,
            '0.00' as total_discounts,
            cast(round(goods * 0.2032, 2) as decimal(12, 2))::varchar as total_tax,
            cast(goods + 4.90 as decimal(12, 2))::varchar as total_price,
            true as taxes_included,
            case when {is_refunded} then 'refunded' else 'paid' end as financial_status,
            'web' as source_name,
            false as test,
            ['card'] as payment_gateway_names,
            [{{name: 'ga_client_id', value: client_text(client)}}]
            || case when has_login then [{{name: 'user_id', value: 'u' || person}}] else [] end
                as note_attributes,
            {{id: 6000000000 + customer, email: email_of(customer)}} as customer,
            list_transform(range(line_count), lambda line: {{
                id: order_number * 10 + line,
                product_id: 800000 + {product},
                sku: 'P' || (100 + {product}),
                title: 'Tuote ' || ({product}),
                quantity: 1,
                price: price_of({product})::varchar,
                total_discount: '0.00'
            }}) as line_items,
            [{{id: order_number, title: 'Kotiinkuljetus', price: '4.90'}}] as shipping_lines,
            case when {is_refunded} then [{{
                id: 7000000000 + order_number,
                order_id: 5000000000 + order_number,
                created_at: utc_text({updated_at}),
                processed_at: utc_text({updated_at}),
                note: 'return',
                transactions: [{{
                    id: 8000000000 + order_number,
                    kind: 'refund',
                    status: 'success',
                    amount: goods::varchar,
                    currency: 'EUR',
                    created_at: utc_text({updated_at})
                }}]
            }}] else [] end as refunds
        from (select *, {goods} as goods from {orders})
        order by order_number
    """


def _after_order(purpose: str, days: int) -> str:
    return f"ordered_at + {3600 * _SECOND} * (1 + pick(session, '{purpose}', {24 * days}))"


def _between(moment: str, window: tuple[int, int]) -> str:
    return f"{moment} >= {window[0]} and {moment} < {window[1]}"


def _responses_sql(orders: str, window: tuple[int, int]) -> str:
    answered = _after_order("answered", 5)
    return f"""
        select
            'pr' || order_number as respondent_id,
            'purchase' as survey_id,
            'P' || order_number as invitation_id,
            email_of(customer) as email,
            'KA' || order_number as order_ref,
            'email' as channel,
            'web_purchase' as touchpoint_id,
            'fi' as language,
            'complete' as status,
            local_text({answered} - {90 * _SECOND}) as started_at,
            local_text({answered}) as completed_at,
            greatest(0, 10 - pick(session, 'nps', 6) - pick(session, 'nps 2', 4)) as nps,
            7 - pick(session, 'ces', 4) as ces,
            5 - pick(session, 'csat', 3) as csat
        from {orders}
        where lot(session, 'answers') < 1000 and {_between(answered, window)}
        order by respondent_id
    """


def _has_ticket(window: tuple[int, int]) -> str:
    return f"lot(session, 'asks') < 300 and {_between(_after_order('asked', 5), window)}"


def _tickets_sql(orders: str, window: tuple[int, int]) -> str:
    asked = _after_order("asked", 5)
    return f"""
        select
            order_number as id,
            {{channel: 'web'}} as via,
            'Palautus' as subject,
            'Haluan palauttaa tuotteen' as description,
            'question' as type,
            'normal' as priority,
            'solved' as status,
            6000000000 + customer as requester_id,
            399000 as assignee_id,
            ['return'] as tags,
            {{
                created_at: utc_text({asked}),
                solved_at: utc_text({asked} + {7200 * _SECOND}),
                reply_time_in_minutes: {{calendar: 30}}
            }} as metric_set,
            utc_text({asked}) as created_at,
            utc_text({asked} + {7200 * _SECOND}) as updated_at
        from {orders}
        where {_has_ticket(window)}
        order by id
    """


def _contacts_sql(people: str, changed_at: str, stage: str) -> str:
    return f"""
        select
            (500000 + person)::varchar as id,
            {{
                email: email_of(person),
                firstname: 'Asiakas',
                lastname: person::varchar,
                country: 'Finland',
                lifecyclestage: '{stage}',
                web_user_id: 'u' || person,
                email_opt_in: 'true',
                createdate: utc_text({changed_at}),
                lastmodifieddate: utc_text({changed_at}),
                hs_object_id: (500000 + person)::varchar
            }} as properties,
            utc_text({changed_at}) as createdAt,
            utc_text({changed_at}) as updatedAt,
            false as archived
        from ({people})
        order by person
    """
