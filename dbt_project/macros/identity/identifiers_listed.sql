{# The records of int_identity_records_tenured (or a part of them) as one row per record and
   identifier. #}
{% macro identifiers_listed(records) -%}
    {%- for type in identifier_types() %}
    select
        identity_record_key,
        source,
        record_kind,
        '{{ type }}' as identifier_type,
        {{ type }} as identifier_value,
        {{ identifier_key("'" ~ type ~ "'", type) }} as identifier_key,
        first_seen_at,
        last_seen_at,
        record_count
    from {{ records }}
    where {{ type }} is not null
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}
