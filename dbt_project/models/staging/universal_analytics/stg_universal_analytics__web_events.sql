with sessions as (
    select * from {{ source('universal_analytics', 'sessions') }}
),

deliveries as (
    select
        batch_id,
        file_key,
        delivered_at
    from {{ source('landing', 'manifest') }}
    where vendor = 'universal_analytics' and status = 'loaded'
),

hits as (
    select
        sessions._source as source,
        sessions._batch_id as batch_id,
        sessions._loaded_at as loaded_at,
        sessions._row as row_number_in_file,
        sessions.dt as partition_date,
        deliveries.file_key as export_table,
        deliveries.delivered_at,
        hit.position as hit_position,
        hit.element.type as hit_type,
        hit.element.eCommerceAction.action_type as action_type,
        {{ micros_to_timestamp(
            "sessions.visitStartTime * 1000000 + coalesce(hit.element.time, 0) * 1000"
        ) }} as occurred_at,
        coalesce(sessions.clientId, sessions.fullVisitorId) as client_id,
        cast(sessions.visitId as string) as session_ref,
        sessions.visitNumber as session_number,
        sessions.userId as user_id,
        coalesce(sessions.totals.bounces, 0) = 0 as is_session_engaged,
        hit.element.page.hostname as hostname,
        hit.element.page.pagePath as page_path,
        hit.element.page.pageTitle as page_title,
        hit.element.page.searchKeyword as search_term,
        hit.element.referer as referrer,
        sessions.trafficSource.source as traffic_source,
        sessions.trafficSource.medium as traffic_medium,
        sessions.trafficSource.campaign as traffic_campaign,
        sessions.trafficSource.adwordsClickInfo.gclId as gclid,
        lower(sessions.device.deviceCategory) as device_category,
        sessions.device.operatingSystem as operating_system,
        sessions.device.browser as browser,
        sessions.device.language as language,
        hit.element.appInfo.version as app_version,
        sessions.geoNetwork.country as country,
        hit.element.transaction as transaction,
        hit.element.product as products,
        hit.element.eventInfo as event_info,
        hit.element.exceptionInfo.description as exception_description
    from sessions
    left join deliveries on sessions._batch_id = deliveries.batch_id
    {{ nested_elements('sessions.hits', 'hit') }}
),

ranked_tables as (
    {{ export_deliveries('hits', 'ga_sessions_') }}
),

-- The vendor marks commerce on the hit during which it happened: a page view that is also a
-- purchase is two events, an event that only reports the commerce is one. Hits that repeat a
-- transaction's id for its items carry no revenue and are no second purchase.
commerce as (
    select
        *,
        case
            when hit_type = 'TRANSACTION' or transaction.transactionRevenue is not null
                then 'purchase'
            when action_type = '1' then 'select_item'
            when action_type = '2' then 'view_item'
            when action_type = '3' then 'add_to_cart'
            when action_type = '4' then 'remove_from_cart'
            when action_type = '5' then 'begin_checkout'
            when action_type = '7' then 'refund'
        end as event_name,
        true as is_commerce
    from hits
),

plain as (
    select
        *,
        case hit_type
            when 'PAGE' then 'page_view'
            when 'APPVIEW' then 'screen_view'
            when 'EXCEPTION' then 'exception'
            when 'SOCIAL' then 'share'
            when 'EVENT' then lower({{ replace_matches(
                "trim(event_info.eventAction)", "[^a-zA-Z0-9]+", "_"
            ) }})
        end as event_name,
        false as is_commerce
    from hits
    where
        hit_type in ('PAGE', 'APPVIEW', 'EXCEPTION', 'SOCIAL')
        or (
            hit_type = 'EVENT'
            and coalesce(action_type, '0') not in ('1', '2', '3', '4', '5', '7')
            and transaction.transactionRevenue is null
        )
),

events as (
    select * from plain
    union all
    select * from commerce
    where event_name is not null
),

