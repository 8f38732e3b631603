{# Tells where Spark keeps its tables, then `schema.table` of each that it knows, a line each behind
   `mark`: what else lies in that folder was left by a statement that was killed
   (orchestration/spark.py). #}
{% macro tell_known_tables(mark) -%}
    {{ log(mark ~ run_query('set spark.sql.warehouse.dir').rows[0]['value'], info=true) }}
    {%- for row in run_query('show databases') -%}
        {%- for table in run_query('show tables in ' ~ row[0]) -%}
            {{ log(mark ~ row[0] ~ '.' ~ table['tableName'], info=true) }}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
