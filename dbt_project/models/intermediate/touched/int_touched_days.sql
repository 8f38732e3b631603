{%- set replay_from = env_var('CXW_REPLAY_FROM', '9999-12-31') -%}
{%- set replay_to = env_var('CXW_REPLAY_TO', '9999-12-31') -%}
with

changed as (
    select
        vendor,
        table_name,
        partition_date,
        reason
    from {{ ref('int_raw_files_changed') }}
),

-- a replay computes days again although nothing about them has changed
replayed as (
    select
        vendor,
        table_name,
        partition_date,
        'replay' as reason
    from {{ ref('int_raw_files_listed') }}
    where
        partition_date >= cast('{{ replay_from }}' as date)
        and partition_date <= cast('{{ replay_to }}' as date)
),

united as (
    select * from changed
    union all
    select * from replayed
),

final as (
    select
        vendor,
        table_name,
        partition_date,
        bool_or(reason = 'new') as has_new_files,
        bool_or(reason = 'removed') as has_removed_files,
        bool_or(reason = 'rewritten') as has_rewritten_files,
        bool_or(reason = 'replay') as is_replayed
    from united
    group by vendor, table_name, partition_date
)

select * from final
