{{ config(materialized='view') }}

{% set columns = {
    'web_event_key': 'string',
    'source': 'string',
    'event_date': 'date',
    'partition_date': 'date',
    'stream_id': 'string',
    'event_name': 'string',
    'platform': 'string',
    'param_key': 'string',
    'value_type': 'string',
    'value_text': 'string',
    'value_length': 'bigint',
    'has_personal_data': 'boolean',
    'param_count': 'bigint',
} %}
{{ conformed_values('web_event_param_values', columns, 'param', 'param_key') }}
