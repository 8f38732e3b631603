"""The true value of every metric, by person and record, from the simulation's own state.

Taken before any defect is planted and before any vendor's format is written, so that nothing of the
exports, the warehouse or its SQL is in it. A record is what the metric counts; `record` names it as
its vendor does. Who could not be known (no card shown, consent refused) is nobody's record.
"""

from __future__ import annotations

import numpy as np

from seeds.sample.commerce import VAT
from seeds.sample.exports.clarity import DAYS as HEATMAP_DAYS
from seeds.sample.service import opening_clock
from seeds.sample.surveys import CTT_TOUCHPOINTS, EMOTION_WORDS, EXQ_ITEMS
from seeds.sample.world import SECOND, World, texts

#: Above so many customers a benchmark is meant, not a comparison: millions of rows for nobody.
MOST_CUSTOMERS = 20_000

# What the definitions leave to the company (seeds/reference), said here a second time.
CART_WINDOW = 24 * 3600 * SECOND
RESCUE_WINDOW = 14 * 86_400 * SECOND
CONTACT_WINDOW = 7 * 86_400 * SECOND
SALES_WINDOW = 7 * 86_400 * SECOND
BASELINE_DAYS = 28
HOUR_COST = 38
RESPONSE_PROMISE, RESOLUTION_PROMISE = 4 * 3600, 16 * 3600
CHURN_GAPS = 3
CONTRACT_RENEWAL_DAYS = 14
LEAST_PEERS = 5
CHECK_GAP_SECONDS = 3600

GOALS = {
    "conversion": "purchase",
    "conversion_rate": "purchase",
    "conversion_newsletter": "generate_lead",
    "conversion_rate_newsletter": "generate_lead",
    "conversion_loyalty": "loyalty_signup",
    "conversion_rate_loyalty": "loyalty_signup",
    "conversion_account": "sign_up",
    "conversion_rate_account": "sign_up",
    "conversion_app_download": "app_download_click",
    "conversion_rate_app_download": "app_download_click",
    "conversion_checkout": "begin_checkout",
    "conversion_rate_checkout": "begin_checkout",
    "conversion_cart": "add_to_cart",
    "conversion_rate_cart": "add_to_cart",
}
TASKS = (
    ("checkout", "event_name = 'begin_checkout'", "purchase", "checkout"),
    ("cart", "event_name = 'view_cart'", "begin_checkout", "cart"),
    ("payment", "event_name = 'add_payment_info'", "purchase", "payment"),
    (
        "loyalty_signup",
        "event_name = 'page_view' and template = 'loyalty_join'",
        "loyalty_signup",
        "loyalty_signup",
    ),
    (
        "newsletter_signup",
        "event_name = 'page_view' and template = 'newsletter'",
        "generate_lead",
        "newsletter_signup",
    ),
    ("return", "event_name = 'return_start'", "return_submit", "return_claim"),
    ("claim", "event_name = 'claim_start'", "claim_submit", "claim"),
)
CONTENT = "('guide', 'care', 'faq', 'size_guide')"


def prepare(world: World) -> None:
    """Put `metric_values`, one row per metric and record, before anything is damaged."""
    world.run(
        """
        create or replace table metric_values (
            metric_id varchar, record varchar, person bigint, occurred_date date,
            touchpoint_id varchar, value_number double, base_number double, is_censored boolean,
            is_counted boolean
        )
        """
    )
    if world.settings.customers > MOST_CUSTOMERS:
        return
    world.run("create or replace macro day_of(moment) as cast(local_time(moment) as date)")
    _visits(world)
    _orders(world)
    _carts(world)
    _service(world)
    _surveys(world)


def prepare_other_tools(world: World) -> None:
    """Add what the retailer's small tools tell, once their rows are drawn."""
    if world.settings.customers <= MOST_CUSTOMERS:
        _other_tools(world)


def _add(
    world: World,
    metric_id: str,
    table: str,
    value: str,
    where: str = "true",
    base: str = "1",
    censored: str = "false",
    counted: str = "true",
) -> None:
    """Add a metric's records: `table` has record, person, occurred_date and touchpoint_id."""
    world.run(
        f"""
        insert into metric_values
        select '{metric_id}', record, person, occurred_date, touchpoint_id,
            cast({value} as double), cast({base} as double), {censored}, {counted}
        from {table} where {where}
        """
    )


