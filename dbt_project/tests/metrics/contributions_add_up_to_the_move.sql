-- The parts of a dimension explain the whole of what a figure moved, and no more. Those of medians
-- and the like, which do not add up, explain nothing.
with

changes as (
    select
        *,
        coalesce(journey_id, '') as journey,
        coalesce(step_number, 0) as step
    from {{ ref('mart_metric_change') }}
),

wholes as (
    select * from changes
    where dimension = 'all'
),

parts as (
    select
        metric_id,
        journey,
        step,
        period_type,
        period_start,
        basis,
        journey_stage,
        touchpoint_id,
        dimension,
        sum(contribution) as explained
    from changes
    where dimension <> 'all' and contribution is not null
    group by
        metric_id, journey, step, period_type, period_start, basis, journey_stage, touchpoint_id,
        dimension
)

select
    parts.metric_id,
    parts.period_type,
    parts.period_start,
    parts.dimension,
    parts.explained,
    wholes.value_change
from parts
left join wholes
    on
        parts.metric_id = wholes.metric_id
        and parts.journey = wholes.journey
        and parts.step = wholes.step
        and parts.period_type = wholes.period_type
        and parts.period_start = wholes.period_start
        and parts.basis = wholes.basis
        and parts.journey_stage = wholes.journey_stage
        and parts.touchpoint_id = wholes.touchpoint_id
where
    wholes.value_change is null
    or abs(parts.explained - wholes.value_change)
    > 1e-6 * greatest(1.0, abs(wholes.value_before), abs(wholes.value_after))
