with

manifest as (

    select * from {{ source('landing', 'manifest') }}
    where status = 'loaded'

),

quarantine as (

    select * from {{ source('landing', 'quarantine') }}

),

raw_rows as (

    select * from {{ ref('int_raw_rows_counted') }}

),

staged_rows as (

    select * from {{ ref('int_staged_rows_counted') }}

),

-- landing: what was read of a file either lies in the raw zone or in quarantine
landing as (

    select
        'landing' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        'in' as fate,
        'read' as reason,
        rows_read as row_count
    from manifest
    union all
    select
        'landing' as layer,
        manifest.vendor,
        manifest.table_name,
        manifest.source,
        manifest.batch_id,
        'out' as fate,
        'landed' as reason,
        raw_rows.row_count
    from manifest
    inner join raw_rows
        on
            manifest.batch_id = raw_rows.batch_id
            and manifest.vendor = raw_rows.vendor
            and manifest.table_name = raw_rows.table_name
    union all
    select
        'landing' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        'quarantined' as fate,
        reason_code as reason,
        count(*) as row_count
    from quarantine
    where batch_id in (select batch_id from manifest)
    group by vendor, table_name, source, batch_id, reason_code

),

-- staging: of the rows of a raw table, one per natural key is current
staging as (

    select
        'staging' as layer,
        raw_rows.vendor,
        raw_rows.table_name,
        raw_rows.source,
        raw_rows.batch_id,
        'in' as fate,
        'landed' as reason,
        raw_rows.row_count
    from raw_rows
    inner join (select distinct vendor, table_name from staged_rows) as staged_tables
        on
            raw_rows.vendor = staged_tables.vendor
            and raw_rows.table_name = staged_tables.table_name
    union all
    select
        'staging' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        fate,
        case fate
            when 'out' then 'current'
            when 'deduplicated' then 'delivered_before'
            else 'newer_version'
        end as reason,
        row_count
    from staged_rows

),

final as (

    select
        layer,
        vendor,
        table_name,
        source,
        batch_id,
        fate,
        reason,
        cast(row_count as bigint) as row_count
    from landing
    union all
    select
        layer,
        vendor,
        table_name,
        source,
        batch_id,
        fate,
        reason,
        cast(row_count as bigint) as row_count
    from staging

)

select * from final
