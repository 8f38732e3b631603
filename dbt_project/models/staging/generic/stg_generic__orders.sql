with mapped_orders as (
    {{ current_rows(source('generic', 'orders'), ['order_id'], 'updated_at') }}
),

-- Repeated and older deliveries of a line change none of the minima below.
mapped_lines as (
    select * from {{ source('generic', 'order_lines') }}
),

payments as (
    select
        _source as source,
        order_id,
        sum(payment_amount) as paid_amount,
        max_by(payment_method, payment_amount) as payment_method
    from (
        select
            _source,
            order_id,
            {{ text_to_number('payment_amount') }} as payment_amount,
            {{ blank_to_null('payment_method') }} as payment_method
        from (
            {{ current_rows(
                source('generic', 'order_payments'),
                ['order_id', 'coalesce(payment_number, _row_id)']
            ) }}
        ) as current_payments
    ) as typed_payments
    group by _source, order_id
),

line_totals as (
    select
        source,
        order_id,
        sum(line_amount) as lines_amount,
        sum(discount_amount) as lines_discount_amount
    from {{ ref('stg_generic__order_lines') }}
    group by source, order_id
),

headers as (
    select
        _source as source,
        order_id,
        {{ blank_to_null('order_name') }} as order_name,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ mapped_timestamp('ordered_at') }} as ordered_at,
        upper({{ blank_to_null('currency') }}) as currency,
        {{ text_to_number('subtotal_amount') }} as subtotal_amount,
        {{ text_to_number('tax_amount') }} as tax_amount,
        {{ text_to_number('shipping_amount') }} as shipping_amount,
        {{ text_to_number('discount_amount') }} as discount_amount,
        {{ text_to_number('total_amount') }} as total_amount,
        lower({{ blank_to_null('status') }}) as status,
        {{ text_to_boolean('is_cancelled') }} as is_cancelled,
        coalesce({{ text_to_boolean('is_test') }}, false) as is_test,
        {{ blank_to_null('payment_method') }} as payment_method,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('customer_ref') }} as customer_ref,
        {{ blank_to_null('contact_id') }} as contact_id,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('client_id') }} as client_id,
        {{ blank_to_null('transaction_ref') }} as transaction_ref,
        {{ blank_to_null('cart_ref') }} as cart_ref,
        {{ blank_to_null('store_id') }} as store_id,
        {{ mapped_timestamp('updated_at') }} as updated_at
    from mapped_orders
),

-- Where a file has lines only, their times and customers say what a header would.
derived as (
    select
        lines._source as source,
        lines.order_id,
        min(lower({{ blank_to_null('lines.channel') }})) as channel,
        min({{ mapped_timestamp('lines.ordered_at') }}) as ordered_at,
        min(upper({{ blank_to_null('lines.currency') }})) as currency,
        min({{ blank_to_null('lines.customer_ref') }}) as customer_ref,
        min({{ blank_to_null('lines.loyalty_id') }}) as loyalty_id,
        min({{ blank_to_null('lines.store_id') }}) as store_id
    from mapped_lines as lines
    left join headers on lines._source = headers.source and lines.order_id = headers.order_id
    where
        headers.order_id is null
        and not coalesce({{ text_to_boolean('lines.is_return') }}, false)
    group by lines._source, lines.order_id
    having min({{ mapped_timestamp('lines.ordered_at') }}) is not null
),

orders as (
    select
        source,
        order_id,
        order_name,
        channel,
        ordered_at,
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
    from headers
    union all
    select
        source,
        order_id,
        null as order_name,
        channel,
        ordered_at,
        currency,
        null as subtotal_amount,
        null as tax_amount,
        null as shipping_amount,
        null as discount_amount,
        null as total_amount,
        null as status,
        null as is_cancelled,
        false as is_test,
        null as payment_method,
        null as email_hash,
        null as phone_hash,
        customer_ref,
        null as contact_id,
        loyalty_id,
        null as user_id,
        null as client_id,
        null as transaction_ref,
        null as cart_ref,
        store_id,
        null as updated_at
    from derived
),

priced as (
    select
        orders.source,
        orders.order_id,
        coalesce(orders.order_name, orders.order_id) as order_name,
        coalesce(orders.channel, 'web') as channel,
        orders.ordered_at,
        orders.currency,
        coalesce(orders.subtotal_amount, line_totals.lines_amount) as subtotal_amount,
        orders.tax_amount,
        orders.shipping_amount,
        coalesce(orders.discount_amount, line_totals.lines_discount_amount) as discount_amount,
        coalesce(orders.total_amount, payments.paid_amount, line_totals.lines_amount)
            as total_amount,
        -- what was paid beyond goods and tax was for delivery
        orders.total_amount is null
        and orders.shipping_amount is null
        and payments.paid_amount >= line_totals.lines_amount + coalesce(orders.tax_amount, 0)
            as is_rest_shipping,
        case
            when orders.status = 'canceled' then 'cancelled'
            when orders.status in (
                'paid', 'pending', 'cancelled', 'voided', 'refunded', 'partially_refunded'
            ) then orders.status
            when coalesce(orders.is_cancelled, false) then 'cancelled'
            else 'paid'
        end as status,
        orders.is_cancelled,
        orders.is_test,
        coalesce(orders.payment_method, payments.payment_method) as payment_method,
        orders.email_hash,
        orders.phone_hash,
        orders.customer_ref,
        orders.contact_id,
        orders.loyalty_id,
        orders.user_id,
        orders.client_id,
        orders.transaction_ref,
        orders.cart_ref,
        orders.store_id,
        coalesce(orders.updated_at, orders.ordered_at) as updated_at
    from orders
    left join payments on orders.source = payments.source and orders.order_id = payments.order_id
    left join line_totals
        on orders.source = line_totals.source and orders.order_id = line_totals.order_id
),

final as (
    select
        {{ surrogate_key(["source", "'order'", "order_id"]) }} as order_key,
        source,
        order_id,
        order_name,
        channel,
        ordered_at,
        {{ local_date('ordered_at') }} as order_date,
        currency,
        cast(subtotal_amount as decimal(18, 4)) as subtotal_amount,
        tax_amount,
        case
            when is_rest_shipping
                then
                    cast(total_amount - subtotal_amount - coalesce(tax_amount, 0) as decimal(18, 4))
            else shipping_amount
        end as shipping_amount,
        cast(discount_amount as decimal(18, 4)) as discount_amount,
        cast(total_amount as decimal(18, 4)) as total_amount,
        status,
        coalesce(is_cancelled, status = 'cancelled') as is_cancelled,
        is_test,
        payment_method,
        email_hash,
        phone_hash,
        customer_ref,
        contact_id,
        loyalty_id,
        user_id,
        client_id,
        -- only what was bought online has something that web analytics could carry
        coalesce(transaction_ref, case when channel in ('web', 'app') then order_name end)
            as transaction_ref,
        cart_ref,
        store_id,
        updated_at
    from priced
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
