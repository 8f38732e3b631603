"""Shopify: orders with lines and refunds, customers, abandoned checkouts, inventory items."""

from __future__ import annotations

from pathlib import Path

from seeds.sample.exports.files import write_jsonl
from seeds.sample.world import World


def prepare(world: World) -> None:
    """Put the flat export tables."""
    world.run(
        """
        create or replace table shopify_orders as
        select
            5_000_000_000 + o.order_number as id,
            '#KA' || o.order_number as name,
            o.order_number,
            case when o.order_number % 97 = 0 then replace(p.email, '.example', '.exmaple')
                else p.email end as email,
            case when o.gives_phone then phone_text(p.phone, o.order_number) end as phone,
            o.ordered_at,
            case when r.refunded_at is not null then r.refunded_at else o.ordered_at + 3600000000
            end as updated_at,
            case when o.is_cancelled then o.ordered_at + 5400000000 end as cancelled_at,
            'EUR' as currency,
            o.subtotal,
            o.goods,
            o.discount,
            o.tax,
            o.shipping,
            o.total,
            o.coupon,
            case
                when o.is_cancelled then 'voided'
                when r.is_whole then 'refunded'
                when r.refund_number is not null then 'partially_refunded'
                else 'paid'
            end as financial_status,
            case when o.channel = 'app' then 'mobile_app' else 'web' end as source_name,
            false as test,
            o.payment_method,
            o.cart_token,
            o.client_id,
            o.user_id,
            o.loyalty_id,
            p.language,
            6_000_000_000 + o.person as customer_id,
            o.person,
            o.channel
        from orders as o
        inner join people as p on o.person = p.person
        left join refunds as r on o.order_number = r.order_number
        where o.channel in ('web', 'app')
        order by o.order_number
        """
    )
    world.run(
        """
        create or replace table shopify_lines as
        select l.* from order_lines as l
        inner join shopify_orders as o on l.order_number = o.order_number
        order by l.order_number, l.line_number
        """
    )
    world.run(
        """
        create or replace table shopify_checkouts as
        select
            k.checkout_number as id,
            k.cart_token,
            case when k.checkout_number % 6 = 0 then null else p.email end as email,
            case when k.checkout_number % 3 = 0 then phone_text(p.phone, k.checkout_number) end
                as phone,
            k.begun_at,
            k.left_at,
            case when k.rescue_channel = k.channel then k.completed_at end as completed_at,
            k.goods,
            k.channel,
            case when k.is_consented then k.client_id end as client_id,
            k.user_id,
            k.mission,
            k.person
        from checkouts as k
        inner join people as p on k.person = p.person
        order by k.checkout_number
        """
    )
    world.run(
        """
        create or replace table shopify_customers as
        select
            o.customer_id as id,
            min(p.email) as email,
            case when bool_or(o.phone is not null) then min(p.phone) end as phone,
            min(p.first_name) as first_name,
            min(p.last_name) as last_name,
            min(p.street) as street,
            min(p.postal_code) as postal_code,
            min(p.city) as city,
            bool_or(p.has_email_consent) as accepts_marketing,
            bool_or(p.is_registered) as is_enabled,
            min(o.ordered_at) as created_at,
            max(o.ordered_at) as updated_at,
            min(o.person) as person
        from shopify_orders as o
        inner join people as p on o.person = p.person
        group by o.customer_id
        order by o.customer_id
        """
    )


_ATTRIBUTES = """
    list_filter([
        case when o.client_id is not null then {name: 'ga_client_id', value: o.client_id} end,
        case when o.user_id is not null then {name: 'user_id', value: o.user_id} end,
        case when o.loyalty_id is not null then {name: 'loyalty_id', value: o.loyalty_id} end
    ], lambda x: x is not null)
"""


def write(world: World, folder: Path) -> None:
    """Write the files."""
    end = world.calendar.end
    write_jsonl(world, _ORDERS, folder / "orders.jsonl", end)
    write_jsonl(world, _CHECKOUTS, folder / "abandoned_checkouts.jsonl", end)
    write_jsonl(
        world,
        """
        select
            id, email, phone, first_name, last_name,
            case when is_enabled then 'enabled' else 'disabled' end as state,
            offset_text(created_at) as created_at,
            offset_text(updated_at) as updated_at,
            true as verified_email,
            accepts_marketing,
            '' as tags,
            {address1: street, zip: postal_code, city: city, country: 'Finland'}
                as default_address
        from shopify_customers
        order by id
        """,
        folder / "customers.jsonl",
        end,
    )
    write_jsonl(
        world,
        """
        select
            800000 + product as id,
            product_id as sku,
            cast(cast(cost as decimal(12, 2)) as varchar) as cost,
            utc_text((select start from window_bounds)) as created_at,
            utc_text((select start from window_bounds)) as updated_at
        from products
        order by product
        """,
        folder / "inventory_items.jsonl",
        end,
    )


