with ratings as (
    select
        source,
        rating_id,
        score,
        comment_text,
        coalesce(rated_at, offered_at) as submitted_at
    from {{ ref('stg_zendesk__satisfaction_ratings') }}
    where score in ('good', 'bad')
),

answers as (
    select
        source,
        'satisfaction' as survey_id,
        rating_id as response_id,
        'satisfaction' as question_id,
        1 as question_version,
        1 as option_position,
        score as answer_text,
        cast(null as double) as answer_number,
        submitted_at
    from ratings
    union all
    select
        source,
        'satisfaction' as survey_id,
        rating_id as response_id,
        'comment' as question_id,
        1 as question_version,
        1 as option_position,
        comment_text as answer_text,
        cast(null as double) as answer_number,
        submitted_at
    from ratings
    where comment_text is not null
)

{{ conformed_survey_answers('answers') }}
