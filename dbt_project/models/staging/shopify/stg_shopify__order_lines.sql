with orders as (
    {{ current_rows(source('shopify', 'orders'), ['id'], 'updated_at') }}
),

loader_lines as (
    {{ current_rows(source('shopify', 'order_lines'), ['id'], '_fivetran_synced') }}
),

inventory_items as (
    {{ current_rows(source('shopify', 'inventory_items'), ['id'], 'updated_at') }}
),

unit_costs as (
    select
        _source,
        sku,
        -- one article kept as several stock items: the item changed last knows today's cost
        max_by(
            {{ text_to_number('cost') }},
            coalesce({{ text_to_timestamp('updated_at') }}, first_loaded_at)
        ) as unit_cost
    from inventory_items
    where
        {{ text_to_number('cost') }} is not null
        and nullif(trim(sku), '') is not null
    group by _source, sku
),

order_elements as (
    select
        orders._source,
        orders.id as order_id,
        coalesce({{ text_to_boolean('orders.taxes_included') }}, false) as is_tax_included,
        line.position as line_number,
        line.value as line_item
    from orders
    {{ json_elements('orders.line_items', 'line') }}
),

native_taxes as (
    select
        order_elements._source,
        order_elements.order_id,
        order_elements.line_number,
        sum({{ text_to_number(json_text('tax.value', '$.price')) }}) as tax_amount
    from order_elements
    {{ json_elements(json_member('order_elements.line_item', '$.tax_lines'), 'tax') }}
    group by order_elements._source, order_elements.order_id, order_elements.line_number
),

native_discounts as (
    select
        order_elements._source,
        order_elements.order_id,
        order_elements.line_number,
        sum({{ text_to_number(json_text('discount.value', '$.amount')) }}) as discount_amount
    from order_elements
    {{ json_elements(
        json_member('order_elements.line_item', '$.discount_allocations'), 'discount'
    ) }}
    group by order_elements._source, order_elements.order_id, order_elements.line_number
),

native_lines as (
    select
        order_elements._source,
        order_elements.order_id,
        order_elements.line_number,
        {{ json_text('order_elements.line_item', '$.id') }} as line_id,
        {{ json_text('order_elements.line_item', '$.sku') }} as sku,
        {{ json_text('order_elements.line_item', '$.product_id') }} as shop_product_id,
        {{ json_text('order_elements.line_item', '$.title') }} as product_name,
        {{ text_to_number(json_text('order_elements.line_item', '$.quantity')) }} as quantity,
        {{ text_to_number(json_text('order_elements.line_item', '$.price')) }} as unit_price,
        coalesce(
            native_discounts.discount_amount,
            {{ text_to_number(json_text('order_elements.line_item', '$.total_discount')) }},
            0
        ) as discount_amount,
        case
            when order_elements.is_tax_included then coalesce(native_taxes.tax_amount, 0) else 0
        end as included_tax_amount,
        cast(null as decimal(18, 4)) as pre_tax_amount
    from order_elements
    left join native_taxes
        on
            order_elements._source = native_taxes._source
            and order_elements.order_id = native_taxes.order_id
            and order_elements.line_number = native_taxes.line_number
    left join native_discounts
        on
            order_elements._source = native_discounts._source
            and order_elements.order_id = native_discounts.order_id
            and order_elements.line_number = native_discounts.line_number
),

lines as (
    select
        _source,
        order_id,
        line_number,
        line_id,
        sku,
        shop_product_id,
        product_name,
        quantity,
        unit_price,
        discount_amount,
        included_tax_amount,
        pre_tax_amount
    from native_lines
    union all
    select
        _source,
        order_id,
        {{ text_to_number('index', 'bigint') }} as line_number,
        id as line_id,
        sku,
        product_id as shop_product_id,
        title as product_name,
        {{ text_to_number('quantity') }} as quantity,
        {{ text_to_number('price') }} as unit_price,
        coalesce({{ text_to_number('total_discount') }}, 0) as discount_amount,
        0 as included_tax_amount,
        {{ text_to_number('pre_tax_price') }} as pre_tax_amount
    from loader_lines
),

final as (
    select
        {{ surrogate_key(
            ["lines._source", "'order_line'", "lines.order_id", "lines.line_id"]
        ) }} as order_line_key,
        {{ surrogate_key(["lines._source", "'order'", "lines.order_id"]) }} as order_key,
        lines._source as source,
        lines.order_id,
        lines.line_number,
        -- the article number is what tills and web analytics know a product by
        coalesce(nullif(trim(lines.sku), ''), lines.shop_product_id) as product_id,
        lines.product_name,
        lines.quantity,
        lines.unit_price,
        cast(lines.discount_amount as decimal(18, 4)) as discount_amount,
        cast(
            coalesce(
                lines.pre_tax_amount,
                lines.quantity * lines.unit_price
                - lines.discount_amount
                - lines.included_tax_amount
            ) as decimal(18, 4)
        ) as line_amount,
        unit_costs.unit_cost
    from lines
    left join unit_costs
        on lines._source = unit_costs._source and lines.sku = unit_costs.sku
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
