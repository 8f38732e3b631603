{# A struct of named expressions, for min_by and max_by: one pick takes several columns from the
   same row. #}
{% macro record(fields) -%}
    {{ return(adapter.dispatch('record')(fields)) }}
{%- endmacro %}

{% macro duckdb__record(fields) -%}
    struct_pack(
        {%- for name, expression in fields.items() -%}
            {{ name }} := {{ expression }}{{ ", " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{% macro spark__record(fields) -%}
    named_struct(
        {%- for name, expression in fields.items() -%}
            '{{ name }}', {{ expression }}{{ ", " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{# Several expressions as one sort key. Time alone is none: a tag sends events in batches that share
   a timestamp, and the pick must not depend on the order of arrival. #}
{% macro sort_key(expressions) -%}
    {{ return(adapter.dispatch('sort_key')(expressions)) }}
{%- endmacro %}

{# Bytes that sort as the expressions do, made once for all picks of a query: a row of them is made
   into such bytes again for each, which took two fifths of describing the visits of 3 M events. #}
{% macro duckdb__sort_key(expressions) -%}
    create_sort_key(
        {%- for expression in expressions -%}
            {{ expression }}, 'asc nulls last'{{ ", " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{% macro spark__sort_key(expressions) -%}
    struct({{ expressions | join(', ') }})
{%- endmacro %}
