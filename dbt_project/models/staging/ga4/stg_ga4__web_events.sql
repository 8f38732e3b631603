{{ rebuilt_by('partition_date', 'stg_ga4__touched_days') }}
-- depends_on: {{ ref('stg_ga4__touched_days') }}

{% set text_params = [
    'page_location', 'page_title', 'page_referrer', 'source', 'medium', 'campaign', 'transaction_id',
    'currency', 'search_term', 'link_url', 'error_code', 'error_message', 'content_id', 'method',
    'coupon', 'traffic_type', 'debug_mode', 'gclid', 'dclid', 'ga_session_id', 'session_engaged',
] %}
{% set number_params = [
    'ga_session_number', 'engagement_time_msec', 'value', 'tax', 'shipping', 'percent_scrolled',
    'video_percent',
] %}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('dt', 'stg_ga4__touched_days') %}
{% endif %}

with export_tables as (
    select * from {{ ref('stg_ga4__export_tables') }}
),

duplicates as (
    select * from {{ ref('stg_ga4__repeated_events') }}
),

events as (
    select
        *,
        {{ nested_map('event_params', 'item.key') }} as param_keys,
        {{ nested_map(
            'event_params', 'coalesce(item.value.string_value, cast(item.value.int_value as string))'
        ) }}
            as param_texts,
        {{ nested_map(
            'event_params',
            'coalesce(item.value.double_value, item.value.float_value, '
            ~ 'cast(item.value.int_value as double))'
        ) }}
            as param_numbers,
        {{ nested_map('event_params', 'item.value.int_value is not null') }} as param_is_int
    from {{ source('ga4', 'events') }}
    where {{ on_touched_days }}
),

typed as (
    select
        events._source as source,
        events._batch_id as batch_id,
        events._row as row_number_in_file,
        events.dt as partition_date,
        coalesce(events._table, '') as table_in_file,
        events.stream_id,
        case when lower(events.platform) = 'web' then 'web' else 'app' end as platform,
        events.event_name,
        {{ micros_to_timestamp('events.event_timestamp') }} as occurred_at,
        events.event_server_timestamp_offset,
        events.user_id,
        events.user_pseudo_id,
        events.items,
        events.privacy_info.analytics_storage as analytics_storage,
        events.privacy_info.ads_storage as ads_storage,
        events.collected_traffic_source,
        events.traffic_source.source as first_user_source,
        events.traffic_source.medium as first_user_medium,
        lower(events.device.category) as device_category,
        events.device.operating_system as operating_system,
        coalesce(events.device.web_info.browser, events.device.browser) as browser,
        events.device.language as language,
        events.app_info.version as app_version,
        events.geo.country as country,
        events.event_dimensions.hostname as hostname,
        events.ecommerce,
        {% for key in text_params -%}
        {{ nested_lookup('events.param_texts', 'events.param_keys', key) }} as p_{{ key }},
        {% endfor -%}
        {% for key in number_params -%}
        coalesce(
            {{ nested_lookup('events.param_numbers', 'events.param_keys', key) }},
            try_cast({{ nested_lookup('events.param_texts', 'events.param_keys', key) }} as double)
        ) as p_{{ key }},
        {% endfor -%}
        {{ nested_lookup('events.param_is_int', 'events.param_keys', 'ga_session_id') }}
            as is_session_ref_int
    from events
),

delivered as (
    select
        typed.*,
        export_tables.loaded_at,
        coalesce(export_tables.is_intraday, false) as is_intraday,
        coalesce(export_tables.is_superseded, false) as is_superseded,
        duplicates.batch_id is not null as is_duplicate,
        {{ surrogate_key([
            "typed.source", "'web_event'", "typed.batch_id", "typed.row_number_in_file"
        ]) }}
            as web_event_key
    from typed
    left join export_tables
        on
            typed.source = export_tables.source
            and typed.batch_id = export_tables.batch_id
            and typed.table_in_file = export_tables.table_in_file
    left join duplicates
        on
            typed.source = duplicates.source
            and typed.batch_id = duplicates.batch_id
            and typed.row_number_in_file = duplicates.row_number_in_file
),

