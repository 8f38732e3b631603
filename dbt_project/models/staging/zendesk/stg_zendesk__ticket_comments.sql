with comments as (
    {{ current_rows(source('zendesk', 'ticket_comments'), ['id'], '_fivetran_synced') }}
),

users as (
    select
        source,
        user_id,
        is_agent
    from {{ ref('stg_zendesk__users') }}
),

final as (
    select
        {{ surrogate_key(["comments._source", "'ticket_comment'", "comments.id"]) }}
            as ticket_comment_key,
        comments._source as source,
        comments.id as comment_id,
        comments.ticket_id as case_id,
        {{ blank_to_null('comments.author_id') }} as author_id,
        {{ blank_to_null('comments.body') }} as comment_text,
        coalesce({{ text_to_boolean('comments.public') }}, true) as is_public,
        -- whoever is not known as an agent is taken to be a customer
        coalesce(users.is_agent, false) as is_by_agent,
        {{ text_to_timestamp('comments.created_at') }} as created_at
    from comments
    left join users on comments._source = users.source and comments.author_id = users.user_id
)

select
    ticket_comment_key,
    source,
    comment_id,
    case_id,
    author_id,
    comment_text,
    is_public,
    is_by_agent,
    created_at
from final
