{# The different values of a group in one text, in their own order, so that it is the same on every
   engine and for every order of arrival. #}
{% macro distinct_values_text(expression) -%}
    {{ return(adapter.dispatch('distinct_values_text')(expression)) }}
{%- endmacro %}

{% macro duckdb__distinct_values_text(expression) -%}
    array_to_string(list_sort(list(distinct {{ expression }})), ', ')
{%- endmacro %}

{% macro spark__distinct_values_text(expression) -%}
    array_join(array_sort(collect_set({{ expression }})), ', ')
{%- endmacro %}
