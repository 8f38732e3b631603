with

counted as (

    select * from {{ ref('int_audit_required_params_counted') }}

),

judged as (

    select
        source,
        event_name || ' ' || cast(event_date as {{ type_string() }}) as sample_key,
        cast(null as timestamp) as occurred_at,
        event_date,
        platform,
        event_name as subject,
        param_key as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        cast(sum(present_count) as bigint) as row_count,
        false as sch04
    from counted
    group by source, event_date, platform, event_name, param_key

    union all

    select
        source,
        event_name || ' ' || cast(event_date as {{ type_string() }}) as sample_key,
        cast(null as timestamp) as occurred_at,
        event_date,
        platform,
        event_name as subject,
        param_key as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        cast(sum(due_count - present_count) as bigint) as row_count,
        true as sch04
    from counted
    where due_count > present_count
    group by source, event_date, platform, event_name, param_key

)

select * from judged
