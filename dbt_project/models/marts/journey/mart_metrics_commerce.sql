{{ config(materialized='view') }}

{{ wide_metrics([
    'conversion',
    'conversion_rate',
    'average_order_value',
    'repeat_purchase_rate',
    'cart_abandonment',
    'error_rate',
    'exit_rate',
    'site_search_exit',
    'revenue',
    'gross_margin',
    'average_price',
    'purchase_frequency',
    'customer_lifetime_value',
    'churn',
    'abandoned_cart_value',
    'cart_rescue',
]) }}
