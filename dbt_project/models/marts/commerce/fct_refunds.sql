{%- set identifiers = ['loyalty_id', 'customer_ref', 'email_hash', 'phone_hash'] -%}
with

refunds as (
    select
        refund_key,
        order_key,
        source,
        refunded_at,
        {{ local_date('refunded_at') }} as refunded_date,
        upper(currency) as currency,
        refund_amount,
        reason,
        channel,
        {{ identifier_value('loyalty_id') }} as loyalty_id,
        {{ identifier_value('customer_ref') }} as customer_ref,
        {{ identifier_value('email_hash') }} as email_hash,
        {{ identifier_value('phone_hash') }} as phone_hash
    from {{ ref('int_refunds_unioned') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

rates as (
    select * from {{ ref('currency_rates') }}
),

-- A day has one rate: an order's refunds are turned into euros at its own day's, as its total is.
joined as (
    select
        refunds.refund_key,
        refunds.order_key,
        refunds.source,
        case
            when orders.order_key is not null then 'known'
            when refunds.order_key is null then 'not_named'
            else 'not_loaded'
        end as order_status,
        coalesce(orders.customer_id, {{ known_customer(identifiers) }}) as customer_id,
        coalesce(orders.channel, refunds.channel) as channel,
        orders.order_date,
        orders.is_counted as is_order_counted,
        refunds.refunded_at,
        refunds.refunded_date,
        refunds.currency,
        refunds.refund_amount,
        {{ amount_quotient('refunds.refund_amount', 'rates.units_per_euro') }} as refund_amount_eur,
        refunds.reason
    from refunds
    left join orders on refunds.order_key = orders.order_key
    left join rates
        on
            coalesce(orders.currency, refunds.currency) = rates.currency
            and coalesce(orders.order_date, refunds.refunded_date)
            between rates.valid_from and rates.valid_to
    {{- known_customer_joins('refunds', identifiers) }}
),

final as (
    select
        refund_key,
        order_key,
        source,
        order_status,
        customer_id,
        channel,
        order_date,
        refunded_at,
        refunded_date,
        -- What was bought is in revenue, though nobody knows by which order: on the day of the
        -- return. What was bought before the history begins was never in it.
        case
            when order_status = 'known' and is_order_counted then order_date
            when order_status = 'not_named' then refunded_date
        end as revenue_date,
        currency,
        refund_amount,
        refund_amount_eur,
        reason
    from joined
)

select * from final
