{# Columns that are never null and, where given, the key that no two rows share: one test of the run
   for the whole table. A failure names the column, what is wrong with it and in how many rows.
   The columns stand in one text, parted by commas: dbt renders every member of a list by itself, at
   five milliseconds each. #}
{% test complete_and_unique(model, columns, key=none) %}
{%- set columns = columns | replace(' ', '') if columns is string else columns | join(',') -%}
{%- set columns = columns.split(',') -%}

with

counted as (
    select
        {%- for column in columns %}
        count(*) - count({{ column }}) as missing_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}
)

{%- if key %},

repeated as (
    select count(*) as row_count
    from {{ model }}
    where
        {{ key }} is not null
        {#- Equal keys have equal hashes, numbers that take half the work: where none is there twice, no
            key is looked at. #}
        and {{ row_hash([key]) }} in (
            select {{ row_hash([key]) }}
            from {{ model }}
            group by {{ row_hash([key]) }}
            having count(*) > 1
        )
    group by {{ key }}
    having count(*) > 1
)
{%- endif %}

{%- for column in columns %}

select
    '{{ column }}' as column_name,
    'missing' as problem,
    missing_{{ loop.index }} as row_count
from counted
where missing_{{ loop.index }} > 0
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}

{%- if key %}

union all

select
    '{{ key | replace("'", "''") }}' as column_name,
    'repeated' as problem,
    sum(row_count) as row_count
from repeated
having sum(row_count) > 0
{%- endif %}

{% endtest %}
