{{ config(materialized='ephemeral') }}

with contacts as (
    {{ current_rows(
        source('hubspot', 'contacts'),
        ['id'],
        'coalesce(lastmodifieddate, updatedAt, _fivetran_synced)'
    ) }}
),

final as (
    select
        _source as source,
        'contact' as entity,
        id as record_id,
        email__hash as email_hash,
        coalesce(mobilephone__hash, phone__hash) as phone_hash,
        {{ blank_to_null('email') }} as email,
        coalesce({{ blank_to_null('mobilephone') }}, {{ blank_to_null('phone') }}) as phone,
        {{ blank_to_null('firstname') }} as first_name,
        {{ blank_to_null('lastname') }} as last_name,
        {{ blank_to_null('address') }} as street,
        {{ blank_to_null('zip') }} as postal_code,
        {{ blank_to_null('city') }} as city,
        {{ blank_to_null('country') }} as country,
        coalesce(
            {{ text_to_timestamp('lastmodifieddate') }}, {{ text_to_timestamp('updatedAt') }}
        ) as updated_at
    from contacts
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
