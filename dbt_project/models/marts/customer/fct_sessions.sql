{{ rebuilt_by('session_key', 'int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_identity_records') }}

with

-- read once, for it is wide: what is read twice is kept
sessions as (
    select
        *,
        case
            when not is_consent_denied
                then {{ identity_record_key('web_event', ['user_id', 'client_id']) }}
        end as identity_record_key
    from {{ ref('int_sessions_built') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

-- patterns are compared with the distinct landings, not with every visit
search_landings as (
    select distinct
        landing_page_path,
        channel_group,
        traffic_campaign
    from {{ ref('int_sessions_built') }}
    where channel_group like '%Search'
),

intents as (
    select
        landings.landing_page_path,
        landings.channel_group,
        landings.traffic_campaign,
        min_by(rules.search_intent, {{ sort_key(['rules.priority', 'rules.rule_id']) }})
            as search_intent
    from search_landings as landings
    inner join {{ ref('search_intent_rules') }} as rules
        on
            landings.landing_page_path like coalesce(rules.page_pattern, '%')
            and landings.channel_group like coalesce(rules.channel_group, '%')
            and lower(coalesce(landings.traffic_campaign, ''))
            like coalesce(rules.campaign_pattern, '%')
    group by landings.landing_page_path, landings.channel_group, landings.traffic_campaign
),

final as (
    select
        sessions.session_key,
        sessions.source,
        sessions.stream_id,
        sessions.platform,
        records_resolved.identifier_key,
        records_resolved.customer_id,
        sessions.session_number,
        sessions.started_at,
        sessions.ended_at,
        sessions.session_date,
        sessions.duration_seconds,
        sessions.engagement_seconds,
        sessions.is_engaged,
        sessions.is_internal,
        sessions.user_id is not null as is_logged_in,
        sessions.user_count,
        sessions.consent_analytics,
        sessions.event_count,
        sessions.page_view_count,
        sessions.search_count,
        sessions.error_count,
        sessions.error_count > 0 as has_error,
        sessions.first_error_code,
        sessions.traffic_source,
        sessions.traffic_medium,
        sessions.traffic_campaign,
        sessions.channel_group,
        sessions.click_id_type,
        sessions.landing_page_path,
        case
            when sessions.channel_group like '%Search'
                then coalesce(intents.search_intent, 'unknown')
        end as search_intent,
        sessions.exit_page_path,
        sessions.device_category,
        sessions.operating_system,
        sessions.browser,
        sessions.app_version,
        sessions.country,
        sessions.language,
        sessions.item_viewed_at,
        sessions.cart_added_at,
        sessions.checkout_begun_at,
        sessions.shipping_added_at,
        sessions.payment_added_at,
        sessions.purchased_at,
        sessions.purchase_event_count > 0 as has_purchase,
        sessions.transaction_id,
        sessions.has_login,
        sessions.has_sign_up,
        sessions.has_lead,
        sessions.has_loyalty_signup,
        sessions.has_app_download
    from sessions
    left join records_resolved
        on sessions.identity_record_key = records_resolved.identity_record_key
    left join intents
        on
            sessions.landing_page_path = intents.landing_page_path
            and sessions.channel_group = intents.channel_group
            and coalesce(sessions.traffic_campaign, '') = coalesce(intents.traffic_campaign, '')
    {%- if is_incremental() %}
    where
        sessions.session_key in (select session_key from {{ ref('int_touched_sessions') }})
        or sessions.identity_record_key in (
            select identity_record_key from {{ ref('int_touched_identity_records') }}
        )
    {%- endif %}
)

select * from final
