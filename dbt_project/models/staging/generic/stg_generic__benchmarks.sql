with mapped as (
    {{ current_rows(source('generic', 'benchmarks'), ['metric_id', 'valid_from']) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'benchmark'", "metric_id", "valid_from"]) }} as benchmark_key,
        _source as source,
        trim(metric_id) as metric_id,
        cast({{ mapped_timestamp('valid_from') }} as date) as valid_from,
        {{ text_to_number('benchmark_value', 'double') }} as benchmark_value,
        {{ blank_to_null('benchmark_source') }} as benchmark_source
    from mapped
)

select
    benchmark_key,
    source,
    metric_id,
    valid_from,
    benchmark_value,
    benchmark_source
from final
