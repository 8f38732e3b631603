{# The pairs of identifiers that stand together on records, one row per pair of types and keys. Each
   type is a column of `records` that holds its key; `first_sight` is what tells of a record, the first
   one's is kept. #}
{% macro identifiers_paired(records) -%}
    {%- set types = identifier_types() -%}
    {%- for one in types[:-1] %}
    {%- set is_last_type = loop.last %}
    {%- for other in types[loop.index:] %}
    select
        '{{ one }}' as one_type,
        '{{ other }}' as other_type,
        {{ one }} as one_key,
        {{ other }} as other_key,
        min(first_sight) as first_sight,
        bool_or(is_crm_stated) as is_crm_stated,
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
