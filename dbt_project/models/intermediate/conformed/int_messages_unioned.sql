{{ config(materialized='view') }}

{{ conformed_union('messages', {
    'message_event_key': 'string',
    'source': 'string',
    'campaign_id': 'string',
    'campaign_name': 'string',
    'message_id': 'string',
    'channel': 'string',
    'event_type': 'string',
    'occurred_at': 'timestamp',
    'email_hash': 'string',
    'phone_hash': 'string',
    'contact_id': 'string',
    'link_url_path': 'string',
}) }}
