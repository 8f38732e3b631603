with responses as (
    {{ current_rows(source('surveymonkey', 'responses'), ['id'], 'date_modified') }}
),

surveys as (
    {{ current_rows(source('surveymonkey', 'survey_details'), ['id'], 'date_modified') }}
),

renamed as (
    select
        -- ids
        responses._source as source,
        responses.survey_id,
        responses.id as response_id,
        nullif(responses.recipient_id, '') as invitation_id,
        responses.email_address__hash as email_hash,
        responses.phone__hash as phone_hash,
        {{ blank_to_null(json_text('responses.custom_variables', '$.contact_id')) }} as contact_id,
        {{ blank_to_null(json_text('responses.custom_variables', '$.user_id')) }} as user_id,
        {{ blank_to_null(json_text('responses.custom_variables', '$.client_id')) }} as client_id,
        {{ blank_to_null(json_text('responses.custom_variables', '$.loyalty_id')) }} as loyalty_id,
        replace(
            {{ blank_to_null(json_text('responses.custom_variables', '$.order_ref')) }}, '#', ''
        ) as order_ref,
        {{ blank_to_null(json_text('responses.custom_variables', '$.case_ref')) }} as case_ref,

        -- text
        {{ blank_to_null(json_text('responses.custom_variables', '$.channel')) }} as link_channel,
        {{ blank_to_null(json_text('responses.custom_variables', '$.touchpoint_id')) }}
            as touchpoint_id,
        lower(nullif(surveys.language, '')) as language,

        -- booleans
        lower(responses.response_status) = 'completed' as is_complete,

        -- timestamps
        {{ text_to_timestamp('responses.date_created') }} as started_at,
        coalesce(
            {{ text_to_timestamp('responses.date_modified') }},
            {{ text_to_timestamp('responses.date_created') }}
        ) as submitted_at
    from responses
    left join surveys
        on responses._source = surveys._source and responses.survey_id = surveys.id
),

final as (
    select
        {{ survey_response_key() }} as survey_response_key,
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
        -- who was invited by name got an e-mail; everybody else followed a link
        coalesce(
            lower(link_channel), case when invitation_id is null then 'web' else 'email' end
        ) as channel,
        touchpoint_id,
        language,
        cast(null as timestamp) as invited_at,
        started_at,
        submitted_at,
        {{ local_date('submitted_at') }} as submitted_date,
        is_complete
    from renamed
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
