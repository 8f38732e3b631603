with

manifest as (

    select * from {{ source('landing', 'manifest') }}

),

final as (

    select
        batch_id,
        source,
        vendor,
        table_name,
        source_file,
        delivered_at,
        loaded_at,
        rows_read,
        rows_quarantined,
        status,
        error,
        is_required
    from manifest

)

select * from final
