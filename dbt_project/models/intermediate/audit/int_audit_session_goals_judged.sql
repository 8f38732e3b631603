with

goal_events as (

    select * from {{ ref('int_audit_goal_events') }}

),

once_per_session as (

    select distinct
        event_name,
        valid_from,
        valid_to
    from {{ source('plan', 'events') }}
    where once_per = 'session'

),

numbered as (

    select
        goal_events.*,
        row_number() over (
            partition by
                goal_events.source,
                goal_events.client_id,
                goal_events.session_ref,
                goal_events.event_name
            order by goal_events.occurred_at, goal_events.web_event_key
        ) as times_in_session
    from goal_events
    inner join once_per_session
        on
            goal_events.event_name = once_per_session.event_name
            and {{ plan_holds('once_per_session', 'goal_events.event_date') }}

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