def _visits(world: World) -> None:
    """What consenting visitors did; the others send nothing that tells one visit from another."""
    world.run(
        """
        create or replace table true_events as
        select e.event, e.event_timestamp as met_at, e.event_name, e.session, e.page, e.template,
            e.host, e.path, e.error_code, e.value, e.content_id, e.percent_scrolled,
            e.video_percent, e.engagement_time_msec, e.useful, e.stream_id, e.person
        from events as e
        where e.is_consented and e.event_name <> 'refund'
            and e.event_timestamp < (select "end" from window_bounds)
        """
    )
    world.run(
        """
        create or replace table true_visits as
        select
            s.session,
            c.client_id || ':' || s.started_at // 1000000 as record,
            s.person,
            day_of(s.started_at) as occurred_date,
            'all' as touchpoint_id,
            max(e.met_at) as ended_at,
            count(*) filter (where e.event_name = 'page_view') as pages,
            bool_or(e.event_name = 'purchase') as buys,
            bool_or(e.event_name in ('view_item', 'add_to_cart', 'begin_checkout', 'purchase'))
                as shops,
            bool_or(e.event_name in ('form_error', 'checkout_error')) as errs,
            bool_or(e.event_name in ('view_item', 'add_to_cart', 'begin_checkout', 'purchase',
                'view_search_results')) as considers,
            count(*) filter (where e.event_name in ('rage_click', 'dead_click')) as vain_clicks,
            any_value(e.stream_id) as stream_id
        from sessions as s
        inner join cookies as c on s.cookie = c.cookie
        inner join true_events as e on s.session = e.session
        group by all
        """
    )
    for metric_id, event in GOALS.items():
        _add(
            world,
            metric_id,
            f"(select v.*, v.session in (select session from true_events"
            f" where event_name = '{event}') as reached from true_visits as v)",
            "reached",
        )
    _add(world, "exit_rate", "true_visits", "not buys", "shops")
    _add(world, "error_rate", "true_visits", "errs")
    _add(world, "cursor_interaction", "true_visits", "vain_clicks",
         "stream_id = '1001' and pages > 0", "pages")  # fmt: skip
    world.run(
        """
        create or replace table true_searches as
        select v.record || ':' || e.event as record, v.person, v.occurred_date,
            'site_search' as touchpoint_id,
            e.page = max(e.page) over (partition by e.session) as is_last
        from (
            select session, page, event, event_name from true_events
            where event_name in ('page_view', 'view_search_results')
        ) as e
        inner join true_visits as v on e.session = v.session
        qualify e.event_name = 'view_search_results'
        """
    )
    _add(world, "site_search_exit", "true_searches", "is_last")
    world.run(
        """
        create or replace table true_errors as
        select v.record || ':' || e.event as record, v.person, v.occurred_date,
            'all' as touchpoint_id,
            row_number() over (partition by e.person, e.error_code order by e.met_at, e.event) > 1
                as again
        from true_events as e
        inner join true_visits as v on e.session = v.session
        where e.event_name in ('form_error', 'checkout_error')
        """
    )
    _add(world, "repeated_error_rate", "true_errors", "again")
    for name, metric_id in (
        ("LCP", "page_speed_lcp"), ("INP", "page_speed_inp"), ("TTFB", "page_speed_ttfb"),
        ("CLS", "page_speed_cls"),
    ):  # fmt: skip
        _add(
            world,
            metric_id,
            "(select v.record || ':' || e.event as record, v.person, v.occurred_date,"
            " 'all' as touchpoint_id, e.event_name, e.value"
            " from true_events as e inner join true_visits as v on e.session = v.session)",
            "value" if name == "CLS" else "value / 1000",
            f"event_name = '{name}'",
        )
    world.run(
        """
        create or replace table true_sections as
        with told as (
            select distinct session, path, content_id as section from true_events
            where event_name = 'section_view'
        )

        select v.record || ':' || p.path || s.section as record, v.person, v.occurred_date,
            'all' as touchpoint_id, t.section is not null as is_reached
        from (select distinct session, path from true_events where event_name = 'page_view') as p
        inner join true_visits as v on p.session = v.session
        inner join (select distinct path, section from told) as s on p.path = s.path
        left join told as t
            on p.session = t.session and p.path = t.path and s.section = t.section
        """
    )
    _add(world, "section_interest", "true_sections", "is_reached")
    _tasks(world)
    _content(world)
    _landings(world)


def _tasks(world: World) -> None:
    for task, start, end_event, touchpoint in TASKS:
        world.run(
            f"""
            create or replace table true_task as
            with begun as (
                select session, min(met_at) as begun_at
                from true_events where {start} group by session
            ),

            ended as (
                select b.session, min(e.met_at) as ended_at
                from begun as b
                inner join true_events as e on b.session = e.session
                where e.event_name = '{end_event}' and e.met_at >= b.begun_at
                group by b.session
            )

            select v.record || ':{task}' as record, v.person, v.occurred_date,
                '{touchpoint}' as touchpoint_id,
                (coalesce(e.ended_at, v.ended_at) - b.begun_at) / 1e6 as seconds,
                e.ended_at is null as is_unfinished
            from begun as b
            inner join true_visits as v on b.session = v.session
            left join ended as e on b.session = e.session
            """
        )
        for metric_id in ("task_duration_seconds", "task_duration_seconds_p90"):
            _add(world, metric_id, "true_task", "seconds", censored="is_unfinished")
        _add(world, "task_abandonment", "true_task", "is_unfinished")


