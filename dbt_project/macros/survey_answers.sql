{# How survey staging reads a question's name and an answer, the same for every vendor. #}

{# Question without its version suffix: ces_v2 → ces. #}
{% macro question_id(name) -%}
    regexp_replace(trim({{ name }}), '_v[0-9]+$', '')
{%- endmacro %}

{# Version of a question by the suffix of its name, 1 where it has none. #}
{% macro question_version(name) -%}
    coalesce(
        cast(nullif(regexp_extract(trim({{ name }}), '_v([0-9]+)$', 1), '') as integer), 1
    )
{%- endmacro %}

{# The number that an answer starts with: a bare number, or one followed by its label
   ("10 - Very likely", "5 (erittäin hyvä)"). Words that merely begin with a number ("3 päivää
   myöhässä") are text. #}
{% macro answer_number(text) -%}
    try_cast(
        replace(
            nullif(
                regexp_extract(
                    trim({{ text }}),
                    '^(-?[0-9]+([.,][0-9]+)?)([ ]*$|[ ]*[=:(]|[ ]+[-–—][ ]+[^0-9])',
                    1
                ),
                ''
            ),
            ',', '.'
        ) as double
    )
{%- endmacro %}

{# Key of a response: respondents are numbered per survey by some vendors. #}
{% macro survey_response_key(alias=none) -%}
    {%- set prefix = alias ~ "." if alias else "" -%}
    {{ surrogate_key(
        [prefix ~ "source", "'survey_response'", prefix ~ "survey_id", prefix ~ "response_id"]
    ) }}
{%- endmacro %}

{# Selects the conformed members of survey_answers from a relation with one row per answer: an answer
   in words gets the number that survey_answer_labels gives it on its question's scale. #}
{% macro conformed_survey_answers(answers) -%}
select
    {{ surrogate_key(
        ["answers.source", "'survey_answer'", "answers.survey_id", "answers.response_id",
         "answers.question_id", "answers.question_version", "answers.option_position"]
    ) }} as survey_answer_key,
    {{ survey_response_key("answers") }} as survey_response_key,
    answers.source,
    answers.survey_id,
    answers.response_id,
    answers.question_id,
    answers.question_version,
    answers.answer_text,
    coalesce(answers.answer_number, labels.answer_number) as answer_number,
    answers.submitted_at
from {{ answers }} as answers
left join {{ ref('survey_questions') }} as questions
    on
        answers.source = questions.source
        and answers.survey_id = questions.survey_id
        and answers.question_id = questions.question_id
        and answers.question_version = questions.question_version
left join {{ ref('survey_answer_labels') }} as labels
    on
        questions.metric_id = labels.metric_id
        and questions.scale_min = labels.scale_min
        and questions.scale_max = labels.scale_max
        and lower(trim(answers.answer_text)) = labels.answer_label
{%- endmacro %}
