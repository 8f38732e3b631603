{{ written_by_difference() }}
{%- set cell = [
    'metric_id', 'journey_stage', 'touchpoint_id', 'dimension', 'segment', 'period_type',
    'period_start',
] -%}
with

tasks as (

    select * from {{ ref('int_tasks_segmented') }}
    where estimator = 'quantile'

),

period_types as (
    {{- period_types(['day', 'week', 'month', 'quarter']) }}
),

placed as (

    select
        tasks.metric_id,
        tasks.journey_stage,
        tasks.touchpoint_id,
        tasks.dimension,
        tasks.segment,
        period_types.period_type,
        {{ period_start('tasks.occurred_date', 'period_types.period_type') }} as period_start,
        tasks.customer_id,
        -- whole seconds: what is told apart by less is the same to anybody who waits
        cast(round(tasks.value_number) as bigint) as seconds,
        tasks.is_censored
    from tasks
    inner join period_types on tasks.has_days or period_types.period_type <> 'day'

),

by_customer as (

    select
        {{ cell | join(', ') }},
        customer_id,
        cast(count(*) as double) as n
    from placed
    group by {{ cell | join(', ') }}, customer_id

),

repeated as (

    select
        {{ cell | join(', ') }},
        sum(n * n) / sum(n) as repetition
    from by_customer
    group by {{ cell | join(', ') }}

),

counted as (

    select
        {{ cell | join(', ') }},
        seconds,
        sum(case when is_censored then 0 else 1 end) as finished_count,
        count(*) as ended_count
    from placed
    group by {{ cell | join(', ') }}, seconds

),

final as (

    select
        {{ prefixed(cell, 'counted') }},
        counted.seconds,
        cast(counted.finished_count as bigint) as finished_count,
        counted.ended_count,
        round(repeated.repetition, 9) as repetition
    from counted
    inner join repeated on {{ agree_on(cell, 'counted', 'repeated') }}

)

select * from final
