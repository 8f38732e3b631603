{{ config(materialized='view') }}

{{ conformed_union('readings', {
    'reading_key': 'string',
    'source': 'string',
    'kind': 'string',
    'measured_at': 'timestamp',
    'subject': 'string',
    'channel': 'string',
    'touchpoint_id': 'string',
    'reading_value': 'double',
    'duration_seconds': 'double',
    'is_successful': 'boolean',
    'valid_until': 'timestamp',
    'user_id': 'string',
    'client_id': 'string',
    'loyalty_id': 'string',
}) }}
