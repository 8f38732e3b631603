with

metrics as (

    select * from {{ ref('metric_catalogue') }}

),

grains as (

    select * from {{ ref('metric_grains') }}

),

period_types as (
    {{- period_types(['day', 'week', 'month', 'quarter']) }}

),

final as (

    select
        metrics.metric_id,
        period_types.period_type,
        grains.grain_id,
        grains.by_stage,
        grains.by_channel,
        grains.by_touchpoint,
        grains.by_persona
    from metrics
    cross join grains
    cross join period_types
    where
        case period_types.period_type
            when 'day' then grains.in_day
            when 'week' then grains.in_week
            when 'month' then grains.in_month
            else grains.in_quarter
        end
        -- a breakdown needs a metric that has the dimension …
        and (not grains.by_stage or metrics.dimensions like '%stage%')
        and (not grains.by_channel or metrics.dimensions like '%channel%')
        and (not grains.by_touchpoint or metrics.dimensions like '%touchpoint%')
        and (not grains.by_persona or metrics.dimensions like '%persona%')
        -- … and a total needs one whose records may be pooled over it
        and (grains.by_stage or coalesce(metrics.never_pooled_over, '') not like '%stage%')
        and (grains.by_channel or coalesce(metrics.never_pooled_over, '') not like '%channel%')
        and (
            grains.by_touchpoint
            or coalesce(metrics.never_pooled_over, '') not like '%touchpoint%'
        )
        and (grains.by_persona or coalesce(metrics.never_pooled_over, '') not like '%persona%')

)

select * from final
