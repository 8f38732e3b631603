{{ config(materialized='view') }}

{{ wide_metrics([
    'nps',
    'csat',
    'womi',
    'exq',
    'response_rate',
    'conversion_rate',
    'average_order_value',
    'repeat_purchase_rate',
    'revenue',
    'gross_margin',
    'customer_lifetime_value',
    'churn',
    'acquisition_cost',
    'contacts_per_order',
    'first_contact_resolution',
    'saved_service_hours',
]) }}
