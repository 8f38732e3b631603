{{ written_by_difference() }}
{#- By what a cohort is broken down, one at a time. -#}
{%- set dimensions = {
    'all': "'all'",
    'channel': 'first_channel',
    'persona': 'persona_id',
} -%}
with

orders as (
    select * from {{ ref('fct_orders') }}
    where is_counted and customer_id is not null
),

customers as (
    select
        customer_id,
        persona_id
    from {{ ref('dim_customers') }}
),

settings as (
    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('min_published_n') }} as min_published_n,
        {{ metric_setting('small_sample_n') }} as small_sample_n
),

firsts as (
    select
        orders.customer_id,
        coalesce(customers.persona_id, 'unknown') as persona_id,
        cast(date_trunc('month', min(orders.order_date)) as date) as cohort_month,
        coalesce(
            min_by(orders.channel, {{ sort_key(['orders.ordered_at', 'orders.order_key']) }}),
            'unknown'
        ) as first_channel
    from orders
    left join customers on orders.customer_id = customers.customer_id
    group by orders.customer_id, coalesce(customers.persona_id, 'unknown')
),

clock as (
    select cast(date_trunc('month', max(order_date)) as date) as newest_month
    from orders
),

active as (
    select
        customer_id,
        cast(date_trunc('month', order_date) as date) as active_month,
        count(*) as order_count,
        sum(net_amount_eur) as revenue_net_eur
    from orders
    group by customer_id, cast(date_trunc('month', order_date) as date)
),

months as (
    select distinct active_month
    from active
),

-- every month from the first one to the newest, whether or not anybody came back
expected as (
    select
        firsts.customer_id,
        firsts.cohort_month,
        dimensions.dimension,
        case dimensions.dimension
            {%- for dimension, expression in dimensions.items() %}
            when '{{ dimension }}' then {{ expression }}
            {%- endfor %}
        end as segment,
        months.active_month,
        active.customer_id is not null as is_active,
        coalesce(active.order_count, 0) as order_count,
        coalesce(active.revenue_net_eur, 0) as revenue_net_eur
    from firsts
    inner join months on firsts.cohort_month <= months.active_month
    cross join (
        {%- for dimension in dimensions %}
        select '{{ dimension }}' as dimension
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as dimensions
    left join active
        on
            firsts.customer_id = active.customer_id
            and months.active_month = active.active_month
),

counted as (
    select
        cohort_month,
        dimension,
        segment,
        active_month,
        count(*) as n,
        sum(case when is_active then 1 else 0 end) as active_count,
        sum(order_count) as order_count,
        sum(revenue_net_eur) as revenue_net_eur
    from expected
    group by cohort_month, dimension, segment, active_month
),

-- Segments that are too small stand together, and the next smallest with them where they are still
-- too few: else the total would give them away.
ranked as (
    select
        counted.*,
        counted.n < settings.min_published_n as is_small,
        sum(case when counted.n < settings.min_published_n then counted.n else 0 end) over (
            partition by counted.cohort_month, counted.dimension, counted.active_month
        ) as small_total,
        sum(case when counted.n < settings.min_published_n then 1 else 0 end) over (
            partition by counted.cohort_month, counted.dimension, counted.active_month
        ) as small_segments,
        row_number() over (
            partition by counted.cohort_month, counted.dimension, counted.active_month
            order by counted.n, counted.segment
        ) as place
    from counted
    cross join settings
),

pooled as (
    select
        ranked.cohort_month,
        ranked.dimension,
        ranked.active_month,
        case
            when ranked.dimension = 'all' then ranked.segment
            when ranked.is_small then 'other'
            when
                ranked.small_total between 1 and settings.min_published_n - 1
                and ranked.place = ranked.small_segments + 1
                then 'other'
            else ranked.segment
        end as segment,
        sum(ranked.n) as n,
        sum(ranked.active_count) as active_count,
        sum(ranked.order_count) as order_count,
        sum(ranked.revenue_net_eur) as revenue_net_eur
    from ranked
    cross join settings
    group by
        ranked.cohort_month, ranked.dimension, ranked.active_month,
        case
            when ranked.dimension = 'all' then ranked.segment
            when ranked.is_small then 'other'
            when
                ranked.small_total between 1 and settings.min_published_n - 1
                and ranked.place = ranked.small_segments + 1
                then 'other'
            else ranked.segment
        end
),

final as (
    select
        pooled.cohort_month,
        cast(
            12 * (year(pooled.active_month) - year(pooled.cohort_month))
            + month(pooled.active_month) - month(pooled.cohort_month) as integer
        ) as months_since,
        pooled.active_month as period_start,
        pooled.dimension,
        pooled.segment,
        cast(pooled.n as bigint) as n,
        case
            when pooled.n >= settings.min_published_n then cast(pooled.active_count as bigint)
        end as active_count,
        case
            when pooled.n >= settings.min_published_n
                then round(pooled.active_count / cast(pooled.n as double), 9)
        end as retention_share,
        {%- for limit, sign in [('low', '-'), ('high', '+')] %}
        case
            when pooled.n >= settings.min_published_n
                then round({{ wilson_limit(
                    '(pooled.active_count / cast(pooled.n as double))', 'pooled.n', 'settings.z', sign
                ) }}, 9)
        end as retention_share_ci_{{ limit }},
        {%- endfor %}
        case
            when pooled.n >= settings.min_published_n then cast(pooled.order_count as bigint)
        end as order_count,
        case
            when pooled.n >= settings.min_published_n
                then cast(pooled.revenue_net_eur as decimal(18, 2))
        end as revenue_net_eur,
        pooled.active_month = clock.newest_month as is_partial,
        pooled.n < settings.min_published_n as is_suppressed,
        pooled.n < settings.small_sample_n as is_small_sample
    from pooled
    cross join settings
    cross join clock
)

select * from final
