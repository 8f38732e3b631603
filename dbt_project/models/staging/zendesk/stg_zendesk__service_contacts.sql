-- A ticket by telephone, SMS or chat is a conversation: the encounter itself, not a letter that is
-- answered later. E-mails and forms are cases only.
with conversations as (
    select
        source,
        case_id,
        channel,
        topic,
        agent_id,
        team_id,
        phone_hash,
        email_hash,
        created_at,
        first_response_at,
        solved_at,
        status
    from {{ ref('stg_zendesk__service_cases') }}
    where channel in ('phone', 'sms', 'chat') and not is_deleted
),

tickets as (
    {{ current_rows(
        source('zendesk', 'tickets'), ['id'], 'coalesce(updated_at, _fivetran_synced)'
    ) }}
),

comments as (
    select
        source,
        case_id,
        max(created_at) as last_comment_at
    from {{ ref('stg_zendesk__ticket_comments') }}
    where is_public
    group by source, case_id
),

final as (
    select
        {{ surrogate_key(["conversations.source", "'service_contact'", "conversations.case_id"]) }}
            as service_contact_key,
        conversations.source,
        conversations.case_id as contact_ref,
        conversations.case_id as case_ref,
        conversations.channel,
        case
            when lower(trim(tickets.via_source_rel)) = 'outbound' then 'outbound' else 'inbound'
        end as direction,
        cast(null as string) as queue,
        cast(null as string) as menu_choice,
        conversations.topic,
        conversations.agent_id,
        conversations.team_id,
        conversations.phone_hash,
        conversations.email_hash,
        cast(null as string) as loyalty_id,
        cast(null as string) as client_id,
        conversations.created_at as started_at,
        comments.last_comment_at as ended_at,
        {{ seconds_between('conversations.created_at', 'conversations.first_response_at') }}
            as wait_seconds,
        cast(null as double) as handle_seconds,
        case
            when conversations.status in ('solved', 'closed') then 'resolved'
            when conversations.first_response_at is not null then 'agent'
        end as outcome,
        cast(null as boolean) as is_transferred,
        conversations.status in ('solved', 'closed') as is_resolved,
        cast(null as boolean) as begins_with_machine
    from conversations
    inner join tickets
        on conversations.source = tickets._source and conversations.case_id = tickets.id
    left join comments
        on conversations.source = comments.source and conversations.case_id = comments.case_id
)

select
    service_contact_key,
    source,
    contact_ref,
    case_ref,
    channel,
    direction,
    queue,
    menu_choice,
    topic,
    agent_id,
    team_id,
    phone_hash,
    email_hash,
    loyalty_id,
    client_id,
    started_at,
    ended_at,
    wait_seconds,
    handle_seconds,
    outcome,
    is_transferred,
    is_resolved,
    begins_with_machine
from final
