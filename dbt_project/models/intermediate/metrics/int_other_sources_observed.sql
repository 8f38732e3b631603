{{ read_in_place() }}
with

feedback as (

    select * from {{ ref('fct_feedback') }}

),

readings as (

    select * from {{ ref('fct_readings') }}

),

orders as (

    select * from {{ ref('fct_orders') }}
    where is_counted and channel = 'store'

),

judged as (

    select
        feedback_key as record_key,
        given_date as occurred_date,
        journey_stage,
        channel,
        touchpoint_id,
        customer_id,
        kind,
        rating,
        rating_share,
        scale_min = 1 and scale_max = 5 as has_stars
    from feedback
    where rating_share is not null

),

store_orders as (

    select
        store_id,
        order_date,
        count(*) as order_count
    from orders
    group by store_id, order_date

),

-- A counter does not know who came in: a store's day is the unit, its visitors and its orders
-- together. A store without a counter that day has no conversion.
store_days as (

    select
        {{ surrogate_key(["'store_day'", 'readings.subject', 'readings.measured_date']) }}
            as record_key,
        readings.measured_date as occurred_date,
        readings.journey_stage,
        readings.channel,
        readings.touchpoint_id,
        cast(null as string) as customer_id,
        readings.visitor_count,
        coalesce(store_orders.order_count, 0) as order_count
    from (
        select
            subject,
            measured_date,
            max(journey_stage) as journey_stage,
            max(channel) as channel,
            max(touchpoint_id) as touchpoint_id,
            sum(reading_value) as visitor_count
        from readings
        where kind = 'visitor_counts' and reading_value is not null
        group by subject, measured_date
    ) as readings
    left join store_orders
        on
            readings.subject = store_orders.store_id
            and readings.measured_date = store_orders.order_date

),

-- A chain of sites is as safe as the certificate that ends first. Whole days are said, and their
-- sums are the same in whatever order they are added.
checks as (

    select
        reading_key as record_key,
        measured_date as occurred_date,
        'all' as journey_stage,
        channel,
        'all' as touchpoint_id,
        customer_id,
        is_successful,
        case when is_successful then 0 else duration_seconds end as down_seconds,
        floor(min(valid_days_left) over (partition by measured_date)) as least_days_left,
        valid_days_left
    from readings
    where kind = 'uptime_checks'

),

-- What a heatmap counted of a page, by day; whose views they were it does not tell.
page_days as (

    select
        page_interaction_key as record_key,
        interaction_date as occurred_date,
        coalesce(journey_stage, 'unknown') as journey_stage,
        'web' as channel,
        coalesce(touchpoint_id, 'unknown') as touchpoint_id,
        cast(null as string) as customer_id,
        section,
        view_count,
        -- who reached it twice in a view is counted twice by some tools
        least(reached_count, view_count) as reached_count,
        coalesce(rage_click_count, 0) + coalesce(dead_click_count, 0) as frustrated_count,
        coalesce(rage_click_count, dead_click_count) is not null as has_frustration,
        dwell_seconds,
        click_count,
        hover_count,
        backtrack_count,
        scroll_reversal_count
    from {{ ref('fct_page_interactions') }}
    where view_count > 0

),

uses as (

    select
        reading_key as record_key,
        measured_date as occurred_date,
        journey_stage,
        channel,
        touchpoint_id,
        coalesce(customer_id, 'user:' || user_key) as customer_id,
        duration_seconds
    from readings
    where kind = 'product_use'

),

final as (

    {{ observe('judged', [
        {
            'metric_id': 'review_rating',
            'value': 'rating',
            'where': "kind in ('reviews', 'testimonials') and has_stars",
        },
        {
            'metric_id': 'review_positive',
            'value': 'case when rating >= 4 then 1 else 0 end',
            'where': "kind in ('reviews', 'testimonials') and has_stars",
        },
        {
            'metric_id': 'mystery_shopping_score',
            'value': 'rating_share',
            'where': "kind = 'mystery_visits'",
        },
    ]) | indent(4) }}
    union all
    {{ observe('store_days', [
        {'metric_id': 'store_visitors', 'value': 'visitor_count'},
        {'metric_id': 'store_conversion', 'value': 'order_count', 'base': 'visitor_count'},
    ]) | indent(4) }}
    union all
    {{ observe('checks', [
        {
            'metric_id': 'uptime',
            'value': 'case when is_successful then 1 else 0 end',
            'where': 'is_successful is not null',
        },
        {
            'metric_id': 'downtime_seconds',
            'value': 'coalesce(down_seconds, 0)',
            'where': 'is_successful is not null',
        },
        {
            'metric_id': 'certificate_days_left',
            'value': 'least_days_left',
            'where': 'valid_days_left is not null',
        },
    ]) | indent(4) }}
    union all
    {{ observe('page_days', [
        {
            'metric_id': 'section_interest_heatmap',
            'value': 'reached_count',
            'base': 'view_count',
            'where': 'section is not null and reached_count is not null',
        },
        {
            'metric_id': 'page_frustration',
            'value': 'frustrated_count',
            'base': 'view_count',
            'where': 'section is null and has_frustration',
        },
        {
            'metric_id': 'section_dwell_seconds',
            'value': 'dwell_seconds',
            'base': 'reached_count',
            'where': 'section is not null and dwell_seconds is not null and reached_count > 0',
        },
        {
            'metric_id': 'section_clicks',
            'value': 'click_count',
            'base': 'view_count',
            'where': 'section is not null and click_count is not null',
        },
        {
            'metric_id': 'page_backtracks',
            'value': 'backtrack_count',
            'base': 'view_count',
            'where': 'section is null and backtrack_count is not null',
        },
        {
            'metric_id': 'page_scroll_reversals',
            'value': 'scroll_reversal_count',
            'base': 'view_count',
            'where': 'section is null and scroll_reversal_count is not null',
        },
        {
            'metric_id': 'section_hovers',
            'value': 'hover_count',
            'base': 'view_count',
            'where': 'section is not null and hover_count is not null',
        },
    ]) | indent(4) }}
    union all
    {{ observe('uses', [
        {'metric_id': 'product_use_frequency', 'value': '1'},
        {
            'metric_id': 'product_use_seconds',
            'value': 'duration_seconds',
            'where': 'duration_seconds is not null',
        },
    ]) | indent(4) }}

)

select * from final
