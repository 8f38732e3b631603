{%- set flags = ['oth01', 'oth02', 'oth03', 'oth04', 'oth05', 'oth06', 'oth07', 'oth08'] -%}
with

readings as (

    select
        *,
        {{ local_date('measured_at') }} as measured_date
    from {{ ref('int_readings_unioned') }}

),

feedback as (

    select * from {{ ref('int_feedback_unioned') }}

),

page_interactions as (

    select * from {{ ref('int_page_interactions_unioned') }}

),

contracts as (

    select * from {{ ref('int_contracts_unioned') }}

),

orders as (

    select * from {{ ref('int_orders_unioned') }}
    where
        channel = 'store'
        and store_id is not null
        and not coalesce(is_cancelled, false)
        and not coalesce(is_test, false)

),

-- Nothing can have happened after the file that tells of it was delivered; ten minutes are clocks.
deliveries as (

    select
        source,
        max(delivered_at) + interval '10 minutes' as latest_possible_at
    from {{ ref('int_audit_files_landed') }}
    where status = 'loaded'
    group by source

),

readings_repeated as (

    select
        reading_key,
        count(*) over (
            partition by source, kind, subject, measured_at, user_id, client_id, loyalty_id
        ) as same_count
    from readings

),

readings_judged as (

    select
        readings.source,
        readings.reading_key as sample_key,
        readings.measured_at as occurred_at,
        readings.measured_date as event_date,
        readings.kind as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'oth01': "case readings.kind"
                ~ " when 'visitor_counts' then coalesce(readings.reading_value < 0, true)"
                ~ " when 'programme_costs' then readings.reading_value is null"
                ~ " when 'uptime_checks' then readings.is_successful is null"
                ~ " or coalesce(readings.duration_seconds < 0, false)"
                ~ " when 'product_use' then coalesce(readings.duration_seconds < 0, false)"
                ~ " or coalesce(readings.duration_seconds > 86400, false)"
                ~ " end",
            'oth02': 'readings.measured_at > deliveries.latest_possible_at',
            'oth03': 'readings_repeated.same_count > 1',
        }) }}
    from readings
    inner join readings_repeated on readings.reading_key = readings_repeated.reading_key
    left join deliveries on readings.source = deliveries.source

),

feedback_repeated as (

    select
        feedback_key,
        count(*) over (
            partition by source, kind, given_at, place, product_id, rating, feedback_text
        ) as same_count
    from feedback

),

feedback_judged as (

    select
        feedback.source,
        feedback.feedback_key as sample_key,
        feedback.given_at as occurred_at,
        {{ local_date('feedback.given_at') }} as event_date,
        feedback.kind as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'oth02': 'feedback.given_at > deliveries.latest_possible_at',
            'oth03': 'case when feedback.feedback_text is not null'
                ~ ' then feedback_repeated.same_count > 1 end',
            'oth05': 'case when feedback.rating is not null then coalesce('
                ~ 'feedback.rating < feedback.scale_min or feedback.rating > feedback.scale_max'
                ~ ', true) end',
        }) }}
    from feedback
    inner join feedback_repeated on feedback.feedback_key = feedback_repeated.feedback_key
    left join deliveries on feedback.source = deliveries.source

),

interactions_judged as (

    select
        page_interactions.source,
        page_interactions.page_interaction_key as sample_key,
        cast(null as timestamp) as occurred_at,
        page_interactions.interaction_date as event_date,
        'page_interactions' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'oth02': 'page_interactions.interaction_date'
                ~ ' > cast(deliveries.latest_possible_at as date)',
            'oth07': 'least(coalesce(page_interactions.view_count, -1)'
                ~ ', coalesce(page_interactions.reached_count, 0)'
                ~ ', coalesce(page_interactions.click_count, 0)'
                ~ ', coalesce(page_interactions.rage_click_count, 0)'
                ~ ', coalesce(page_interactions.dead_click_count, 0)) < 0'
                ~ ' or page_interactions.view_count = 0'
                ~ ' and coalesce(page_interactions.reached_count, 0)'
                ~ ' + coalesce(page_interactions.click_count, 0)'
                ~ ' + coalesce(page_interactions.rage_click_count, 0)'
                ~ ' + coalesce(page_interactions.dead_click_count, 0) > 0',
        }) }}
    from page_interactions
    left join deliveries on page_interactions.source = deliveries.source

),

