{#- Late is what comes in a later run than the first that brought anything of its day: history that
    is loaded years afterwards, all at once, is not late. -#}
with

manifest as (

    select * from {{ source('landing', 'manifest') }}

),

-- the files of one run are landed one after the other and published together
runs as (

    select
        run_id,
        min(loaded_at) as landed_at
    from manifest
    group by run_id

),

landings as (

    select distinct
        manifest.loaded_at,
        manifest.vendor,
        runs.landed_at
    from manifest
    inner join runs on manifest.run_id = runs.run_id

),

records as (

    select
        vendor,
        table_name,
        source,
        partition_date,
        first_loaded_at as loaded_at,
        row_count,
        cast(null as bigint) as missing_client_id_count,
        cast(null as bigint) as missing_session_ref_count
    from {{ ref('int_staged_rows_counted') }}
    where fate = 'out'

),

events as (

    select
        landings.vendor,
        'web_events' as table_name,
        events.source,
        events.partition_date,
        events.loaded_at,
        events.row_count,
        events.missing_client_id_count,
        events.missing_session_ref_count
    from {{ ref('int_web_arrivals_counted') }} as events
    inner join landings on events.loaded_at = landings.loaded_at

),

unioned as (

    select * from records
    union all
    select * from events

),

landed as (

    select
        unioned.vendor,
        unioned.table_name,
        unioned.source,
        unioned.partition_date,
        unioned.row_count,
        unioned.missing_client_id_count,
        unioned.missing_session_ref_count,
        landings.landed_at,
        min(landings.landed_at) over (
            partition by
                unioned.vendor, unioned.table_name, unioned.source, unioned.partition_date
        ) as first_landed_at
    from unioned
    inner join landings
        on unioned.loaded_at = landings.loaded_at and unioned.vendor = landings.vendor

),

timed as (

    select
        vendor,
        table_name,
        source,
        partition_date,
        row_count,
        missing_client_id_count,
        missing_session_ref_count,
        first_landed_at,
        {{ seconds_between('first_landed_at', 'landed_at') }} / 3600 as hours_late
    from landed

),

days as (

    select
        vendor,
        table_name,
        source,
        partition_date,
        first_landed_at,
        sum(row_count) as row_count,
        sum(case when hours_late > 0 then row_count else 0 end) as late_count,
        sum(case when hours_late > 0 and hours_late <= 24 then row_count else 0 end)
            as late_up_to_24_hours_count,
        sum(case when hours_late > 24 and hours_late <= 48 then row_count else 0 end)
            as late_up_to_48_hours_count,
        sum(case when hours_late > 48 and hours_late <= 72 then row_count else 0 end)
            as late_up_to_72_hours_count,
        sum(case when hours_late > 72 then row_count else 0 end) as late_over_72_hours_count,
        max(hours_late) as max_hours_late,
        sum(missing_client_id_count) as missing_client_id_count,
        sum(missing_session_ref_count) as missing_session_ref_count
    from timed
    group by vendor, table_name, source, partition_date, first_landed_at

),

visits as (

    select
        source,
        first_partition_date,
        first_loaded_at,
        last_loaded_at,
        count(*) as session_count
    from {{ ref('int_sessions_built') }}
    group by source, first_partition_date, first_loaded_at, last_loaded_at

),

visit_days as (

    select
        visits.source,
        visits.first_partition_date as partition_date,
        sum(visits.session_count) as session_count,
        sum(
            case
                when last_landings.landed_at > first_landings.landed_at then visits.session_count
                else 0
            end
        ) as changed_session_count
    from visits
    inner join landings as first_landings on visits.first_loaded_at = first_landings.loaded_at
    inner join landings as last_landings on visits.last_loaded_at = last_landings.loaded_at
    group by visits.source, visits.first_partition_date

),

final as (

    select
        days.source,
        days.vendor,
        days.table_name,
        days.partition_date,
        days.first_landed_at,
        {{ seconds_between('cast(days.partition_date as timestamp)', 'days.first_landed_at') }}
        / 3600 - 24 as delivery_delay_hours,
        cast(days.row_count as bigint) as row_count,
        cast(days.late_count as bigint) as late_count,
        days.late_count / cast(days.row_count as double) as late_share,
        cast(days.late_up_to_24_hours_count as bigint) as late_up_to_24_hours_count,
        cast(days.late_up_to_48_hours_count as bigint) as late_up_to_48_hours_count,
        cast(days.late_up_to_72_hours_count as bigint) as late_up_to_72_hours_count,
        cast(days.late_over_72_hours_count as bigint) as late_over_72_hours_count,
        days.max_hours_late,
        cast(days.missing_client_id_count as bigint) as missing_client_id_count,
        cast(days.missing_session_ref_count as bigint) as missing_session_ref_count,
        cast(visit_days.session_count as bigint) as session_count,
        cast(visit_days.changed_session_count as bigint) as changed_session_count
    from days
    left join visit_days
        on
            days.table_name = 'web_events'
            and days.source = visit_days.source
            and days.partition_date = visit_days.partition_date

)

select * from final
