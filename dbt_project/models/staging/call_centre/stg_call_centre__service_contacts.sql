with contacts as (
    {{ current_rows(source('call_centre', 'contacts'), ['contact_ref']) }}
),

renamed as (
    select
        _source as source,
        contact_ref,
        {{ blank_to_null('ticket_id') }} as case_ref,
        lower(trim(channel)) as logged_channel,
        {{ blank_to_null('lower(direction)') }} as logged_direction,
        {{ blank_to_null('queue') }} as queue,
        {{ blank_to_null('ivr_choice') }} as menu_choice,
        {{ blank_to_null('topic') }} as topic,
        {{ blank_to_null('agent_id') }} as agent_id,
        {{ blank_to_null('team') }} as team_id,
        phone__hash as phone_hash,
        email__hash as email_hash,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('client_id') }} as client_id,
        -- the log keeps the clock on the wall; in the hour that autumn repeats, the engine takes
        -- one of the two readings, the same for start and end
        {{ text_to_timestamp('started_at', zone="'" ~ var('business_timezone') ~ "'") }}
            as started_at,
        {{ text_to_timestamp('ended_at', zone="'" ~ var('business_timezone') ~ "'") }} as ended_at,
        {{ text_to_number('wait_seconds', type='double') }} as wait_seconds,
        {{ text_to_number('handle_seconds', type='double') }} as handle_seconds,
        {{ blank_to_null('lower(outcome)') }} as outcome,
        {{ text_to_boolean('transferred') }} as is_transferred,
        {{ text_to_boolean('resolved') }} as is_resolved
    from contacts
),

final as (
    select
        {{ surrogate_key(["source", "'service_contact'", "contact_ref"]) }} as service_contact_key,
        source,
        contact_ref,
        case_ref,
        case
            when logged_channel in ('phone', 'call', 'voice', 'puhelu', 'puhelin') then 'phone'
            when logged_channel in ('ivr', 'voicebot') then 'ivr'
            when logged_channel in ('sms', 'text', 'tekstiviesti') then 'sms'
            when logged_channel in ('chat', 'chatbot', 'webchat') then 'chat'
            when logged_channel in ('email', 'e-mail', 'sähköposti') then 'email'
        end as channel,
        case
            when logged_direction in ('outbound', 'out', 'lähtevä') then 'outbound'
            else 'inbound'
        end as direction,
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
        coalesce(is_transferred, outcome = 'transferred') as is_transferred,
        coalesce(is_resolved, case when outcome in ('resolved', 'contained') then true end)
            as is_resolved,
        -- the channel of a bot's chat is chat: that a bot led it would be lost
        case when logged_channel in ('ivr', 'voicebot', 'chatbot') then true end
            as begins_with_machine
    from renamed
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
