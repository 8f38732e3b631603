{{ config(materialized='view') }}

with events as (
    select
        {{ surrogate_key(["_source", "'web_event'", "_batch_id", "_row"]) }} as web_event_key,
        _source as source,
        {{ local_date(micros_to_timestamp('event_timestamp')) }} as event_date,
        dt as partition_date,
        event_name,
        case when lower(platform) = 'web' then 'web' else 'app' end as platform,
        event_params
    from {{ source('ga4', 'events') }}
),

unfolded as (
    select
        web_event_key,
        source,
        event_date,
        partition_date,
        event_name,
        platform,
        {{ nested_element('event_params') }} as param
    from events
),

typed as (
    select
        web_event_key,
        source,
        event_date,
        partition_date,
        event_name,
        platform,
        param.key as param_key,
        param.value.string_value as string_value,
        param.value.int_value as int_value,
        param.value.float_value as float_value,
        param.value.double_value as double_value
    from unfolded
),

valued as (
    select
        web_event_key,
        source,
        event_date,
        partition_date,
        event_name,
        platform,
        param_key,
        {{ member_filled() }} as value_type,
        {{ member_text() }} as value_text,
        -- Only text can hold personal data: numbers are ids, times and amounts.
        {{ personal_data_kind('string_value') }} as personal_data_kind
    from typed
)

select
    web_event_key,
    source,
    event_date,
    partition_date,
    event_name,
    platform,
    param_key,
    value_type,
    {{ masked_value('value_text', 'personal_data_kind') }} as value_text,
    length(value_text) as value_length,
    personal_data_kind is not null as has_personal_data
from valued
