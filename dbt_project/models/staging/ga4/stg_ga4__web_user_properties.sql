{{ config(materialized='view') }}

{#- A property is sent again with every event of its user: values are grouped before anything looks
    into them, so that patterns run over distinct values. A list that is null was not delivered; an
    empty one says that nothing was sent. -#}
with export_tables as (
    select * from {{ ref('stg_ga4__export_tables') }}
),

events as (
    select
        _source as source,
        _batch_id as batch_id,
        coalesce(_table, '') as table_in_file,
        _row as row_number_in_file,
        dt as partition_date,
        {{ micros_to_timestamp('event_timestamp') }} as occurred_at,
        stream_id,
        case when lower(platform) = 'web' then 'web' else 'app' end as platform,
        user_id,
        lower(device.category) as device_category,
        coalesce(device.web_info.browser, device.browser) as browser,
        app_info.version as app_version,
        user_properties
    from {{ source('ga4', 'events') }}
    where
        user_properties is not null
        and (user_id is not null or {{ nested_length('user_properties') }} > 0)
),

unfolded as (
    select
        source,
        batch_id,
        table_in_file,
        row_number_in_file,
        partition_date,
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        stream_id,
        platform,
        user_id,
        device_category,
        browser,
        app_version,
        {{ nested_element_or_none('user_properties') }} as property
    from events
),

typed as (
    select
        source,
        batch_id,
        table_in_file,
        row_number_in_file,
        partition_date,
        occurred_at,
        event_date,
        stream_id,
        platform,
        user_id,
        device_category,
        browser,
        app_version,
        property.key as property_key,
        {{ member_text('property.value.') }} as value_text
    from unfolded
),

grouped as (
    select
        source,
        batch_id,
        table_in_file,
        partition_date,
        event_date,
        stream_id,
        platform,
        user_id,
        device_category,
        browser,
        app_version,
        property_key,
        value_text,
        min(row_number_in_file) as row_number_in_file,
        min(occurred_at) as occurred_at,
        count(*) as event_count
    from typed
    group by
        source,
        batch_id,
        table_in_file,
        partition_date,
        event_date,
        stream_id,
        platform,
        user_id,
        device_category,
        browser,
        app_version,
        property_key,
        value_text
),

standing as (
    select
        grouped.*,
        {{ personal_data_kind('grouped.value_text') }} as personal_data_kind
    from grouped
    left join export_tables
        on
            grouped.source = export_tables.source
            and grouped.batch_id = export_tables.batch_id
            and grouped.table_in_file = export_tables.table_in_file
    where not coalesce(export_tables.is_superseded, false)
)

select
    {{ surrogate_key(['source', "'web_event'", 'batch_id', 'row_number_in_file']) }}
        as web_event_key,
    source,
    event_date,
    partition_date,
    stream_id,
    platform,
    occurred_at,
    {{ without_personal_data('user_id') }} as user_id,
    device_category,
    browser,
    app_version,
    property_key,
    {{ masked_value('value_text', 'personal_data_kind') }} as value_text,
    length(value_text) as value_length,
    personal_data_kind is not null as has_personal_data,
    event_count
from standing
