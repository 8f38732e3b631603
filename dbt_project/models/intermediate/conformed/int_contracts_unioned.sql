{{ config(materialized='view') }}

{{ conformed_union('contracts', {
    'contract_key': 'string',
    'source': 'string',
    'contract_id': 'string',
    'product_id': 'string',
    'channel': 'string',
    'started_at': 'timestamp',
    'ends_at': 'timestamp',
    'cancelled_at': 'timestamp',
    'is_renewed': 'boolean',
    'currency': 'string',
    'contract_amount': 'decimal(18, 2)',
    'contact_id': 'string',
    'user_id': 'string',
    'loyalty_id': 'string',
    'customer_ref': 'string',
    'email_hash': 'string',
    'phone_hash': 'string',
    'updated_at': 'timestamp',
}) }}
