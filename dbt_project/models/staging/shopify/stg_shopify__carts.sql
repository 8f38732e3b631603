with checkouts as (
    {{ current_rows(source('shopify', 'abandoned_checkouts'), ['id'], 'updated_at') }}
),

orders as (
    {{ current_rows(source('shopify', 'orders'), ['id'], 'updated_at') }}
),

client_ids as (
    select
        checkouts._source,
        checkouts.id as cart_id,
        max({{ json_text('note.value', '$.value') }}) as client_id
    from checkouts
    {{ json_elements('checkouts.note_attributes', 'note') }}
    where
        {{ json_text('note.value', '$.name') }} in (
            'ga_client_id', 'google_client_id', 'google-clientID'
        )
    group by checkouts._source, checkouts.id
),

-- One cart may lead to several orders when it is bought again: the first one completed it.
completing_orders as (
    select
        _source,
        cart_ref,
        min_by(id, created_at) as order_id
    from (
        select
            _source,
            id,
            {{ text_to_timestamp('created_at') }} as created_at,
            cart_token as cart_ref
        from orders
        where nullif(trim(cart_token), '') is not null
        union all
        select
            _source,
            id,
            {{ text_to_timestamp('created_at') }} as created_at,
            checkout_token as cart_ref
        from orders
        where nullif(trim(checkout_token), '') is not null
    ) as cart_refs
    group by _source, cart_ref
),

final as (
    select
        {{ surrogate_key(["checkouts._source", "'cart'", "checkouts.id"]) }} as cart_key,
        checkouts._source as source,
        checkouts.id as cart_id,
        coalesce(nullif(checkouts.cart_token, ''), nullif(checkouts.token, '')) as cart_ref,
        {{ sales_channel('checkouts.source_name') }} as channel,
        {{ text_to_timestamp('checkouts.created_at') }} as started_at,
        {{ text_to_timestamp('checkouts.updated_at') }} as updated_at,
        {{ text_to_timestamp('checkouts.completed_at') }} as completed_at,
        coalesce(by_cart.order_id, by_checkout.order_id) as order_ref,
        upper(nullif(trim(checkouts.currency), '')) as currency,
        {{ text_to_number('checkouts.total_price') }} as cart_amount,
        checkouts.email__hash as email_hash,
        checkouts.phone__hash as phone_hash,
        coalesce(
            nullif(checkouts.customer_id, ''), {{ json_text('checkouts.customer', '$.id') }}
        ) as customer_ref,
        client_ids.client_id
    from checkouts
    left join client_ids
        on checkouts._source = client_ids._source and checkouts.id = client_ids.cart_id
    left join completing_orders as by_cart
        on checkouts._source = by_cart._source and checkouts.cart_token = by_cart.cart_ref
    left join completing_orders as by_checkout
        on checkouts._source = by_checkout._source and checkouts.token = by_checkout.cart_ref
    where not coalesce({{ text_to_boolean('checkouts._fivetran_deleted') }}, false)
)

select
    cart_key,
    source,
    cart_id,
    cart_ref,
    channel,
    started_at,
    updated_at,
    completed_at,
    order_ref,
    currency,
    cart_amount,
    email_hash,
    phone_hash,
    customer_ref,
    client_id
from final
