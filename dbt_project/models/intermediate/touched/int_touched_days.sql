with

changed as (
    select
        vendor,
        table_name,
        partition_date,
        reason
    from {{ ref('int_raw_files_changed') }}
),

{% if env_var('CXW_REPLAY_FROM', '') -%}
-- a replay computes days again although nothing about them has changed
replayed as (
    select
        vendor,
        table_name,
        partition_date,
        'replay' as reason
    from {{ ref('int_raw_files_listed') }}
    where
        partition_date between date '{{ env_var("CXW_REPLAY_FROM") }}'
        and date '{{ env_var("CXW_REPLAY_TO") }}'
),

united as (
    select * from changed
    union all
    select * from replayed
),

{% endif -%}
final as (
    select
        vendor,
        table_name,
        partition_date,
        bool_or(reason = 'new') as has_new_files,
        bool_or(reason = 'removed') as has_removed_files,
        bool_or(reason = 'rewritten') as has_rewritten_files,
        bool_or(reason = 'replay') as is_replayed
    from {{ 'united' if env_var('CXW_REPLAY_FROM', '') else 'changed' }}
    group by vendor, table_name, partition_date
)

select * from final
