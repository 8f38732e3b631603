{{ config(materialized='view') }}

{% set columns = {
    'web_event_key': 'string',
    'source': 'string',
    'event_date': 'date',
    'partition_date': 'date',
    'event_name': 'string',
    'platform': 'string',
    'param_key': 'string',
    'value_type': 'string',
    'value_text': 'string',
    'value_length': 'bigint',
    'has_personal_data': 'boolean',
} %}

{{ conformed_values('web_event_params', columns, 'param', 'param_key') }}
