-- The last stay of the history is the stage of dim_customers: both go by the same rules, one by
-- what is known now, the other by what was known at every moment.
select
    customers.customer_id,
    customers.journey_stage,
    transitions.journey_stage as last_stage
from {{ ref('dim_customers') }} as customers
left join {{ ref('fct_stage_transitions') }} as transitions
    on
        customers.customer_id = transitions.customer_id
        and transitions.is_current
where coalesce(customers.journey_stage, '') <> coalesce(transitions.journey_stage, '')
