{{ read_in_place() }}
with

observed as (

    select * from {{ ref('int_observations_unioned') }}
    union all
    {{ observations_of('int_visits_observed') }}

),

customers as (

    select
        customer_id,
        persona_id
    from {{ ref('dim_customers') }}

),

final as (

    select
        observed.record_set,
        observed.record_key,
        observed.occurred_date,
        coalesce(observed.journey_stage, 'unknown') as journey_stage,
        coalesce(observed.channel, 'unknown') as channel,
        coalesce(observed.touchpoint_id, 'unknown') as touchpoint_id,
        coalesce(customers.persona_id, 'unknown') as persona_id,
        -- who is nobody's record stands for one person: better than for one and the same
        coalesce(observed.customer_id, 'record:' || observed.record_key) as customer_id,
        observed.value_number,
        observed.base_number,
        observed.weight,
        observed.is_censored,
        observed.is_counted
    from observed
    left join customers on observed.customer_id = customers.customer_id
    where observed.occurred_date is not null and observed.value_number is not null

)

select * from final
