{{ config(materialized='view') }}

with

records as (
    select * from {{ ref('int_identity_records_collected') }}
),

tenures as (
    select * from {{ ref('int_identifier_tenures') }}
    where tenure_number > 1
),

final as (
    select
        records.identity_record_key,
        -- a record that passes to another owner is, to what compares two runs, another one
        case
            when tenures.identifier_key is null then records.identity_record_key
            else {{ surrogate_key(['records.identity_record_key', 'tenures.tenure_value']) }}
        end as identity_input_key,
        records.source,
        records.record_kind,
        {%- for type in identifier_types() if type not in ['phone_hash', 'client_id'] %}
        records.{{ type }},
        {%- endfor %}
        coalesce(tenures.tenure_value, records.phone_hash) as phone_hash,
        records.client_id,
        records.identifier_count,
        records.first_seen_at,
        records.last_seen_at,
        records.record_count
    from records
    left join tenures
        on
            records.phone_hash = tenures.identifier_value
            and records.first_seen_at >= tenures.valid_from
            and (tenures.valid_to is null or records.first_seen_at < tenures.valid_to)
)

select * from final
