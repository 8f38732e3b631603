{# Every day from one date to another, both included, as a relation with the column `day_date`. #}
{% macro days_between(first_date, last_date) -%}
    {{ return(adapter.dispatch('days_between')(first_date, last_date)) }}
{%- endmacro %}

{% macro duckdb__days_between(first_date, last_date) -%}
    select cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date)
        as day_date
{%- endmacro %}

{% macro spark__days_between(first_date, last_date) -%}
    select explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day)) as day_date
{%- endmacro %}

{# The day so many days after another. #}
{% macro days_after(date, days) -%}
    {{ return(adapter.dispatch('days_after')(date, days)) }}
{%- endmacro %}

{% macro duckdb__days_after(date, days) -%}
    cast({{ date }} + cast({{ days }} as integer) as date)
{%- endmacro %}

{% macro spark__days_after(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{# The day of the month so many months after another; the month's last where it is shorter. #}
{% macro months_after(date, months) -%}
    {{ return(adapter.dispatch('months_after')(date, months)) }}
{%- endmacro %}

{% macro duckdb__months_after(date, months) -%}
    cast({{ date }} + interval '1 month' * cast({{ months }} as integer) as date)
{%- endmacro %}

{% macro spark__months_after(date, months) -%}
    add_months({{ date }}, cast({{ months }} as int))
{%- endmacro %}

{# Days since 1970 of a date: a number that frames of windows can count in. #}
{% macro day_number(date) -%}
    {{ return(adapter.dispatch('day_number')(date)) }}
{%- endmacro %}

{% macro duckdb__day_number(date) -%}
    date_diff('day', date '1970-01-01', {{ date }})
{%- endmacro %}

{% macro spark__day_number(date) -%}
    unix_date({{ date }})
{%- endmacro %}
