{# Rows of int_identity_records_collected with each telephone number named by whose time it is. #}
{% macro records_tenured(records) -%}
    select
        records.identity_record_key,
        -- a record that passes to another owner is, to what compares two runs, another one
        case
            when tenures.identifier_key is null then records.identity_record_key
            else {{ identity_input_key('records.identity_record_key', 'tenures.tenure_value') }}
        end as identity_input_key,
        records.source,
        records.record_kind,
        {%- for type in identifier_types() if type not in ['phone_hash', 'client_id'] %}
        records.{{ type }},
        {%- endfor %}
        coalesce(tenures.tenure_value, records.phone_hash) as phone_hash,
        -- as it was collected: a filter on this column goes with the scan of the records
        records.phone_hash as collected_phone_hash,
        records.client_id,
        records.identifier_count,
        records.first_seen_at,
        records.last_seen_at,
        records.record_count
    from {{ records }} as records
    left join {{ ref('int_identifier_tenures') }} as tenures
        on
            records.phone_hash = tenures.identifier_value
            and records.first_seen_at >= tenures.valid_from
            and (tenures.valid_to is null or records.first_seen_at < tenures.valid_to)
            and tenures.tenure_number > 1
{%- endmacro %}

{# The key of a record during a time of its number's next owner. #}
{% macro identity_input_key(record_key, tenure_value) -%}
    {{ surrogate_key([record_key, tenure_value]) }}
{%- endmacro %}

{# The number itself, of one that is an owner's time (tenure_value in int_identifier_tenures). #}
{% macro collected_number(phone_hash) -%}
    split_part({{ phone_hash }}, '@', 1)
{%- endmacro %}
