"""GA4's BigQuery export: nested daily Parquet files, an intraday one, re-delivered days.

Every column of the export is there, with the export's types. `events` holds what was sent; this
module only decides which file holds it and nests it.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from seeds.sample.exports.files import write_parquet
from seeds.sample.world import DAY, SECOND, World

#: Groups of parameters that occur together: the test that a row has any of them, and per
#: parameter its GA4 name, its column of `events` and the typed slot that holds it. Grouping spares
#: most rows the work of nulls.
_PARAMETERS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "true",
        (
            ("ga_session_id", "ga_session_id", "int"),
            ("ga_session_number", "ga_session_number", "int"),
            ("page_location", "page_location", "string"),
            ("page_title", "page_title", "string"),
            ("page_referrer", "page_referrer", "string"),
            ("engagement_time_msec", "engagement_time_msec", "int"),
            ("session_engaged", "session_engaged", "string"),
        ),
    ),
    (
        "coalesce(ga_session_id_text, cast(session_engaged_number as varchar),"
        " traffic_type, cast(debug_mode as varchar)) is not null",
        (
            ("ga_session_id", "ga_session_id_text", "string"),
            ("session_engaged", "session_engaged_number", "int"),
            ("traffic_type", "traffic_type", "string"),
            ("debug_mode", "debug_mode", "int"),
        ),
    ),
    (
        "entrances is not null or source is not null or click_id_type is not null",
        (
            ("entrances", "entrances", "int"),
            ("source", "source", "string"),
            ("medium", "medium", "string"),
            ("campaign", "campaign", "string"),
            ("gclid", "case when click_id_type = 'gclid' then click_id end", "string"),
        ),
    ),
    (
        "currency is not null or value is not null or value_text is not null"
        " or event_name in ('purchase', 'Purchase', 'refund')",
        (
            ("transaction_id", "transaction_id", "string"),
            # GA4 stores whole amounts as integers and others as doubles.
            ("value", "case when value = floor(value) then cast(value as bigint) end", "int"),
            ("value", "case when value <> floor(value) then value end", "double"),
            ("value", "value_text", "string"),
            ("currency", "currency", "string"),
            ("tax", "tax", "double"),
            ("shipping", "shipping", "double"),
            ("coupon", "coupon", "string"),
        ),
    ),
    (
        "coalesce(search_term, link_url, error_code, content_id, method, useful, reason,"
        " cast(percent_scrolled as varchar), cast(video_percent as varchar)) is not null",
        (
            ("percent_scrolled", "percent_scrolled", "int"),
            ("search_term", "search_term", "string"),
            ("link_url", "link_url", "string"),
            ("error_code", "error_code", "string"),
            ("error_message", "error_message", "string"),
            ("content_id", "content_id", "string"),
            ("video_percent", "video_percent", "int"),
            ("method", "method", "string"),
            ("useful", "useful", "string"),
            ("reason", "reason", "string"),
        ),
    ),
)
STRETCH_EVENTS = 100_000
_NO_VALUE = {
    "string": ("string_value", "varchar"),
    "int": ("int_value", "bigint"),
    "float": ("float_value", "double"),
    "double": ("double_value", "double"),
}
_ITEM_NULLS = (
    "item_category2", "item_category3", "item_category4", "item_category5",
)  # fmt: skip
_ITEM_TAIL = (
    "affiliation", "location_id", "item_list_id", "item_list_name", "item_list_index",
    "promotion_id", "promotion_name", "creative_name", "creative_slot",
)  # fmt: skip


@dataclass(frozen=True)
class Delivery:
    """One GA4 file.

    Attributes:
        name: File name below the vendor's folder.
        day: Number of the day that it holds.
        where: Which rows of that day.
        delivered_at: When it came.
    """

    name: str
    day: int
    where: str
    delivered_at: int


def prepare(world: World) -> None:
    """Put `item_lists` and `event_days`: the local day of the window that each event fell on."""
    world.run("create or replace table item_lists as " + _item_lists())
    world.run(
        """
        create or replace table event_days as
        select
            date_diff(
                'day',
                (select cast(local_time(start) as date) from window_bounds),
                cast(local_time(event_timestamp) as date)
            ) as file_day,
            event,
            event_timestamp,
            delivery
        from events
        """
    )


def deliveries(world: World, plan: dict[str, int]) -> list[Delivery]:
    """Which files come, and when.

    Args:
        world: The world.
        plan: Days of the planted deliveries: `missing`, `leftover`.

    Returns:
        The files in order of delivery.
    """
    calendar, last = world.calendar, world.settings.days - 1
    found: list[Delivery] = []
    for day in range(world.settings.days):
        stamp = calendar.date_of(day).strftime("%Y%m%d")
        ready = int(calendar.day_starts[day + 1]) + 4 * 3600 * SECOND
        if day == plan.get("missing"):
            continue
        if day == last:
            found.append(
                Delivery(f"events_intraday_{stamp}.parquet", day, "true", ready - DAY // 8)
            )
            continue
        found.append(Delivery(f"events_{stamp}.parquet", day, "delivery = 0", ready))
        if day == plan.get("leftover"):
            found.append(
                Delivery(f"events_intraday_{stamp}.parquet", day, "delivery = 0", ready - DAY // 8)
            )
    late = world.con.execute(
        "select distinct file_day from event_days where delivery = 1 order by file_day"
    ).fetchall()
    for (day,) in late:
        if day in (last, plan.get("missing")):
            continue
        stamp = calendar.date_of(day).strftime("%Y%m%d")
        again = int(calendar.day_starts[day + 1]) + 3 * DAY
        found.append(Delivery(f"redelivered/events_{stamp}.parquet", day, "true", again))
    return sorted(found, key=lambda d: (d.delivered_at, d.name))


def write(world: World, folder: Path, plan: dict[str, int]) -> None:
    """Write every file.

    Planning the nesting query takes longer than nesting a day, and nesting everything takes memory:
    so a stretch of days is nested at once, and its files are written from that. A query over so few
    rows uses one thread, which also keeps rows in order on any number of cores; stretches run side
    by side instead.

    Args:
        world: The world, with `events` damaged.
        folder: The vendor's folder.
        plan: Days of the planted deliveries.
    """
    files = deliveries(world, plan)
    nested = _nested()
    starts = world.calendar.day_starts

    def write_stretch(stretch: tuple[int, int]) -> None:
        first, last = stretch
        con = world.con.cursor()
        days = f"event_timestamp >= {starts[first]} and event_timestamp < {starts[last + 1]}"
        con.execute(f"create table ga4_nested_{first} as {nested.replace('$days', days)}")
        for file in files:
            if first <= file.day <= last:
                write_parquet(
                    con,
                    f"select * exclude (file_day, delivery) from ga4_nested_{first}"
                    f" where file_day = {file.day} and {file.where}",
                    folder / file.name,
                    file.delivered_at,
                )
        con.execute(f"drop table ga4_nested_{first}")

    world.run("set threads = 1")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        list(pool.map(write_stretch, _stretches(world)))
    world.run("reset threads")


def _stretches(world: World) -> list[tuple[int, int]]:
    """Runs of days of at most so many events, or one day."""
    counts = world.con.execute(
        "select file_day, count(*) from event_days group by file_day order by file_day"
    ).fetchall()
    found: list[tuple[int, int]] = []
    size = STRETCH_EVENTS
    for day, rows in counts:
        if size + rows > STRETCH_EVENTS:
            found.append((day, day))
            size = 0
        found[-1] = (found[-1][0], day)
        size += rows
    return found


def _param(key: str, expression: str, kind: str) -> str:
    slots = ", ".join(
        f"{slot}: {expression if name == kind else f'cast(null as {sql_type})'}"
        for name, (slot, sql_type) in _NO_VALUE.items()
    )
    test = f"({expression}) is not null"
    return f"case when {test} then {{key: '{key}', value: {{{slots}}}}} end"


def _extra() -> str:
    return (
        "{key: extra_key, value: {string_value: extra_value, int_value: cast(null as bigint),"
        " float_value: cast(null as double), double_value: cast(null as double)}}"
    )


def _item(product: str, quantity: str, price: str, revenue: str, coupon: str) -> str:
    nulls = ", ".join(f"{name}: cast(null as varchar)" for name in _ITEM_NULLS)
    tail = ", ".join(f"{name}: '(not set)'" for name in _ITEM_TAIL)
    return (
        f"{{item_id: {product}.product_id, item_name: {product}.product_name,"
        " item_brand: 'Kauppa', item_variant: cast(null as varchar),"
        f" item_category: {product}.category, {nulls},"
        f" price_in_usd: {price} * 1.08, price: {price}, quantity: cast({quantity} as bigint),"
        f" item_revenue_in_usd: {revenue} * 1.08, item_revenue: {revenue},"
        " item_refund_in_usd: cast(null as double), item_refund: cast(null as double),"
        f" coupon: {coupon}, {tail},"
        " item_params: [{key: 'stock_status', value: {string_value: 'in_stock',"
        " int_value: cast(null as bigint), float_value: cast(null as double),"
        " double_value: cast(null as double)}}]}"
    )


def _item_lists() -> str:
    """Item lists by what they belong to: an order, a basket, a category, one product."""
    line = _item(
        "l",
        "l.quantity",
        "cast(l.line_total as double) / l.quantity",
        "cast(l.line_total as double)",
        "o.coupon",
    )
    basket = _item("p", "b.quantity", "p.price", "cast(null as double)", "cast(null as varchar)")
    single = _item("p", "1", "p.price", "cast(null as double)", "cast(null as varchar)")
    return f"""
    select 'order' as owner, cast(o.order_number as varchar) as owner_id,
        list({line} order by l.line_number) as items
    from order_lines as l
    inner join orders as o on l.order_number = o.order_number
    group by o.order_number
    union all
    select 'basket', cast(b.mission as varchar), list({basket} order by b.line_number)
    from baskets as b
    inner join products as p on b.product = p.product
    group by b.mission
    union all
    select 'category', p.category, list({single} order by p.product)[:4]
    from products as p
    group by p.category
    union all
    select 'product', p.product_id, [{single}] from products as p
    """


def _nested() -> str:
    groups = [
        f"case when {test} then list_filter([{', '.join(_param(*p) for p in parameters)}],"
        " lambda x: x is not null) end"
        for test, parameters in _PARAMETERS
    ]
    groups.append(f"case when extra_key is not null then [{_extra()}] end")
    parameters = ",\n            ".join(groups)
    return f"""
    select
        date_diff(
            'day',
            (select cast(local_time(start) as date) from window_bounds),
            cast(local_time(e.event_timestamp) as date)
        ) as file_day,
        e.delivery,
        strftime(
            coalesce(e.event_date_override, cast(local_time(e.event_timestamp) as date)), '%Y%m%d'
        ) as event_date,
        e.event_timestamp,
        e.event_name,
        flatten(list_filter([
            {parameters}
        ], lambda x: x is not null)) as event_params,
        cast(null as bigint) as event_previous_timestamp,
        case when e.event_name = 'purchase' then e.value * 1.08 end as event_value_in_usd,
        e.event % 1000000 + 1000 as event_bundle_sequence_id,
        e.server_offset as event_server_timestamp_offset,
        e.user_id,
        e.user_pseudo_id,
        {{
            analytics_storage: e.analytics_storage,
            ads_storage: e.ads_storage,
            uses_transient_token: 'No'
        }} as privacy_info,
        list_filter([
            case when e.loyalty_tier is not null then {{
                key: 'loyalty_tier',
                value: {{
                    string_value: e.loyalty_tier,
                    int_value: cast(null as bigint),
                    float_value: cast(null as double),
                    double_value: cast(null as double),
                    set_timestamp_micros: e.event_timestamp
                }}
            }} end,
            case when e.customer_type is not null then {{
                key: 'customer_type',
                value: {{
                    string_value: e.customer_type,
                    int_value: cast(null as bigint),
                    float_value: cast(null as double),
                    double_value: cast(null as double),
                    set_timestamp_micros: e.event_timestamp
                }}
            }} end
        ], lambda x: x is not null) as user_properties,
        case when e.user_pseudo_id is not null then e.user_first_touch_timestamp end
            as user_first_touch_timestamp,
        {{revenue: cast(0 as double), currency: 'EUR'}} as user_ltv,
        {{
            category: e.device_category,
            mobile_brand_name: case when e.operating_system = 'iOS' then 'Apple'
                when e.operating_system = 'Android' then 'Samsung' end,
            mobile_model_name: case when e.operating_system = 'iOS' then 'iPhone' end,
            mobile_marketing_name: cast(null as varchar),
            mobile_os_hardware_model: cast(null as varchar),
            operating_system: e.operating_system,
            operating_system_version: e.system_version,
            vendor_id: cast(null as varchar),
            advertising_id: cast(null as varchar),
            language: case e.language when 'fi' then 'fi-fi' else 'en-us' end,
            is_limited_ad_tracking: 'No',
            time_zone_offset_seconds: cast(null as bigint),
            browser: cast(null as varchar),
            browser_version: cast(null as varchar),
            web_info: case when e.stream_id = '1001' then {{
                browser: e.browser,
                browser_version: e.browser_version,
                hostname: e.host
            }} end
        }} as device,
        {{
            city: e.city,
            country: e.country,
            continent: 'Europe',
            region: e.region,
            sub_continent: 'Northern Europe',
            metro: '(not set)'
        }} as geo,
        case when e.stream_id = '2002' then {{
            id: 'example.kauppa.app',
            version: e.app_version,
            install_store: cast(null as varchar),
            firebase_app_id: '1:100:android:200',
            install_source: 'com.android.vending'
        }} end as app_info,
        {{
            name: coalesce(e.first_campaign, case e.first_medium
                when 'organic' then '(organic)' when 'referral' then '(referral)' else '(direct)'
            end),
            medium: e.first_medium,
            source: e.first_source
        }} as traffic_source,
        e.stream_id,
        e.platform,
        case when e.stream_id = '1001' then {{hostname: e.host}} end as event_dimensions,
        {{
            total_item_quantity: case when e.event_name = 'purchase'
                then cast(list_sum(list_transform(i.items, lambda x: x.quantity)) as bigint) end,
            purchase_revenue_in_usd: case when e.event_name = 'purchase' then e.value * 1.08 end,
            purchase_revenue: case when e.event_name = 'purchase' then e.value end,
            refund_value_in_usd: case when e.event_name = 'refund' then e.value * 1.08 end,
            refund_value: case when e.event_name = 'refund' then e.value end,
            shipping_value_in_usd: e.shipping * 1.08,
            shipping_value: e.shipping,
            tax_value_in_usd: e.tax * 1.08,
            tax_value: e.tax,
            unique_items: case when e.event_name = 'purchase' then cast(len(i.items) as bigint) end,
            transaction_id: e.transaction_id
        }} as ecommerce,
        case when e.items_lost then i.items[:0] else coalesce(i.items, i.items[:0]) end as items,
        case when e.source is not null and contains(e.page_location, 'utm_source=') then {{
            manual_campaign_id: cast(null as varchar),
            manual_campaign_name: e.campaign,
            manual_source: e.source,
            manual_medium: e.medium,
            manual_term: cast(null as varchar),
            manual_content: cast(null as varchar),
            manual_source_platform: cast(null as varchar),
            manual_creative_format: cast(null as varchar),
            manual_marketing_tactic: cast(null as varchar),
            gclid: case when e.click_id_type = 'gclid' then e.click_id end,
            dclid: case when e.click_id_type = 'dclid' then e.click_id end,
            srsltid: cast(null as varchar)
        }} end as collected_traffic_source,
        coalesce(e.engagement_time_msec, 0) > 0 as is_active_user,
        cast(1 as bigint) as batch_event_index,
        e.page as batch_page_id,
        cast(1 as bigint) as batch_ordering_id,
        {{
            manual_campaign: {{
                campaign_id: cast(null as varchar),
                campaign_name: coalesce(e.session_campaign, '(not set)'),
                source: e.session_source,
                medium: e.session_medium,
                term: '(not set)',
                content: '(not set)',
                source_platform: '(not set)',
                creative_format: '(not set)',
                marketing_tactic: '(not set)'
            }},
            google_ads_campaign: case
                when e.session_source = 'google' and e.session_medium = 'cpc' then {{
                    customer_id: '1234567890',
                    account_name: 'Kauppa',
                    campaign_id: 'google_ads-' || e.session_campaign,
                    campaign_name: e.session_campaign,
                    ad_group_id: cast(null as varchar),
                    ad_group_name: cast(null as varchar)
                }} end,
            cross_channel_campaign: {{
                campaign_id: cast(null as varchar),
                campaign_name: coalesce(e.session_campaign, '(not set)'),
                source: e.session_source,
                medium: e.session_medium,
                source_platform: 'Manual',
                default_channel_group: case e.session_medium
                    when '(none)' then 'Direct' when 'organic' then 'Organic Search'
                    when 'cpc' then 'Paid Search' when 'paid_social' then 'Paid Social'
                    when 'email' then 'Email' when 'sms' then 'SMS' when 'display' then 'Display'
                    when 'referral' then 'Referral' else 'Unassigned' end,
                primary_channel_group: case e.session_medium
                    when '(none)' then 'Direct' when 'organic' then 'Organic Search'
                    when 'cpc' then 'Paid Search' when 'paid_social' then 'Paid Social'
                    when 'email' then 'Email' when 'sms' then 'SMS' when 'display' then 'Display'
                    when 'referral' then 'Referral' else 'Unassigned' end
            }}
        }} as session_traffic_source_last_click,
        cast(null as struct(
            ad_revenue_in_usd double, ad_format varchar, ad_source_name varchar, ad_unit_id varchar
        )) as publisher
    from (select * from events where $days) as e
    left join item_lists as i
        on i.owner = case
            when e.event_name in ('purchase', 'refund') then 'order'
            when e.event_name in ('view_cart', 'begin_checkout', 'add_shipping_info',
                'add_payment_info') then 'basket'
            when e.event_name = 'view_item_list' then 'category'
            when e.event_name in ('view_item', 'select_item', 'add_to_cart', 'remove_from_cart')
                then 'product'
        end
        and i.owner_id = case
            when e.event_name in ('purchase', 'refund') then cast(e.order_number as varchar)
            when e.event_name in ('view_cart', 'begin_checkout', 'add_shipping_info',
                'add_payment_info') then cast(e.mission as varchar)
            when e.event_name = 'view_item_list' then e.item_category
            else e.product_id
        end
    """
