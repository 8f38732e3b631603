{{ written_by_difference() }}
with

metrics as (

    select * from {{ ref('int_journey_metrics_computed') }}

),

trust as (

    select * from {{ ref('mart_metric_trust') }}

),

benchmarks as (

    select
        metric_id,
        benchmark_value,
        valid_from,
        lead(valid_from) over (partition by metric_id order by valid_from) as next_from
    from (
        select
            metric_id,
            valid_from,
            max_by(benchmark_value, benchmark_key) as benchmark_value
        from {{ ref('int_benchmarks_unioned') }}
        group by metric_id, valid_from
    ) as daily

),

catalogue as (

    select
        metric_id,
        industry_benchmark
    from {{ ref('metric_catalogue') }}

),

-- With what saved hours are compared: in a period in which the baseline changed, with both.
savings as (

    select
        metrics.metric_id,
        metrics.period_type,
        metrics.period_start,
        {{ distinct_values_text('baselines.baseline_period') }} as baseline_period
    from metrics
    inner join {{ ref('int_service_baselines_measured') }} as baselines
        on
            metrics.period_start <= baselines.holds_until
            and {{ period_end('metrics.period_start', 'metrics.period_type') }}
            >= baselines.holds_from
    where metrics.metric_id in ('saved_service_hours', 'saved_service_cost')
    group by metrics.metric_id, metrics.period_type, metrics.period_start

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
        metrics.n_effective,
        metrics.value,
        metrics.ci_low,
        metrics.ci_high,
        metrics.is_suppressed,
        metrics.no_value_reason,
        metrics.is_small_sample,
        trust.trust_grade,
        -- what held when the period began, unless the catalogue has decided
        coalesce(catalogue.industry_benchmark, benchmarks.benchmark_value) as industry_benchmark,
        savings.baseline_period
    from metrics
    inner join catalogue on metrics.metric_id = catalogue.metric_id
    left join benchmarks
        on
            metrics.metric_id = benchmarks.metric_id
            and metrics.period_start >= benchmarks.valid_from
            and (benchmarks.next_from is null or metrics.period_start < benchmarks.next_from)
    left join trust
        on
            metrics.metric_id = trust.metric_id
            and metrics.period_type = trust.period_type
            and metrics.period_start = trust.period_start
            and metrics.channel = trust.channel
    left join savings
        on
            metrics.metric_id = savings.metric_id
            and metrics.period_type = savings.period_type
            and metrics.period_start = savings.period_start

)

select * from final
