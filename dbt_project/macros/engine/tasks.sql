{# A hint of a query that reads a union of dozens of relations. Spark computes each of their parts in a
   task of its own, and every task unpacks the plan of all of them, so that sixty small relations cost
   sixty times sixty. In a session of one machine they share as many tasks as a shuffle has; a
   cluster has tasks to spare. #}
{% macro in_few_tasks() -%}
    {%- if target.type == 'spark' and target.name == 'spark' -%}
    /*+ coalesce({{ env_var('CXW_SPARK_PARTITIONS', '2') }}) */
    {%- endif -%}
{%- endmacro %}
