with responses as (
    {{ current_rows(source('qualtrics', 'responses'), ['ResponseId'], 'RecordedDate') }}
),

history as (
    {{ current_rows(
        source('qualtrics', 'distribution_history'), ['distributionId', 'contactId'], 'sentAt'
    ) }}
),

answered_invitations as (
    select
        _source,
        responseId as response_id,
        max(distributionId || ':' || contactId) as invitation_id,
        max({{ text_to_timestamp('sentAt') }}) as invited_at
    from history
    where nullif(trim(responseId), '') is not null
    group by _source, responseId
),

renamed as (
    select
        -- ids
        _source as source,
        -- neither export says which survey it is; the file is named after it
        nullif(
            regexp_extract(
                _source_file, '(?:^|/)(?:responses_)?([^/]+?)[.](?:csv|json)(?:[.][a-z]+)?$', 1
            ),
            ''
        ) as survey_id,
        ResponseId as response_id,
        RecipientEmail__hash as email_hash,
        phone__hash as phone_hash,
        nullif(trim(ExternalReference), '') as contact_id,
        nullif(trim(user_id), '') as user_id,
        nullif(trim(client_id), '') as client_id,
        nullif(trim(loyalty_id), '') as loyalty_id,
        replace(nullif(trim(order_ref), ''), '#', '') as order_ref,
        nullif(trim(case_ref), '') as case_ref,

        -- text
        case lower(trim(DistributionChannel))
            when 'email' then 'email'
            when 'gl' then 'email'
            when 'sms' then 'sms'
            else 'web'
        end as channel,
        nullif(trim(touchpoint_id), '') as touchpoint_id,
        lower(nullif(trim(UserLanguage), '')) as language,

        -- booleans
        coalesce({{ text_to_boolean('Finished') }}, false) as is_complete,

        -- timestamps
        {{ text_to_timestamp('StartDate') }} as started_at,
        coalesce(
            {{ text_to_timestamp('RecordedDate') }},
            {{ text_to_timestamp('EndDate') }},
            {{ text_to_timestamp('StartDate') }}
        ) as submitted_at
    from responses
    -- previews, test responses and spam were never given by a customer
    where
        lower(trim(coalesce(Status, '0'))) not in (
            '1', 'survey preview', '2', 'survey test', '8', 'spam', '9', 'survey preview spam'
        )
),

final as (
    select
        {{ survey_response_key('renamed') }} as survey_response_key,
        renamed.source,
        renamed.survey_id,
        renamed.response_id,
        answered_invitations.invitation_id,
        renamed.email_hash,
        renamed.phone_hash,
        renamed.contact_id,
        renamed.user_id,
        renamed.client_id,
        renamed.loyalty_id,
        renamed.order_ref,
        renamed.case_ref,
        renamed.channel,
        renamed.touchpoint_id,
        renamed.language,
        answered_invitations.invited_at,
        renamed.started_at,
        renamed.submitted_at,
        {{ local_date('renamed.submitted_at') }} as submitted_date,
        renamed.is_complete
    from renamed
    left join answered_invitations
        on
            renamed.source = answered_invitations._source
            and renamed.response_id = answered_invitations.response_id
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
