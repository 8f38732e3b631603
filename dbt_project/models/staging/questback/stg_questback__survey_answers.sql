with responses as (
    {{ current_rows(
        source('questback', 'responses'), ['survey_id', 'respondent_id'], 'completed_at'
    ) }}
),

-- One column a question, none of them declared: they are the members of _extra.
question_columns as (
    select
        responses._source,
        responses.survey_id,
        responses.respondent_id,
        coalesce(
            {{ text_to_timestamp('responses.completed_at', "'" ~ var('business_timezone') ~ "'") }},
            {{ text_to_timestamp('responses.started_at', "'" ~ var('business_timezone') ~ "'") }}
        ) as submitted_at,
        question.member as question_name,
        nullif(trim(question.value), '') as answer_text
    from responses
    {{ json_members('responses._extra', 'question') }}
),

answers as (
    select
        _source as source,
        survey_id,
        respondent_id as response_id,
        {{ question_id('question_name') }} as question_id,
        {{ question_version('question_name') }} as question_version,
        1 as option_position,
        answer_text,
        {{ answer_number('answer_text') }} as answer_number,
        submitted_at
    from question_columns
    where answer_text is not null
)

{{ conformed_survey_answers('answers') }}
