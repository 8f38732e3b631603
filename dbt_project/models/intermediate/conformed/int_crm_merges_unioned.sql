{{ config(materialized='view') }}

{{ conformed_union('crm_merges', {
    'crm_merge_key': 'string',
    'source': 'string',
    'surviving_contact_id': 'string',
    'merged_contact_id': 'string',
    'merged_at': 'timestamp',
    'unmerged_at': 'timestamp',
}) }}
