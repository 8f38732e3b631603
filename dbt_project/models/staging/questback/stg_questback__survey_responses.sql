with responses as (
    {{ current_rows(
        source('questback', 'responses'), ['survey_id', 'respondent_id'], 'completed_at'
    ) }}
),

invitations as (
    select
        source,
        survey_id,
        invitation_id,
        invited_at
    from {{ ref('stg_questback__survey_invitations') }}
),

renamed as (
    select
        -- ids
        _source as source,
        survey_id,
        respondent_id as response_id,
        nullif(trim(invitation_id), '') as invitation_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        nullif(trim(contact_id), '') as contact_id,
        nullif(trim(user_id), '') as user_id,
        nullif(trim(client_id), '') as client_id,
        nullif(trim(loyalty_id), '') as loyalty_id,
        replace(nullif(trim(order_ref), ''), '#', '') as order_ref,
        nullif(trim(case_ref), '') as case_ref,

        -- text
        lower(nullif(trim(channel), '')) as channel,
        nullif(trim(touchpoint_id), '') as touchpoint_id,
        lower(nullif(trim(language), '')) as language,

        -- timestamps
        {{ text_to_timestamp('started_at', "'" ~ var('business_timezone') ~ "'") }} as started_at,
        {{ text_to_timestamp('completed_at', "'" ~ var('business_timezone') ~ "'") }}
            as completed_at,

        -- booleans
        case
            when nullif(trim(status), '') is null then nullif(trim(completed_at), '') is not null
            else lower(trim(status)) in ('complete', 'completed')
        end as is_complete
    from responses
),

final as (
    select
        {{ survey_response_key('renamed') }} as survey_response_key,
        renamed.source,
        renamed.survey_id,
        renamed.response_id,
        renamed.invitation_id,
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
        invitations.invited_at,
        renamed.started_at,
        coalesce(renamed.completed_at, renamed.started_at) as submitted_at,
        {{ local_date('coalesce(renamed.completed_at, renamed.started_at)') }} as submitted_date,
        renamed.is_complete
    from renamed
    left join invitations
        on
            renamed.source = invitations.source
            and renamed.survey_id = invitations.survey_id
            and renamed.invitation_id = invitations.invitation_id
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
