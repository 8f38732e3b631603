with

goal_events as (

    select * from {{ ref('int_audit_goal_events') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by source, client_id, session_ref, event_name
            order by occurred_at, web_event_key
        ) as times_in_session
    from goal_events

),

judged as (

    select
        source,
        web_event_key as sample_key,
        occurred_at,
        event_date,
        platform,
        event_name as subject,
        cast(null as {{ type_string() }}) as detail,
        page_path,
        device_category,
        browser,
        app_version,
        times_in_session > 1 as gol08
    from numbered

)

select * from judged
