{# Spark writes a file for each task and partition: rows of one day are brought together first, by as
   many tasks as they fill, or a year built by ten thousand tasks would be millions of files. #}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- set day = config.get('partition_by') -%}
    {%- if day -%}
        {%- set compiled_code -%}
            select /*+ rebalance({{ day }}) */ * from (
                {{ compiled_code }}
            ) as computed
        {%- endset -%}
    {%- endif -%}
    {{ return(dbt.spark__create_table_as(temporary, relation, compiled_code, language)) }}
{%- endmacro %}
