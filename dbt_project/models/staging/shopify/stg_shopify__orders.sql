with orders as (
    {{ current_rows(source('shopify', 'orders'), ['id'], 'updated_at') }}
),

loader_note_attributes as (
    {{ current_rows(source('shopify', 'order_note_attributes'), ['order_id', 'name']) }}
),

loader_shipping_lines as (
    {{ current_rows(source('shopify', 'order_shipping_lines'), ['id'], '_fivetran_synced') }}
),

loader_transactions as (
    {{ current_rows(source('shopify', 'transactions'), ['id'], '_fivetran_synced') }}
),

note_attributes as (
    select
        orders._source,
        orders.id as order_id,
        {{ json_text('note.value', '$.name') }} as attribute_name,
        {{ json_text('note.value', '$.value') }} as attribute_value
    from orders
    {{ json_elements('orders.note_attributes', 'note') }}
    union all
    select
        _source,
        order_id,
        name as attribute_name,
        -- the loader keeps the JSON text, quotes and all
        trim(both '"' from value) as attribute_value
    from loader_note_attributes
),

identifiers as (
    select
        _source,
        order_id,
        max(attribute_value) filter (
            where attribute_name in ('ga_client_id', 'google_client_id', 'google-clientID')
        ) as client_id,
        max(attribute_value) filter (where attribute_name = 'user_id') as user_id,
        max(attribute_value) filter (where attribute_name = 'loyalty_id') as loyalty_id
    from note_attributes
    where nullif(trim(attribute_value), '') is not null
    group by _source, order_id
),

native_shipping_lines as (
    select
        orders._source,
        orders.id as order_id,
        line.position,
        line.value as shipping_line
    from orders
    {{ json_elements('orders.shipping_lines', 'line') }}
),

native_shipping_taxes as (
    select
        native_shipping_lines._source,
        native_shipping_lines.order_id,
        native_shipping_lines.position,
        sum({{ text_to_number(json_text('tax.value', '$.price')) }}) as tax_amount
    from native_shipping_lines
    {{ json_elements(json_member('native_shipping_lines.shipping_line', '$.tax_lines'), 'tax') }}
    group by
        native_shipping_lines._source,
        native_shipping_lines.order_id,
        native_shipping_lines.position
),

shipping_lines as (
    select
        native_shipping_lines._source,
        native_shipping_lines.order_id,
        coalesce(
            {{ text_to_number(
                json_text('native_shipping_lines.shipping_line', '$.discounted_price')
            ) }},
            {{ text_to_number(json_text('native_shipping_lines.shipping_line', '$.price')) }}
        ) as charged_amount,
        native_shipping_taxes.tax_amount
    from native_shipping_lines
    left join native_shipping_taxes
        on
            native_shipping_lines._source = native_shipping_taxes._source
            and native_shipping_lines.order_id = native_shipping_taxes.order_id
            and native_shipping_lines.position = native_shipping_taxes.position
    union all
    select
        _source,
        order_id,
        coalesce(
            {{ text_to_number('discounted_price') }}, {{ text_to_number('price') }}
        ) as charged_amount,
        cast(null as decimal(18, 4)) as tax_amount
    from loader_shipping_lines
),

shipping as (
    select
        _source,
        order_id,
        sum(charged_amount) as charged_amount,
        sum(tax_amount) as tax_amount
    from shipping_lines
    group by _source, order_id
),

loader_payments as (
    select
        _source,
        order_id,
        min_by(gateway, {{ text_to_timestamp('created_at') }}) as payment_method
    from loader_transactions
    where
        lower(kind) in ('sale', 'authorization')
        and lower(status) = 'success'
        and nullif(trim(gateway), '') is not null
    group by _source, order_id
),

