{{ config(materialized='view') }}

{{ conformed_union('benchmarks', {
    'benchmark_key': 'string',
    'source': 'string',
    'metric_id': 'string',
    'valid_from': 'date',
    'benchmark_value': 'double',
    'benchmark_source': 'string',
}) }}
