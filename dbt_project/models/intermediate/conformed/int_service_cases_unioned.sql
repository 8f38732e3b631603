{{ config(materialized='view') }}

{{ conformed_union('service_cases', {
    'service_case_key': 'string',
    'source': 'string',
    'case_id': 'string',
    'contact_id': 'string',
    'email_hash': 'string',
    'phone_hash': 'string',
    'channel': 'string',
    'topic': 'string',
    'priority': 'string',
    'status': 'string',
    'created_at': 'timestamp',
    'first_response_at': 'timestamp',
    'solved_at': 'timestamp',
    'updated_at': 'timestamp',
    'agent_id': 'string',
    'team_id': 'string',
    'is_deleted': 'boolean',
    'order_ref': 'string',
}) }}