def _content(world: World) -> None:
    world.run(
        f"""
        create or replace table true_content as
        with shown as (
            select session, path, lead(path) over (partition by session order by page) as next_path
            from true_events where event_name = 'page_view'
        ),

        onward as (
            select session, path,
                bool_or(coalesce(starts_with(next_path, '/tuote/'), false)) as goes_on
            from shown group by session, path
        )

        select v.record || ':' || e.path as record, v.person, v.occurred_date,
            case e.template when 'guide' then 'user_guide' when 'care' then 'care_article'
                else e.template end as touchpoint_id,
            sum(e.engagement_time_msec) filter (where e.event_name <> 'page_view') / 1000
                as seconds,
            max(e.percent_scrolled) / 100 as scrolled,
            max(e.video_percent) / 100 as watched,
            bool_or(e.useful = 'yes') as useful,
            any_value(case when e.template <> 'faq' then o.goes_on end) as goes_on
        from true_events as e
        inner join true_visits as v on e.session = v.session
        inner join onward as o on e.session = o.session and e.path = o.path
        where e.template in {CONTENT} and e.event_name in ('page_view', 'scroll',
            'user_engagement', 'video_start', 'video_progress', 'video_complete',
            'content_feedback', 'file_download')
        group by all
        """
    )
    for metric_id, value, where in (
        ("content_time_seconds", "seconds", "seconds is not null"),
        ("content_time_seconds_p90", "seconds", "seconds is not null"),
        ("scroll_depth", "scrolled", "scrolled is not null"),
        ("scroll_to_end", "scrolled >= 0.9", "scrolled is not null"),
        ("video_watched_share", "watched", "watched is not null"),
        ("video_to_end", "watched >= 0.9", "watched is not null"),
        ("click_through", "goes_on", "goes_on is not null"),
        ("content_feedback", "useful", "useful is not null"),
    ):
        _add(world, metric_id, "true_content", value, where)


def _landings(world: World) -> None:
    """Visits from search engines: by result, or by advertisement among the results."""
    world.run(
        """
        create or replace table true_landings as
        select v.*, v.buys or v.pages > 1 or t.seconds >= 10 as engages
        from true_visits as v
        inner join sessions as s on v.session = s.session
        inner join (
            -- the tag tells of the time that it was there to measure
            select session, coalesce(sum(engagement_time_msec), 0) / 1000 as seconds
            from true_events group by session
        ) as t on v.session = t.session
        inner join sources as so on s.source = so.source
        where so.traffic_source in ('google', 'bing') and so.traffic_medium in ('organic', 'cpc')
        """
    )
    _add(world, "search_landing_engagement", "true_landings", "engages")
    _add(world, "search_landing_consideration", "true_landings", "considers")


def _orders(world: World) -> None:
    """What was bought and kept; in a store, who shows no card stays a stranger."""
    world.run(
        f"""
        create or replace table true_orders as
        select
            case when o.channel = 'store' then 'R' else 'KA' end || o.order_number as record,
            case when o.channel <> 'store' or o.loyalty_id is not null then o.person end as person,
            day_of(o.ordered_at) as occurred_date,
            'all' as touchpoint_id,
            o.ordered_at,
            o.channel,
            o.order_number,
            o.mission,
            cast(o.total - coalesce(r.amount, 0) as double) as net,
            cast(o.total as double) as total,
            -- tax is inside the price of the delivery too: once is enough
            cast(o.tax + round(o.shipping * 100 / (100 + {VAT}), 2) as double) as passed_on,
            l.units,
            l.cost
        from orders as o
        inner join (
            select order_number, sum(quantity) as units,
                cast(sum(unit_cost * quantity) as double) as cost
            from order_lines group by order_number
        ) as l on o.order_number = l.order_number
        left join (
            select order_number, sum(amount) as amount from refunds group by order_number
        ) as r on o.order_number = r.order_number
        where not o.is_cancelled
        """
    )
    world.run(
        """
        create or replace table true_purchases as
        select *,
            net * (1 - passed_on / total) as sales,
            net * (1 - passed_on / total) - cost as margin,
            case when person is not null then row_number() over w end as turn,
            sum(net) over w as to_date,
            (ordered_at - lag(ordered_at) over w) / 86400e6 as gap,
            lead(occurred_date) over w as next_date
        from true_orders
        window w as (partition by person order by ordered_at, order_number)
        """
    )
    known = "person is not null"
    for metric_id, value, where, base in (
        ("average_order_value", "net", "true", "1"),
        ("average_order_margin", "margin", "true", "1"),
        ("gross_margin", "margin", "true", "sales"),
        ("average_price", "net", "true", "units"),
        ("average_price_new_customers", "net", "turn = 1", "units"),
        ("average_price_returning_customers", "net", "turn > 1", "units"),
        ("repeat_purchase_rate", "turn > 1", known, "1"),
        ("purchase_frequency", "1", known, "1"),
        ("customer_lifetime_value", "to_date", known, "1"),
        ("days_between_orders", "gap", f"gap is not null and {known}", "1"),
    ):
        _add(world, metric_id, "true_purchases", value, where, base)
    # A return without a receipt takes nothing off an order that anybody could name: off the day.
    world.run(
        """
        create or replace table true_returns as
        select 'X' || r.refund_number as record,
            case when o.loyalty_id is not null then o.person end as person,
            day_of(r.refunded_at) as occurred_date, 'all' as touchpoint_id, o.order_number,
            cast(r.amount as double) as amount
        from refunds as r inner join orders as o on r.order_number = o.order_number
        where o.channel = 'store' and r.refund_number % 5 = 0
        """
    )
    _add(
        world,
        "revenue",
        "(select p.*, p.net + coalesce(r.amount, 0) as sold from true_purchases as p"
        " left join true_returns as r on p.order_number = r.order_number)",
        "sold",
    )
    _add(world, "revenue", "true_returns", "-amount", counted="false")
    world.run(
        f"""
        create or replace table true_terms as
        with ended as (
            select contract_id as record, person, started_on, 'all' as touchpoint_id,
                least(ends_on, coalesce(cancelled_on, ends_on)) as occurred_date
            from contracts
        )

        select e.*,
            exists (
                select 1 from ended as f
                where f.person = e.person and f.occurred_date > e.occurred_date
                    and f.started_on <= e.occurred_date + {CONTRACT_RENEWAL_DAYS}
            ) as goes_on,
            e.occurred_date + {CONTRACT_RENEWAL_DAYS} <= greatest(
                (select max(occurred_date) from true_purchases),
                (select max(coalesce(cancelled_on, started_on)) from contracts)
            ) as is_over
        from ended as e
        """
    )
    for metric_id in ("churn", "contract_churn"):
        _add(world, metric_id, "true_terms", "not goes_on", "is_over")
    world.run(
        f"""
        create or replace table true_patience as
        with waited as (
            select cast(ceil({CHURN_GAPS} * median(gap)) as integer) as days
            from true_purchases where {known} and gap is not null
        )

        select p.record, p.person, p.occurred_date + w.days as occurred_date,
            'all' as touchpoint_id,
            p.next_date is null or p.next_date > p.occurred_date + w.days as is_lost
        from true_purchases as p
        cross join waited as w
        where {known} and p.occurred_date + w.days
            <= (select max(occurred_date) from true_purchases)
            -- whoever has a contract is waited for until it ends
            and not exists (
                select 1 from true_terms as t
                where t.person = p.person
                    and p.occurred_date + w.days between t.started_on and t.occurred_date
            )
        """
    )
    _add(world, "churn", "true_patience", "is_lost")
    world.run(
        """
        create or replace table true_spend as
        select spend_date || platform || campaign_id as record, cast(null as bigint) as person,
            cast(spend_date as date) as occurred_date, 'all' as touchpoint_id, cost
        from ad_spend
        """
    )
    _add(world, "acquisition_cost", "true_spend", "cost", base="0", counted="false")
    _add(
        world,
        "acquisition_cost",
        "true_purchases",
        "0",
        "turn = 1 and occurred_date >= (select min(occurred_date) from true_spend)",
    )