final as (
    select
        delivered.web_event_key,
        delivered.source,
        delivered.stream_id,
        delivered.platform,
        delivered.event_name,
        delivered.occurred_at,
        {{ local_date('delivered.occurred_at') }} as event_date,
        delivered.partition_date,
        delivered.event_server_timestamp_offset / cast(1000000 as double) as server_offset_seconds,
        delivered.batch_id,
        delivered.loaded_at,
        delivered.is_intraday,
        delivered.is_duplicate,
        delivered.is_superseded,
        delivered.user_pseudo_id as client_id,
        delivered.p_ga_session_id as session_ref,
        case
            when delivered.is_session_ref_int then 'int'
            when delivered.p_ga_session_id is not null then 'string'
        end as session_ref_type,
        cast(delivered.p_ga_session_number as bigint) as session_number,
        {{ without_personal_data('delivered.user_id') }} as user_id,
        case
            when lower(delivered.p_session_engaged) in ('1', 'true') then true
            when lower(delivered.p_session_engaged) in ('0', 'false') then false
        end as is_session_engaged,
        delivered.p_engagement_time_msec / cast(1000 as double) as engagement_seconds,
        coalesce({{ url_host('delivered.p_page_location') }}, lower(delivered.hostname))
            as page_host,
        {{ masked_link_path('delivered.p_page_location') }} as page_path,
        {{ without_personal_data('delivered.p_page_title') }} as page_title,
        {{ url_host('delivered.p_page_referrer') }} as referrer_host,
        {{ personal_data_kind('delivered.p_page_location') }} is not null
        or {{ personal_data_kind('delivered.p_page_title') }} is not null
        or {{ personal_data_kind('delivered.p_page_referrer') }} is not null
        or {{ personal_data_kind('delivered.user_id') }} is not null as has_personal_data,
        coalesce(delivered.collected_traffic_source.manual_source, delivered.p_source)
            as traffic_source,
        coalesce(delivered.collected_traffic_source.manual_medium, delivered.p_medium)
            as traffic_medium,
        coalesce(delivered.collected_traffic_source.manual_campaign_name, delivered.p_campaign)
            as traffic_campaign,
        case
            when coalesce(delivered.p_gclid, delivered.collected_traffic_source.gclid) is not null
                then 'gclid'
            when coalesce(delivered.p_dclid, delivered.collected_traffic_source.dclid) is not null
                then 'dclid'
            else {{ url_click_id_type('delivered.p_page_location') }}
        end as click_id_type,
        delivered.first_user_source,
        delivered.first_user_medium,
        delivered.device_category,
        delivered.operating_system,
        delivered.browser,
        delivered.app_version,
        delivered.country,
        delivered.language,
        delivered.p_traffic_type as traffic_type,
        delivered.p_debug_mode as debug_mode,
        case lower(delivered.analytics_storage)
            when 'yes' then 'granted'
            when 'no' then 'denied'
            else 'unset'
        end as consent_analytics,
        case lower(delivered.ads_storage)
            when 'yes' then 'granted'
            when 'no' then 'denied'
            else 'unset'
        end as consent_ads,
        coalesce(delivered.p_transaction_id, delivered.ecommerce.transaction_id) as transaction_id,
        delivered.p_value as event_value,
        delivered.p_currency as currency,
        coalesce(delivered.p_tax, delivered.ecommerce.tax_value) as tax_amount,
        coalesce(delivered.p_shipping, delivered.ecommerce.shipping_value) as shipping_amount,
        cast({{ nested_length('delivered.items') }} as bigint) as item_count,
        {{ nested_sum('delivered.items', 'item.price * coalesce(item.quantity, 1)') }}
            as items_amount,
        cast(
            coalesce(
                {{ nested_sum(
                    'delivered.items',
                    "case when coalesce(item.item_id, '') in ('', '(not set)') then 1 else 0 end"
                ) }},
                0
            ) as bigint
        ) as items_missing_id_count,
        cast(
            coalesce(
                {{ nested_sum(
                    'delivered.items', "case when item.price is null then 1 else 0 end"
                ) }},
                0
            ) as bigint
        ) as items_missing_price_count,
        delivered.p_percent_scrolled / cast(100 as double) as scroll_share,
        delivered.p_video_percent / cast(100 as double) as video_share,
        {{ without_personal_data('delivered.p_search_term') }} as search_term,
        {{ url_host('delivered.p_link_url') }}
        || coalesce({{ masked_link_path('delivered.p_link_url') }}, '')
            as link_target,
        delivered.p_error_code as error_code,
        {{ without_personal_data('delivered.p_error_message') }} as error_message,
        delivered.p_content_id as content_id,
        delivered.p_method as method,
        delivered.p_coupon as coupon
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
