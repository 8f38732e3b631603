with

scores as (
    select * from {{ ref('int_survey_scores_conformed') }}
),

waved as (
    select * from {{ ref('int_survey_responses_waved') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

final as (
    select
        scores.survey_answer_key,
        scores.survey_response_key,
        scores.source,
        scores.survey_id,
        scores.question_id,
        scores.question_version,
        scores.metric_id,
        scores.dimension,
        scores.scale_min,
        scores.scale_max,
        scores.high_is_good,
        scores.score,
        scores.is_valid_score,
        scores.has_comment,
        cast(
            case when scores.has_comment then length(trim(scores.comment_text)) end as bigint
        ) as comment_length,
        scores.touchpoint_id,
        scores.journey_stage,
        scores.channel,
        scores.submitted_at,
        scores.submitted_date,
        waved.wave_id,
        records_resolved.identifier_key,
        records_resolved.customer_id
    from scores
    left join waved on scores.survey_response_key = waved.survey_response_key
    left join records_resolved
        on scores.identity_record_key = records_resolved.identity_record_key
)

select * from final
