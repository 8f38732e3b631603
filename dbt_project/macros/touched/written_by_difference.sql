{# A model that is computed whole and written where it differs: rows of the table that the model no
   longer returns are deleted, those that it returns anew are inserted, in one transaction, and all
   others stay as they lie. A row that changed in any column is one that went and one that came. No
   key is needed, so that a model whose key is not unique shows it here as it would built from
   scratch.

   On engines without transactions (Spark on Parquet) the model is an ordinary table. #}
{% macro written_by_difference() -%}
    {%- if target.type == 'duckdb' -%}
        {{ config(
            materialized='incremental',
            incremental_strategy='difference',
            on_schema_change='fail',
        ) }}
    {%- endif -%}
{%- endmacro %}

{% macro get_incremental_difference_sql(arguments) -%}
    {%- set table = arguments['target_relation'] -%}
    {%- set computed = arguments['temp_relation'] -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | list -%}
    {%- set list = columns | join(', ') -%}
    {#- In rows of which there are several the join sees no difference: their number does. -#}
    {%- set lacks_rows -%}
        (select count(*) from {{ table }}) <> (select count(*) from {{ computed }})
    {%- endset %}
    merge into {{ table }} as written
    using {{ computed }} as computed
        on
            {%- for column in columns %}
            {{ 'and ' if not loop.first }}written.{{ column }} is not distinct from computed.{{ column }}
            {%- endfor %}
    when not matched by source then delete
    when not matched then
        insert ({{ list }}) values (computed.{{ columns | join(', computed.') }});
    delete from {{ table }} where {{ lacks_rows }};
    insert into {{ table }} ({{ list }})
    select {{ list }} from {{ computed }} where {{ lacks_rows }}
{%- endmacro %}
