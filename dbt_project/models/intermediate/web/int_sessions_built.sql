{{ rebuilt_by('session_key', 'int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_sessions') }}

{# Steps towards an order, by the standard names of their events; the first time of each is kept. #}
{% set steps = {
    'item_viewed_at': 'view_item',
    'cart_added_at': 'add_to_cart',
    'checkout_begun_at': 'begin_checkout',
    'shipping_added_at': 'add_shipping_info',
    'payment_added_at': 'add_payment_info',
    'purchased_at': 'purchase',
} %}
{% set carried = [
    'session_key', 'source', 'client_id', 'session_ref', 'session_number', 'stream_id', 'platform',
    'user_id', 'user_count', 'consent_analytics', 'is_consent_denied', 'is_internal', 'started_at', 'ended_at',
    'first_partition_date', 'last_partition_date', 'first_loaded_at', 'last_loaded_at', 'engagement_seconds', 'is_called_engaged', 'event_count', 'page_view_count', 'search_count',
    'error_count', 'first_error_code', 'traffic_campaign', 'click_id_type', 'referrer_host',
    'landing_page_host', 'landing_page_path', 'exit_page_path', 'device_category',
    'operating_system', 'browser', 'app_version', 'country', 'language', 'purchase_event_count',
    'transaction_id', 'has_login', 'has_sign_up', 'has_lead', 'has_loyalty_signup',
    'has_app_download',
] %}
{% set in_reach = is_of_touched_session() if is_incremental() else 'true' %}
{% set in_order = sort_key(['occurred_at', 'web_event_key']) %}

with

-- consent refused: no ids come; what comes without them is counted in int_sessions_left_out
events as (
    select * from {{ ref('int_web_events_unioned') }}
    where
        client_id is not null
        and session_ref is not null
        and {{ in_reach }}
),

users_sent as (
    select user_id from {{ ref('int_web_events_unioned') }}
    where {{ in_reach }}
),

{{ blocked_users_of('users_sent') }}

-- one pass over the events; a session is its client's session id, whatever the hour or the day
sessions as (
    select
        {{ session_key() }} as session_key,
        source,
        client_id,
        session_ref,
        min(session_number) as session_number,
        min_by(
            {{ record({
                'stream_id': 'stream_id',
                'platform': 'platform',
                'device_category': 'device_category',
                'operating_system': 'operating_system',
                'browser': 'browser',
                'app_version': 'app_version',
                'country': 'country',
                'language': 'language',
            }) }},
            {{ in_order }}
        ) as entry,
        min_by(
            {{ record({
                'page_host': 'page_host',
                'page_path': 'page_path',
                'referrer_host': 'referrer_host',
            }) }},
            {{ in_order }}
        ) filter (where page_path is not null) as landing,
        max_by(page_path, {{ in_order }}) filter (where event_name = 'page_view')
            as exit_page_path,
        -- the visit's own campaign; what first brought the client years ago is another question
        min_by(
            {{ record({
                'traffic_source': 'lower(traffic_source)',
                'traffic_medium': 'lower(traffic_medium)',
                'traffic_campaign': 'traffic_campaign',
                'click_id_type': 'click_id_type',
            }) }},
            {{ in_order }}
        ) filter (where traffic_source is not null or click_id_type is not null) as tagged,
        -- one visit is one customer's: the first who logged in
        min_by(events.user_id, {{ in_order }}) filter (
            where events.user_id is not null and blocked_users.user_id is null
        ) as user_id,
        count(distinct events.user_id) filter (where blocked_users.user_id is null) as user_count,
        max_by(consent_analytics, {{ in_order }}) as consent_analytics,
        bool_or(coalesce(consent_analytics, 'unset') = 'denied') as is_consent_denied,
        bool_or(coalesce(is_internal, false)) as is_internal,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        min(partition_date) as first_partition_date,
        max(partition_date) as last_partition_date,
        min(loaded_at) as first_loaded_at,
        max(loaded_at) as last_loaded_at,
        count(*) as event_count,
        count(*) filter (where event_name in ('page_view', 'screen_view')) as page_view_count,
        count(*) filter (where event_name = 'view_search_results') as search_count,
        count(*) filter (where {{ is_error_event() }}) as error_count,
        min_by(error_code, {{ in_order }}) filter (where {{ is_error_event() }})
            as first_error_code,
        count(*) filter (where event_name = 'purchase') as purchase_event_count,
        min_by(transaction_id, {{ in_order }}) filter (where event_name = 'purchase')
            as transaction_id,
        {{ exact_sum('engagement_seconds') }} as engagement_seconds,
        bool_or(is_session_engaged) as is_called_engaged,
        bool_or(event_name = 'login') as has_login,
        bool_or(event_name = 'sign_up') as has_sign_up,
        bool_or(event_name = 'generate_lead') as has_lead,
        bool_or(event_name = 'loyalty_signup') as has_loyalty_signup,
        bool_or(event_name = 'app_download_click') as has_app_download,
        -- noqa: disable=LT02
        {%- for column, event_name in steps.items() %}
        min(occurred_at) filter (where event_name = '{{ event_name }}') as {{ column }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from events
    -- noqa: enable=LT02
    left join blocked_users on events.user_id = blocked_users.user_id
    group by source, client_id, session_ref
),

flattened as (
    select
        session_key,
        source,
        client_id,
        session_ref,
        session_number,
        entry.stream_id as stream_id,
        entry.platform as platform,
        entry.device_category as device_category,
        entry.operating_system as operating_system,
        entry.browser as browser,
        entry.app_version as app_version,
        entry.country as country,
        entry.language as language,
        landing.page_host as landing_page_host,
        landing.page_path as landing_page_path,
        exit_page_path,
        landing.referrer_host as referrer_host,
        {{ registered_domain('lower(landing.referrer_host)') }}
        = {{ registered_domain('lower(landing.page_host)') }} as is_own_referrer,
        nullif(tagged.traffic_source, '(not set)') as tagged_source,
        nullif(tagged.traffic_medium, '(not set)') as tagged_medium,
        tagged.traffic_campaign as traffic_campaign,
        tagged.click_id_type as click_id_type,
        user_id,
        user_count,
        consent_analytics,
        is_consent_denied,
        is_internal,
        started_at,
        ended_at,
        first_partition_date,
        last_partition_date,
        first_loaded_at,
        last_loaded_at,
        event_count,
        page_view_count,
        search_count,
        error_count,
        first_error_code,
        purchase_event_count,
        transaction_id,
        engagement_seconds,
        is_called_engaged,
        has_login,
        has_sign_up,
        has_lead,
        has_loyalty_signup,
        has_app_download,
        {{ steps | join(', ') }}
    from sessions
),

sourced as (
    select
        {{ carried | join(',\n        ') }},
        {{ steps | join(', ') }},
        case
            -- the advertiser's own click id is better evidence than the search engine's referrer
            when
                click_id_type in ('gclid', 'dclid')
                and coalesce(tagged_medium, 'organic') in ('organic', 'referral', '(none)')
                then 'google'
            when
                click_id_type = 'msclkid'
                and coalesce(tagged_medium, 'organic') in ('organic', 'referral', '(none)')
                then 'bing'
            when tagged_source is not null then tagged_source
            when click_id_type = 'fbclid' then 'facebook'
            when referrer_host is null or coalesce(is_own_referrer, false) then '(direct)'
            else {{ site_name('lower(referrer_host)') }}
        end as traffic_source,
        case
            when
                click_id_type in ('gclid', 'dclid', 'msclkid')
                and coalesce(tagged_medium, 'organic') in ('organic', 'referral', '(none)')
                then 'cpc'
            when tagged_source is not null then coalesce(tagged_medium, '(none)')
            when click_id_type = 'fbclid' then 'social'
            when referrer_host is null or coalesce(is_own_referrer, false) then '(none)'
            when {{ is_site('lower(referrer_host)', search_sites()) }} then 'organic'
            when {{ is_site('lower(referrer_host)', social_sites()) }} then 'social'
            else 'referral'
        end as traffic_medium
    from flattened
),

final as (
    select
        session_key,
        source,
        client_id,
        session_ref,
        session_number,
        stream_id,
        platform,
        user_id,
        user_count,
        consent_analytics,
        is_consent_denied,
        is_internal,
        started_at,
        ended_at,
        {{ local_date('started_at') }} as session_date,
        first_partition_date,
        last_partition_date,
        first_loaded_at,
        last_loaded_at,
        {{ seconds_between('started_at', 'ended_at') }} as duration_seconds,
        engagement_seconds,
        -- as GA4 has it: the tag says so, or ten seconds, two pages or a purchase do
        coalesce(is_called_engaged, false)
        or coalesce(engagement_seconds, 0) >= 10
        or page_view_count >= 2
        or purchase_event_count > 0 as is_engaged,
        event_count,
        page_view_count,
        search_count,
        error_count,
        first_error_code,
        traffic_source,
        traffic_medium,
        traffic_campaign,
        {{ default_channel_group(
            'traffic_source', 'traffic_medium', "lower(coalesce(traffic_campaign, ''))"
        ) }} as channel_group,
        click_id_type,
        referrer_host,
        landing_page_host,
        landing_page_path,
        exit_page_path,
        device_category,
        operating_system,
        browser,
        app_version,
        country,
        language,
        {{ steps | join(', ') }},
        purchase_event_count,
        transaction_id,
        has_login,
        has_sign_up,
        has_lead,
        has_loyalty_signup,
        has_app_download
    from sourced
)

select * from final
