{{ config(materialized='ephemeral') }}

-- a loader in history mode delivers every version and says which is active: that one wins,
-- because versions may share their time of change
with contacts as (
    {{ current_rows(
        source('salesforce', 'contacts'),
        ['id'],
        'case
            when try_cast(_fivetran_active as boolean)
                then cast(make_date(9999, 12, 31) as string)
            else coalesce(system_modstamp, last_modified_date, _fivetran_synced)
        end'
    ) }}
),

leads as (
    {{ current_rows(
        source('salesforce', 'leads'),
        ['id'],
        'case
            when try_cast(_fivetran_active as boolean)
                then cast(make_date(9999, 12, 31) as string)
            else coalesce(system_modstamp, last_modified_date, _fivetran_synced)
        end'
    ) }}
),

people as (
    select
        _source,
        id,
        email__hash,
        coalesce(mobile_phone__hash, phone__hash) as phone_hash,
        email,
        coalesce({{ blank_to_null('mobile_phone') }}, {{ blank_to_null('phone') }}) as phone,
        first_name,
        last_name,
        mailing_street as street,
        mailing_postal_code as postal_code,
        mailing_city as city,
        mailing_country as country,
        last_modified_date
    from contacts
    union all
    select
        _source,
        id,
        email__hash,
        coalesce(mobile_phone__hash, phone__hash) as phone_hash,
        email,
        coalesce({{ blank_to_null('mobile_phone') }}, {{ blank_to_null('phone') }}) as phone,
        first_name,
        last_name,
        street,
        postal_code,
        city,
        country,
        last_modified_date
    from leads
),

final as (
    select
        _source as source,
        'contact' as entity,
        id as record_id,
        email__hash as email_hash,
        phone_hash,
        {{ blank_to_null('email') }} as email,
        phone,
        {{ blank_to_null('first_name') }} as first_name,
        {{ blank_to_null('last_name') }} as last_name,
        {{ blank_to_null('street') }} as street,
        {{ blank_to_null('postal_code') }} as postal_code,
        {{ blank_to_null('city') }} as city,
        {{ blank_to_null('country') }} as country,
        {{ text_to_timestamp('last_modified_date') }} as updated_at
    from people
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
