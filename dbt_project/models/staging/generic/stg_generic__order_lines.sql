-- A file need not number its lines: then equal content in equal place is the same line again.
with mapped as (
    {{ current_rows(
        source('generic', 'order_lines'), ['order_id', 'coalesce(line_number, _row_id)']
    ) }}
),

sold as (
    select
        _source as source,
        order_id,
        row_number() over (
            partition by _source, order_id
            order by try_cast(line_number as bigint) nulls last, _loaded_at, _row, _row_id
        ) as line_number,
        {{ blank_to_null('product_id') }} as product_id,
        {{ blank_to_null('product_name') }} as product_name,
        {{ text_to_number('quantity', 'double') }} as quantity,
        {{ text_to_number('unit_price') }} as unit_price,
        {{ text_to_number('discount_amount') }} as discount_amount,
        {{ text_to_number('line_amount') }} as line_amount,
        {{ text_to_number('unit_cost') }} as unit_cost
    from mapped
    -- a line that takes goods back is a refund
    where not coalesce({{ text_to_boolean('is_return') }}, false)
),

final as (
    select
        {{ surrogate_key(["source", "'order_line'", "order_id", "line_number"]) }}
            as order_line_key,
        {{ surrogate_key(["source", "'order'", "order_id"]) }} as order_key,
        source,
        order_id,
        line_number,
        product_id,
        product_name,
        quantity,
        unit_price,
        discount_amount,
        coalesce(
            line_amount,
            cast(
                cast(quantity as decimal(18, 4)) * unit_price - coalesce(discount_amount, 0)
                as decimal(18, 4)
            )
        ) as line_amount,
        unit_cost
    from sold
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
