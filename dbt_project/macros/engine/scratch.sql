{# Tables that live as long as one run, for what an engine must compute in rounds before a query. #}

{# Creates such a table from a query and returns its relation. Nothing runs while dbt parses. #}
{% macro scratch_table(name, query) -%}
    {%- set table = api.Relation.create(schema='scratch', identifier=name) -%}
    {%- if execute -%}
        {%- do run_query('create schema if not exists scratch') -%}
        {%- do run_query('drop table if exists ' ~ table) -%}
        {%- do run_query('create table ' ~ table ~ ' as ' ~ query) -%}
    {%- endif -%}
    {{ return(table | string) }}
{%- endmacro %}

{# What ends a run: nothing is left of such tables. DuckDB makes none. #}
{% macro drop_scratch_tables() -%}
    {%- if target.type == 'spark' -%}drop schema if exists scratch cascade{%- endif -%}
{%- endmacro %}

{# Whether two relations without duplicates hold different rows. #}
{% macro rows_differ(one, other) -%}
    {%- set rows = run_query(
        'select 1 from ((select * from ' ~ one ~ ' except select * from ' ~ other ~ ')'
        ~ ' union all (select * from ' ~ other ~ ' except select * from ' ~ one ~ ')) as different'
        ~ ' limit 1'
    ) -%}
    {{ return(rows | length > 0) }}
{%- endmacro %}

{# What stands between the name and the query of a CTE that later ones read twice through filters:
   DuckDB would push the filters into it and compute it for each of them. Spark has no such word. #}
{% macro as_kept() -%}
    {{ 'as' if target.type == 'spark' else 'as materialized' }}
{%- endmacro %}

{# A CTE that later ones read several times, as `name as (…)`; `given` is the text of the CTEs before
   it. DuckDB keeps what is read twice; Spark computes it anew for each reader, so that a chain of
   such CTEs doubles with every link: there it is a table. #}
{% macro computed_once(name, query, given='') -%}
    {{ return(adapter.dispatch('computed_once')(name, query, given)) }}
{%- endmacro %}

{% macro duckdb__computed_once(name, query, given) -%}
    {{ name }} as (
        {{ query }}
    )
{%- endmacro %}

{% macro spark__computed_once(name, query, given) -%}
    {%- set table = scratch_table(
        computed_name(name),
        ('with ' ~ given if given else '') ~ ' select * from (' ~ query ~ ') as computed'
    ) -%}
    {{ name }} as (select * from {{ table }})
{%- endmacro %}

{# Whether two CTEs that are computed once have as many rows: known before the query runs only where
   they are tables. #}
{% macro have_as_many_rows(one, other) -%}
    {%- if target.type != 'spark' or not execute -%}{{ return(false) }}{%- endif -%}
    {%- set counts = run_query(
        'select (select count(*) from scratch.' ~ computed_name(one) ~ ')'
        ~ ' = (select count(*) from scratch.' ~ computed_name(other) ~ ') as are_equal'
    ) -%}
    {{ return(counts.rows[0][0]) }}
{%- endmacro %}

{# The scratch table of a CTE of this model. #}
{% macro computed_name(name) -%}
    {{ return(this.identifier ~ '_' ~ name) }}
{%- endmacro %}

{# A model of many rows that is quickly computed from what others keep: DuckDB reads it there, as fast
   as a table of its own that every run would have to write; Spark computes it once, for all its
   readers. #}
{% macro read_in_place() -%}
    {{ config(materialized='table' if target.type == 'spark' else 'view') }}
{%- endmacro %}
