with

orders as (
    select * from {{ ref('int_orders_unioned') }}
),

refunds as (
    select * from {{ ref('int_refunds_unioned') }}
),

rates as (
    select * from {{ ref('currency_rates') }}
),

refunded as (
    select
        order_key,
        sum(refund_amount) as refund_amount,
        min(refunded_at) as first_refunded_at
    from refunds
    group by order_key
),

joined as (
    select
        orders.order_key,
        orders.source,
        orders.order_id,
        orders.order_name,
        orders.channel,
        orders.ordered_at,
        orders.order_date,
        upper(orders.currency) as currency,
        cast(orders.subtotal_amount as decimal(18, 2)) as subtotal_amount,
        cast(orders.tax_amount as decimal(18, 2)) as tax_amount,
        cast(orders.shipping_amount as decimal(18, 2)) as shipping_amount,
        cast(orders.discount_amount as decimal(18, 2)) as discount_amount,
        cast(orders.total_amount as decimal(18, 2)) as total_amount,
        cast(coalesce(refunded.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        refunded.first_refunded_at,
        coalesce(orders.status, 'paid') as status,
        coalesce(orders.is_cancelled, false) as is_cancelled,
        coalesce(orders.is_test, false) as is_test,
        orders.payment_method,
        orders.transaction_ref,
        orders.cart_ref,
        orders.store_id,
        rates.units_per_euro,
        {{ identity_record_key('order', identifier_types(), 'orders.source', 'orders.') }}
            as identity_record_key
    from orders
    left join refunded on orders.order_key = refunded.order_key
    left join rates
        on
            upper(orders.currency) = rates.currency
            and orders.order_date between rates.valid_from and rates.valid_to
),

final as (
    select
        order_key,
        source,
        order_id,
        order_name,
        channel,
        ordered_at,
        order_date,
        currency,
        subtotal_amount,
        tax_amount,
        shipping_amount,
        discount_amount,
        total_amount,
        refund_amount,
        cast(total_amount - refund_amount as decimal(18, 2)) as net_amount,
        {{ amount_quotient('total_amount', 'units_per_euro') }} as total_amount_eur,
        {{ amount_quotient('refund_amount', 'units_per_euro') }} as refund_amount_eur,
        -- the difference of the rounded amounts, so that columns add up to the cent
        cast(
            {{ amount_quotient('total_amount', 'units_per_euro') }}
            - {{ amount_quotient('refund_amount', 'units_per_euro') }}
            as decimal(18, 2)
        ) as net_amount_eur,
        first_refunded_at,
        status,
        is_cancelled,
        is_test,
        -- what was neither paid nor meant counts in no figure
        not is_test
        and not is_cancelled
        and status not in ('pending', 'cancelled', 'voided') as is_counted,
        payment_method,
        transaction_ref,
        cart_ref,
        store_id,
        identity_record_key
    from joined
)

select * from final