def _carts(world: World) -> None:
    """Checkouts that were left, and orders that came straight from one."""
    world.run(
        f"""
        create or replace table true_carts as
        with rescues as (
            select k.checkout_number, o.channel
            from checkouts as k
            inner join true_orders as o
                on o.person = k.person or (o.mission = k.mission and o.channel = k.channel)
            where o.ordered_at > k.begun_at and o.ordered_at <= k.begun_at + {RESCUE_WINDOW}
            qualify row_number() over (
                partition by k.checkout_number order by o.ordered_at, o.order_number
            ) = 1
        )

        select
            'checkout:' || k.checkout_number as record,
            k.person,
            day_of(k.begun_at) as occurred_date,
            'cart' as touchpoint_id,
            coalesce(
                k.rescue_channel = k.channel and k.completed_at - k.begun_at <= {CART_WINDOW},
                false
            ) as is_completed,
            r.checkout_number is not null as is_rescued,
            coalesce(r.channel <> k.channel, false) as is_rescued_elsewhere,
            cast(k.goods as double) as goods,
            day_of(k.begun_at) + {RESCUE_WINDOW // (86_400 * SECOND)}
            <= (select max(occurred_date) from true_orders) as is_over
        from checkouts as k
        left join rescues as r on k.checkout_number = r.checkout_number
        union all
        select o.record, o.person, o.occurred_date, 'cart', true, false, false, o.net, true
        from true_orders as o
        where o.channel in ('web', 'app') and not exists (
            select 1 from checkouts as k
            where k.mission = o.mission and k.channel = o.channel
        )
        """
    )
    left = "not is_completed"
    _add(world, "cart_abandonment", "true_carts", "not is_completed")
    _add(world, "abandoned_cart_value", "true_carts", "goods", left)
    _add(world, "cart_rescue", "true_carts", "is_rescued", f"{left} and is_over")
    _add(
        world, "cart_rescue_other_channel", "true_carts", "is_rescued and is_rescued_elsewhere",
        f"{left} and is_over",
    )  # fmt: skip


