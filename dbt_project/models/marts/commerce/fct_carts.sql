with

carts as (
    select * from {{ ref('int_carts_unioned') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

rates as (
    select * from {{ ref('currency_rates') }}
),

settings as (
    select * from {{ ref('metric_settings') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

windows as (
    select
        max(cast(setting_value as double)) filter (where setting_id = 'cart_window_hours')
            as cart_window_hours,
        max(cast(setting_value as double)) filter (where setting_id = 'cart_rescue_days')
            as cart_rescue_days
    from settings
),

identified as (
    select
        carts.cart_key,
        carts.source,
        carts.cart_id,
        carts.cart_ref,
        carts.channel,
        carts.started_at,
        carts.updated_at,
        carts.completed_at,
        carts.order_ref,
        upper(carts.currency) as currency,
        carts.cart_amount,
        {{ local_date('carts.started_at') }} as started_date,
        records_resolved.identifier_key,
        records_resolved.customer_id
    from carts
    left join records_resolved
        on
            {{ identity_record_key(
                'cart', ['customer_ref', 'email_hash', 'phone_hash', 'client_id'],
                'carts.source', 'carts.'
            ) }}
            = records_resolved.identity_record_key
),

-- the order that the checkout itself became
own_orders as (
    select
        source,
        cart_ref,
        min_by(order_key, {{ sort_key(['ordered_at', 'order_key']) }}) as order_key,
        min(ordered_at) as ordered_at
    from orders
    where cart_ref is not null and is_counted
    group by source, cart_ref
),

outcomes as (
    select
        identified.cart_key,
        own_orders.order_key,
        coalesce(own_orders.ordered_at, identified.completed_at) as ordered_at
    from identified
    left join own_orders
        on
            identified.source = own_orders.source
            and identified.cart_ref = own_orders.cart_ref
),

timed as (
    select
        identified.cart_key,
        identified.customer_id,
        identified.started_at,
        outcomes.order_key,
        outcomes.ordered_at,
        coalesce(
            {{ seconds_between('identified.started_at', 'outcomes.ordered_at') }}
            <= windows.cart_window_hours * 3600,
            false
        ) as is_completed
    from identified
    inner join outcomes on identified.cart_key = outcomes.cart_key
    cross join windows
),

-- Rescued is a cart that was given up and still led to an order: its own, later, or another order
-- of the same customer in any channel, store and phone included.
later_orders as (
    select
        timed.cart_key,
        timed.started_at,
        orders.order_key,
        orders.channel,
        orders.ordered_at
    from timed
    inner join orders on timed.customer_id = orders.customer_id
    where not timed.is_completed and orders.is_counted
    union
    select
        timed.cart_key,
        timed.started_at,
        orders.order_key,
        orders.channel,
        orders.ordered_at
    from timed
    inner join orders on timed.order_key = orders.order_key
    where not timed.is_completed and orders.is_counted
),

rescues as (
    select
        later_orders.cart_key,
        min_by(
            {{ record({
                'order_key': 'later_orders.order_key',
                'channel': 'later_orders.channel',
                'ordered_at': 'later_orders.ordered_at',
            }) }},
            {{ sort_key(['later_orders.ordered_at', 'later_orders.order_key']) }}
        ) as rescue
    from later_orders
    cross join windows
    where
        {{ seconds_between('later_orders.started_at', 'later_orders.ordered_at') }} > 0
        and {{ seconds_between('later_orders.started_at', 'later_orders.ordered_at') }}
        <= windows.cart_rescue_days * 86400
    group by later_orders.cart_key
),

final as (
    select
        identified.cart_key,
        identified.source,
        identified.cart_id,
        identified.cart_ref,
        identified.channel,
        identified.identifier_key,
        identified.customer_id,
        identified.started_at,
        identified.started_date,
        identified.updated_at,
        identified.completed_at,
        identified.currency,
        cast(identified.cart_amount as decimal(18, 2)) as cart_amount,
        {{ amount_quotient('identified.cart_amount', 'rates.units_per_euro') }} as cart_amount_eur,
        timed.order_key,
        timed.is_completed,
        rescues.cart_key is not null as is_rescued,
        rescues.rescue.order_key as rescue_order_key,
        rescues.rescue.channel as rescue_channel,
        rescues.rescue.ordered_at as rescued_at
    from identified
    inner join timed on identified.cart_key = timed.cart_key
    left join rescues on identified.cart_key = rescues.cart_key
    left join rates
        on
            identified.currency = rates.currency
            and identified.started_date between rates.valid_from and rates.valid_to
)

select * from final
