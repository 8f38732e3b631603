with invitations as (
    {{ current_rows(source('questback', 'invitations'), ['survey_id', 'invitation_id']) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'survey_invitation'", "survey_id", "invitation_id"]) }}
            as survey_invitation_key,
        _source as source,
        survey_id,
        invitation_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        nullif(trim(contact_id), '') as contact_id,
        lower(nullif(trim(channel), '')) as channel,
        nullif(trim(touchpoint_id), '') as touchpoint_id,
        {{ text_to_timestamp('sent_at', "'" ~ var('business_timezone') ~ "'") }} as invited_at,
        coalesce(lower(trim(delivery_status)), '') = 'delivered' as is_delivered
    from invitations
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