def _service(world: World) -> None:
    """Requests for help: calls, messages and chats as they were logged, letters by their ticket."""
    world.run(
        """
        create or replace table true_contacts as
        select
            'L' || lpad(cast(l.leg_number as varchar), 7, '0') as record,
            l.person,
            day_of(l.started_at) as occurred_date,
            'all' as touchpoint_id,
            l.started_at as met_at,
            l.channel,
            l.is_bot or l.channel = 'sms' as is_written_to_machine,
            l.topic,
            l.ivr_choice,
            l.ticket_id,
            l.agent is not null as has_agent,
            l.wait_seconds,
            l.handle_seconds,
            l.is_transferred,
            l.outcome,
            l.channel = 'ivr' and l.outcome = 'transferred' as is_menu
        from legs as l
        union all
        select 'Z' || c.ticket_id, c.person, day_of(c.opened_at), 'all', c.opened_at, c.channel,
            false, c.topic, null, c.ticket_id, c.agent >= 0, null, null, false, null, false
        from cases as c where c.channel = 'ticket'
        """
    )
    machine = "channel = 'ivr' or is_written_to_machine"
    _add(world, "average_handling_time", "true_contacts", "handle_seconds",
         "handle_seconds is not null")  # fmt: skip
    _add(world, "average_speed_of_answer", "true_contacts", "wait_seconds",
         "has_agent and wait_seconds is not null")  # fmt: skip
    _add(world, "contact_abandonment", "true_contacts", "coalesce(outcome = 'abandoned', false)",
         "has_agent or coalesce(outcome = 'abandoned', false)")  # fmt: skip
    _add(world, "transfer_rate", "true_contacts", "is_transferred", "has_agent")
    _add(world, "self_service_containment", "true_contacts", "outcome = 'contained'", machine)
    _add(world, "escalation_rate", "true_contacts", "has_agent", "is_written_to_machine")
    world.run(
        f"""
        create or replace table true_matters as
        with known as (
            select greatest((select max(met_at) from true_contacts),
                (select max(ordered_at) from true_orders)) as until
        ),

        placed as (
            select c.*,
                lag(met_at) over w as previous_at,
                lead(met_at) over w as next_at
            from true_contacts as c where not is_menu
            window w as (partition by person, topic order by met_at, record)
        )

        select p.*,
            coalesce(p.met_at - p.previous_at > {CONTACT_WINDOW}, true)
            and k.until - p.met_at >= {CONTACT_WINDOW} as is_first,
            coalesce(p.outcome <> 'abandoned', true)
            and coalesce(p.next_at - p.met_at > {CONTACT_WINDOW}, true) as is_solved,
            k.until - p.met_at >= {SALES_WINDOW} as is_sale_known,
            exists (
                select 1 from true_orders as o
                where o.person = p.person and o.ordered_at >= p.met_at
                    and o.ordered_at <= p.met_at + {SALES_WINDOW}
            ) as has_sale
        from placed as p
        cross join known as k
        """
    )
    _add(world, "first_contact_resolution", "true_matters", "is_solved", "is_first")
    _add(world, "service_to_sales", "true_matters", "has_sale", "is_sale_known")
    _add(world, "contacts_per_order", "true_matters", "1", base="0", counted="false")
    _add(world, "contacts_per_order", "true_orders", "0")
    _add(world, "top_requests", "(select * replace ('topic:' || topic as touchpoint_id)"
         " from true_matters)", "1")  # fmt: skip
    _add(world, "top_requests", "(select * replace ('menu_choice:' || ivr_choice as touchpoint_id)"
         " from true_contacts where ivr_choice is not null)", "1")  # fmt: skip
    world.run(
        f"""
        create or replace table true_savings as
        with loads as (
            select record, person, occurred_date, touchpoint_id, 1 as contacts, 0 as orders,
                handle_seconds
            from true_matters
            union all
            select record, person, occurred_date, touchpoint_id, 0, 1, null from true_orders
        ),

        ends as (
            select min(occurred_date) as starts_on,
                min(occurred_date) + {BASELINE_DAYS} as ends_on
            from loads where orders = 1
        ),

        baseline as (
            select e.ends_on, sum(contacts) / sum(orders) as contacts,
                avg(handle_seconds) / 3600 as hours
            from loads cross join ends as e
            where occurred_date >= e.starts_on and occurred_date < e.ends_on group by e.ends_on
        )

        select l.*, (l.orders * b.contacts - l.contacts) * b.hours as hours
        from loads as l inner join baseline as b on l.occurred_date >= b.ends_on
        """
    )
    _add(world, "saved_service_hours", "true_savings", "hours", counted="orders = 1")
    _add(world, "saved_service_cost", "true_savings", f"hours * {HOUR_COST}", counted="orders = 1")
    _times(world)


