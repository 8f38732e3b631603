{# The current state of a raw table: one row per source and natural key. A re-delivered row (same
   `_row_id`) counts from its first delivery, so that an old file landed again never overrules what
   came in between; then the newest by the vendor's own `updated_at` wins, then by delivery. #}
{% macro current_rows(relation, key, updated_at=none) -%}
    select *
    from ({{ with_first_delivery(relation) }}) as delivered
    qualify {{ current_rank(key, updated_at) }} = 1
{%- endmacro %}

{# A raw table with the time at which each row was first delivered. #}
{% macro with_first_delivery(relation) -%}
    select
        *,
        min(_loaded_at) over (partition by _source, _row_id) as first_loaded_at
    from {{ relation }}
{%- endmacro %}

{# Rank of a row among those of its natural key: 1 is the current one. #}
{% macro current_rank(key, updated_at=none) -%}
    row_number() over (
        partition by _source, {{ key | join(', ') }}
        order by
            {%- if updated_at %}
            {{ text_to_timestamp(updated_at) }} desc nulls last,
            {%- endif %}
            first_loaded_at desc,
            _row_id desc,
            _loaded_at asc,
            _batch_id asc,
            _row asc
    )
{%- endmacro %}
