{{ config(materialized='view') }}

{{ conformed_union('ad_spend', {
    'ad_spend_key': 'string',
    'source': 'string',
    'spend_date': 'date',
    'platform': 'string',
    'campaign_id': 'string',
    'campaign_name': 'string',
    'traffic_source': 'string',
    'traffic_medium': 'string',
    'currency': 'string',
    'spend_amount': 'decimal(18, 2)',
    'impressions': 'bigint',
    'clicks': 'bigint',
}) }}
