with responses as (
    {{ current_rows(source('surveymonkey', 'responses'), ['id'], 'date_modified') }}
),

choices as (
    select
        source,
        survey_id,
        question_ref,
        choice_id,
        choice_text,
        choice_weight
    from {{ ref('stg_surveymonkey__survey_choices') }}
),

answer_elements as (
    select
        responses._source,
        responses.survey_id,
        responses.id as response_id,
        coalesce(
            {{ text_to_timestamp('responses.date_modified') }},
            {{ text_to_timestamp('responses.date_created') }}
        ) as submitted_at,
        {{ json_text('question.value', '$.id') }} as question_ref,
        answer.position as option_position,
        {{ json_text('answer.value', '$.choice_id') }} as choice_id,
        {{ json_text('answer.value', '$.row_id') }} as row_id,
        {{ json_text('answer.value', '$.text') }} as typed_text,
        {{ json_text('answer.value', '$.simple_text') }} as simple_text
    from responses
    {{ json_elements('responses.pages', 'page') }}
    {{ json_elements(json_member('page.value', '$.questions'), 'question') }}
    {{ json_elements(json_member('question.value', '$.answers'), 'answer') }}
),

explained as (
    select
        answer_elements._source,
        answer_elements.survey_id,
        answer_elements.response_id,
        answer_elements.submitted_at,
        answer_elements.question_ref
        || coalesce(':' || nullif(answer_elements.row_id, ''), '') as question_name,
        answer_elements.option_position,
        nullif(
            trim(
                coalesce(
                    answer_elements.typed_text, choices.choice_text, answer_elements.simple_text
                )
            ),
            ''
        ) as answer_text,
        choices.choice_weight
    from answer_elements
    left join choices
        on
            answer_elements._source = choices.source
            and answer_elements.survey_id = choices.survey_id
            and answer_elements.question_ref = choices.question_ref
            and answer_elements.choice_id = choices.choice_id
),

answers as (
    select
        _source as source,
        survey_id,
        response_id,
        {{ question_id('question_name') }} as question_id,
        {{ question_version('question_name') }} as question_version,
        option_position,
        answer_text,
        -- The text first: the weights of an NPS question are −100, 0 and 100, not the answer.
        coalesce({{ answer_number('answer_text') }}, choice_weight) as answer_number,
        submitted_at
    from explained
    where answer_text is not null or choice_weight is not null
)

{{ conformed_survey_answers('answers') }}
