with

lines as (
    select * from {{ ref('int_order_lines_unioned') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

final as (
    select
        lines.order_line_key,
        lines.order_key,
        lines.source,
        orders.customer_id,
        orders.channel,
        orders.order_date,
        orders.is_counted,
        lines.line_number,
        lines.product_id,
        lines.product_name,
        lines.quantity,
        orders.currency,
        lines.unit_price,
        lines.discount_amount,
        lines.line_amount,
        lines.unit_cost
    from lines
    left join orders on lines.order_key = orders.order_key
)

select * from final
