{# The current state of a raw table: one row per source and natural key. A re-delivered row (same
   `_row_id`) counts from its first delivery, so that an old file landed again never overrules what
   came in between; then the newest by the vendor's own `updated_at` wins, then by delivery. Of a
   table that lands without identities (`row_content`), a key that was delivered once is its row:
   nothing is compared, or told of its identity. #}
{% macro current_rows(relation, key, updated_at=none) -%}
    {{ delivered_once(relation, key) }}
    select *
    from ({{ with_first_delivery(relation, key) }}) as delivered
    qualify {{ current_rank(key, updated_at) }} = 1
{%- endmacro %}

{# What precedes a query over `with_first_delivery`: the rows of a table that lands without identities
   whose key was delivered once. Nothing for any other table. #}
{% macro delivered_once(relation, key, columns=['*']) -%}
    {%- if row_content(relation) -%}
    with
    repeated_keys as ({{ keys_delivered_again(relation, key) }})

    select {{ columns | join(', ') }}
    from ({{ rows_delivered_once(relation, key) }}) as delivered_once
    union all
    {%- endif -%}
{%- endmacro %}

{# A raw table with the time at which each row was first delivered; of one that lands without
   identities only the rows of `repeated_keys`. #}
{% macro with_first_delivery(relation, key) -%}
    select
        *,
        min(_loaded_at) over (partition by _source, _row_id) as first_loaded_at
    from {% if row_content(relation) -%}
        ({{ rows_delivered_again(relation, key) }}) as delivered_again
    {%- else -%}
        {{ relation }}
    {%- endif %}
{%- endmacro %}

{# The natural keys of which a raw table has several rows: the relation `repeated_keys`. #}
{% macro keys_delivered_again(relation, key) -%}
    select
        _source as repeated_source,
        {%- for column in key %}
        {{ column }} as repeated_key_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    group by _source{% for column in key %}, {{ column }}{% endfor %}
    having count(*) > 1
{%- endmacro %}

{# The rows of a raw table whose natural key no other row has, with the time of their delivery. #}
{% macro rows_delivered_once(relation, key) -%}
    select
        {{ all_columns_but(['_row_id']) }},
        _row_id,
        _loaded_at as first_loaded_at
    from {{ relation }}
    where not {{ is_delivered_again(key) }}
{%- endmacro %}

{# The other rows of a raw table, each with the identity that landing would have written
   (orchestration/ingestion/row_identity.py). #}
{% macro rows_delivered_again(relation, key) -%}
    select
        {{ all_columns_but(['_row_id', '_content']) }},
        coalesce(
            _row_id,
            md5(concat(
                _content,
                '|',
                row_number() over (partition by _batch_id, _content order by _row)
            ))
        ) as _row_id
    from (
        select
            *,
            md5(concat_ws(
                chr(31)
                {%- for column in row_content(relation) %},
                '{{ column }}=' || {{ adapter.quote(column) }}
                {%- endfor %}
            )) as _content
        from {{ relation }}
        where {{ is_delivered_again(key) }}
    ) as digested
{%- endmacro %}

{% macro is_delivered_again(key) -%}
    exists (
        select 1
        from repeated_keys
        where
            repeated_source = _source
            {%- for column in key %}
            and repeated_key_{{ loop.index }} is not distinct from {{ column }}
            {%- endfor %}
    )
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