renamed as (
    select
        -- ids
        orders._source as source,
        orders.id as order_id,
        nullif(trim(orders.name), '') as order_name,
        coalesce(
            nullif(orders.customer_id, ''), {{ json_text('orders.customer', '$.id') }}
        ) as customer_ref,
        identifiers.client_id,
        identifiers.user_id,
        identifiers.loyalty_id,
        coalesce(nullif(orders.cart_token, ''), nullif(orders.checkout_token, '')) as cart_ref,
        nullif(orders.location_id, '') as store_id,
        orders.email__hash as email_hash,
        orders.phone__hash as phone_hash,

        -- text
        {{ sales_channel('orders.source_name') }} as channel,
        upper(nullif(trim(orders.currency), '')) as currency,
        lower(orders.financial_status) as financial_status,
        coalesce(
            {{ json_text('orders.payment_gateway_names', '$[0]') }}, loader_payments.payment_method
        ) as payment_method,

        -- numerics
        {{ text_to_number('orders.subtotal_price') }} as goods_amount,
        {{ text_to_number('orders.total_tax') }} as tax_amount,
        {{ text_to_number('orders.total_discounts') }} as discount_amount,
        {{ text_to_number('orders.total_price') }} as total_amount,
        shipping.charged_amount as shipping_charged_amount,
        shipping.tax_amount as shipping_tax_amount,

        -- booleans
        coalesce({{ text_to_boolean('orders.taxes_included') }}, false) as is_tax_included,
        coalesce({{ text_to_boolean('orders.test') }}, false) as is_test,

        -- timestamps
        coalesce(
            {{ text_to_timestamp('orders.processed_at') }},
            {{ text_to_timestamp('orders.created_at') }}
        ) as ordered_at,
        {{ text_to_timestamp('orders.cancelled_at') }} as cancelled_at,
        {{ text_to_timestamp('orders.updated_at') }} as updated_at
    from orders
    left join identifiers
        on orders._source = identifiers._source and orders.id = identifiers.order_id
    left join shipping
        on orders._source = shipping._source and orders.id = shipping.order_id
    left join loader_payments
        on orders._source = loader_payments._source and orders.id = loader_payments.order_id
),

shipping_charged as (
    select
        source,
        order_id,
        goods_amount,
        tax_amount,
        total_amount,
        is_tax_included,
        shipping_tax_amount,
        -- What was charged and is neither goods nor tax is shipping, where its lines are not known.
        coalesce(
            shipping_charged_amount,
            total_amount - goods_amount - case when is_tax_included then 0 else tax_amount end
        ) as charged_amount
    from renamed
),

included_taxes as (
    select
        source,
        order_id,
        goods_amount,
        charged_amount,
        case when is_tax_included then tax_amount else 0 end as tax_amount,
        case
            -- without tax lines, tax is spread in proportion to what was charged
            when is_tax_included
                then coalesce(
                    shipping_tax_amount, tax_amount * charged_amount / nullif(total_amount, 0), 0
                )
            else 0
        end as shipping_tax_amount
    from shipping_charged
),

amounts_split as (
    select
        source,
        order_id,
        charged_amount - shipping_tax_amount as shipping_amount,
        goods_amount - (tax_amount - shipping_tax_amount) as subtotal_amount
    from included_taxes
),

final as (
    select
        {{ surrogate_key(["renamed.source", "'order'", "renamed.order_id"]) }} as order_key,
        renamed.source,
        renamed.order_id,
        renamed.order_name,
        renamed.channel,
        renamed.ordered_at,
        {{ local_date('renamed.ordered_at') }} as order_date,
        renamed.currency,
        cast(amounts_split.subtotal_amount as decimal(18, 4)) as subtotal_amount,
        renamed.tax_amount,
        cast(amounts_split.shipping_amount as decimal(18, 4)) as shipping_amount,
        renamed.discount_amount,
        renamed.total_amount,
        case
            when renamed.cancelled_at is not null then 'cancelled'
            when renamed.financial_status in ('authorized', 'partially_paid') then 'pending'
            when
                renamed.financial_status in (
                    'paid', 'pending', 'voided', 'refunded', 'partially_refunded'
                )
                then renamed.financial_status
            else 'pending'
        end as status,
        renamed.cancelled_at is not null as is_cancelled,
        renamed.is_test,
        renamed.payment_method,
        renamed.email_hash,
        renamed.phone_hash,
        renamed.customer_ref,
        cast(null as string) as contact_id,
        renamed.loyalty_id,
        renamed.user_id,
        renamed.client_id,
        replace(renamed.order_name, '#', '') as transaction_ref,
        renamed.cart_ref,
        renamed.store_id,
        renamed.updated_at
    from renamed
    inner join amounts_split
        on
            renamed.source = amounts_split.source
            and renamed.order_id = amounts_split.order_id
)

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
    status,
    is_cancelled,
    is_test,
    payment_method,
    email_hash,
    phone_hash,
    customer_ref,
    contact_id,
    loyalty_id,
    user_id,
    client_id,
    transaction_ref,
    cart_ref,
    store_id,
    updated_at
from final
