with sms_feedback as (
    {{ current_rows(source('pos', 'sms_feedback'), ['feedback_id'], 'received_at') }}
),

replies as (
    select
        _source as source,
        'pos_sms' as survey_id,
        feedback_id as response_id,
        phone__hash as phone_hash,
        nullif(trim(loyalty_id), '') as loyalty_id,
        nullif(trim(receipt_id), '') as order_ref,
        lower(nullif(trim(language), '')) as language,
        {{ text_to_timestamp('sent_at', "'" ~ var('business_timezone') ~ "'") }} as invited_at,
        {{ text_to_timestamp('received_at', "'" ~ var('business_timezone') ~ "'") }}
            as submitted_at
    from sms_feedback
    where nullif(trim(message), '') is not null
),

final as (
    select
        {{ survey_response_key() }} as survey_response_key,
        source,
        survey_id,
        response_id,
        response_id as invitation_id,
        cast(null as string) as email_hash,
        phone_hash,
        cast(null as string) as contact_id,
        cast(null as string) as user_id,
        cast(null as string) as client_id,
        loyalty_id,
        order_ref,
        cast(null as string) as case_ref,
        'sms' as channel,
        'store_purchase' as touchpoint_id,
        language,
        invited_at,
        cast(null as timestamp) as started_at,
        coalesce(submitted_at, invited_at) as submitted_at,
        {{ local_date('coalesce(submitted_at, invited_at)') }} as submitted_date,
        true as is_complete
    from replies
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
