with mapped as (
    {{ current_rows(
        source('generic', 'survey_answers'),
        ['survey_id', 'response_id', 'question_id', 'question_version'],
        'submitted_at'
    ) }}
),

answers as (
    select
        _source as source,
        survey_id,
        response_id,
        {{ question_id('question_id') }} as question_id,
        coalesce(
            try_cast({{ blank_to_null('question_version') }} as integer),
            {{ question_version('question_id') }}
        ) as question_version,
        1 as option_position,
        {{ blank_to_null('answer_text') }} as answer_text,
        coalesce(
            {{ text_to_number('answer_number', 'double') }},
            {{ answer_number('answer_text') }}
        ) as answer_number,
        {{ mapped_timestamp('submitted_at') }} as submitted_at
    from mapped
)

{{ conformed_survey_answers('answers') }}
