with

metrics as (

    select * from {{ ref('int_journey_metrics_computed') }}

),

trust as (

    select * from {{ ref('mart_metric_trust') }}

),

final as (

    select
        metrics.metric_id,
        metrics.metric_version,
        metrics.period_type,
        metrics.period_start,
        metrics.journey_stage,
        metrics.channel,
        metrics.touchpoint_id,
        metrics.persona_id,
        metrics.unit,
        metrics.n,
        metrics.value,
        metrics.ci_low,
        metrics.ci_high,
        metrics.is_suppressed,
        metrics.no_value_reason,
        metrics.is_small_sample,
        trust.trust_grade
    from metrics
    left join trust
        on
            metrics.metric_id = trust.metric_id
            and metrics.period_type = trust.period_type
            and metrics.period_start = trust.period_start
            and metrics.channel = trust.channel

)

select * from final
