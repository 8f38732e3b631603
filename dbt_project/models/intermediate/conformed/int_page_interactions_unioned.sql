{{ config(materialized='view') }}

{{ conformed_union('page_interactions', {
    'page_interaction_key': 'string',
    'source': 'string',
    'interaction_date': 'date',
    'page_path': 'string',
    'section': 'string',
    'view_count': 'double',
    'reached_count': 'double',
    'dwell_seconds': 'double',
    'click_count': 'double',
    'rage_click_count': 'double',
    'dead_click_count': 'double',
    'hover_count': 'double',
    'backtrack_count': 'double',
    'scroll_reversal_count': 'double',
}) }}
