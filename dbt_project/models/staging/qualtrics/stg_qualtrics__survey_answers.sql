with responses as (
    {{ current_rows(source('qualtrics', 'responses'), ['ResponseId'], 'RecordedDate') }}
),

real_responses as (
    select
        source,
        response_id,
        survey_id,
        submitted_at
    from {{ ref('stg_qualtrics__survey_responses') }}
),

labels as (
    select
        responses._source,
        responses.ResponseId as response_id,
        label.member as question_name,
        label.value as label_text
    from responses
    {{ json_members('responses.labels', 'label') }}
),

-- CSV: every undeclared column; JSON: every value. Both hold questions among other fields.
fields as (
    select
        responses._source,
        responses.ResponseId as response_id,
        field.member as question_name,
        field.value as field_value
    from responses
    {{ json_members('responses._extra', 'field') }}
    union all
    select
        responses._source,
        responses.ResponseId as response_id,
        field.member as question_name,
        field.value as field_value
    from responses
    {{ json_members('responses.response_values', 'field') }}
),

-- A question is called QID<number> or Q<number> with what the designer added; everything else is
-- embedded data, which may be personal and stays in the raw zone.
questions as (
    select
        _source,
        response_id,
        question_name,
        nullif(trim(field_value), '') as field_value
    from fields
    where
        regexp_extract(question_name, '^Q(ID)?[0-9]', 0) <> ''
        and nullif(trim(field_value), '') is not null
),

answers as (
    select
        questions._source as source,
        real_responses.survey_id,
        questions.response_id,
        {{ question_id('questions.question_name') }} as question_id,
        {{ question_version('questions.question_name') }} as question_version,
        1 as option_position,
        coalesce(labels.label_text, questions.field_value) as answer_text,
        -- A label names its number where it has one; the coded value may be an option's position.
        coalesce(
            {{ answer_number('labels.label_text') }}, {{ answer_number('questions.field_value') }}
        ) as answer_number,
        real_responses.submitted_at
    from questions
    inner join real_responses
        on
            questions._source = real_responses.source
            and questions.response_id = real_responses.response_id
    left join labels
        on
            questions._source = labels._source
            and questions.response_id = labels.response_id
            and questions.question_name = labels.question_name
)

{{ conformed_survey_answers('answers') }}
