{#- Which run this is, and whether the one before it came to its end (int_raw_files_committed, its
    last model, names it): what lists touched keys keeps those of runs that did not
    (touched_before_too). -#}
{%- set listed_before = relation_built_before('int_raw_files_listed') -%}
{%- set committed = relation_built_before('int_raw_files_committed') -%}
with

files as (
    select
        file_path,
        size_bytes,
        split_part(file_path, '/dt=', 1) as table_path,
        split_part(split_part(file_path, '/dt=', 2), '/', 1) as partition_name,
        split_part(split_part(file_path, '/dt=', 2), '/', 2) as file_name
    from ({{ raw_files() }}) as found
),

final as (
    select
        split_part(table_path, '/', -2) as vendor,
        split_part(table_path, '/', -1) as table_name,
        cast(partition_name as date) as partition_date,
        regexp_extract(file_name, '^(.*-[0-9a-f]{16})', 1) as batch_id,
        file_path,
        size_bytes,
        '{{ invocation_id }}' as run_id,
        {% if listed_before and committed -%}
        (select max(run_id) from {{ listed_before }})
        is not distinct from (select max(run_id) from {{ committed }})
        {%- else -%}
        false
        {%- endif %} as follows_whole_run
    from files
    -- the empty file that gives a table without data its columns
    where file_name not like '%schema.parquet'
)

select * from final
