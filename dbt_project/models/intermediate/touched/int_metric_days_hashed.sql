{#- record_key is left out: no cell knows it, and who is nobody's record carries it as customer. -#}
with

records as (
    select * from {{ ref('int_metric_records') }}
),

final as (
    select
        record_set,
        occurred_date,
        count(*) as record_count,
        {{ rows_hash([
            'journey_stage', 'channel', 'touchpoint_id', 'persona_id', 'customer_id',
            'value_number', 'base_number', 'weight', 'is_censored', 'is_counted',
        ]) }} as records_hash
    from records
    group by record_set, occurred_date
)

select * from final
