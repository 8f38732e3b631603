with

changed as (
    select
        vendor,
        table_name,
        partition_date,
        reason
    from {{ ref('int_raw_files_changed') }}
),

final as (
    select
        vendor,
        table_name,
        partition_date,
        bool_or(reason = 'new') as has_new_files,
        bool_or(reason = 'removed') as has_removed_files,
        bool_or(reason = 'rewritten') as has_rewritten_files,
        bool_or(reason = 'replay') as is_replayed,
        bool_or(reason = 'unfinished') as is_unfinished
    from changed
    group by vendor, table_name, partition_date
)

select * from final
