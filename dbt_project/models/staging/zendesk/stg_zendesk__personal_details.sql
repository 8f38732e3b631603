{{ config(materialized='ephemeral') }}

with users as (
    {{ current_rows(source('zendesk', 'users'), ['id'], 'coalesce(updated_at, _fivetran_synced)') }}
),

final as (
    select
        _source as source,
        'service_user' as entity,
        id as record_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('email') }} as email,
        {{ blank_to_null('phone') }} as phone,
        -- Zendesk keeps one name: what follows the last space is taken for the last name
        {{ blank_to_null("regexp_extract(trim(name), '^(.*) [^ ]+$', 1)") }} as first_name,
        {{ blank_to_null("regexp_extract(trim(name), '[^ ]+$', 0)") }} as last_name,
        cast(null as string) as street,
        cast(null as string) as postal_code,
        cast(null as string) as city,
        cast(null as string) as country,
        {{ text_to_timestamp('updated_at') }} as updated_at
    from users
    where lower(trim(role)) = 'end-user'
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
