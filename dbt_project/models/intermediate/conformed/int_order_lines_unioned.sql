{{ config(materialized='view') }}

{{ conformed_union('order_lines', {
    'order_line_key': 'string',
    'order_key': 'string',
    'source': 'string',
    'order_id': 'string',
    'line_number': 'bigint',
    'product_id': 'string',
    'product_name': 'string',
    'quantity': 'double',
    'unit_price': 'decimal(18, 4)',
    'discount_amount': 'decimal(18, 2)',
    'line_amount': 'decimal(18, 2)',
    'unit_cost': 'decimal(18, 4)',
}) }}
