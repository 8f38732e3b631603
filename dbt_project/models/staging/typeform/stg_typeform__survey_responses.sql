with responses as (
    {{ current_rows(source('typeform', 'responses'), ['token'], 'submitted_at') }}
),

renamed as (
    select
        -- ids
        _source as source,
        -- the Responses API does not name the form; its file does
        coalesce(
            nullif(form_id, ''),
            {{ json_text('definition', '$.id') }},
            nullif(regexp_extract(_source_file, 'responses_([^/]+?)[.]json', 1), '')
        ) as survey_id,
        token as response_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        {{ blank_to_null(json_text('hidden', '$.contact_id')) }} as contact_id,
        {{ blank_to_null(json_text('hidden', '$.user_id')) }} as user_id,
        {{ blank_to_null(json_text('hidden', '$.client_id')) }} as client_id,
        {{ blank_to_null(json_text('hidden', '$.loyalty_id')) }} as loyalty_id,
        replace({{ blank_to_null(json_text('hidden', '$.order_ref')) }}, '#', '') as order_ref,
        {{ blank_to_null(json_text('hidden', '$.case_ref')) }} as case_ref,

        -- text
        coalesce(lower({{ blank_to_null(json_text('hidden', '$.channel')) }}), 'web') as channel,
        {{ blank_to_null(json_text('hidden', '$.touchpoint_id')) }} as touchpoint_id,
        lower({{ blank_to_null(json_text('hidden', '$.language')) }}) as language,

        -- timestamps
        {{ text_to_timestamp('landed_at') }} as started_at,
        {{ text_to_timestamp('submitted_at') }} as submitted_at
    from responses
),

final as (
    select
        {{ survey_response_key() }} as survey_response_key,
        source,
        survey_id,
        response_id,
        cast(null as string) as invitation_id,
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
        cast(null as timestamp) as invited_at,
        started_at,
        submitted_at,
        {{ local_date('submitted_at') }} as submitted_date,
        -- only submitted forms are sent
        true as is_complete
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
