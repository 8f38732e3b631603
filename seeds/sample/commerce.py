"""Baskets, orders of all channels, returns, abandoned checkouts and contracts, to the cent.

Prices include VAT. An order's total is goods after discount plus shipping; tax is inside it. What
the purchase event should carry is written back into `events` here; what it wrongly carries is in
`defects`.
"""

from __future__ import annotations

import numpy as np

from seeds.sample import journeys
from seeds.sample.vocabulary import PRODUCTS, RETURN_REASONS
from seeds.sample.world import DAY, SECOND, World, repeat_index, texts, weighted

VAT = 25.5
FREE_SHIPPING_FROM = 60
FIRST_ORDER_NUMBER = 100_001
#: A term of a care contract, and the most that one customer has of them.
CONTRACT_DAYS, CONTRACT_TERMS = 28, 8


def make_baskets(world: World) -> None:
    """Draw what each mission puts into its basket; puts `baskets`."""
    rng = world.rng("baskets")
    missions = world.get("missions")
    size = world.get("people")["basket"][missions["person"]]
    counts = np.where(missions["attempts"], 1 + np.minimum(rng.poisson(size - 0.9), 7), 0)
    mission, line = repeat_index(counts)
    product = np.where(
        line == 0,
        missions["product"][mission],
        (missions["product"][mission] + line * (1 + rng.integers(0, 5, len(line)))) % len(PRODUCTS),
    )
    world.put(
        "baskets",
        {
            "mission": mission,
            "line_number": line + 1,
            "product": product,
            "quantity": 1 + (rng.random(len(line)) < 0.12),
        },
    )


def make_orders(world: World) -> None:
    """Turn missions that ended in a purchase into orders; puts `orders`, `order_lines`."""
    rng = world.rng("orders")
    missions = world.get("missions")
    chosen = np.flatnonzero(missions["has_order"])
    size = len(chosen)
    world.put(
        "order_draws",
        {
            "mission": chosen,
            "has_coupon": rng.random(size) < 0.14,
            "gives_phone": rng.random(size) < 0.7,
            "shows_card": rng.random(size) < 0.88,
            "is_cancelled": rng.random(size) < 0.015,
            "store_payment": texts(["card", "cash", "mobile", "gift_card"])[
                weighted(rng, [70, 8, 19, 3], size)
            ],
            "cashier": rng.integers(1, 25, size),
        },
    )
    world.run(f"create or replace table orders as {_ORDERS}")
    world.run(
        """
        create or replace table order_lines as
        select
            o.order_number,
            b.line_number,
            p.product,
            p.product_id,
            p.product_name,
            p.category,
            b.quantity,
            cast(p.price as decimal(12, 2)) as unit_price,
            cast(p.cost as decimal(12, 2)) as unit_cost,
            cast(round(p.price * b.quantity * o.discount_share, 2) as decimal(12, 2)) as discount,
            cast(p.price * b.quantity as decimal(12, 2))
            - cast(round(p.price * b.quantity * o.discount_share, 2) as decimal(12, 2))
                as line_total
        from orders as o
        inner join baskets as b on o.mission = b.mission
        inner join products as p on b.product = p.product
        order by o.order_number, b.line_number
        """
    )
    _make_refunds(world)
    _make_checkouts(world)
    _make_contracts(world)
    _tell_events(world)


