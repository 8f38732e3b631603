with mapped as (
    {{ current_rows(source('generic', 'crm_contacts'), ['contact_id'], 'updated_at') }}
),

stages_reached as (
    {{ furthest_lifecycle(source('generic', 'crm_contacts'), 'contact_id', 'lifecycle_stage') }}
),

final as (
    select
        {{ surrogate_key(["mapped._source", "'contact'", "mapped.contact_id"]) }}
            as crm_contact_key,
        mapped._source as source,
        mapped.contact_id,
        {{ blank_to_null('company_id') }} as company_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('client_id') }} as client_id,
        {{ blank_to_null('lifecycle_stage') }} as lifecycle_stage,
        stages_reached.furthest_lifecycle_rank,
        {{ blank_to_null('persona_id') }} as persona_id,
        {{ blank_to_null('country') }} as country,
        {{ blank_to_null('city') }} as city,
        {{ text_to_number('birth_year', 'integer') }} as birth_year,
        {{ text_to_boolean('has_email_consent') }} as has_email_consent,
        {{ text_to_boolean('has_sms_consent') }} as has_sms_consent,
        {{ mapped_timestamp('created_at') }} as created_at,
        {{ mapped_timestamp('updated_at') }} as updated_at,
        coalesce({{ text_to_boolean('is_deleted') }}, false) as is_deleted,
        {{ is_email_syntax('email') }} as is_email_valid,
        coalesce({{ is_test_email('email') }}, false) as is_test_address
    from mapped
    left join stages_reached
        on
            mapped._source = stages_reached._source
            and mapped.contact_id = stages_reached.contact_id
)

select
    crm_contact_key,
    source,
    contact_id,
    company_id,
    email_hash,
    phone_hash,
    loyalty_id,
    user_id,
    client_id,
    lifecycle_stage,
    furthest_lifecycle_rank,
    persona_id,
    country,
    city,
    birth_year,
    has_email_consent,
    has_sms_consent,
    created_at,
    updated_at,
    is_deleted,
    is_email_valid,
    is_test_address
from final
