{#- A replay computes days again although nothing about them has changed. -#}
{%- set committed = relation_built_before('int_raw_files_committed', on_spark=true) -%}
{%- set replay_from = env_var('CXW_REPLAY_FROM', '9999-12-31') -%}
{%- set replay_to = env_var('CXW_REPLAY_TO', '9999-12-31') -%}
{%- set replay_source = env_var('CXW_REPLAY_SOURCE', '') | replace("'", "''") -%}
-- depends_on: {{ source('landing', 'manifest') }}

with

listed as (
    select * from {{ ref('int_raw_files_listed') }}
),

{% if committed -%}
final as (
    select
        coalesce(listed.vendor, committed.vendor) as vendor,
        coalesce(listed.table_name, committed.table_name) as table_name,
        coalesce(listed.partition_date, committed.partition_date) as partition_date,
        coalesce(listed.batch_id, committed.batch_id) as batch_id,
        coalesce(listed.file_path, committed.file_path) as file_path,
        case
            when committed.file_path is null then 'new'
            when listed.file_path is null then 'removed'
            when listed.size_bytes <> committed.size_bytes then 'rewritten'
            else 'replay'
        end as reason
    from listed
    full outer join {{ committed }} as committed on listed.file_path = committed.file_path
    where
        listed.size_bytes is distinct from committed.size_bytes
        or (
            listed.partition_date >= cast('{{ replay_from }}' as date)
            and listed.partition_date <= cast('{{ replay_to }}' as date)
            and (
                '{{ replay_source }}' = ''
                or listed.batch_id in (
                    select batch_id from {{ source('landing', 'manifest') }}
                    where source = '{{ replay_source }}'
                )
            )
        )
)
{%- else -%}
final as (
    select
        vendor,
        table_name,
        partition_date,
        batch_id,
        file_path,
        'new' as reason
    from listed
)
{%- endif %}

select * from final
{{ touched_before_too(
    ['vendor', 'table_name', 'partition_date', 'batch_id', 'file_path', "'unfinished' as reason"],
    unless_listed='file_path'
) }}