# The moment of a web or app order is the moment of its purchase event.
_ORDERS = f"""
with bought as (
    select
        e.mission,
        min(e.event_timestamp) as purchased_at,
        min(e.session) as session
    from events as e
    where e.event_name = 'purchase'
    group by e.mission
),

amounts as (
    select
        b.mission,
        sum(p.price * b.quantity) as goods,
        sum(round(p.price * b.quantity * 0.1, 2)) as tenth
    from baskets as b
    inner join products as p on b.product = p.product
    group by b.mission
),

priced as (
    select
        m.*,
        d.* exclude (mission),
        coalesce(t.purchased_at, m.ordered_at) as placed_at,
        t.session,
        case when d.has_coupon then 0.1 else 0.0 end as discount_share,
        cast(a.goods as decimal(12, 2)) as goods,
        cast(case when d.has_coupon then a.tenth else 0 end as decimal(12, 2)) as discount
    from missions as m
    inner join order_draws as d on m.mission = d.mission
    inner join amounts as a on m.mission = a.mission
    left join bought as t on m.mission = t.mission and m.order_channel <> {journeys.STORE}
    where m.order_channel = {journeys.STORE} or t.mission is not null
),

shipped as (
    select
        *,
        goods - discount as subtotal,
        cast(
            case
                when order_channel = {journeys.STORE} then 0
                when goods - discount >= {FREE_SHIPPING_FROM} then 0
                else 4.90
            end as decimal(12, 2)
        ) as shipping
    from priced
)

select
    {FIRST_ORDER_NUMBER} - 1 + row_number() over (order by o.placed_at, o.mission) as order_number,
    o.mission,
    o.person,
    ['web', 'app', 'store'][1 + o.order_channel] as channel,
    o.placed_at as ordered_at,
    o.session,
    o.goods,
    o.discount,
    o.discount_share,
    o.subtotal,
    o.shipping,
    o.subtotal + o.shipping as total,
    cast(round((o.subtotal + o.shipping) * {VAT} / {100 + VAT}, 2) as decimal(12, 2)) as tax,
    case when o.has_coupon then 'SYKSY10' end as coupon,
    case when o.order_channel = {journeys.STORE} then o.store_payment else o.payment end
        as payment_method,
    o.store_id,
    'cash' || lpad(cast(o.cashier as varchar), 3, '0') as cashier_id,
    o.is_cancelled and o.order_channel <> {journeys.STORE} as is_cancelled,
    o.is_rescued,
    o.is_delayed,
    o.delivered_at,
    o.is_faulty,
    o.contacts,
    o.contacted_at,
    o.gives_phone,
    case when p.is_member and o.shows_card and p.joined_at <= o.placed_at then p.loyalty_id end
        as loyalty_id,
    case when not s.is_consented then null else c.client_id end as client_id,
    case when s.login_at <= o.placed_at then 'u' || p.contact_number end as user_id,
    md5('cart' || o.mission || o.order_channel) as cart_token
from shipped as o
inner join people as p on o.person = p.person
left join sessions as s on o.session = s.session
left join cookies as c on s.cookie = c.cookie
"""


def _make_refunds(world: World) -> None:
    """Draw returns, whole or of one line; puts `refunds`."""
    rng = world.rng("refunds")
    orders = world.fetch(
        "select order_number, is_faulty and contacts as claims, ordered_at, delivered_at,"
        " contacted_at, is_cancelled from orders order by order_number"
    )
    size = len(orders["order_number"])
    chance = np.where(orders["claims"], 0.8, 0.045)
    returned = (rng.random(size) < chance) & ~orders["is_cancelled"]
    due = np.where(orders["claims"], orders["contacted_at"], orders["delivered_at"])
    due = due + ((1 + rng.exponential(3, size)) * DAY).astype(np.int64)
    due = journeys.awake(world, rng, due, opening=(9, 18))
    returned &= due < world.calendar.end - 3600 * SECOND
    world.put(
        "refund_draws",
        {
            "order_number": np.asarray(orders["order_number"])[returned],
            "refunded_at": due[returned],
            "is_whole": rng.random(int(returned.sum())) < 0.55,
            "reason": texts(RETURN_REASONS)[weighted(rng, [3, 3, 3, 1], int(returned.sum()))],
        },
    )
    world.run(
        """
        create or replace table refunds as
        select
            900000 + row_number() over (order by d.refunded_at, d.order_number) as refund_number,
            d.order_number,
            d.refunded_at,
            d.is_whole,
            d.reason,
            o.channel,
            case when d.is_whole then o.total else l.line_total end as amount
        from refund_draws as d
        inner join orders as o on d.order_number = o.order_number
        inner join order_lines as l on d.order_number = l.order_number and l.line_number = 1
        order by refund_number
        """
    )


