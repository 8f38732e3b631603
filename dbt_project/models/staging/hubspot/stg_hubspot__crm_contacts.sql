with contacts as (
    {{ current_rows(
        source('hubspot', 'contacts'),
        ['id'],
        'coalesce(lastmodifieddate, updatedAt, _fivetran_synced)'
    ) }}
),

stages_reached as (
    {{ furthest_lifecycle(source('hubspot', 'contacts'), 'id', 'lifecyclestage') }}
),

contact_merges as (
    select
        source,
        merged_contact_id
    from {{ ref('stg_hubspot__crm_merges') }}
    where unmerged_at is null
),

merged_away as (
    select distinct
        source,
        merged_contact_id
    from contact_merges
),

final as (
    select
        {{ surrogate_key(["contacts._source", "'crm_contact'", "contacts.id"]) }}
            as crm_contact_key,
        contacts._source as source,
        contacts.id as contact_id,
        coalesce(
            {{ blank_to_null('contacts.associatedcompanyid') }},
            {{ json_text('contacts.associations', '$.companies.results[0].id') }}
        ) as company_id,
        contacts.email__hash as email_hash,
        coalesce(contacts.mobilephone__hash, contacts.phone__hash) as phone_hash,
        {{ blank_to_null('contacts.loyalty_id') }} as loyalty_id,
        {{ blank_to_null('contacts.web_user_id') }} as user_id,
        {{ blank_to_null('contacts.web_client_id') }} as client_id,
        {{ blank_to_null('lower(contacts.lifecyclestage)') }} as lifecycle_stage,
        stages_reached.furthest_lifecycle_rank,
        replace({{ blank_to_null('lower(contacts.persona)') }}, ' ', '_') as persona_id,
        {{ blank_to_null('contacts.country') }} as country,
        {{ blank_to_null('contacts.city') }} as city,
        try_cast({{ blank_to_null('contacts.birth_year') }} as integer) as birth_year,
        -- an opt-out of all e-mail overrules a consent given to one subscription
        case
            when {{ text_to_boolean('contacts.hs_email_optout') }} then false
            else {{ text_to_boolean('contacts.email_opt_in') }}
        end as has_email_consent,
        {{ text_to_boolean('contacts.sms_opt_in') }} as has_sms_consent,
        coalesce(
            {{ text_to_timestamp('contacts.createdate') }},
            {{ text_to_timestamp('contacts.createdAt') }}
        ) as created_at,
        coalesce(
            {{ text_to_timestamp('contacts.lastmodifieddate') }},
            {{ text_to_timestamp('contacts.updatedAt') }}
        ) as updated_at,
        coalesce({{ text_to_boolean('contacts.archived') }}, false)
        or merged_away.merged_contact_id is not null as is_deleted,
        {{ is_email_syntax('contacts.email') }} as is_email_valid,
        coalesce({{ is_test_email('contacts.email') }}, false) as is_test_address
    from contacts
    left join merged_away
        on
            contacts._source = merged_away.source
            and contacts.id = merged_away.merged_contact_id
    left join stages_reached
        on
            contacts._source = stages_reached._source
            and contacts.id = stages_reached.id
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
