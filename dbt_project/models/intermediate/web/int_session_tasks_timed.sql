{{ rebuilt_by('session_key', 'int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_sessions') }}

with

events as (
    select * from {{ ref('int_web_events_unioned') }}
    where
        client_id is not null
        and session_ref is not null
        {%- if is_incremental() %}
        and {{ is_of_touched_session() }}
        {%- endif %}
),

tasks as (
    select * from {{ ref('metric_tasks') }}
),

sessions as (
    select * from {{ ref('int_sessions_built') }}
),

moments as (
    select
        {{ session_key() }} as session_key,
        tasks.task_id,
        events.occurred_at,
        events.event_name = tasks.start_event_name as is_start,
        events.event_name = tasks.end_event_name as is_end
    from events
    inner join tasks
        on
            events.event_name = tasks.end_event_name
            or (
                events.event_name = tasks.start_event_name
                and (
                    tasks.start_page_pattern is null
                    or events.page_path like tasks.start_page_pattern
                )
            )
),

starts as (
    select
        session_key,
        task_id,
        min(occurred_at) as started_at
    from moments
    where is_start
    group by session_key, task_id
),

ends as (
    select
        moments.session_key,
        moments.task_id,
        min(moments.occurred_at) as finished_at
    from moments
    inner join starts
        on
            moments.session_key = starts.session_key
            and moments.task_id = starts.task_id
    where
        moments.is_end
        and moments.occurred_at >= starts.started_at
    group by moments.session_key, moments.task_id
),

final as (
    select
        {{ surrogate_key(["'session_task'", 'starts.session_key', 'starts.task_id']) }}
            as session_task_key,
        starts.session_key,
        starts.task_id,
        starts.started_at,
        ends.finished_at,
        {{ seconds_between('starts.started_at', 'coalesce(ends.finished_at, sessions.ended_at)') }}
            as observed_seconds,
        ends.finished_at is null as is_censored
    from starts
    inner join sessions on starts.session_key = sessions.session_key
    left join ends
        on
            starts.session_key = ends.session_key
            and starts.task_id = ends.task_id
)

select * from final
