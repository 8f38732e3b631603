with

orders as (
    select * from {{ ref('int_orders_valued') }}
),

lines as (
    select * from {{ ref('int_order_lines_unioned') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

line_totals as (
    select
        order_key,
        count(*) as line_count,
        sum(quantity) as unit_count,
        -- the cost of an order is known when the cost of every line is
        case
            when count(*) = count(unit_cost)
                then cast(sum(quantity * unit_cost) as decimal(18, 2))
        end as cost_amount
    from lines
    group by order_key
),

-- the visit in which the order was placed, as the purchase event tells it; of several the first
ordering_sessions as (
    select
        transaction_id,
        min_by(session_key, {{ sort_key(['purchased_at', 'session_key']) }}) as session_key
    from sessions
    where transaction_id is not null
    group by transaction_id
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
        records_resolved.identifier_key,
        records_resolved.customer_id,
        ordering_sessions.session_key,
        orders.currency,
        orders.subtotal_amount,
        orders.tax_amount,
        orders.shipping_amount,
        orders.discount_amount,
        orders.total_amount,
        orders.refund_amount,
        orders.net_amount,
        orders.total_amount_eur,
        orders.refund_amount_eur,
        orders.net_amount_eur,
        line_totals.cost_amount,
        coalesce(line_totals.line_count, 0) as line_count,
        coalesce(line_totals.unit_count, 0) as unit_count,
        orders.status,
        orders.is_cancelled,
        orders.is_test,
        orders.is_counted,
        orders.refund_amount > 0 as has_refund,
        orders.first_refunded_at,
        orders.payment_method,
        orders.transaction_ref,
        orders.cart_ref,
        orders.store_id
    from orders
    left join line_totals on orders.order_key = line_totals.order_key
    left join records_resolved
        on orders.identity_record_key = records_resolved.identity_record_key
    left join ordering_sessions on orders.transaction_ref = ordering_sessions.transaction_id
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
        identifier_key,
        customer_id,
        session_key,
        cast(
            case
                when customer_id is not null and is_counted
                    then row_number() over (
                        partition by customer_id, is_counted
                        order by ordered_at, order_key
                    )
            end as bigint
        ) as customer_order_number,
        currency,
        subtotal_amount,
        tax_amount,
        shipping_amount,
        discount_amount,
        total_amount,
        refund_amount,
        net_amount,
        total_amount_eur,
        refund_amount_eur,
        net_amount_eur,
        cost_amount,
        line_count,
        unit_count,
        status,
        is_cancelled,
        is_test,
        is_counted,
        has_refund,
        first_refunded_at,
        payment_method,
        transaction_ref,
        cart_ref,
        store_id
    from joined
)

select * from final
