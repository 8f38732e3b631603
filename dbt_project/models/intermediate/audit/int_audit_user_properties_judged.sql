with

counted as (

    select * from {{ ref('int_audit_user_properties_counted') }}

),

judged as (

    select
        source,
        sample_key,
        -- Only what fails has a time worth keeping.
        case when event_hour is not null then occurred_at end as occurred_at,
        event_date,
        platform,
        'user_property' as subject,
        property_key as detail,
        cast(null as {{ type_string() }}) as page_path,
        device_category,
        browser,
        app_version,
        row_count,
        sch06,
        sch07,
        sch11,
        pri01
    from counted

)

select * from judged
