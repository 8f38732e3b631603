with history as (
    {{ current_rows(
        source('qualtrics', 'distribution_history'), ['distributionId', 'contactId'], 'sentAt'
    ) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'survey_invitation'", "distributionId", "contactId"]) }}
            as survey_invitation_key,
        _source as source,
        nullif(
            regexp_extract(_source_file, 'distribution_history_([^/]+?)[.]json', 1), ''
        ) as survey_id,
        distributionId || ':' || contactId as invitation_id,
        cast(null as string) as email_hash,
        cast(null as string) as phone_hash,
        -- Qualtrics' own contact id must not be taken for a CRM contact
        cast(null as string) as contact_id,
        'email' as channel,
        cast(null as string) as touchpoint_id,
        {{ text_to_timestamp('sentAt') }} as invited_at,
        lower(coalesce(status, '')) not in (
            'email bounced', 'hard bounce', 'soft bounce', 'email blocked', 'failure',
            'email failed', 'pending'
        ) as is_delivered
    from history
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
