with

catalogue as (

    select * from {{ ref('metric_catalogue') }}

),

final as (

    select
        metric_id,
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
        industry_benchmark,
        stages,
        dimensions,
        never_pooled_over,
        placement,
        sources_needed,
        audiences,
        owner
    from catalogue

)

select * from final
