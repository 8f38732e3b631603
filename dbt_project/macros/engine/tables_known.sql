{# Tells `schema.table` of each table that the engine knows, a line each behind `mark`: what else lies
   in Spark's folder of tables was left by a statement that was killed (orchestration/spark.py). #}
{% macro tell_known_tables(mark) -%}
    {%- for row in run_query('show databases') -%}
        {%- for table in run_query('show tables in ' ~ row[0]) -%}
            {{ log(mark ~ row[0] ~ '.' ~ table['tableName'], info=true) }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
