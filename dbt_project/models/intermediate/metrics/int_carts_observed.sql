{{ read_in_place() }}
with

carts as (

    select * from {{ ref('fct_carts') }}
    where started_at is not null

),

orders as (

    select * from {{ ref('fct_orders') }}
    where is_counted

),

touchpoints as (

    select * from {{ ref('touchpoints') }}
    where touchpoint_id = 'cart'

),

listed as (

    select
        cart_key as record_key,
        started_date,
        channel,
        customer_id,
        is_completed,
        is_rescued,
        coalesce(rescue_channel, channel) <> channel as is_rescued_elsewhere,
        cast(cart_amount_eur as double) as cart_amount_eur,
        -- a cart that may still be rescued is not yet lost
        {{ days_after('started_date', metric_setting('cart_rescue_days')) }}
        <= (select max(orders.order_date) from orders) as is_rescue_over
    from carts

),

-- Shops list the carts that stopped at the checkout; a cart that was bought straight away is known
-- by its order alone. Where a shop lists no carts at all, nothing is known of those given up.
bought as (

    select
        orders.order_key as record_key,
        orders.order_date as started_date,
        orders.channel,
        orders.customer_id,
        true as is_completed,
        false as is_rescued,
        false as is_rescued_elsewhere,
        cast(orders.net_amount_eur as double) as cart_amount_eur,
        true as is_rescue_over
    from orders
    left join carts as by_order on orders.order_key = by_order.order_key
    left join carts as by_ref
        on orders.source = by_ref.source and orders.cart_ref = by_ref.cart_ref
    where
        by_order.cart_key is null
        and by_ref.cart_key is null
        and orders.channel in ('web', 'app')
        and orders.source in (select carts.source from carts)

),

unioned as (

    select * from listed
    union all
    select * from bought

),

placed as (

    select
        unioned.record_key,
        unioned.started_date as occurred_date,
        touchpoints.stage_id as journey_stage,
        unioned.channel,
        touchpoints.touchpoint_id,
        unioned.customer_id,
        unioned.is_completed,
        unioned.is_rescued,
        unioned.is_rescued_elsewhere,
        unioned.cart_amount_eur,
        unioned.is_rescue_over
    from unioned
    cross join touchpoints

),

final as (

    {{ observe('placed', [
        {'metric_id': 'cart_abandonment', 'value': 'case when is_completed then 0 else 1 end'},
        {
            'metric_id': 'abandoned_cart_value',
            'value': 'cart_amount_eur',
            'where': 'not is_completed and cart_amount_eur is not null',
        },
        {
            'metric_id': 'cart_rescue',
            'value': 'case when is_rescued then 1 else 0 end',
            'where': 'not is_completed and is_rescue_over',
        },
        {
            'metric_id': 'cart_rescue_other_channel',
            'value': 'case when is_rescued and is_rescued_elsewhere then 1 else 0 end',
            'where': 'not is_completed and is_rescue_over',
        },
    ]) | indent(4) }}

)

select * from final