def _make_contracts(world: World) -> None:
    """Care contracts by the month; puts `contracts`, one row per term.

    Most terms are followed by a next one, at once or a little later; the last one may be ended
    before its time. Some who left come back when nobody waits for them any more.
    """
    world.run(
        f"""
        create or replace table contracts as
        with holders as (
            select
                p.person,
                p.person_id,
                p.email,
                p.loyalty_id,
                draw('contract store' || p.person_id) < 0.4 as is_of_store,
                cast(local_time(b.start) as date)
                - cast(
                    floor({2 * CONTRACT_DAYS} * draw('contract start' || p.person_id)) as integer
                ) as first_on
            from people as p
            cross join window_bounds as b
            where p.is_contact and draw('contract' || p.person_id) < 0.2
        ),

        terms as (
            select
                h.*,
                t.term,
                draw('contract renewal' || h.person_id || t.term) < 0.8 as goes_on,
                {CONTRACT_DAYS} + case
                    when draw('contract pause' || h.person_id || t.term) < 0.25
                        then cast(floor(24 * draw('contract days' || h.person_id || t.term))
                            as integer)
                    else 0
                end as days_to_next
            from holders as h
            cross join range({CONTRACT_TERMS}) as t (term)
        ),

        begun as (
            select
                *,
                first_on + cast(coalesce(sum(days_to_next) over before, 0) as integer)
                    as started_on,
                coalesce(bool_and(goes_on) over before, true) as is_begun
            from terms
            window before as (
                partition by person order by term rows between unbounded preceding and 1 preceding
            )
        )

        select
            'HS' || lpad(cast(person as varchar), 6, '0') || '-' || term as contract_id,
            person,
            email,
            loyalty_id,
            is_of_store,
            started_on,
            started_on + {CONTRACT_DAYS - 1} as ends_on,
            case
                when not goes_on and draw('contract end' || person_id || term) < 0.4
                    then started_on + 9
            end as cancelled_on
        from begun
        where is_begun and started_on < cast(local_time((select "end" from window_bounds)) as date)
        order by contract_id
        """
    )
    # what is not ended yet, nobody knows of
    world.run(
        """
        update contracts set cancelled_on = null
        where cancelled_on >= cast(local_time((select "end" from window_bounds)) as date)
        """
    )


def _make_checkouts(world: World) -> None:
    """Abandoned checkouts: begun in web or app, left before payment; puts `checkouts`."""
    world.run(
        f"""
        create or replace table checkouts as
        select
            700000 + row_number() over (order by v.begun_at, m.mission) as checkout_number,
            m.mission,
            m.person,
            ['web', 'app'][1 + m.channel] as channel,
            v.begun_at,
            v.left_at,
            o.ordered_at as completed_at,
            m.is_rescued,
            o.order_number as rescue_order_number,
            o.channel as rescue_channel,
            md5('cart' || m.mission || m.channel) as cart_token,
            c.client_id,
            s.is_consented,
            case when s.login_at <= v.left_at then 'u' || p.contact_number end as user_id,
            b.goods,
            m.meets_bug,
            m.meets_outage
        from missions as m
        inner join people as p on m.person = p.person
        inner join (
            select
                mission,
                session,
                min(event_timestamp) as begun_at,
                max(event_timestamp) as left_at
            from events
            where template in ('checkout', 'shipping', 'payment') and not is_rescue
            group by mission, session
        ) as v on m.mission = v.mission
        inner join sessions as s on v.session = s.session
        inner join cookies as c on s.cookie = c.cookie
        inner join (
            select
                k.mission,
                sum(cast(p.price * k.quantity as decimal(12, 2))) as goods
            from baskets as k
            inner join products as p on k.product = p.product
            group by k.mission
        ) as b on m.mission = b.mission
        left join orders as o on m.mission = o.mission
        where
            m.channel <> {journeys.STORE}
            and m.reached between {journeys.CHECKOUT} and {journeys.PAYMENT}
        order by checkout_number
        """
    )


def _tell_events(world: World) -> None:
    """Write order amounts into the shop's events, and send the refunds that the shop sends."""
    world.run(
        """
        update events
        set
            order_number = o.order_number,
            transaction_id = 'KA' || o.order_number,
            value = o.total,
            tax = o.tax,
            shipping = o.shipping,
            coupon = o.coupon
        from orders as o
        where events.event_name = 'purchase' and events.session = o.session
        """
    )
    world.run(
        """
        update events
        set value = b.goods
        from (
            select k.mission, sum(p.price * k.quantity) as goods
            from baskets as k
            inner join products as p on k.product = p.product
            group by k.mission
        ) as b
        where
            events.mission = b.mission
            and events.event_name in (
                'view_cart', 'begin_checkout', 'add_shipping_info', 'add_payment_info'
            )
        """
    )
    # The shop's server tells GA4 about refunds of orders it knows the visit of.
    world.run(
        """
        insert into events
        select e.* replace (
            (select max(event) from events)
            + row_number() over (order by r.refund_number) as event,
            r.refunded_at + r.refund_number % 1000 as event_timestamp,
            'refund' as event_name,
            cast(r.amount as double) as value,
            null as tax,
            null as shipping,
            null as engagement_time_msec,
            null as coupon
        )
        from refunds as r
        inner join events as e
            on r.order_number = e.order_number and e.event_name = 'purchase'
        order by r.refund_number
        """
    )
