{{ config(materialized='view') }}

{{ conformed_union('crm_deals', {
    'crm_deal_key': 'string',
    'source': 'string',
    'deal_id': 'string',
    'contact_id': 'string',
    'company_id': 'string',
    'pipeline': 'string',
    'stage': 'string',
    'amount': 'decimal(18, 2)',
    'currency': 'string',
    'created_at': 'timestamp',
    'closed_at': 'timestamp',
    'is_won': 'boolean',
    'is_closed': 'boolean',
    'is_deleted': 'boolean',
}) }}
