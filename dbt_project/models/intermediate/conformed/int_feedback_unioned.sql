{{ config(materialized='view') }}

{{ conformed_union('feedback', {
    'feedback_key': 'string',
    'source': 'string',
    'kind': 'string',
    'feedback_id': 'string',
    'given_at': 'timestamp',
    'channel': 'string',
    'touchpoint_id': 'string',
    'place': 'string',
    'product_id': 'string',
    'rating': 'double',
    'scale_min': 'double',
    'scale_max': 'double',
    'theme': 'string',
    'feedback_text': 'string',
    'language': 'string',
    'contact_id': 'string',
    'user_id': 'string',
    'loyalty_id': 'string',
    'email_hash': 'string',
}) }}
