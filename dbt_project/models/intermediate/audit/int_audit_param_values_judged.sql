with

counted as (

    select * from {{ ref('int_audit_param_values_counted') }}

),

types_counted as (

    select
        source,
        param_key,
        value_kind,
        sum(row_count) as type_count
    from counted
    where value_kind in ('string', 'number')
    group by source, param_key, value_kind

),

usual_types as (

    select
        source,
        param_key,
        value_kind as usual_kind
    from types_counted
    qualify
        row_number() over (
            partition by source, param_key order by type_count desc, value_kind asc
        ) = 1

),

judged as (

    select
        counted.source,
        counted.sample_key,
        cast(null as timestamp) as occurred_at,
        counted.event_date,
        counted.platform,
        counted.event_name as subject,
        counted.param_key as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        counted.row_count,
        case
            when counted.value_kind <> 'none'
                then counted.value_kind = 'several' or counted.value_kind <> usual_types.usual_kind
        end as sch05,
        counted.sch06,
        counted.sch07,
        counted.sch08,
        counted.sch09,
        -- Beyond 500 values a day GA4's reports put the rest of a dimension together as "(other)".
        case
            when counted.is_dimension
                then
                    sum(counted.value_count) over (
                        partition by
                            counted.source,
                            counted.event_date,
                            counted.platform,
                            counted.event_name,
                            counted.param_key
                    ) > 500
        end as sch10,
        counted.sch13,
        counted.pri01
    from counted
    left join usual_types
        on
            counted.source = usual_types.source
            and counted.param_key = usual_types.param_key

)

select * from judged
