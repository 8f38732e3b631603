with mapped as (
    {{ current_rows(source('generic', 'crm_contacts'), ['contact_id'], 'updated_at') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'contact'", "contact_id"]) }} as crm_contact_key,
        _source as source,
        contact_id,
        {{ blank_to_null('company_id') }} as company_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('client_id') }} as client_id,
        {{ blank_to_null('lifecycle_stage') }} as lifecycle_stage,
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