-- What ends has begun. That a contract is given up long before its end, or renewed, is no defect.
contracts_judged as (

    select
        source,
        contract_key as sample_key,
        started_at as occurred_at,
        {{ local_date('started_at') }} as event_date,
        'contracts' as subject,
        cast(null as {{ type_string() }}) as detail,
        {{ audit_flags(flags, {
            'oth08': 'started_at is null or coalesce(ends_at <= started_at, false)'
                ~ ' or coalesce(cancelled_at < started_at, false)'
                ~ ' or coalesce(contract_amount < 0, false)',
        }) }}
    from contracts

),

series_days as (

    select
        source,
        kind,
        subject,
        measured_date,
        count(*) as reading_count,
        sum(reading_value) as visitor_count
    from readings
    where kind in ('uptime_checks', 'visitor_counts') and measured_date is not null
    group by source, kind, subject, measured_date

),

series_spans as (

    select
        source,
        kind,
        subject,
        min(measured_date) as first_date,
        max(measured_date) as last_date
    from series_days
    group by source, kind, subject

),

all_days as (

    {{ days_between(
        '(select min(first_date) from series_spans)', '(select max(last_date) from series_spans)'
    ) }}

),

series_by_day as (

    select
        series_spans.source,
        series_spans.kind,
        series_spans.subject,
        all_days.day_date as measured_date,
        coalesce(series_days.reading_count, 0) as reading_count
    from series_spans
    inner join all_days
        on all_days.day_date between series_spans.first_date and series_spans.last_date
    left join series_days
        on
            series_spans.source = series_days.source
            and series_spans.kind = series_days.kind
            and series_spans.subject = series_days.subject
            and all_days.day_date = series_days.measured_date

),

-- The same weekday a week before and after tells how often a day is read. A shop may be closed: its
-- counter is missed only where another one of the chain counts. A monitor never closes.
series_compared as (

    select
        source,
        kind,
        subject,
        measured_date,
        reading_count,
        least(
            lag(reading_count, 7) over (
                partition by source, kind, subject order by measured_date
            ),
            lead(reading_count, 7) over (
                partition by source, kind, subject order by measured_date
            )
        ) as expected_count,
        lag(reading_count, 7) over (
            partition by source, kind, subject order by measured_date
        ) is not null
        and lead(reading_count, 7) over (
            partition by source, kind, subject order by measured_date
        ) is not null as has_both_weeks,
        sum(reading_count) over (partition by source, kind, measured_date) as chain_count
    from series_by_day

),

gaps_judged as (

    select
        source,
        'read ' || kind || ' ' || subject || ' ' || cast(measured_date as {{ type_string() }})
            as sample_key,
        cast(null as timestamp) as occurred_at,
        measured_date as event_date,
        kind as subject,
        subject as detail,
        {{ audit_flags(flags, {
            'oth04': "case when has_both_weeks and expected_count >= 4"
                ~ " and (kind = 'uptime_checks' or chain_count > reading_count)"
                ~ ' then reading_count < 0.5 * expected_count end',
        }) }}
    from series_compared

),

store_orders as (

    select
        store_id,
        order_date,
        count(*) as order_count
    from orders
    group by store_id, order_date

),

-- Who buys has come in: a counter that stands still, or a store under another's name, shows here.
stores_judged as (

    select
        series_days.source,
        'store ' || series_days.subject || ' ' || cast(
            series_days.measured_date as {{ type_string() }}
        ) as sample_key,
        cast(null as timestamp) as occurred_at,
        series_days.measured_date as event_date,
        series_days.kind as subject,
        series_days.subject as detail,
        {{ audit_flags(flags, {
            'oth06': 'coalesce(store_orders.order_count, 0) > series_days.visitor_count',
        }) }}
    from series_days
    left join store_orders
        on
            series_days.subject = store_orders.store_id
            and series_days.measured_date = store_orders.order_date
    where series_days.kind = 'visitor_counts' and series_days.visitor_count is not null

),

united as (

    select * from readings_judged
    union all
    select * from feedback_judged
    union all
    select * from interactions_judged
    union all
    select * from contracts_judged
    union all
    select * from gaps_judged
    union all
    select * from stores_judged

),

judged as (

    select
        source,
        sample_key,
        occurred_at,
        event_date,
        cast(null as {{ type_string() }}) as platform,
        subject,
        detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        -- noqa: disable=LT02
        {%- for flag in flags %}
        {{ flag }}{{ "," if not loop.last }}
        {%- endfor %}
    from united
    -- noqa: enable=LT02

)

select * from judged
