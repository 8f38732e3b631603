with responses as (
    {{ current_rows(source('typeform', 'responses'), ['token'], 'submitted_at') }}
),

forms as (
    select
        source,
        response_id,
        survey_id,
        submitted_at
    from {{ ref('stg_typeform__survey_responses') }}
),

answer_elements as (
    select
        responses._source,
        responses.token,
        {{ json_text('answer.value', '$.type') }} as answer_type,
        coalesce(
            {{ json_text('answer.value', '$.field.ref') }},
            {{ json_text('answer.value', '$.field.id') }}
        ) as question_name,
        answer.value as answer
    from responses
    {{ json_elements('responses.answers', 'answer') }}
),

single_answers as (
    select
        _source,
        token,
        question_name,
        1 as option_position,
        case answer_type
            when 'text' then {{ json_text('answer', '$.text') }}
            when 'number' then {{ json_text('answer', '$.number') }}
            when 'boolean' then {{ json_text('answer', '$.boolean') }}
            when 'date' then {{ json_text('answer', '$.date') }}
            when 'choice'
                then coalesce(
                    {{ json_text('answer', '$.choice.label') }},
                    {{ json_text('answer', '$.choice.other') }}
                )
        end as answer_text
    from answer_elements
    -- e-mail addresses, phone numbers and links to files stay in the raw zone
    where answer_type in ('text', 'number', 'boolean', 'date', 'choice')
),

chosen_options as (
    select
        answer_elements._source,
        answer_elements.token,
        answer_elements.question_name,
        chosen.position as option_position,
        {{ json_scalar('chosen.value') }} as answer_text
    from answer_elements
    {{ json_elements(json_member('answer_elements.answer', '$.choices.labels'), 'chosen') }}
    where answer_elements.answer_type = 'choices'
),

all_answers as (
    select
        _source,
        token,
        question_name,
        option_position,
        answer_text
    from single_answers
    union all
    select
        _source,
        token,
        question_name,
        option_position,
        answer_text
    from chosen_options
),

answers as (
    select
        all_answers._source as source,
        forms.survey_id,
        all_answers.token as response_id,
        {{ question_id('all_answers.question_name') }} as question_id,
        {{ question_version('all_answers.question_name') }} as question_version,
        all_answers.option_position,
        nullif(trim(all_answers.answer_text), '') as answer_text,
        {{ answer_number('all_answers.answer_text') }} as answer_number,
        forms.submitted_at
    from all_answers
    inner join forms
        on all_answers._source = forms.source and all_answers.token = forms.response_id
    where nullif(trim(all_answers.answer_text), '') is not null
)

{{ conformed_survey_answers('answers') }}
