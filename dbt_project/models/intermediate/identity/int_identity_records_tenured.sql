{{ config(materialized='view') }}

with

final as (
    {{ records_tenured(ref('int_identity_records_collected')) }}
)

select * from final
