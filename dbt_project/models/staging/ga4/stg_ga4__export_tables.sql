-- Which table of the export each batch delivered; of deliveries whose files are gone none can
-- supersede.
with delivered_tables as (
    select
        deliveries.source,
        deliveries.batch_id,
        deliveries.table_in_file,
        deliveries.export_table,
        deliveries.loaded_at,
        deliveries.delivered_at
    from {{ ref('stg_ga4__export_deliveries') }} as deliveries
    inner join (
        select distinct
            partition_date,
            batch_id
        from {{ ref('int_raw_files_listed') }}
        where vendor = 'ga4' and table_name = 'events'
    ) as files
        on
            deliveries.partition_date = files.partition_date
            and deliveries.batch_id = files.batch_id
),

ranked_tables as (
    {{ export_deliveries('delivered_tables', 'events_') }}
),

final as (
    select distinct
        delivered_tables.source,
        delivered_tables.batch_id,
        delivered_tables.table_in_file,
        delivered_tables.loaded_at,
        ranked_tables.is_intraday,
        ranked_tables.is_superseded
    from delivered_tables
    inner join ranked_tables
        on
            delivered_tables.source = ranked_tables.source
            and delivered_tables.batch_id = ranked_tables.batch_id
            and coalesce(delivered_tables.export_table, '')
            = coalesce(ranked_tables.export_table, '')
)

select * from final
