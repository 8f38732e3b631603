{#- A table of one day holds late rows of others, and a newer or more final table of it replaces
    them all: the days that share a table with a touched day are touched with it. -#}
with

touched_days as (
    select partition_date from {{ ref('int_touched_days') }}
    where vendor = 'ga4' and table_name = 'events'
),

deliveries as (
    select
        partition_date,
        source,
        {{ export_table_day('export_table', 'events_') }} as table_day
    from {{ ref('stg_ga4__export_deliveries') }}
),

touched_tables as (
    select distinct
        deliveries.source,
        deliveries.table_day
    from deliveries
    inner join touched_days on deliveries.partition_date = touched_days.partition_date
),

final as (
    select partition_date from touched_days
    union
    select deliveries.partition_date
    from deliveries
    inner join touched_tables
        on
            deliveries.source = touched_tables.source
            and deliveries.table_day = touched_tables.table_day
)

select * from final
