with events as (
    select * from {{ source('snowplow', 'events') }}
),

renamed as (
    select
        {{ surrogate_key(["_source", "'web_event'", "_batch_id", "_row"]) }} as web_event_key,
        _source as source,
        _batch_id as batch_id,
        _loaded_at as loaded_at,
        _row as row_number_in_file,
        _row_id as row_id,
        dt as partition_date,
        event_id,
        case when lower(platform) = 'mob' then 'app' else 'web' end as platform,
        -- the names under which every other web source has these
        case coalesce({{ blank_to_null('event_name') }}, {{ blank_to_null('event') }})
            when 'page_ping' then 'user_engagement'
            when 'link_click' then 'click'
            when 'transaction' then 'purchase'
            when 'event' then coalesce({{ blank_to_null('se_action') }}, 'event')
            when 'struct' then coalesce({{ blank_to_null('se_action') }}, 'event')
            else coalesce({{ blank_to_null('event_name') }}, {{ blank_to_null('event') }})
        end as event_name,
        coalesce(
            {{ text_to_timestamp('true_tstamp') }},
            {{ text_to_timestamp('derived_tstamp') }},
            {{ text_to_timestamp('collector_tstamp') }}
        ) as occurred_at,
        {{ blank_to_null('domain_userid') }} as client_id,
        {{ blank_to_null('domain_sessionid') }} as session_ref,
        {{ blank_to_null('page_url') }} as page_url,
        {{ blank_to_null('page_title') }} as page_title,
        {{ blank_to_null('page_referrer') }} as page_referrer,
        {{ blank_to_null('page_urlhost') }} as page_urlhost,
        {{ blank_to_null('page_urlpath') }} as page_urlpath,
        {{ blank_to_null('refr_urlhost') }} as refr_urlhost,
        {{ blank_to_null('refr_source') }} as refr_source,
        {{ blank_to_null('refr_medium') }} as refr_medium,
        {{ blank_to_null('mkt_source') }} as mkt_source,
        {{ blank_to_null('mkt_medium') }} as mkt_medium,
        {{ blank_to_null('mkt_campaign') }} as mkt_campaign,
        {{ blank_to_null('dvce_type') }} as dvce_type,
        {{ blank_to_null('dvce_created_tstamp') }} as dvce_created_tstamp,
        {{ blank_to_null('dvce_sent_tstamp') }} as dvce_sent_tstamp,
        {{ blank_to_null('os_family') }} as os_family,
        {{ blank_to_null('br_family') }} as br_family,
        {{ blank_to_null('br_lang') }} as br_lang,
        {{ blank_to_null('geo_country') }} as geo_country,
        {{ blank_to_null('tr_orderid') }} as tr_orderid,
        {{ blank_to_null('tr_total') }} as tr_total,
        {{ blank_to_null('tr_tax') }} as tr_tax,
        {{ blank_to_null('tr_shipping') }} as tr_shipping,
        {{ blank_to_null('tr_currency') }} as tr_currency,
        {{ blank_to_null('se_value') }} as se_value,
        {{ blank_to_null('se_label') }} as se_label,
        {{ blank_to_null('se_action') }} as se_action,
        {{ blank_to_null('domain_sessionidx') }} as domain_sessionidx,
        {{ blank_to_null('app_id') }} as app_id,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('unstruct_event') }} as unstruct_event
    from events
),

delivered as (
    select
        *,
        row_number() over (
            partition by source, row_id
            order by loaded_at desc, batch_id desc, row_number_in_file desc
        ) > 1 as is_superseded
    from renamed
),

compared as (
    select
        *,
        not is_superseded
        and row_number() over (
            partition by source, is_superseded, event_id
            order by loaded_at, batch_id, row_number_in_file
        ) > 1 as is_duplicate
    from delivered
),

final as (
    select
        web_event_key,
        source,
        app_id as stream_id,
        platform,
        event_name,
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        partition_date,
        {{ seconds_between(
            text_to_timestamp('dvce_created_tstamp'), text_to_timestamp('dvce_sent_tstamp')
        ) }} as server_offset_seconds,
        batch_id,
        loaded_at,
        false as is_intraday,
        is_duplicate,
        is_superseded,
        client_id,
        session_ref,
        case when session_ref is not null then 'string' end as session_ref_type,
        try_cast(domain_sessionidx as bigint) as session_number,
        {{ without_personal_data('user_id') }} as user_id,
        cast(null as boolean) as is_session_engaged,
        case when event_name = 'user_engagement' then cast(10 as double) end as engagement_seconds,
        lower(page_urlhost) as page_host,
        {{ masked_link_path('page_urlpath') }} as page_path,
        {{ without_personal_data('page_title') }} as page_title,
        lower(refr_urlhost) as referrer_host,
        {{ personal_data_kind('page_url') }} is not null
        or {{ personal_data_kind('page_title') }} is not null
        or {{ personal_data_kind('page_referrer') }} is not null
        or {{ personal_data_kind('user_id') }} is not null as has_personal_data,
        coalesce(mkt_source, refr_source) as traffic_source,
        coalesce(mkt_medium, refr_medium) as traffic_medium,
        mkt_campaign as traffic_campaign,
        {{ url_click_id_type('page_url') }} as click_id_type,
        cast(null as string) as first_user_source,
        cast(null as string) as first_user_medium,
        case lower(dvce_type)
            when 'computer' then 'desktop'
            when 'mobile' then 'mobile'
            when 'tablet' then 'tablet'
            else lower(dvce_type)
        end as device_category,
        os_family as operating_system,
        br_family as browser,
        cast(null as string) as app_version,
        geo_country as country,
        br_lang as language,
        cast(null as {{ type_string() }}) as traffic_type,
        cast(null as {{ type_string() }}) as debug_mode,
        'unset' as consent_analytics,
        'unset' as consent_ads,
        tr_orderid as transaction_id,
        coalesce(
            {{ text_to_number('tr_total', 'double') }}, {{ text_to_number('se_value', 'double') }}
        ) as event_value,
        upper(tr_currency) as currency,
        {{ text_to_number('tr_tax', 'double') }} as tax_amount,
        {{ text_to_number('tr_shipping', 'double') }} as shipping_amount,
        cast(null as bigint) as item_count,
        cast(null as double) as items_amount,
        cast(null as bigint) as items_missing_id_count,
        cast(null as bigint) as items_missing_price_count,
        cast(null as double) as scroll_share,
        cast(null as double) as video_share,
        cast(null as string) as search_term,
        {{ url_host(json_text('unstruct_event', '$.data.data.targetUrl')) }}
        || coalesce(
            {{ masked_link_path(json_text('unstruct_event', '$.data.data.targetUrl')) }}, ''
        ) as link_target,
        cast(null as string) as error_code,
        cast(null as string) as error_message,
        se_label as content_id,
        se_action as method,
        cast(null as string) as coupon
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
