{{ config(materialized='view') }}

{{ conformed_union('web_event_params', {
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
}) }}
