with

responses as (
    select * from {{ ref('int_survey_responses_identified') }}
),

scores as (
    select * from {{ ref('int_survey_scores_conformed') }}
),

waved as (
    select * from {{ ref('int_survey_responses_waved') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

answer_counts as (
    select
        survey_response_key,
        count(*) as answer_count,
        count(*) filter (where is_valid_score) as valid_score_count,
        count(*) filter (where score is not null and not is_valid_score) as invalid_score_count,
        bool_or(has_comment) as has_comment
    from scores
    group by survey_response_key
),

final as (
    select
        responses.survey_response_key,
        responses.source,
        responses.survey_id,
        responses.response_id,
        responses.invitation_id,
        responses.order_key,
        responses.service_case_key,
        records_resolved.identifier_key,
        records_resolved.customer_id,
        responses.channel,
        responses.touchpoint_id,
        responses.language,
        responses.invited_at,
        responses.started_at,
        responses.submitted_at,
        responses.submitted_date,
        waved.wave_id,
        {{ seconds_between('responses.started_at', 'responses.submitted_at') }} as answer_seconds,
        coalesce(responses.is_complete, false) as is_complete,
        coalesce(answer_counts.answer_count, 0) as answer_count,
        coalesce(answer_counts.valid_score_count, 0) as valid_score_count,
        coalesce(answer_counts.invalid_score_count, 0) as invalid_score_count,
        coalesce(answer_counts.has_comment, false) as has_comment
    from responses
    left join answer_counts on responses.survey_response_key = answer_counts.survey_response_key
    left join waved on responses.survey_response_key = waved.survey_response_key
    left join records_resolved
        on responses.identity_record_key = records_resolved.identity_record_key
)

select * from final
