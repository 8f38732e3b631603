with

loads as (

    select * from {{ ref('int_service_loads_counted') }}

),

declared as (

    select * from {{ ref('service_baselines') }}

),

first_days as (

    select min(occurred_date) as starts_on
    from loads
    where order_count = 1

),

-- Where nobody has declared a baseline, the first days of orders are it.
baselines as (

    select
        starts_on,
        ends_on
    from declared
    union all
    select
        starts_on,
        {{ days_after('starts_on', metric_setting('service_baseline_days') ~ ' - 1') }} as ends_on
    from first_days
    where starts_on is not null and not exists (select 1 from declared)

),

final as (

    select
        baselines.starts_on,
        baselines.ends_on,
        cast(baselines.starts_on as string) || '/' || cast(baselines.ends_on as string)
            as baseline_period,
        {{ days_after('baselines.ends_on', '1') }} as holds_from,
        coalesce(
            lead(baselines.ends_on) over (order by baselines.ends_on), date '9999-12-31'
        ) as holds_until,
        sum(loads.contact_count) / nullif(cast(sum(loads.order_count) as double), 0)
            as contacts_per_order,
        {{ exact_mean('loads.handle_seconds') }} / 3600 as handle_hours
    from baselines
    left join loads on loads.occurred_date between baselines.starts_on and baselines.ends_on
    group by baselines.starts_on, baselines.ends_on

)

select * from final
