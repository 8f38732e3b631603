{{ config(materialized='view') }}

{{ wide_metrics([
    'nps',
    'ces',
    'csat',
    'contacts_per_order',
    'average_handling_time',
    'first_contact_resolution',
    'transfer_rate',
    'self_service_containment',
    'escalation_rate',
    'first_response_time',
    'resolution_time',
    'agent_csat',
    'service_to_sales',
]) }}
