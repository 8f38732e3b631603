{# Whether a row of one of the plan's tables held on a day: old data is judged by the plan that held
   then. #}
{% macro plan_holds(plan, day) -%}
    {{ day }} >= {{ plan }}.valid_from
    and {{ day }} < {{ plan }}.valid_to
{%- endmacro %}
