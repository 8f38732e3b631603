{{ config(materialized='view') }}

{{ conformed_union('refunds', {
    'refund_key': 'string',
    'order_key': 'string',
    'source': 'string',
    'order_id': 'string',
    'refund_id': 'string',
    'refunded_at': 'timestamp',
    'refund_amount': 'decimal(18, 2)',
    'currency': 'string',
    'reason': 'string',
    'channel': 'string',
    'loyalty_id': 'string',
    'customer_ref': 'string',
    'email_hash': 'string',
    'phone_hash': 'string',
}) }}
