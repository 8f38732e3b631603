with mapped as (
    {{ current_rows(source('generic', 'service_cases'), ['case_id'], 'updated_at') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'service_case'", "case_id"]) }} as service_case_key,
        _source as source,
        case_id,
        {{ blank_to_null('contact_id') }} as contact_id,
        email__hash as email_hash,
        phone__hash as phone_hash,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ blank_to_null('topic') }} as topic,
        lower({{ blank_to_null('priority') }}) as priority,
        lower({{ blank_to_null('status') }}) as status,
        {{ mapped_timestamp('created_at') }} as created_at,
        {{ mapped_timestamp('first_response_at') }} as first_response_at,
        {{ mapped_timestamp('solved_at') }} as solved_at,
        {{ mapped_timestamp('updated_at') }} as updated_at,
        {{ blank_to_null('agent_id') }} as agent_id,
        {{ blank_to_null('team_id') }} as team_id,
        coalesce(
            {{ text_to_boolean('is_deleted') }},
            lower({{ blank_to_null('status') }}) = 'deleted',
            false
        ) as is_deleted,
        {{ blank_to_null('order_ref') }} as order_ref
    from mapped
)

select
    service_case_key,
    source,
    case_id,
    contact_id,
    email_hash,
    phone_hash,
    channel,
    topic,
    priority,
    status,
    created_at,
    first_response_at,
    solved_at,
    updated_at,
    agent_id,
    team_id,
    is_deleted,
    order_ref
from final
