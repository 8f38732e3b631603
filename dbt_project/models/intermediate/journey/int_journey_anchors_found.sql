with

steps as (
    select * from {{ ref('int_journey_steps_reached') }}
    where step_number = deepest_step
),

sessions as (
    select * from {{ ref('fct_sessions') }}
    where not coalesce(is_internal, false) and customer_id is not null
),

customers as (
    select * from {{ ref('dim_customers') }}
),

-- A journey ends at its goal or is left; a customer who lapsed is one whose way ended, and one who
-- is still buying stands beside for comparison.
final as (
    select
        {{ numbered(['steps.session_key', 'steps.journey_id']) }} as path_number,
        sessions.customer_id,
        steps.journey_id,
        case when steps.is_completed then 'goal' else 'left' end as anchor,
        steps.step_number,
        steps.last_met_at as anchored_at
    from steps
    inner join sessions on steps.session_key = sessions.session_key

    union all

    select
        {{ numbered(['customer_id', "'relationship'"]) }} as path_number,
        customer_id,
        'relationship' as journey_id,
        case lifecycle_status when 'lapsed' then 'lapsed' else 'buying' end as anchor,
        1 as step_number,
        last_touchpoint_at as anchored_at
    from customers
    where lifecycle_status in ('new', 'active', 'lapsed') and last_touchpoint_at is not null
)

select * from final