_ORDERS = f"""
with lines as (
    select
        order_number,
        list({{
            id: order_number * 100 + line_number,
            product_id: 800000 + product,
            variant_id: 810000 + product,
            sku: product_id,
            title: product_name,
            name: product_name,
            quantity: quantity,
            price: cast(unit_price as varchar),
            total_discount: cast(discount as varchar)
        }} order by line_number) as line_items
    from shopify_lines
    group by order_number
),

paid_back as (
    select
        r.order_number,
        list({{
            id: r.refund_number,
            order_id: 5_000_000_000 + r.order_number,
            created_at: offset_text(r.refunded_at),
            processed_at: offset_text(r.refunded_at),
            note: r.reason,
            restock: true,
            transactions: [{{
                id: r.refund_number + 1_000_000,
                kind: 'refund',
                status: 'success',
                amount: cast(r.amount as varchar),
                currency: 'EUR',
                created_at: offset_text(r.refunded_at)
            }}],
            refund_line_items: l.refunded
        }} order by r.refund_number) as refunds
    from refunds as r
    inner join (
        select
            r2.refund_number,
            list({{
                id: l.order_number * 100 + l.line_number + 50,
                line_item_id: l.order_number * 100 + l.line_number,
                quantity: l.quantity,
                restock_type: 'return',
                subtotal: l.line_total,
                total_tax: round(l.line_total * 25.5 / 125.5, 2)
            }} order by l.line_number) as refunded
        from refunds as r2
        inner join order_lines as l
            on r2.order_number = l.order_number and (r2.is_whole or l.line_number = 1)
        group by r2.refund_number
    ) as l on r.refund_number = l.refund_number
    where r.channel in ('web', 'app')
    group by r.order_number
)

select
    o.id,
    o.name,
    o.order_number,
    o.email,
    o.phone,
    offset_text(o.ordered_at) as created_at,
    offset_text(o.ordered_at) as processed_at,
    offset_text(o.updated_at) as updated_at,
    offset_text(o.cancelled_at) as cancelled_at,
    case when o.cancelled_at is not null then 'customer' end as cancel_reason,
    o.currency,
    cast(o.subtotal as varchar) as subtotal_price,
    cast(o.goods as varchar) as total_line_items_price,
    cast(o.discount as varchar) as total_discounts,
    cast(o.tax as varchar) as total_tax,
    cast(o.total as varchar) as total_price,
    true as taxes_included,
    o.financial_status,
    'fulfilled' as fulfillment_status,
    o.source_name,
    o.test,
    o.cart_token,
    md5('token' || o.id) as token,
    md5('checkout' || o.id) as checkout_token,
    o.language as customer_locale,
    [o.payment_method] as payment_gateway_names,
    {_ATTRIBUTES} as note_attributes,
    {{
        id: o.customer_id, email: o.email, phone: o.phone,
        first_name: p.first_name, last_name: p.last_name
    }} as customer,
    coalesce(l.line_items, []) as line_items,
    [{{
        id: o.order_number + 60_000_000, title: 'Kotiinkuljetus', code: 'home',
        price: cast(o.shipping as varchar), discounted_price: cast(o.shipping as varchar)
    }}] as shipping_lines,
    coalesce(r.refunds, []) as refunds
from shopify_orders as o
inner join people as p on o.person = p.person
left join lines as l on o.order_number = l.order_number
left join paid_back as r on o.order_number = r.order_number
order by o.order_number, o.id
"""

_CHECKOUTS = f"""
select
    o.id,
    md5('token' || o.id) as token,
    o.cart_token,
    '#' || o.id as name,
    o.email,
    o.phone,
    offset_text(o.begun_at) as created_at,
    offset_text(o.left_at) as updated_at,
    offset_text(o.completed_at) as completed_at,
    'EUR' as currency,
    cast(o.goods as varchar) as total_price,
    cast(o.goods as varchar) as subtotal_price,
    case when o.channel = 'app' then 'mobile_app' else 'web' end as source_name,
    case when o.email is not null then {{id: 6_000_000_000 + o.person, email: o.email}} end
        as customer,
    {_ATTRIBUTES.replace("o.loyalty_id", "cast(null as varchar)")} as note_attributes,
    l.line_items
from shopify_checkouts as o
left join (
    select
        b.mission,
        list({{
            product_id: 800000 + p.product, sku: p.product_id, title: p.product_name,
            quantity: b.quantity, price: cast(cast(p.price as decimal(12, 2)) as varchar)
        }} order by b.line_number) as line_items
    from baskets as b
    inner join products as p on b.product = p.product
    group by b.mission
) as l on o.mission = l.mission
order by o.id
"""
