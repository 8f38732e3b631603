with

refunds as (
    select * from {{ ref('int_refunds_unioned') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

final as (
    select
        refunds.refund_key,
        refunds.order_key,
        refunds.source,
        orders.customer_id,
        orders.channel,
        orders.order_date,
        refunds.refunded_at,
        {{ local_date('refunds.refunded_at') }} as refunded_date,
        upper(refunds.currency) as currency,
        refunds.refund_amount,
        refunds.reason
    from refunds
    left join orders on refunds.order_key = orders.order_key
)

select * from final
