with

events as (

    select * from {{ ref('int_audit_web_days_counted') }}

),

manifest as (

    select * from {{ ref('int_audit_files_landed') }}

),

newest_events as (

    select
        'VOL01' as check_id,
        source,
        cast(null as {{ type_string() }}) as subject,
        sum(event_count) as rows_examined,
        0 as rows_failing,
        {{ epoch_seconds('max(last_occurred_at)') }} as value,
        max(event_date) as event_date
    from events
    group by source

),

newest_batches as (

    select
        'VOL07' as check_id,
        source,
        cast(null as {{ type_string() }}) as subject,
        count(*) as rows_examined,
        count(*) filter (where status <> 'loaded') as rows_failing,
        {{ epoch_seconds('max(case when status = \'loaded\' then delivered_at end)') }} as value,
        cast(max(delivered_at) as date) as event_date
    from manifest
    group by source

),

-- A source in which nobody is ever known cannot be joined to any customer.
known_users as (

    select
        'SES05' as check_id,
        source,
        'whole source' as subject,
        sum(event_count) as rows_examined,
        case when sum(known_count) = 0 then sum(event_count) else 0 end as rows_failing,
        cast(sum(known_count) as double) as value,
        max(event_date) as event_date
    from events
    where not is_duplicate and not is_superseded
    group by source

),

quarantined as (

    select
        'STR02' as check_id,
        source,
        table_name as subject,
        sum(rows_read) as rows_examined,
        sum(rows_quarantined) as rows_failing,
        cast(null as double) as value,
        cast(max(loaded_at) as date) as event_date
    from manifest
    where rows_read > 0
    group by source, table_name

),

united as (

    select * from newest_events
    union all
    select * from newest_batches
    union all
    select * from known_users
    union all
    select * from quarantined

),

final as (

    select
        check_id,
        'int_audit_sources_measured' as model_name,
        source,
        cast(null as {{ type_string() }}) as platform,
        subject,
        cast(null as {{ type_string() }}) as detail,
        event_date,
        cast(null as timestamp) as event_hour,
        rows_examined,
        rows_failing,
        value,
        cast(null as timestamp) as first_failed_at,
        cast(null as timestamp) as last_failed_at
    from united

)

select * from final