delivered as (
    select
        {{ surrogate_key([
            "events.source", "'web_event'", "events.batch_id", "events.row_number_in_file",
            "events.hit_position", "events.is_commerce"
        ]) }} as web_event_key,
        events.source,
        events.batch_id,
        events.loaded_at,
        events.partition_date,
        case when events.hit_type = 'APPVIEW' then 'app' else 'web' end as platform,
        coalesce(events.event_name, 'event') as event_name,
        events.occurred_at,
        coalesce(ranked_tables.is_intraday, false) as is_intraday,
        coalesce(ranked_tables.is_superseded, false) as is_superseded,
        row_number() over (
            partition by
                events.source,
                coalesce(ranked_tables.is_superseded, false),
                events.partition_date,
                events.client_id,
                events.session_ref,
                events.hit_position,
                events.event_name,
                events.occurred_at
            order by events.batch_id, events.row_number_in_file
        ) as occurrence,
        events.client_id,
        events.session_ref,
        events.session_number,
        events.user_id,
        events.is_session_engaged,
        events.hostname,
        events.page_path,
        events.page_title,
        events.search_term,
        events.referrer,
        events.traffic_source,
        events.traffic_medium,
        events.traffic_campaign,
        events.gclid,
        events.device_category,
        events.operating_system,
        events.browser,
        events.language,
        events.app_version,
        events.country,
        events.event_info.eventAction as event_action,
        events.event_info.eventLabel as event_label,
        events.exception_description,
        case when events.is_commerce then events.products end as products,
        case when events.is_commerce then events.transaction.transactionId end as transaction_id,
        case when events.is_commerce then events.transaction.currencyCode end as currency,
        case when events.is_commerce then events.transaction.transactionCoupon end as coupon,
        case
            when events.is_commerce
                then
                    coalesce(
                        events.transaction.localTransactionRevenue,
                        events.transaction.transactionRevenue
                    ) / cast(1000000 as double)
            else cast(events.event_info.eventValue as double)
        end as event_value,
        case
            when events.is_commerce then
                coalesce(events.transaction.localTransactionTax, events.transaction.transactionTax)
                / cast(1000000 as double)
        end as tax_amount,
        case
            when events.is_commerce then
                coalesce(
                    events.transaction.localTransactionShipping,
                    events.transaction.transactionShipping
                ) / cast(1000000 as double)
        end as shipping_amount
    from events
    left join ranked_tables
        on
            events.source = ranked_tables.source
            and events.batch_id = ranked_tables.batch_id
            and coalesce(events.export_table, '') = coalesce(ranked_tables.export_table, '')
),

final as (
    select
        web_event_key,
        delivered.source,
        cast(null as string) as stream_id,
        delivered.platform,
        delivered.event_name,
        delivered.occurred_at,
        {{ local_date('delivered.occurred_at') }} as event_date,
        delivered.partition_date,
        cast(null as double) as server_offset_seconds,
        delivered.batch_id,
        delivered.loaded_at,
        delivered.is_intraday,
        not delivered.is_superseded and delivered.occurrence > 1 as is_duplicate,
        delivered.is_superseded,
        delivered.client_id,
        delivered.session_ref,
        'int' as session_ref_type,
        delivered.session_number,
        {{ without_personal_data('delivered.user_id') }} as user_id,
        delivered.is_session_engaged,
        cast(null as double) as engagement_seconds,
        lower(delivered.hostname) as page_host,
        {{ masked_link_path('delivered.page_path') }} as page_path,
        {{ without_personal_data('delivered.page_title') }} as page_title,
        {{ url_host('delivered.referrer') }} as referrer_host,
        {{ personal_data_kind('delivered.page_path') }} is not null
        or {{ personal_data_kind('delivered.page_title') }} is not null
        or {{ personal_data_kind('delivered.referrer') }} is not null
        or {{ personal_data_kind('delivered.user_id') }} is not null as has_personal_data,
        delivered.traffic_source,
        delivered.traffic_medium,
        delivered.traffic_campaign,
        case
            when delivered.gclid is not null then 'gclid'
            else {{ url_click_id_type('delivered.page_path') }}
        end as click_id_type,
        cast(null as string) as first_user_source,
        cast(null as string) as first_user_medium,
        delivered.device_category,
        delivered.operating_system,
        delivered.browser,
        delivered.app_version,
        delivered.country,
        delivered.language,
        cast(null as {{ type_string() }}) as traffic_type,
        cast(null as {{ type_string() }}) as debug_mode,
        'unset' as consent_analytics,
        'unset' as consent_ads,
        delivered.transaction_id,
        delivered.event_value,
        delivered.currency,
        delivered.tax_amount,
        delivered.shipping_amount,
        cast({{ nested_length('delivered.products') }} as bigint) as item_count,
        {{ nested_sum(
            'delivered.products', 'item.productPrice * coalesce(item.productQuantity, 1)'
        ) }} / cast(1000000 as double) as items_amount,
        cast(
            coalesce(
                {{ nested_sum(
                    'delivered.products',
                    "case when coalesce(item.productSKU, '') in ('', '(not set)') then 1 else 0 end"
                ) }},
                0
            ) as bigint
        ) as items_missing_id_count,
        cast(
            coalesce(
                {{ nested_sum(
                    'delivered.products', "case when item.productPrice is null then 1 else 0 end"
                ) }},
                0
            ) as bigint
        ) as items_missing_price_count,
        cast(null as double) as scroll_share,
        cast(null as double) as video_share,
        {{ without_personal_data('delivered.search_term') }} as search_term,
        cast(null as string) as link_target,
        cast(null as string) as error_code,
        {{ without_personal_data('delivered.exception_description') }} as error_message,
        {{ without_personal_data('delivered.event_label') }} as content_id,
        delivered.event_action as method,
        delivered.coupon
    from delivered
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
