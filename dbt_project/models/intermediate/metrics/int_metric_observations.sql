{{ config(materialized='view') }}
with

records as (

    select * from {{ ref('int_metric_records') }}

),

metrics as (

    select * from {{ ref('metric_catalogue') }}

),

own as (

    select
        metrics.metric_id,
        metrics.goal_event,
        metrics.stages,
        records.*
    from records
    inner join metrics on records.record_set = {{ counted_record_set('metrics') }}

),

goals_met as (

    select
        record_set,
        record_key
    from records
    where record_set like {{ goal_record_set("'%'") }}

),

final as (

    select
        {{ surrogate_key(['own.metric_id', 'own.record_key']) }} as observation_key,
        own.metric_id,
        own.occurred_date,
        -- a goal stands under the stage that holds it, wherever else the visit went
        case when own.goal_event is null then own.journey_stage else own.stages end
            as journey_stage,
        own.channel,
        own.touchpoint_id,
        own.persona_id,
        own.customer_id,
        case when goals_met.record_key is null then own.value_number else 1 end as value_number,
        own.base_number,
        own.weight,
        own.is_censored,
        own.is_counted
    from own
    left join goals_met
        on
            {{ goal_record_set('own.goal_event') }} = goals_met.record_set
            and own.record_key = goals_met.record_key

)

select * from final