def _times(world: World) -> None:
    """Opening time from a ticket to its first answer and to its solution."""
    rows = world.fetch(
        """
        select
            c.ticket_id, c.person, c.opened_at,
            case when c.agent >= 0 and c.first_response_at < w."end" then c.first_response_at
                else -1 end as answered_at,
            case when c.solved_at <= w."end" then c.solved_at else -1 end as solved_at,
            least(c.solved_at, w."end" - 60000000) as told_at
        from cases as c cross join window_bounds as w
        where c.has_ticket order by c.ticket_id
        """
    )
    if len(rows["ticket_id"]) == 0:
        return
    # Tickets carry whole seconds.
    rows = {key: np.asarray(v) // SECOND * SECOND if key.endswith("_at") else v
            for key, v in rows.items()}  # fmt: skip
    until = int(max(rows["opened_at"].max(), rows["told_at"].max()))
    clock = opening_clock(world)
    opened = clock(rows["opened_at"])
    for metric_id, moment, promise in (
        ("first_response_time", "answered_at", RESPONSE_PROMISE),
        ("resolution_time", "solved_at", RESOLUTION_PROMISE),
    ):
        waits = rows[moment] < 0
        seconds = clock(np.where(waits, until, rows[moment])) - opened
        world.put(
            "true_times",
            {
                "record": texts([str(n) for n in rows["ticket_id"]]),
                "person": rows["person"],
                "opened_at": rows["opened_at"],
                "seconds": np.maximum(seconds, 0) / SECOND,
                "waits": waits,
            },
        )
        timed = """(select t.record, t.person, t.seconds, t.waits, 'all' as touchpoint_id,
                day_of(coalesce(l.met_at, t.opened_at)) as occurred_date
            from true_times as t left join (
                select ticket_id, min(met_at) as met_at from true_contacts group by ticket_id
            ) as l on t.record = cast(l.ticket_id as varchar))"""
        for quantile in ("", "_p90"):
            _add(world, metric_id + quantile, timed, "seconds", censored="waits")
        kept = metric_id.replace("_time", "_in_time")
        _add(world, kept, timed, f"seconds <= {promise}", f"seconds > {promise} or not waits")


def _surveys(world: World) -> None:
    """What respondents meant to say, on the scale on which they were asked."""
    shared = """
        case when p.is_contact or p.email is not null then s.person end as person,
        day_of(case when s.is_complete then s.started_at + cast(s.seconds * 1000000 as bigint)
            else s.started_at end) as occurred_date
    """
    told = """s.answers and s.is_delivered
        and s.started_at < (select "end" - 1800000000 from window_bounds)"""
    world.run(
        f"""
        create or replace table true_purchase_answers as
        select 'pr' || lpad(cast(s.number as varchar), 7, '0') as record, s.* exclude (person),
            {shared}
        from purchase_survey as s inner join people as p on s.person = p.person where {told}
        """
    )
    world.run(
        f"""
        create or replace table true_relationship_answers as
        select 'rr' || lpad(cast(s.number as varchar), 7, '0') as record, 'all' as touchpoint_id,
            s.* exclude (person), {shared}
        from relationship_survey as s inner join people as p on s.person = p.person where {told}
        """
    )
    world.run(
        """
        create or replace table true_service_answers as
        select s.*, md5('service' || s.number) as record,
            day_of(s.started_at + cast(s.seconds * 1000000 as bigint)) as occurred_date, c.agent
        from service_survey as s inner join cases as c on s.case_number = c.case_number
        where s.answers
        """
    )
    world.run(
        """
        create or replace table true_store_answers as
        select 'F' || lpad(cast(m.number as varchar), 6, '0') as record, m.person,
            day_of(m.received_at) as occurred_date, 'store_purchase' as touchpoint_id, m.score
        from store_messages as m where m.is_delivered and m.answers
        """
    )
    purchase, relation = "true_purchase_answers", "true_relationship_answers"
    service, store = "true_service_answers", "true_store_answers"
    for table in (purchase, relation):
        _add(world, "nps", table, "(nps >= 9)::int - (nps <= 6)::int")
    _add(world, "ces", purchase, "ces >= 5")
    _add(world, "ces_mean", purchase, "ces")
    _add(world, "ces", service, "ces >= 5", "ces_version = 1")
    _add(world, "ces_mean", service, "ces", "ces_version = 1")
    # the later form asks for effort from 1 to 5, where little is good
    _add(world, "ces_1_5", service, "6 - ces >= 4", "ces_version = 2")
    _add(world, "ces_mean_1_5", service, "6 - ces", "ces_version = 2")
    _add(world, "csat", purchase, "csat >= 4")
    _add(world, "csat", service, "csat >= 4")
    _add(world, "csat", store, "score >= 4")
    _add(world, "agent_csat", service, "csat >= 4", "agent >= 0")
    _add(
        world,
        "csat_good_bad",
        """(select cast(20000 + number as varchar) as record, person,
            day_of(rated_at) as occurred_date, 'support_ticket' as touchpoint_id, score
        from ratings where rated_at < (select "end" from window_bounds)
            and score in ('good', 'bad'))""",
        "score = 'good'",
    )
    _add(
        world,
        "content_usefulness",
        """(select md5('content' || number) as record, person, touchpoint_id, useful,
            day_of(started_at + cast(seconds * 1000000 as bigint)) as occurred_date
        from content_survey)""",
        "useful",
    )
    likely = "(womi_recommend >= 9)::int", "(womi_discourage >= 9)::int"
    _add(world, "womi", relation, f"{likely[0]} - {likely[1]}", "is_complete")
    _add(world, "womi_overstatement", relation,
         f"(womi_recommend <= 6)::int - {likely[1]}", "is_complete", likely[1])  # fmt: skip
    _emotions(world)
    _exq(world)
    _invitations(world)


