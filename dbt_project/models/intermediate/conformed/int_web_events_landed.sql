{{ config(materialized='view') }}

{% set columns = {
    'web_event_key': 'string',
    'source': 'string',
    'stream_id': 'string',
    'platform': 'string',
    'event_name': 'string',
    'occurred_at': 'timestamp',
    'event_date': 'date',
    'partition_date': 'date',
    'server_offset_seconds': 'double',
    'batch_id': 'string',
    'loaded_at': 'timestamp',
    'is_intraday': 'boolean',
    'is_duplicate': 'boolean',
    'is_superseded': 'boolean',
    'client_id': 'string',
    'session_ref': 'string',
    'session_ref_type': 'string',
    'session_number': 'bigint',
    'user_id': 'string',
    'is_session_engaged': 'boolean',
    'engagement_seconds': 'double',
    'page_host': 'string',
    'page_path': 'string',
    'page_title': 'string',
    'referrer_host': 'string',
    'has_personal_data': 'boolean',
    'traffic_source': 'string',
    'traffic_medium': 'string',
    'traffic_campaign': 'string',
    'click_id_type': 'string',
    'first_user_source': 'string',
    'first_user_medium': 'string',
    'device_category': 'string',
    'operating_system': 'string',
    'browser': 'string',
    'app_version': 'string',
    'country': 'string',
    'language': 'string',
    'traffic_type': 'string',
    'debug_mode': 'string',
    'consent_analytics': 'string',
    'consent_ads': 'string',
    'transaction_id': 'string',
    'event_value': 'double',
    'currency': 'string',
    'tax_amount': 'double',
    'shipping_amount': 'double',
    'item_count': 'bigint',
    'items_amount': 'double',
    'items_missing_id_count': 'bigint',
    'items_missing_price_count': 'bigint',
    'scroll_share': 'double',
    'video_share': 'double',
    'search_term': 'string',
    'link_target': 'string',
    'error_code': 'string',
    'error_message': 'string',
    'content_id': 'string',
    'method': 'string',
    'coupon': 'string',
} %}
{#- Texts that somebody may have typed, and the parameters that carry them. Keys are none. -#}
{% set texts = {
    'page_title': 'page_title',
    'search_term': 'search_term',
    'link_target': 'link_url',
    'error_code': 'error_code',
    'error_message': 'error_message',
    'content_id': 'content_id',
    'method': 'method',
    'coupon': 'coupon',
} %}
{#- What may mark an event as the company's own; the plan says which marks count, and when. -#}
{% set marks = ['traffic_type', 'debug_mode'] %}
with

events as (

    {{ conformed_union('web_events', columns) }}

),

internal_rules as (

    select * from {{ source('plan', 'internal_rules') }}

),

-- noqa: disable=LT02
-- One row, so that it costs events nothing.
declared as (

    select
        {%- for column, param in texts.items() %}
        coalesce(max(case when data_name = '{{ param }}' then 1 end), 0) = 1
            as is_{{ column }}_personal{{ "," if not loop.last }}
        {%- endfor %}
    from {{ source('plan', 'personal_data') }}
    where data_kind = 'param'

),

final as (

    select
        {%- for column in columns if column not in marks %}
        {%- if column in texts %}
        {{ without_declared_data('events.' ~ column, 'declared.is_' ~ column ~ '_personal') }}
            as {{ column }}{{ "," if not loop.last }}
        {%- else %}
        events.{{ column }}{{ "," if not loop.last }}
        {%- endif %}
        {%- if column == 'language' %}
        {% for mark in marks -%}
        by_{{ mark }}.param_key is not null{{ " or " if not loop.last }}
        {%- endfor %} as is_internal,
        {%- endif %}
        {%- endfor %}
    from events
    cross join declared
    {%- for mark in marks %}
    left join internal_rules as by_{{ mark }}
        on
            by_{{ mark }}.param_key = '{{ mark }}'
            and events.{{ mark }} = by_{{ mark }}.param_value
            and {{ plan_holds('by_' ~ mark, 'events.event_date') }}
    {%- endfor %}

)
-- noqa: enable=LT02

select * from final
