with orders as (
    {{ current_rows(source('shopify', 'orders'), ['id'], 'updated_at') }}
),

loader_lines as (
    {{ current_rows(source('shopify', 'order_lines'), ['id'], '_fivetran_synced') }}
),

loader_discount_allocations as (
    {{ current_rows(
        source('shopify', 'discount_allocations'),
        ['order_line_id', 'index'],
        '_fivetran_synced'
    ) }}
),

loader_tax_lines as (
    {{ current_rows(
        source('shopify', 'tax_lines'), ['order_line_id', 'index'], '_fivetran_synced'
    ) }}
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
        line.position as line_number,
        {{ json_text('line.value', '$.id') }} as line_id,
        line.value as line_item
    from orders
    {{ json_elements('orders.line_items', 'line') }}
),

lines as (
    select
        _source,
        order_id,
        line_number,
        line_id,
        {{ json_text('line_item', '$.sku') }} as sku,
        {{ json_text('line_item', '$.product_id') }} as shop_product_id,
        {{ json_text('line_item', '$.title') }} as product_name,
        {{ text_to_number(json_text('line_item', '$.quantity')) }} as quantity,
        {{ text_to_number(json_text('line_item', '$.price')) }} as unit_price,
        {{ text_to_number(json_text('line_item', '$.total_discount')) }} as own_discount_amount,
        {{ text_to_number(json_text('line_item', '$.pre_tax_price')) }} as pre_tax_amount
    from order_elements
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
        {{ text_to_number('total_discount') }} as own_discount_amount,
        {{ text_to_number('pre_tax_price') }} as pre_tax_amount
    from loader_lines
),

tax_lines as (
    select
        order_elements._source,
        order_elements.line_id,
        {{ text_to_number(json_text('tax.value', '$.price')) }} as tax_amount
    from order_elements
    {{ json_elements(json_member('order_elements.line_item', '$.tax_lines'), 'tax') }}
    union all
    select
        _source,
        order_line_id as line_id,
        {{ text_to_number('price') }} as tax_amount
    from loader_tax_lines
),

taxes as (
    select
        _source,
        line_id,
        sum(tax_amount) as tax_amount
    from tax_lines
    group by _source, line_id
),

discount_allocations as (
    select
        order_elements._source,
        order_elements.line_id,
        {{ text_to_number(json_text('discount.value', '$.amount')) }} as discount_amount
    from order_elements
    {{ json_elements(
        json_member('order_elements.line_item', '$.discount_allocations'), 'discount'
    ) }}
    union all
    select
        _source,
        order_line_id as line_id,
        {{ text_to_number('amount') }} as discount_amount
    from loader_discount_allocations
),

discounts as (
    select
        _source,
        line_id,
        sum(discount_amount) as discount_amount
    from discount_allocations
    group by _source, line_id
),

order_terms as (
    select
        _source,
        id as order_id,
        -- tax inside the prices, per unit of money charged
        case
            when {{ text_to_boolean('taxes_included') }}
                then
                    {{ text_to_number('total_tax') }}
                    / nullif({{ text_to_number('total_price') }}, 0)
        end as included_tax_share,
        coalesce({{ text_to_boolean('taxes_included') }}, false) as is_tax_included
    from orders
),

priced as (
    select
        lines._source,
        lines.order_id,
        lines.line_number,
        lines.line_id,
        lines.sku,
        lines.shop_product_id,
        lines.product_name,
        lines.quantity,
        lines.unit_price,
        lines.pre_tax_amount,
        -- allocations hold the line's share of discounts on the whole order too
        coalesce(discounts.discount_amount, lines.own_discount_amount, 0) as discount_amount,
        case
            when not order_terms.is_tax_included then 0
            when taxes.tax_amount is not null then taxes.tax_amount
            -- without tax lines, tax is spread in proportion to what was charged
            else
                (
                    lines.quantity * lines.unit_price
                    - coalesce(discounts.discount_amount, lines.own_discount_amount, 0)
                ) * coalesce(order_terms.included_tax_share, 0)
        end as included_tax_amount
    from lines
    left join discounts
        on lines._source = discounts._source and lines.line_id = discounts.line_id
    left join taxes
        on lines._source = taxes._source and lines.line_id = taxes.line_id
    left join order_terms
        on lines._source = order_terms._source and lines.order_id = order_terms.order_id
),

final as (
    select
        {{ surrogate_key(
            ["priced._source", "'order_line'", "priced.order_id", "priced.line_id"]
        ) }} as order_line_key,
        {{ surrogate_key(["priced._source", "'order'", "priced.order_id"]) }} as order_key,
        priced._source as source,
        priced.order_id,
        priced.line_number,
        -- the article number is what tills and web analytics know a product by
        coalesce(nullif(trim(priced.sku), ''), priced.shop_product_id) as product_id,
        priced.product_name,
        priced.quantity,
        priced.unit_price,
        cast(priced.discount_amount as decimal(18, 4)) as discount_amount,
        cast(
            coalesce(
                priced.pre_tax_amount,
                priced.quantity * priced.unit_price
                - priced.discount_amount
                - priced.included_tax_amount
            ) as decimal(18, 4)
        ) as line_amount,
        unit_costs.unit_cost
    from priced
    left join unit_costs
        on priced._source = unit_costs._source and priced.sku = unit_costs.sku
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
