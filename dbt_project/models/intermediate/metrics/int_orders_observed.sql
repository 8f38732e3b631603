with

orders as (

    select * from {{ ref('fct_orders') }}

),

touchpoints as (

    select * from {{ ref('touchpoints') }}
    where source_kind = 'order'

),

-- What was bought and paid for, by the rule of int_orders_valued.
purchases as (

    select
        orders.order_key as record_key,
        orders.order_date as occurred_date,
        coalesce(touchpoints.stage_id, 'purchase') as journey_stage,
        orders.channel,
        touchpoints.touchpoint_id,
        orders.customer_id,
        orders.net_amount_eur,
        orders.customer_order_number
    from orders
    left join touchpoints on orders.channel = touchpoints.channel
    where orders.is_counted

),

final as (

    {{ observe('purchases', [
        {
            'metric_id': 'average_order_value',
            'value': 'net_amount_eur',
            'where': 'net_amount_eur is not null',
        },
        {
            'metric_id': 'repeat_purchase_rate',
            'value': 'case when customer_order_number > 1 then 1 else 0 end',
            'where': 'customer_order_number is not null',
        },
    ]) | indent(4) }}

)

select * from final
