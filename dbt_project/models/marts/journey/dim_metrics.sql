with

catalogue as (

    select * from {{ ref('metric_catalogue') }}

),

-- what others reach, as the newest figure of a connected source says
benchmarks as (

    select
        metric_id,
        max_by(benchmark_value, {{ sort_key(['valid_from', 'benchmark_key']) }})
            as benchmark_value
    from {{ ref('int_benchmarks_unioned') }}
    group by metric_id

),

final as (

    select
        catalogue.metric_id,
        metric_version,
        metric_family,
        name_fi,
        name_en,
        question_fi,
        question_en,
        formula,
        kind,
        case unit when 'currency' then '{{ var("reporting_currency") }}' else unit end as unit,
        estimator,
        quantile,
        interval_method,
        counted_unit,
        is_per_customer,
        customer_value,
        answer_metric_id,
        goal_event,
        scale_min,
        scale_max,
        positive_from,
        negative_to,
        high_is_good,
        good_from,
        excellent_from,
        target,
        -- the catalogue's own is somebody's decision
        coalesce(catalogue.industry_benchmark, benchmarks.benchmark_value) as industry_benchmark,
        stages,
        dimensions,
        never_pooled_over,
        placement,
        sources_needed,
        audiences,
        owner
    from catalogue
    left join benchmarks on catalogue.metric_id = benchmarks.metric_id

)

select * from final
