with

records as (

    select * from {{ source('landing', 'quarantine') }}

),

files as (

    select * from {{ source('landing', 'manifest') }}
    where status = 'failed'

),

unioned as (

    select
        'record' as refused,
        batch_id,
        source,
        vendor,
        table_name,
        source_file,
        line,
        column_name,
        reason_code,
        reason,
        loaded_at
    from records
    union all
    select
        'file' as refused,
        batch_id,
        source,
        vendor,
        table_name,
        source_file,
        cast(null as bigint) as line,
        cast(null as string) as column_name,
        'file_failed' as reason_code,
        error as reason,
        loaded_at
    from files

),

final as (

    select
        {{ surrogate_key([
            'refused', 'batch_id', 'table_name', 'source_file', 'line', 'column_name', 'reason_code',
        ]) }} as quarantine_key,
        refused,
        batch_id,
        source,
        vendor,
        table_name,
        source_file,
        line,
        column_name,
        reason_code,
        reason,
        loaded_at
    from unioned

)

select * from final
