with

planned_names as (

    select distinct
        event_name,
        valid_from,
        valid_to
    from {{ source('plan', 'events') }}
    where status = 'live'

),

version_events as (

    select
        source,
        platform,
        app_version,
        event_name,
        sum(event_count) as event_count,
        max(event_date) as last_date
    from {{ ref('int_audit_web_days_counted') }}
    where app_version is not null and not is_duplicate and not is_superseded
    group by source, platform, app_version, event_name

),

versions as (

    select
        source,
        platform,
        app_version,
        sum(event_count) as event_count,
        max(last_date) as last_date
    from version_events
    group by source, platform, app_version

),

version_totals as (

    select
        source,
        platform,
        sum(event_count) as event_count
    from versions
    group by source, platform

),

name_totals as (

    select
        source,
        platform,
        event_name,
        sum(event_count) as event_count
    from version_events
    group by source, platform, event_name

),

-- What a version should have sent of an event goes by the share that the event has in the others.
judged as (

    select
        versions.source,
        versions.app_version || ' ' || name_totals.event_name as sample_key,
        cast(null as timestamp) as occurred_at,
        versions.last_date as event_date,
        versions.platform,
        name_totals.event_name as subject,
        versions.app_version as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        versions.app_version,
        case
            when
                versions.event_count < version_totals.event_count
                and cast(versions.event_count as double) * name_totals.event_count
                / nullif(version_totals.event_count - versions.event_count, 0) >= 20
                then version_events.event_count is null
        end as sch12
    from versions
    inner join version_totals
        on
            versions.source = version_totals.source
            and versions.platform = version_totals.platform
    inner join name_totals
        on
            versions.source = name_totals.source
            and versions.platform = name_totals.platform
    inner join planned_names
        on
            name_totals.event_name = planned_names.event_name
            and {{ plan_holds('planned_names', 'versions.last_date') }}
    left join version_events
        on
            versions.source = version_events.source
            and versions.platform = version_events.platform
            and versions.app_version = version_events.app_version
            and name_totals.event_name = version_events.event_name

)

select * from judged
