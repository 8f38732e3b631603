with ratings as (
    {{ current_rows(source('zendesk', 'satisfaction_ratings'), ['id'], 'updated_at') }}
),

final as (
    select
        {{ surrogate_key(["_source", "'satisfaction_rating'", "id"]) }} as satisfaction_rating_key,
        _source as source,
        id as rating_id,
        ticket_id as case_id,
        {{ blank_to_null('requester_id') }} as requester_id,
        lower(trim(score)) as score,
        {{ blank_to_null('comment') }} as comment_text,
        {{ text_to_timestamp('created_at') }} as offered_at,
        {{ text_to_timestamp('updated_at') }} as rated_at
    from ratings
)

select
    satisfaction_rating_key,
    source,
    rating_id,
    case_id,
    requester_id,
    score,
    comment_text,
    offered_at,
    rated_at
from final
