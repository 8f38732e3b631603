{#- What the help desk says itself: whole minutes, by the wall clock and in its own schedule. -#}
{%- set desk_minutes = {
    'desk_reply_minutes': '$.reply_time_in_minutes.calendar',
    'desk_reply_open_minutes': '$.reply_time_in_minutes.business',
    'desk_resolution_minutes': '$.full_resolution_time_in_minutes.calendar',
    'desk_resolution_open_minutes': '$.full_resolution_time_in_minutes.business',
} -%}
with tickets as (
    {{ current_rows(
        source('zendesk', 'tickets'), ['id'], 'coalesce(updated_at, _fivetran_synced)'
    ) }}
),

ticket_fields as (
    {{ current_rows(source('zendesk', 'ticket_fields'), ['id'], 'updated_at') }}
),

loader_tags as (
    select
        _source,
        ticket_id,
        tag
    from {{ source('zendesk', 'ticket_tags') }}
),

users as (
    select
        source,
        user_id,
        contact_id,
        email_hash,
        phone_hash
    from {{ ref('stg_zendesk__users') }}
),

comments as (
    select
        source,
        case_id,
        author_id,
        created_at,
        is_public and is_by_agent as is_from_agent,
        row_number() over (partition by source, case_id order by created_at, comment_id)
            as comment_number
    from {{ ref('stg_zendesk__ticket_comments') }}
),

-- every account numbers its custom fields its own way: the title says which is which
custom_values as (
    select
        tickets._source,
        tickets.id as ticket_id,
        {{ json_text('field.value', '$.id') }} as field_id,
        {{ json_text('field.value', '$.value') }} as field_value
    from tickets
    {{ json_elements('tickets.custom_fields', 'field') }}
),

custom_fields as (
    select
        custom_values._source,
        custom_values.ticket_id,
        max(custom_values.field_value) filter (
            where lower(trim(ticket_fields.title)) in ('topic', 'aihe')
        ) as topic,
        max(custom_values.field_value) filter (
            where lower(trim(ticket_fields.title)) in (
                'order', 'order id', 'order number', 'tilaus', 'tilausnumero'
            )
        ) as order_number
    from custom_values
    inner join ticket_fields
        on
            custom_values._source = ticket_fields._source
            and custom_values.field_id = ticket_fields.id
    where {{ blank_to_null('custom_values.field_value') }} is not null
    group by custom_values._source, custom_values.ticket_id
),

tags as (
    select
        tickets._source,
        tickets.id as ticket_id,
        {{ json_scalar('tag.value') }} as tag
    from tickets
    {{ json_elements('tickets.tags', 'tag') }}
    union all
    select
        _source,
        ticket_id,
        tag
    from loader_tags
),

-- accounts without a topic field tag tickets topic_<topic>
tagged_topics as (
    select
        _source,
        ticket_id,
        min(nullif(regexp_extract(lower(tag), '^(topic|aihe)_(.+)$', 2), '')) as topic
    from tags
    group by _source, ticket_id
),

first_responses as (
    select
        tickets._source,
        tickets.id as ticket_id,
        min(comments.created_at) as first_response_at
    from tickets
    inner join comments on tickets._source = comments.source and tickets.id = comments.case_id
    where
        -- who asked may have been lost; who answered is an agent all the same
        coalesce(comments.author_id <> tickets.requester_id, true)
        and comments.is_from_agent
        -- The comment that opens a ticket is no response, whoever wrote it; but a chat may be
        -- answered in the second in which it began.
        and (
            comments.created_at > {{ text_to_timestamp('tickets.created_at') }}
            or (
                comments.created_at = {{ text_to_timestamp('tickets.created_at') }}
                and comments.comment_number > 1
            )
        )
    group by tickets._source, tickets.id
),

joined as (
    select
        tickets._source as source,
        tickets.id as case_id,
        users.contact_id,
        users.email_hash,
        users.phone_hash,
        lower(trim(tickets.via_channel)) as via_channel,
        coalesce(
            custom_fields.topic, {{ blank_to_null('tickets.custom_topic') }}, tagged_topics.topic
        ) as topic,
        {{ blank_to_null('lower(tickets.priority)') }} as priority,
        lower(trim(tickets.status)) as zendesk_status,
        {{ text_to_timestamp('tickets.created_at') }} as created_at,
        first_responses.first_response_at,
        {{ text_to_timestamp(json_text('tickets.metric_set', '$.solved_at')) }} as metric_solved_at,
        {{ text_to_timestamp('tickets.updated_at') }} as updated_at,
        -- noqa: disable=LT02
        {%- for column, path in desk_minutes.items() %}
        {{ text_to_number(json_text('tickets.metric_set', path), 'double') }} as {{ column }},
        {%- endfor %}
        -- noqa: enable=LT02
        {{ blank_to_null('tickets.assignee_id') }} as agent_id,
        {{ blank_to_null('tickets.group_id') }} as team_id,
        coalesce({{ text_to_boolean('tickets._fivetran_deleted') }}, false) as is_gone,
        replace(
            coalesce(
                custom_fields.order_number, {{ blank_to_null('tickets.custom_order_number') }}
            ),
            '#', ''
        ) as order_ref
    from tickets
    left join users on tickets._source = users.source and tickets.requester_id = users.user_id
    left join custom_fields
        on tickets._source = custom_fields._source and tickets.id = custom_fields.ticket_id
    left join tagged_topics
        on tickets._source = tagged_topics._source and tickets.id = tagged_topics.ticket_id
    left join first_responses
        on tickets._source = first_responses._source and tickets.id = first_responses.ticket_id
),

final as (
    select
        {{ surrogate_key(["source", "'service_case'", "case_id"]) }} as service_case_key,
        source,
        case_id,
        contact_id,
        email_hash,
        phone_hash,
        case
            when via_channel in ('web', 'web_form', 'web_widget', 'help_center', 'help_centre')
                then 'web'
            when via_channel in ('mobile', 'mobile_sdk') then 'app'
            when via_channel = 'email' then 'email'
            when via_channel in ('voice', 'phone') then 'phone'
            when via_channel = 'sms' then 'sms'
            when
                via_channel in (
                    'chat', 'native_messaging', 'messaging', 'whatsapp', 'facebook',
                    'instagram_dm', 'twitter', 'twitter_dm', 'line', 'any_channel'
                )
                then 'chat'
        end as channel,
        topic,
        priority,
        case
            when is_gone or zendesk_status = 'deleted' then 'deleted'
            when zendesk_status in ('new', 'open') then 'open'
            when zendesk_status in ('pending', 'hold', 'on-hold') then 'pending'
            when zendesk_status in ('solved', 'closed') then zendesk_status
        end as status,
        created_at,
        first_response_at,
        case
            when zendesk_status in ('solved', 'closed') then coalesce(metric_solved_at, updated_at)
        end as solved_at,
        updated_at,
        agent_id,
        team_id,
        is_gone or coalesce(zendesk_status = 'deleted', false) as is_deleted,
        order_ref,
        {{ desk_minutes | join(',\n        ') }}
    from joined
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
    order_ref,
    {{ desk_minutes | join(',\n    ') }}
from final
