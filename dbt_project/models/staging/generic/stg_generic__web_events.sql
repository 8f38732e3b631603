with events as (
    select
        *,
        {{ surrogate_key(["_source", "'web_event'", "_batch_id", "_row"]) }} as web_event_key,
        {{ mapped_timestamp('occurred_at') }} as occurred_at_utc
    from {{ source('generic', 'web_events') }}
),

delivered as (
    select
        *,
        row_number() over (
            partition by _source, _row_id order by _loaded_at desc, _batch_id desc, _row desc
        ) > 1 as is_superseded
    from events
),

-- Without an id of its own, an event is the same as another one that agrees in everything here.
compared as (
    select
        *,
        not is_superseded
        and row_number() over (
            partition by
                _source,
                is_superseded,
                coalesce({{ blank_to_null('event_id') }}, ''),
                case when {{ blank_to_null('event_id') }} is null then occurred_at_utc end,
                case when {{ blank_to_null('event_id') }} is null then event_name end,
                case when {{ blank_to_null('event_id') }} is null then client_id end,
                case when {{ blank_to_null('event_id') }} is null then session_ref end,
                case when {{ blank_to_null('event_id') }} is null then page_url end,
                case when {{ blank_to_null('event_id') }} is null then transaction_id end
            order by _loaded_at, _batch_id, _row
        ) > 1 as is_duplicate
    from delivered
),

final as (
    select
        web_event_key,
        _source as source,
        stream_id,
        case when lower(platform) in ('app', 'ios', 'android', 'mob') then 'app' else 'web' end
            as platform,
        trim(event_name) as event_name,
        occurred_at_utc as occurred_at,
        {{ local_date('occurred_at_utc') }} as event_date,
        dt as partition_date,
        cast(null as double) as server_offset_seconds,
        _batch_id as batch_id,
        _loaded_at as loaded_at,
        false as is_intraday,
        is_duplicate,
        is_superseded,
        {{ blank_to_null('client_id') }} as client_id,
        {{ blank_to_null('session_ref') }} as session_ref,
        case when {{ blank_to_null('session_ref') }} is not null then 'string' end
            as session_ref_type,
        {{ text_to_number('session_number', 'bigint') }} as session_number,
        {{ without_personal_data('user_id') }} as user_id,
        {{ text_to_boolean('is_session_engaged') }} as is_session_engaged,
        {{ text_to_number('engagement_seconds', 'double') }} as engagement_seconds,
        {{ url_host('page_url') }} as page_host,
        {{ masked_link_path('page_url') }} as page_path,
        {{ without_personal_data('page_title') }} as page_title,
        {{ url_host('referrer_url') }} as referrer_host,
        {{ personal_data_kind('page_url') }} is not null
        or {{ personal_data_kind('page_title') }} is not null
        or {{ personal_data_kind('referrer_url') }} is not null
        or {{ personal_data_kind('user_id') }} is not null as has_personal_data,
        {{ blank_to_null('traffic_source') }} as traffic_source,
        {{ blank_to_null('traffic_medium') }} as traffic_medium,
        {{ blank_to_null('traffic_campaign') }} as traffic_campaign,
        {{ url_click_id_type('page_url') }} as click_id_type,
        {{ blank_to_null('first_user_source') }} as first_user_source,
        {{ blank_to_null('first_user_medium') }} as first_user_medium,
        lower({{ blank_to_null('device_category') }}) as device_category,
        {{ blank_to_null('operating_system') }} as operating_system,
        {{ blank_to_null('browser') }} as browser,
        {{ blank_to_null('app_version') }} as app_version,
        {{ blank_to_null('country') }} as country,
        {{ blank_to_null('language') }} as language,
        case when {{ text_to_boolean('is_internal') }} then 'internal' end as traffic_type,
        cast(null as {{ type_string() }}) as debug_mode,
        coalesce({{ blank_to_null('consent_analytics') }}, 'unset') as consent_analytics,
        coalesce({{ blank_to_null('consent_ads') }}, 'unset') as consent_ads,
        {{ blank_to_null('transaction_id') }} as transaction_id,
        {{ text_to_number('event_value', 'double') }} as event_value,
        upper({{ blank_to_null('currency') }}) as currency,
        {{ text_to_number('tax_amount', 'double') }} as tax_amount,
        {{ text_to_number('shipping_amount', 'double') }} as shipping_amount,
        {{ text_to_number('item_count', 'bigint') }} as item_count,
        {{ text_to_number('items_amount', 'double') }} as items_amount,
        cast(null as bigint) as items_missing_id_count,
        cast(null as bigint) as items_missing_price_count,
        {{ text_to_number('scroll_share', 'double') }} as scroll_share,
        {{ text_to_number('video_share', 'double') }} as video_share,
        {{ without_personal_data('search_term') }} as search_term,
        {{ without_personal_data('link_target') }} as link_target,
        {{ blank_to_null('error_code') }} as error_code,
        {{ without_personal_data('error_message') }} as error_message,
        {{ blank_to_null('content_id') }} as content_id,
        {{ blank_to_null('method') }} as method,
        {{ blank_to_null('coupon') }} as coupon
    from compared
)

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
    is_duplicate,
    is_superseded,
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
    traffic_type,
    debug_mode,
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
from final
