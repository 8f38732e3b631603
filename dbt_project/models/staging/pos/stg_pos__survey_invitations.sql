with sms_feedback as (
    {{ current_rows(source('pos', 'sms_feedback'), ['feedback_id'], 'received_at') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'survey_invitation'", "'pos_sms'", "feedback_id"]) }}
            as survey_invitation_key,
        _source as source,
        'pos_sms' as survey_id,
        feedback_id as invitation_id,
        cast(null as string) as email_hash,
        phone__hash as phone_hash,
        cast(null as string) as contact_id,
        'sms' as channel,
        'store_purchase' as touchpoint_id,
        {{ text_to_timestamp('sent_at', "'" ~ var('business_timezone') ~ "'") }} as invited_at,
        -- a till that keeps no delivery reports only writes down what was sent
        coalesce(nullif(lower(trim(delivery_status)), ''), 'delivered') = 'delivered'
            as is_delivered
    from sms_feedback
)

select
    survey_invitation_key,
    source,
    survey_id,
    invitation_id,
    email_hash,
    phone_hash,
    contact_id,
    channel,
    touchpoint_id,
    invited_at,
    is_delivered
from final
