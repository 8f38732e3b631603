with

counted as (

    select * from {{ ref('int_audit_event_names_counted') }}

),

-- The same name in another spelling: the planned one is right, else the more frequent one.
names_counted as (

    select
        event_name,
        lower(replace(replace(replace(event_name, '_', ''), '-', ''), ' ', '')) as bare_name,
        is_planned_name,
        sum(row_count) as event_count
    from counted
    group by event_name, is_planned_name

),

names_ranked as (

    select
        event_name,
        row_number() over (
            partition by bare_name
            order by
                case when is_planned_name then 0 else 1 end,
                event_count desc,
                event_name asc
        ) as spelling_rank
    from names_counted

),

judged as (

    select
        counted.source,
        counted.sample_key,
        counted.occurred_at,
        counted.event_date,
        counted.platform,
        counted.event_name as subject,
        cast(null as {{ type_string() }}) as detail,
        counted.page_path,
        counted.device_category,
        counted.browser,
        counted.app_version,
        counted.row_count,
        -- A misspelt planned name is SCH03's finding, not a second one here.
        case
            when counted.is_planned_stream and names_ranked.spelling_rank = 1
                then not counted.is_planned_event
        end as sch01,
        names_ranked.spelling_rank > 1 as sch03
    from counted
    inner join names_ranked
        on counted.event_name = names_ranked.event_name

)

select * from judged