def _emotions(world: World) -> None:
    tones = {word: tone - 1 for tone, words in enumerate(EMOTION_WORDS) for pair in words
             for word in pair}  # fmt: skip
    world.put(
        "emotion_tones",
        {"word": texts(list(tones)), "tone": np.array(list(tones.values()), dtype=np.int64)},
    )
    for touchpoint in CTT_TOUCHPOINTS:
        table = f"""(select a.record, a.person, a.occurred_date, '{touchpoint}' as touchpoint_id,
            t.tone, a.ctt_decisive
        from true_purchase_answers as a
        inner join emotion_tones as t on a.ctt_emotion_{touchpoint} = t.word
        where a.is_complete)"""
        _add(world, "ctt_net_emotion", table, "tone")
        _add(world, "ctt_decisive", table, f"ctt_decisive = '{touchpoint}'",
             "ctt_decisive is not null")  # fmt: skip


def _exq(world: World) -> None:
    items = [f"exq_{item:02d}" for item in range(1, EXQ_ITEMS + 1)]
    world.run(
        f"""
        create or replace table true_exq as
        select record, person, occurred_date, touchpoint_id, cast(item[5:] as integer) as item,
            (cast(item[5:] as integer) - 1) // 4 as dimension, score
        from (unpivot (
            select record, person, occurred_date, touchpoint_id, {", ".join(items)}
            from true_relationship_answers where is_complete
        ) on {", ".join(items)} into name item value score)
        where not isnan(score)
        """
    )
    world.run(
        f"""
        create or replace table true_exq_dimensions as
        select record, person, occurred_date, touchpoint_id, dimension, avg(score) as score,
            sum(count(*)) over (partition by record) >= {EXQ_ITEMS} * 0.5 as is_enough
        from true_exq group by record, person, occurred_date, touchpoint_id, dimension
        """
    )
    names = ("brand_experience", "service_experience", "post_purchase_experience")
    for number, name in enumerate(names):
        _add(world, f"exq_{name}", "true_exq_dimensions", "score",
             f"is_enough and dimension = {number}")  # fmt: skip
    _add(
        world,
        "exq",
        "(select record, person, occurred_date, touchpoint_id, avg(score) as score"
        " from true_exq_dimensions where is_enough group by all)",
        "score",
    )
    # Alpha is of items, not of one number: the share of the items' variance follows from these.
    _add(
        world,
        "exq_alpha",
        f"(select *, count(*) over (partition by record) = {EXQ_ITEMS} as is_whole from true_exq)",
        "score",
        "is_whole",
        "item",
    )


def _invitations(world: World) -> None:
    for survey in ("purchase", "relationship"):
        world.run(
            f"""
            insert into metric_values
            select 'response_rate',
                '{survey[0].upper()}' || lpad(cast(s.number as varchar), 7, '0'), s.person,
                day_of(s.sent_at), 'all',
                cast(s.answers and s.started_at < w."end" - 1800000000 as double), 1, false, true
            from {survey}_survey as s cross join window_bounds as w
            where s.is_delivered and s.sent_at < w."end"
            """
        )
    world.run(
        """
        insert into metric_values
        select 'response_rate', 'F' || lpad(cast(m.number as varchar), 6, '0'), m.person,
            day_of(m.sent_at), 'all',
            cast(m.answers as double), 1, false, true
        from store_messages as m where m.is_delivered
        """
    )


