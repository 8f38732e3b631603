{# An incremental model that recomputes whole keys: `key` is the column by which rows are replaced,
   `touched` the model that lists the keys of this run. Rows of those keys, and of the keys that the
   model returns, are deleted before the new ones go in, in one transaction. What the model must
   read again it chooses itself, within {% if is_incremental() %}. Where the touched model lists
   something else than the model's keys, `touched_key` is its expression and `columns` those of the
   model in which it stands; where each row that the model returns has something touched in them,
   no `key` is needed.

   Spark on Parquet has no transactions and deletes whole partitions only: models by day are
   partitioned by it there and the touched days are replaced, all others are ordinary tables. #}
{% macro rebuilt_by(key, touched, touched_key=none, columns=none) -%}
    {%- if target.type == 'duckdb' -%}
        {{ config(
            materialized='incremental',
            incremental_strategy='touched',
            unique_key=key,
            on_schema_change='fail',
            meta={
                'touched': touched,
                'touched_key': touched_key or key,
                'touched_columns': columns or [key],
            },
        ) }}
    {%- elif key == 'partition_date' -%}
        {{ config(
            materialized='incremental',
            incremental_strategy='insert_overwrite',
            partition_by=key,
            pre_hook="{{ drop_touched_days('" ~ touched ~ "') }}",
            post_hook='{{ keep_columns() }}',
        ) }}
    {%- endif -%}
{%- endmacro %}

{# Drops the partitions of touched days, for days that come out empty: Spark overwrites those alone
   for which there are rows. After a run that was not whole everything is built from scratch there
   (orchestration/transformation.py): it may have ended in between. #}
{% macro drop_touched_days(touched) -%}
    {%- if execute and is_incremental() -%}
        {%- set days = run_query('select distinct partition_date from ' ~ ref(touched)) -%}
        {%- if days | length -%}
            alter table {{ this }} drop if exists
            {%- for day in days %}
            partition (partition_date = '{{ day[0] }}'){{ "," if not loop.last }}
            {%- endfor %}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Writes a file without rows beside the partitions, where Spark does not look: of a table without
   rows it alone tells readers of files the columns (orchestration/spark.py). #}
{% macro keep_columns() -%}
    {%- if execute -%}
        insert overwrite directory
        '{{ env_var("CXW_HOME") }}/spark/warehouse/{{ this.schema }}.db/{{ this.identifier }}/_columns'
        using parquet
        select * from {{ this }} where false
    {%- endif -%}
{%- endmacro %}

{% macro get_incremental_touched_sql(arguments) -%}
    {%- set key = arguments['unique_key'] -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set meta = config.get('meta') -%}
    {%- set touched -%}
        select {{ meta['touched_key'] }} from {{ relation_built_before(meta['touched']) }}
    {%- endset -%}
    {%- if key %}
    delete from {{ arguments['target_relation'] }}
    where {{ key }} in (
        {%- if key in meta['touched_columns'] %}
        {{ touched }}
        union all
        {%- endif %}
        select {{ key }} from {{ arguments['temp_relation'] }}
    );
    {%- endif %}
    {#- A statement a column: joined by `or`, each row would be looked up for all of them. #}
    {%- for column in meta['touched_columns'] if column != key %}
    delete from {{ arguments['target_relation'] }}
    where {{ column }} in ({{ touched }});
    {%- endfor %}
    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}

{# A model's table as it stands now, null where it was never built or is being built from scratch.
   Unlike ref() it makes no dependency: for what a model must know of the last run, its own
   successors included. Null on Spark, where every run builds most tables from scratch, unless who
   asks means one that is kept there or is wanted as the last run left it (`on_spark`). #}
{% macro relation_built_before(name, even_on_full_refresh=false, on_spark=false) -%}
    {%- if
        execute
        and (target.type == 'duckdb' or on_spark)
        and (even_on_full_refresh or not flags.FULL_REFRESH)
    -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
        {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
    {%- endif -%}
{%- endmacro %}

{# The values of one column of a relation as a list of literals, for filters that the engine must know
   when it plans: only those prune the files of a partitioned table. A value that nothing has stands
   for none. #}
{% macro text_literals(relation, column, where='true') -%}
    {{ literals(relation, column, where, "'", "''") }}
{%- endmacro %}

{% macro day_literals(relation, column='partition_date', where='true') -%}
    {{ literals(relation, column, where, "date '", "date '0001-01-01'") }}
{%- endmacro %}

{% macro literals(relation, column, where, opening, nothing) -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for row in run_query(
            'select distinct ' ~ column ~ ' from ' ~ relation ~ ' where ' ~ where ~ ' order by 1'
        ) -%}
            {%- do found.append(opening ~ (row[0] | string | replace("'", "''")) ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {{ (found or [nothing]) | join(', ') }}
{%- endmacro %}

{# Whether a day is one of those that a model of touched days lists. #}
{% macro lies_on_touched_day(column, touched) -%}
    {{ column }} in ({{ day_literals(ref(touched)) }})
{%- endmacro %}
