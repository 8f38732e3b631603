{{ rebuilt_by('session_key', 'int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_sessions') }}

{% set in_order = sort_key(['occurred_at', 'web_event_key']) %}

with

events as (

    select * from {{ ref('int_web_events_landed') }}
    where
        not is_duplicate
        and not is_superseded
        and client_id is not null
        and session_ref is not null
        and {{ is_of_touched_session() if is_incremental() else 'true' }}

),

final as (

    select
        {{ session_key() }} as session_key,
        source,
        stream_id,
        platform,
        client_id,
        session_ref,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        min(event_date) as event_date,
        count(*) as event_count,
        count(*) filter (where event_name = 'session_start') as session_start_count,
        count(*) filter (where event_name in ('page_view', 'screen_view')) as page_view_count,
        count(*) filter (where event_name = 'begin_checkout') as begin_checkout_count,
        count(*) filter (where event_name = 'purchase') as purchase_count,
        count(*) filter (where event_name = 'logout') as logout_count,
        count(distinct case when user_id not like 'redacted:%' then user_id end) as user_count,
        max(case when is_session_engaged then 1 else 0 end) as was_engaged,
        {{ exact_sum('coalesce(engagement_seconds, 0)') }} as engagement_seconds,
        -- Of the first page alone: from the second on, our own host is what it should be.
        min_by(coalesce(referrer_host, ''), {{ in_order }}) filter (where event_name = 'page_view')
            as referrer_host,
        min_by(page_path, {{ in_order }}) filter (where page_path is not null) as page_path,
        min_by(device_category, {{ in_order }}) as device_category,
        min_by(browser, {{ in_order }}) as browser,
        min_by(app_version, {{ in_order }}) as app_version,
        min_by(click_id_type, {{ in_order }}) filter (where click_id_type is not null)
            as click_id_type,
        min(session_number) as session_number,
        lower(
            min_by(first_user_source, {{ in_order }}) filter (where first_user_source is not null)
        ) as first_user_source,
        lower(min_by(traffic_source, {{ in_order }}) filter (where traffic_source is not null))
            as source_lower,
        min_by(traffic_source, {{ in_order }}) filter (where traffic_source is not null)
            as traffic_source,
        min_by(traffic_medium, {{ in_order }}) filter (where traffic_source is not null)
            as traffic_medium,
        min_by(traffic_campaign, {{ in_order }}) filter (where traffic_campaign is not null)
            as traffic_campaign
    from events
    group by source, stream_id, platform, client_id, session_ref

)

select * from final
