with

comparisons as (

    select * from {{ ref('metric_comparisons') }}

),

periods as (

    select
        period_type,
        period_start
    from {{ ref('int_journey_metrics_computed') }}
    union
    select
        period_type,
        period_start
    from {{ ref('mart_journey_funnels') }}

),

wanted as (

    select
        periods.period_type,
        comparisons.basis,
        periods.period_start,
        {{ months_after(
            days_after('periods.period_start', '-comparisons.days_back'), '-comparisons.months_back'
        ) }} as compared_start
    from periods
    inner join comparisons on periods.period_type = comparisons.period_type

),

final as (

    select
        wanted.period_type,
        wanted.basis,
        wanted.period_start,
        wanted.compared_start
    from wanted
    inner join periods
        on
            wanted.period_type = periods.period_type
            and wanted.compared_start = periods.period_start

)

select * from final
