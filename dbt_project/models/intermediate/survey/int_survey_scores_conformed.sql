with

answers as (
    select * from {{ ref('int_survey_answers_unioned') }}
),

responses as (
    select * from {{ ref('int_survey_responses_identified') }}
),

questions as (
    select * from {{ ref('survey_questions') }}
),

touchpoints as (
    select * from {{ ref('touchpoints') }}
),

-- a question that nobody declared stays an answer and measures nothing
asked as (
    select
        answers.survey_answer_key,
        answers.survey_response_key,
        answers.source,
        answers.survey_id,
        answers.response_id,
        answers.question_id,
        answers.question_version,
        answers.answer_text,
        answers.answer_number,
        answers.submitted_at,
        questions.metric_id,
        questions.dimension,
        questions.scale_min,
        questions.scale_max,
        questions.high_is_good,
        questions.touchpoint_id as question_touchpoint_id
    from answers
    left join questions
        on
            answers.source = questions.source
            and answers.survey_id = questions.survey_id
            and answers.question_id = questions.question_id
            and answers.question_version = questions.question_version
),

final as (
    select
        asked.survey_answer_key,
        asked.survey_response_key,
        asked.source,
        asked.survey_id,
        asked.response_id,
        asked.question_id,
        asked.question_version,
        asked.metric_id,
        asked.dimension,
        asked.scale_min,
        asked.scale_max,
        asked.high_is_good,
        case when asked.scale_min is not null then asked.answer_number end as score,
        -- off the scale is shown and counted by the audit, and left out of every figure
        coalesce(
            asked.answer_number between asked.scale_min and asked.scale_max
            and asked.answer_number = floor(asked.answer_number),
            false
        ) as is_valid_score,
        asked.answer_text as comment_text,
        -- words are a comment where the question asks for words, or where nobody said what it asks
        coalesce(asked.metric_id, 'open_text') = 'open_text'
        and asked.answer_number is null
        and nullif(trim(asked.answer_text), '') is not null as has_comment,
        coalesce(asked.question_touchpoint_id, responses.touchpoint_id) as touchpoint_id,
        touchpoints.stage_id as journey_stage,
        responses.channel,
        asked.submitted_at,
        responses.submitted_date,
        responses.identity_record_key,
        -- A survey that weighs its respondents brings the weight as the answer to a question of its
        -- own; all others weigh alike.
        coalesce(
            max(
                case
                    when asked.metric_id = 'response_weight' and asked.answer_number > 0
                        then asked.answer_number
                end
            ) over (partition by asked.survey_response_key),
            cast(1 as double)
        ) as response_weight
    from asked
    left join responses on asked.survey_response_key = responses.survey_response_key
    left join touchpoints
        on
            coalesce(asked.question_touchpoint_id, responses.touchpoint_id)
            = touchpoints.touchpoint_id
)

select * from final
