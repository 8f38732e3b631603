{{ config(materialized='view') }}

{{ conformed_union('crm_companies', {
    'crm_company_key': 'string',
    'source': 'string',
    'company_id': 'string',
    'company_name': 'string',
    'industry': 'string',
    'country': 'string',
    'created_at': 'timestamp',
    'is_deleted': 'boolean',
}) }}
