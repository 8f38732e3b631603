{{ config(materialized='ephemeral') }}

with mapped as (
    {{ current_rows(source('generic', 'crm_contacts'), ['contact_id'], 'updated_at') }}
),

final as (
    select
        _source as source,
        'contact' as entity,
        contact_id as record_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('email') }} as email,
        {{ blank_to_null('phone') }} as phone,
        {{ blank_to_null('first_name') }} as first_name,
        {{ blank_to_null('last_name') }} as last_name,
        {{ blank_to_null('street') }} as street,
        {{ blank_to_null('postal_code') }} as postal_code,
        {{ blank_to_null('city') }} as city,
        {{ blank_to_null('country') }} as country,
        {{ mapped_timestamp('updated_at') }} as updated_at
    from mapped
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
