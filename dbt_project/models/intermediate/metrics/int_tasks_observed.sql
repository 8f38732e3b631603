{{ read_in_place() }}
with

attempts as (

    select * from {{ ref('int_session_tasks_timed') }}

),

tasks as (

    select * from {{ ref('metric_tasks') }}

),

sessions as (

    select * from {{ ref('fct_sessions') }}
    where not coalesce(is_internal, false)

),

placed as (

    select
        attempts.session_task_key as record_key,
        sessions.session_date as occurred_date,
        tasks.journey_stage,
        sessions.platform as channel,
        tasks.touchpoint_id,
        sessions.customer_id,
        attempts.observed_seconds,
        attempts.is_censored
    from attempts
    inner join tasks on attempts.task_id = tasks.task_id
    inner join sessions on attempts.session_key = sessions.session_key

),

final as (

    {{ observe('placed', [
        {
            'metric_id': 'task_duration_seconds',
            'value': 'observed_seconds',
            'censored': 'is_censored',
        },
        {
            'metric_id': 'task_duration_seconds_p90',
            'value': 'observed_seconds',
            'censored': 'is_censored',
        },
        {'metric_id': 'task_abandonment', 'value': 'case when is_censored then 1 else 0 end'},
    ]) | indent(4) }}

)

select * from final
