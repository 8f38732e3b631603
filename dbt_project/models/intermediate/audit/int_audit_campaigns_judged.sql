{%- set flags = ['col09', 'rec09', 'att08'] -%}
with

messages as (

    select * from {{ ref('int_messages_unioned') }}

),

sessions as (

    select * from {{ ref('int_audit_sessions_described') }}

),

ad_spend as (

    select * from {{ ref('int_ad_spend_unioned') }}

),

web_span as (

    select
        min(started_at) as first_started_at,
        max(started_at) as last_started_at,
        min(event_date) as first_date,
        max(event_date) as last_date
    from sessions

),

landing_pages as (

    select distinct lower(page_path) as page_path from sessions
    where page_path is not null

),

-- Where a mail leads to is where its visitors' sessions begin.
links as (

    select
        messages.source,
        lower(messages.link_url_path) as page_path,
        count(*) as click_count,
        max(messages.occurred_at) as occurred_at
    from messages
    cross join web_span
    where
        messages.event_type = 'click'
        and messages.link_url_path like '/%'
        and messages.occurred_at between web_span.first_started_at and web_span.last_started_at
    group by messages.source, lower(messages.link_url_path)

),

links_judged as (

    select
        links.source,
        {{ surrogate_key(['links.source', "'link'", 'links.page_path']) }} as sample_key,
        links.occurred_at,
        {{ local_date('links.occurred_at') }} as event_date,
        'links' as subject,
        links.page_path as detail,
        {{ audit_flags(flags, {
            'col09': 'case when links.click_count >= 20 then landing_pages.page_path is null end',
        }) }}
    from links
    left join landing_pages
        on links.page_path = landing_pages.page_path

),

campaigns as (

    select
        source,
        campaign_id,
        sum(case when event_type = 'sent' then 1 else 0 end) as sent_count,
        sum(case when event_type = 'delivered' then 1 else 0 end) as delivered_count,
        max(occurred_at) as occurred_at
    from messages
    where campaign_id is not null
    group by source, campaign_id

),

campaigns_compared as (

    select
        *,
        sum(delivered_count) over (partition by source) as source_delivered_count
    from campaigns

),

campaigns_judged as (

    select
        source,
        {{ surrogate_key(['source', "'campaign'", 'campaign_id']) }} as sample_key,
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        'campaigns' as subject,
        campaign_id as detail,
        {{ audit_flags(flags, {
            'rec09': 'case when source_delivered_count > 0 and sent_count >= 20'
                ~ ' then delivered_count = 0 end',
        }) }}
    from campaigns_compared

),

paid_clicks as (

    select
        source,
        traffic_source,
        traffic_medium,
        sum(clicks) as click_count,
        min(spend_date) as first_date,
        max(spend_date) as last_date
    from ad_spend
    cross join web_span
    where spend_date between web_span.first_date and web_span.last_date
    group by source, traffic_source, traffic_medium

),

paid_sessions as (

    select
        source_lower as traffic_source,
        lower(traffic_medium) as traffic_medium,
        count(*) as session_count
    from sessions
    group by source_lower, lower(traffic_medium)

),

spend_span as (

    select
        source,
        min(first_date) as first_date,
        max(last_date) as last_date
    from paid_clicks
    group by source

),

-- Half of the clicks may be lost to refusals and short visits; fifty are never all lost.
spend_judged as (

    select
        paid_clicks.source,
        {{ surrogate_key(
            ['paid_clicks.source', "'spend'", 'paid_clicks.traffic_source', 'paid_clicks.traffic_medium']
        ) }} as sample_key,
        cast(null as timestamp) as occurred_at,
        paid_clicks.last_date as event_date,
        'spend without sessions' as subject,
        paid_clicks.traffic_source || ' / ' || paid_clicks.traffic_medium as detail,
        {{ audit_flags(flags, {
            'att08': 'case when paid_clicks.click_count >= 50'
                ~ ' then paid_sessions.session_count is null end',
        }) }}
    from paid_clicks
    left join paid_sessions
        on
            lower(paid_clicks.traffic_source) = paid_sessions.traffic_source
            and lower(paid_clicks.traffic_medium) = paid_sessions.traffic_medium

),

unpaid_judged as (

    select
        spend_span.source,
        {{ surrogate_key(
            [
                'spend_span.source',
                "'sessions'",
                'paid_sessions.traffic_source',
                'paid_sessions.traffic_medium',
            ]
        ) }} as sample_key,
        cast(null as timestamp) as occurred_at,
        spend_span.last_date as event_date,
        'sessions without spend' as subject,
        paid_sessions.traffic_source || ' / ' || paid_sessions.traffic_medium as detail,
        {{ audit_flags(flags, {
            'att08': 'case when paid_sessions.session_count >= 50'
                ~ ' then paid_clicks.traffic_source is null end',
        }) }}
    from paid_sessions
    cross join spend_span
    left join paid_clicks
        on
            spend_span.source = paid_clicks.source
            and paid_sessions.traffic_source = lower(paid_clicks.traffic_source)
            and paid_sessions.traffic_medium = lower(paid_clicks.traffic_medium)
    where paid_sessions.traffic_medium in ('cpc', 'paid_social', 'display')

),

united as (

    select * from links_judged
    union all
    select * from campaigns_judged
    union all
    select * from spend_judged
    union all
    select * from unpaid_judged

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
