with receipt_lines as (
    {{ current_rows(source('pos', 'receipt_lines'), ['receipt_id', 'line_number']) }}
),

sales as (
    select
        source,
        order_id,
        order_key
    from {{ ref('stg_pos__orders') }}
),

final as (
    select
        {{ surrogate_key(
            [
                "receipt_lines._source",
                "'order_line'",
                "receipt_lines.receipt_id",
                "receipt_lines.line_number",
            ]
        ) }} as order_line_key,
        sales.order_key,
        receipt_lines._source as source,
        receipt_lines.receipt_id as order_id,
        {{ text_to_number('receipt_lines.line_number', 'bigint') }} as line_number,
        nullif(trim(receipt_lines.sku), '') as product_id,
        nullif(trim(receipt_lines.product_name), '') as product_name,
        {{ text_to_number('receipt_lines.quantity') }} as quantity,
        {{ text_to_number('receipt_lines.unit_price') }} as unit_price,
        coalesce({{ text_to_number('receipt_lines.discount_amount') }}, 0) as discount_amount,
        cast(
            {{ text_to_number('receipt_lines.line_total') }}
            - coalesce({{ text_to_number('receipt_lines.vat_amount') }}, 0) as decimal(18, 4)
        ) as line_amount,
        {{ text_to_number('receipt_lines.unit_cost') }} as unit_cost
    from receipt_lines
    -- lines of returns belong to refunds
    inner join sales
        on receipt_lines._source = sales.source and receipt_lines.receipt_id = sales.order_id
)

select
    order_line_key,
    order_key,
    source,
    order_id,
    line_number,
    product_id,
    product_name,
    quantity,
    unit_price,
    discount_amount,
    line_amount,
    unit_cost
from final
