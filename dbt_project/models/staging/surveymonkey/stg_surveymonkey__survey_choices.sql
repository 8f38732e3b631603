with surveys as (
    {{ current_rows(source('surveymonkey', 'survey_details'), ['id'], 'date_modified') }}
),

questions as (
    select
        surveys._source,
        surveys.id as survey_id,
        {{ json_text('question.value', '$.id') }} as question_ref,
        question.value as question
    from surveys
    {{ json_elements('surveys.pages', 'page') }}
    {{ json_elements(json_member('page.value', '$.questions'), 'question') }}
),

final as (
    select
        {{ surrogate_key(
            [
                "questions._source",
                "'survey_choice'",
                "questions.survey_id",
                "questions.question_ref",
                json_text('choice.value', '$.id'),
            ]
        ) }} as survey_choice_key,
        questions._source as source,
        questions.survey_id,
        questions.question_ref,
        {{ json_text('choice.value', '$.id') }} as choice_id,
        {{ json_text('choice.value', '$.text') }} as choice_text,
        {{ text_to_number(json_text('choice.value', '$.weight'), 'double') }} as choice_weight
    from questions
    {{ json_elements(json_member('questions.question', '$.answers.choices'), 'choice') }}
)

select
    survey_choice_key,
    source,
    survey_id,
    question_ref,
    choice_id,
    choice_text,
    choice_weight
from final
