{# Columns that are never null, in one scan of the table and one test of the run; a failure names
   the column and how many rows lack it. #}
{% test columns_are_not_null(model, columns) %}

with

counted as (
    select
        {%- for column in columns %}
        count(*) - count({{ column }}) as missing_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}
)

{%- for column in columns %}

select
    '{{ column }}' as column_name,
    missing_{{ loop.index }} as missing_count
from counted
where missing_{{ loop.index }} > 0
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}

{% endtest %}
