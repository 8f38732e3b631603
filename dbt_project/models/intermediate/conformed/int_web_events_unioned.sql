{{ config(materialized='view') }}

with

events as (
    select * from {{ ref('int_web_events_landed') }}
),

final as (
    select
        web_event_key,
        source,
        stream_id,
        platform,
        event_name,
        occurred_at,
        event_date,
        partition_date,
        server_offset_seconds,
        batch_id,
        loaded_at,
        is_intraday,
        client_id,
        session_ref,
        session_ref_type,
        session_number,
        user_id,
        is_session_engaged,
        engagement_seconds,
        page_host,
        page_path,
        page_title,
        referrer_host,
        has_personal_data,
        traffic_source,
        traffic_medium,
        traffic_campaign,
        click_id_type,
        first_user_source,
        first_user_medium,
        device_category,
        operating_system,
        browser,
        app_version,
        country,
        language,
        is_internal,
        consent_analytics,
        consent_ads,
        transaction_id,
        event_value,
        currency,
        tax_amount,
        shipping_amount,
        item_count,
        items_amount,
        items_missing_id_count,
        items_missing_price_count,
        scroll_share,
        video_share,
        search_term,
        link_target,
        error_code,
        error_message,
        content_id,
        method,
        coupon
    from events
    where not is_duplicate and not is_superseded
)

select * from final
