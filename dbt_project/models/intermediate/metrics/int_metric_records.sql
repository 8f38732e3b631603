{{ written_by_difference() }}
{#- The families that metrics are observed in: a new family is one model and one name here. -#}
{%- set families = [
    'int_survey_scores_observed',
    'int_womi_observed',
    'int_exq_observed',
    'int_invitations_observed',
    'int_sessions_observed',
    'int_tasks_observed',
    'int_orders_observed',
    'int_programme_observed',
    'int_carts_observed',
    'int_content_observed',
    'int_service_observed',
    'int_other_sources_observed',
] -%}
with

observed as (

    {% for family in families -%}
    select
        metric_id as record_set,
        record_key,
        occurred_date,
        journey_stage,
        channel,
        touchpoint_id,
        customer_id,
        value_number,
        base_number,
        weight,
        is_censored,
        is_counted
    from {{ ref(family) }}
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

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
