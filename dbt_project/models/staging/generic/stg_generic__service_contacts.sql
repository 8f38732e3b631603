with mapped as (
    {{ current_rows(source('generic', 'service_contacts'), ['contact_ref'], 'ended_at') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'service_contact'", "contact_ref"]) }} as service_contact_key,
        _source as source,
        contact_ref,
        {{ blank_to_null('case_ref') }} as case_ref,
        lower({{ blank_to_null('channel') }}) as channel,
        lower({{ blank_to_null('direction') }}) as direction,
        {{ blank_to_null('queue') }} as queue,
        {{ blank_to_null('menu_choice') }} as menu_choice,
        {{ blank_to_null('topic') }} as topic,
        {{ blank_to_null('agent_id') }} as agent_id,
        {{ blank_to_null('team_id') }} as team_id,
        phone__hash as phone_hash,
        email__hash as email_hash,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        {{ blank_to_null('client_id') }} as client_id,
        {{ mapped_timestamp('started_at') }} as started_at,
        {{ mapped_timestamp('ended_at') }} as ended_at,
        {{ text_to_number('wait_seconds', 'double') }} as wait_seconds,
        {{ text_to_number('handle_seconds', 'double') }} as handle_seconds,
        lower({{ blank_to_null('outcome') }}) as outcome,
        {{ text_to_boolean('is_transferred') }} as is_transferred,
        {{ text_to_boolean('is_resolved') }} as is_resolved,
        {{ text_to_boolean('begins_with_machine') }} as begins_with_machine
    from mapped
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
