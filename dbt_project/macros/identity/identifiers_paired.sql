{# The pairs of identifiers that stand together on the records of int_identity_records_tenured, one
   row per pair of types and values; `first_sight` is what tells of a record, the first one's is kept. #}
{% macro identifiers_paired(records, first_sight) -%}
    {%- set types = identifier_types() -%}
    {%- for one in types[:-1] %}
    {%- set is_last_type = loop.last %}
    {%- for other in types[loop.index:] %}
    select
        '{{ one }}' as one_type,
        '{{ other }}' as other_type,
        {{ one }} as one_value,
        {{ other }} as other_value,
        min({{ first_sight }}) as first_sight,
        bool_or(record_kind = 'crm_contact') as is_crm_stated,
        max(last_seen_at) as last_seen_at,
        sum(record_count) as record_count
    from {{ records }}
    where
        {{ one }} is not null
        and {{ other }} is not null
    group by {{ one }}, {{ other }}
    {% if not (loop.last and is_last_type) %}union all{% endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
