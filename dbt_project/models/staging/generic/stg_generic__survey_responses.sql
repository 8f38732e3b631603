with mapped as (
    {{ current_rows(
        source('generic', 'survey_responses'), ['survey_id', 'response_id'], 'submitted_at'
    ) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'survey_response'", "survey_id", "response_id"]) }}
            as survey_response_key,
        _source as source,
        survey_id,
        response_id,
        {{ blank_to_null('invitation_id') }} as invitation_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null('contact_id') }} as contact_id,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('client_id') }} as client_id,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('order_ref') }} as order_ref,
        {{ blank_to_null('case_ref') }} as case_ref,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ blank_to_null('touchpoint_id') }} as touchpoint_id,
        lower({{ blank_to_null('language') }}) as language,
        {{ mapped_timestamp('invited_at') }} as invited_at,
        {{ mapped_timestamp('started_at') }} as started_at,
        {{ mapped_timestamp('submitted_at') }} as submitted_at,
        {{ local_date(mapped_timestamp('submitted_at')) }} as submitted_date,
        coalesce({{ text_to_boolean('is_complete') }}, submitted_at is not null) as is_complete
    from mapped
)

select
    survey_response_key,
    source,
    survey_id,
    response_id,
    invitation_id,
    email_hash,
    phone_hash,
    contact_id,
    user_id,
    client_id,
    loyalty_id,
    order_ref,
    case_ref,
    channel,
    touchpoint_id,
    language,
    invited_at,
    started_at,
    submitted_at,
    submitted_date,
    is_complete
from final
