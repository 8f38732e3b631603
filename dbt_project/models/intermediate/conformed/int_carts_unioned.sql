{{ config(materialized='view') }}

{{ conformed_union('carts', {
    'cart_key': 'string',
    'source': 'string',
    'cart_id': 'string',
    'cart_ref': 'string',
    'channel': 'string',
    'started_at': 'timestamp',
    'updated_at': 'timestamp',
    'completed_at': 'timestamp',
    'order_ref': 'string',
    'currency': 'string',
    'cart_amount': 'decimal(18, 2)',
    'email_hash': 'string',
    'phone_hash': 'string',
    'customer_ref': 'string',
    'client_id': 'string',
}) }}
