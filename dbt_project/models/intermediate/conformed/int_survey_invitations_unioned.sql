{{ config(materialized='view') }}

{{ conformed_union('survey_invitations', {
    'survey_invitation_key': 'string',
    'source': 'string',
    'survey_id': 'string',
    'invitation_id': 'string',
    'email_hash': 'string',
    'phone_hash': 'string',
    'contact_id': 'string',
    'channel': 'string',
    'touchpoint_id': 'string',
    'invited_at': 'timestamp',
    'is_delivered': 'boolean',
}) }}
