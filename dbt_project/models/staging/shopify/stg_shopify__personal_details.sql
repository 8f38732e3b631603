{{ config(materialized='ephemeral') }}

with customers as (
    {{ current_rows(source('shopify', 'customers'), ['id'], 'updated_at') }}
),

final as (
    select
        _source as source,
        'customer' as entity,
        id as record_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        nullif(trim(email), '') as email,
        nullif(trim(phone), '') as phone,
        nullif(trim(first_name), '') as first_name,
        nullif(trim(last_name), '') as last_name,
        {{ json_text('default_address', '$.address1') }} as street,
        {{ json_text('default_address', '$.zip') }} as postal_code,
        {{ json_text('default_address', '$.city') }} as city,
        {{ json_text('default_address', '$.country_code') }} as country,
        {{ text_to_timestamp('updated_at') }} as updated_at
    from customers
)

select
    source,
    entity,
    record_id,
    email_hash,
    phone_hash,
    email,
    phone,
    first_name,
    last_name,
    street,
    postal_code,
    city,
    country,
    updated_at
from final
