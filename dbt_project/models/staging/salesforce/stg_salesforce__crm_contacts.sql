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
        _source as source,
        id as contact_id,
        {{ blank_to_null('account_id') }} as company_id,
        email,
        email__hash,
        coalesce(mobile_phone__hash, phone__hash) as phone_hash,
        loyalty_id__c,
        web_user_id__c,
        web_client_id__c,
        persona__c,
        cast(null as string) as lifecycle_stage,
        mailing_country as country,
        mailing_city as city,
        -- a birth date is written YYYY-MM-DD
        left(trim(birthdate), 4) as birth_year,
        has_opted_out_of_email,
        email_opt_in__c,
        sms_opt_in__c,
        created_date,
        last_modified_date,
        is_deleted,
        _fivetran_deleted,
        _fivetran_active,
        cast(null as string) as converted_contact_id
    from contacts
    union all
    -- a lead is a contact that has not been qualified yet
    select
        _source as source,
        id as contact_id,
        cast(null as string) as company_id,
        email,
        email__hash,
        coalesce(mobile_phone__hash, phone__hash) as phone_hash,
        loyalty_id__c,
        web_user_id__c,
        web_client_id__c,
        persona__c,
        'lead' as lifecycle_stage,
        country,
        city,
        cast(null as string) as birth_year,
        has_opted_out_of_email,
        email_opt_in__c,
        sms_opt_in__c,
        created_date,
        last_modified_date,
        is_deleted,
        _fivetran_deleted,
        _fivetran_active,
        {{ blank_to_null('converted_contact_id') }} as converted_contact_id
    from leads
),

final as (
    select
        {{ surrogate_key(["source", "'crm_contact'", "contact_id"]) }} as crm_contact_key,
        source,
        contact_id,
        company_id,
        email__hash as email_hash,
        phone_hash,
        {{ blank_to_null('loyalty_id__c') }} as loyalty_id,
        {{ blank_to_null('web_user_id__c') }} as user_id,
        {{ blank_to_null('web_client_id__c') }} as client_id,
        lifecycle_stage,
        -- the export names one stage, that of leads: nothing to fall back from
        cast(null as integer) as furthest_lifecycle_rank,
        replace({{ blank_to_null('lower(persona__c)') }}, ' ', '_') as persona_id,
        {{ blank_to_null('country') }} as country,
        {{ blank_to_null('city') }} as city,
        try_cast(birth_year as integer) as birth_year,
        -- not having opted out is no consent: the box is unticked on every new record
        case
            when {{ text_to_boolean('has_opted_out_of_email') }} then false
            else {{ text_to_boolean('email_opt_in__c') }}
        end as has_email_consent,
        {{ text_to_boolean('sms_opt_in__c') }} as has_sms_consent,
        {{ text_to_timestamp('created_date') }} as created_at,
        {{ text_to_timestamp('last_modified_date') }} as updated_at,
        {{ is_deleted_or_gone() }} or converted_contact_id is not null as is_deleted,
        {{ is_email_syntax('email') }} as is_email_valid,
        coalesce({{ is_test_email('email') }}, false) as is_test_address
    from people
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
