with mapped as (
    {{ current_rows(source('generic', 'contracts'), ['contract_id'], 'updated_at') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'contract'", "contract_id"]) }} as contract_key,
        _source as source,
        contract_id,
        {{ blank_to_null('product_id') }} as product_id,
        coalesce(lower({{ blank_to_null('channel') }}), 'web') as channel,
        {{ mapped_timestamp('started_at') }} as started_at,
        {{ mapped_timestamp('ends_at') }} as ends_at,
        {{ mapped_timestamp('cancelled_at') }} as cancelled_at,
        {{ text_to_boolean('is_renewed') }} as is_renewed,
        upper({{ blank_to_null('currency') }}) as currency,
        {{ text_to_number('contract_amount') }} as contract_amount,
        {{ blank_to_null('contact_id') }} as contact_id,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('customer_ref') }} as customer_ref,
        email__hash as email_hash,
        phone__hash as phone_hash,
        coalesce({{ mapped_timestamp('updated_at') }}, {{ mapped_timestamp('started_at') }})
            as updated_at
    from mapped
)

select
    contract_key,
    source,
    contract_id,
    product_id,
    channel,
    started_at,
    ends_at,
    cancelled_at,
    is_renewed,
    currency,
    contract_amount,
    contact_id,
    user_id,
    loyalty_id,
    customer_ref,
    email_hash,
    phone_hash,
    updated_at
from final
