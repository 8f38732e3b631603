{{ config(materialized='view') }}

{{ conformed_union('web_items', {
    'web_event_key': 'string',
    'source': 'string',
    'event_date': 'date',
    'item_index': 'bigint',
    'item_id': 'string',
    'item_name': 'string',
    'item_category': 'string',
    'unit_price': 'double',
    'quantity': 'bigint',
}) }}
