-- noqa: disable=LT02
{# Whether a row of one of the plan's tables held on a day: old data is judged by the plan that held
   then. #}
{% macro plan_holds(plan, day) -%}
    {{ day }} >= {{ plan }}.valid_from
    and {{ day }} < {{ plan }}.valid_to
{%- endmacro %}

{# Whether a row of the plan's surveys is about the question of a relation with metric_id, source,
   survey_id, question_id and question_version: a row that names no question is about all of the
   metric in its survey. #}
{% macro plan_asks(plan, question) -%}
    {{ question }}.metric_id = {{ plan }}.metric_id
    and {{ question }}.source = {{ plan }}.source
    and {{ question }}.survey_id = {{ plan }}.survey_id
    and {{ question }}.question_id = coalesce({{ plan }}.question_id, {{ question }}.question_id)
    and cast({{ question }}.question_version as {{ type_string() }}) = {{ plan }}.question_version
{%- endmacro %}

{# Of planned parameters, grouped by what they are named: no rule asks which number it is. #}
{% macro asks_for_no_number() -%}
    not bool_or(has_allowed_values)
        and count(pattern) = 0
        and count(min_value) = 0
        and count(max_value) = 0
        and count(max_length) = 0
{%- endmacro %}
