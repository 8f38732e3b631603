{{ config(materialized='view') }}

{% set columns = {
    'web_event_key': 'string',
    'source': 'string',
    'event_date': 'date',
    'partition_date': 'date',
    'stream_id': 'string',
    'platform': 'string',
    'occurred_at': 'timestamp',
    'user_id': 'string',
    'device_category': 'string',
    'browser': 'string',
    'app_version': 'string',
    'property_key': 'string',
    'value_text': 'string',
    'value_length': 'bigint',
    'has_personal_data': 'boolean',
    'event_count': 'bigint',
} %}

{{ conformed_values('web_user_properties', columns, 'user_property', 'property_key') }}