def _other_tools(world: World) -> None:
    """Tools whose rows are what happened: the demo draws nothing behind them."""
    nobody = "cast(null as bigint) as person, 'all' as touchpoint_id"
    reviews = """(select r.arvio_id as record, 'all' as touchpoint_id, r.tahdet,
        case when r.sahkoposti is not null then o.person end as person,
        cast(strptime(r.kirjoitettu[:10], '%Y-%m-%d') as date) as occurred_date
    from review_rows as r
    inner join orders as o on r.arvio_id = 'ARV' || o.order_number
    union all
    select t.tarina_id, 'all', t.tahdet, null,
        cast(strptime(t.julkaistu[:10], '%Y-%m-%d') as date)
    from testimonial_rows as t)"""
    _add(world, "review_rating", reviews, "tahdet")
    _add(world, "review_positive", reviews, "tahdet >= 4")
    _add(
        world,
        "mystery_shopping_score",
        f"""(select kaynti as record, {nobody}, pisteet / kysymyksia as score,
            cast(strptime(aika, '%d.%m.%Y %H:%M') as date) as occurred_date
        from mystery_rows)""",
        "score",
    )
    doors = f"""(select laskuri || occurred_date as record, {nobody}, occurred_date,
            sum(kavijat) as visitors,
            (select count(*) from true_orders as o inner join orders as b
                on o.order_number = b.order_number
            where b.channel = 'store' and b.store_id = laskuri
                and o.occurred_date = v.occurred_date) as orders
        from (select *, cast(strptime(tunti[:10], '%Y-%m-%d') as date) as occurred_date
            from visitor_rows) as v
        group by laskuri, occurred_date)"""
    _add(world, "store_visitors", doors, "visitors")
    _add(world, "store_conversion", doors, "orders", base="visitors")
    world.run(
        f"""
        create or replace table true_checks as
        select url || checked_at as record, {nobody}, status < 400 as answers,
            cast(timezone('Europe/Helsinki', timezone('UTC', cast(replace(checked_at[:19], 'T', ' ')
                as timestamp))) as date) as occurred_date,
            least(date_diff('second', cast(replace(checked_at[:19], 'T', ' ') as timestamp),
                lead(cast(replace(checked_at[:19], 'T', ' ') as timestamp)) over (
                    partition by url order by checked_at
                )), {CHECK_GAP_SECONDS}) as stood_for,
            date_diff('second', cast(replace(checked_at[:19], 'T', ' ') as timestamp),
                cast(replace(certificate_not_after[:19], 'T', ' ') as timestamp)) / 86400
                as days_left
        from uptime_rows
        """
    )
    _add(world, "uptime", "true_checks", "answers")
    _add(world, "downtime_seconds", "true_checks",
         "coalesce(case when answers then 0 else stood_for end, 0)")  # fmt: skip
    _add(
        world,
        "certificate_days_left",
        "(select *, floor(min(days_left) over (partition by occurred_date)) as least_days"
        " from true_checks)",
        "least_days",
    )
    _programme(world)
    uses = """(select use_id as record, s.person, 'all' as touchpoint_id, u.seconds,
        day_of(s.started_at + 20000000) as occurred_date
    from product_use_rows as u
    inner join sessions as s on u.use_id = 'U' || lpad(cast(s.session as varchar), 8, '0'))"""
    _add(world, "product_use_frequency", uses, "1")
    _add(world, "product_use_seconds", uses, "seconds")
    _add(
        world,
        "section_interest_heatmap",
        f"""(select day || page || section as record, {nobody}, day as occurred_date, reached,
            views from section_rows where views > 0)""",
        "least(reached, views)",
        base="views",
    )
    _add(
        world,
        "section_dwell_seconds",
        f"""(select day || page || section as record, {nobody}, day as occurred_date, seconds,
            least(reached, views) as reached from section_rows where reached > 0)""",
        "seconds",
        base="reached",
    )
    for metric_id, times in (("section_clicks", "clicks"), ("section_hovers", "hovers")):
        _add(
            world,
            metric_id,
            f"""(select day || page || section as record, {nobody}, day as occurred_date, {times},
                views from section_rows where views > 0)""",
            times,
            base="views",
        )
    last = world.settings.end_date.isoformat()
    # Clarity's sum of a signal counts each visit that had it twice
    for metric_id, signals in (
        ("page_frustration", "rage_clicks + dead_clicks"),
        ("page_backtracks", "quick_backs"),
        ("page_scroll_reversals", "excessive_scrolls"),
    ):
        _add(
            world,
            metric_id,
            f"""(select day || url as record, {nobody}, day as occurred_date, sessions,
                {signals} as signals from clarity_pages
            where day > date '{last}' - {HEATMAP_DAYS})""",
            "2 * signals",
            base="sessions",
        )


def _programme(world: World) -> None:
    """What members brought beyond their like and beyond the programme's costs."""
    world.run(
        f"""
        create or replace table true_programme as
        with began as (
            select p.person, h.is_known_member as is_member,
                date_trunc('quarter', p.occurred_date) as began_in,
                ntile(3) over (order by p.net, p.order_number) as began_with
            from true_purchases as p
            inner join (
                select person, is_member and (is_contact or exists (
                    select 1 from orders as o
                    where o.person = m.person and o.loyalty_id is not null
                )) as is_known_member
                from people as m
            ) as h on p.person = h.person
            where p.turn = 1
        ),

        counted as (
            select *,
                count(*) filter (is_member) over w as members,
                count(*) filter (not is_member) over w as peers
            from began
            window w as (partition by began_in, began_with)
        ),

        extra as (
            select p.record, p.person, p.occurred_date, c.is_member,
                date_trunc('month', p.occurred_date) as month,
                p.margin * case when c.is_member then 1 else -c.members / c.peers end as brought
            from true_purchases as p
            inner join counted as c on p.person = c.person
            where c.members > 0 and c.peers >= {LEAST_PEERS}
        ),

        spent as (
            select kirjauspaiva, cast(kirjauspaiva[:10] as date) as occurred_date,
                date_trunc('month', cast(kirjauspaiva[:10] as date)) as month, eran_laji, euroa
            from programme_cost_rows
        ),

        orders_of_members as (
            select month, count(*) as n from extra where is_member group by month
        )

        select e.record, e.person, e.occurred_date, 'all' as touchpoint_id, e.is_member,
            e.brought - case when e.is_member then coalesce(
                (select sum(euroa) from spent as s where s.month = e.month) / o.n, 0
            ) else 0 end as value
        from extra as e left join orders_of_members as o on e.month = o.month
        union all
        select s.kirjauspaiva || s.eran_laji, null, s.occurred_date, 'all', false, -s.euroa
        from spent as s where s.month not in (select month from orders_of_members)
        """
    )
    _add(world, "programme_return", "true_programme", "value", counted="is_member")


def rows() -> str:
    """The truth's query."""
    return """
        select v.metric_id, v.record, p.person_id, v.occurred_date, v.touchpoint_id,
            v.value_number, v.base_number, v.is_censored, v.is_counted
        from metric_values as v left join people as p on v.person = p.person
        order by v.metric_id, v.occurred_date, v.record, v.touchpoint_id, v.base_number,
            v.value_number
    """
