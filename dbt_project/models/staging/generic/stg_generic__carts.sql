with mapped as (
    {{ current_rows(source('generic', 'carts'), ['cart_id'], 'updated_at') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'cart'", "cart_id"]) }} as cart_key,
        _source as source,
        cart_id,
        coalesce({{ blank_to_null('cart_ref') }}, cart_id) as cart_ref,
        coalesce(lower({{ blank_to_null('channel') }}), 'web') as channel,
        {{ mapped_timestamp('started_at') }} as started_at,
        {{ mapped_timestamp('updated_at') }} as updated_at,
        {{ mapped_timestamp('completed_at') }} as completed_at,
        {{ blank_to_null('order_ref') }} as order_ref,
        upper({{ blank_to_null('currency') }}) as currency,
        {{ text_to_number('cart_amount') }} as cart_amount,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('customer_ref') }} as customer_ref,
        {{ blank_to_null('client_id') }} as client_id
    from mapped
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
