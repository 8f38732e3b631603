{{ config(materialized='view') }}

with

metrics as (

    select * from {{ ref('metric_catalogue') }}

),

attempts as (

    select * from {{ ref('int_session_tasks_timed') }}

),

sessions as (

    select * from {{ ref('fct_sessions') }}

),

customers as (

    select
        customer_id,
        persona_id
    from {{ ref('dim_customers') }}

),

records as (

    select * from {{ ref('int_metric_records') }}

),

dimensions as (
    {{- visit_dimensions() }}
),

visits as (

    select
        attempts.session_task_key as record_key,
        {{ visit_columns() | indent(4) }}
    from attempts
    inner join sessions on attempts.session_key = sessions.session_key
    left join customers on sessions.customer_id = customers.customer_id

),

asked as (

    select
        metrics.metric_id,
        metrics.estimator,
        metrics.quantile,
        dimensions.dimension,
        dimensions.has_days
    from metrics
    inner join dimensions
        on ' all ' || metrics.dimensions || ' ' like '% ' || dimensions.dimension || ' %'
    where metrics.metric_family = 'task_duration'

),

-- Of metrics that name one more dimension than cells have, the whole and the others with it.
segmented as (

    select * from asked
    where
        asked.metric_id in (
            select named.metric_id from asked as named
            where named.dimension not in ('all', 'channel', 'persona')
        )

),

tried as (

    select
        records.record_set,
        records.occurred_date,
        records.journey_stage,
        records.touchpoint_id,
        records.customer_id,
        records.value_number,
        records.base_number,
        records.weight,
        records.is_censored,
        records.is_counted,
        visits.platform,
        visits.device_category,
        visits.browser,
        visits.channel_group,
        visits.traffic_campaign,
        visits.search_intent,
        visits.persona_id
    from records
    inner join visits on records.record_key = visits.record_key
    where records.record_set in (select segmented.metric_id from segmented)

),

final as (

    select
        dimensions.metric_id,
        dimensions.estimator,
        dimensions.quantile,
        dimensions.dimension,
        dimensions.has_days,
        {{ visit_segment() }} as segment,
        tried.occurred_date,
        tried.journey_stage,
        tried.touchpoint_id,
        tried.customer_id,
        tried.value_number,
        tried.base_number,
        tried.weight,
        tried.is_censored,
        tried.is_counted
    from tried
    inner join segmented as dimensions on tried.record_set = dimensions.metric_id

)

select * from final
