with

entered as (
    select * from {{ ref('int_stages_entered') }}
),

stages as (
    select
        stage_id,
        stage_order
    from {{ ref('journey_stages') }}
),

clock as (
    select * from {{ ref('int_journey_clock') }}
),

-- the stays that have begun; of the last of them the end is to come
begun as (
    select
        entered.stage_transition_key,
        entered.customer_id,
        entered.transition_number,
        entered.journey_stage,
        entered.previous_stage,
        case when entered.left_at <= clock.now_at then entered.next_stage end as next_stage,
        entered.is_return,
        entered.entered_at,
        case when entered.left_at <= clock.now_at then entered.left_at end as left_at
    from entered
    cross join clock
    where entered.entered_at <= clock.now_at
),

final as (
    select
        begun.stage_transition_key,
        begun.customer_id,
        begun.transition_number,
        begun.journey_stage,
        begun.previous_stage,
        begun.next_stage,
        case
            when previous_stages.stage_order is null then 'entry'
            when previous_stages.stage_order < stages.stage_order then 'forward'
            else 'back'
        end as direction,
        begun.is_return,
        begun.entered_at,
        {{ local_date('begun.entered_at') }} as entered_date,
        begun.left_at,
        begun.left_at is null as is_current,
        -- a stay that goes on has none yet: it would be another in every run
        {{ seconds_between('begun.entered_at', 'begun.left_at') }} as seconds_in_stage
    from begun
    inner join stages on begun.journey_stage = stages.stage_id
    left join stages as previous_stages on begun.previous_stage = previous_stages.stage_id
)

select * from final
