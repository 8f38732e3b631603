with mapped as (
    {{ current_rows(source('generic', 'survey_invitations'), ['survey_id', 'invitation_id']) }}
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
        {{ blank_to_null('contact_id') }} as contact_id,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ blank_to_null('touchpoint_id') }} as touchpoint_id,
        {{ mapped_timestamp('invited_at') }} as invited_at,
        {{ text_to_boolean('is_delivered') }} as is_delivered
    from mapped
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
