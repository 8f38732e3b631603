{# Surrogate key: md5 over the parts joined by '|', null as '∅': the same bytes on every engine. #}
{% macro surrogate_key(parts) -%}
    md5(
        {%- for part in parts -%}
            coalesce(cast({{ part }} as string), '∅')
            {%- if not loop.last %} || '|' || {% endif -%}
        {%- endfor -%}
    )
{%- endmacro %}

{# The same key for tables of many rows that models alone read and join: 16 bytes where the engine has
   a type of them, which it joins, groups and above all writes faster than 32 letters. It sorts as the
   text does. Spark has none and keeps the text. #}
{% macro compact_key(parts) -%}
    {{ return(adapter.dispatch('compact_key')(parts)) }}
{%- endmacro %}

{% macro duckdb__compact_key(parts) -%}
    cast({{ surrogate_key(parts) }} as uuid)
{%- endmacro %}

{% macro spark__compact_key(parts) -%}
    {{ surrogate_key(parts) }}
{%- endmacro %}

{# The text of such a key, as surrogate_key writes it. #}
{% macro key_text(key) -%}
    {{ return(adapter.dispatch('key_text')(key)) }}
{%- endmacro %}

{% macro duckdb__key_text(key) -%}
    replace(cast({{ key }} as string), '-', '')
{%- endmacro %}

{% macro spark__key_text(key) -%}
    {{ key }}
{%- endmacro %}

{# The type of such a key, for a column that is null. #}
{% macro compact_key_type() -%}
    {{ 'string' if target.type == 'spark' else 'uuid' }}
{%- endmacro %}

{# A fingerprint of a group's rows, whatever their order: text that differs where any of `columns` of
   any row does (but for one pair of states in 2^64). It says that rows are as they were; it is no
   key: engines differ, and so may versions of one. Sums of fingerprints are hashed by sums_hash. #}
{% macro rows_hash(columns) -%}
    cast(sum({{ row_hash(columns) }}) as string)
{%- endmacro %}

{# The fingerprint of a row of sums of fingerprints, a number: of the sums as texts. Of numbers DuckDB's
   hash is near enough to a product that hash(2x) is 2 hash(x) for one in 64 of them: of two customers
   with a record of the same fingerprint each, the sum would be that of one customer with both. #}
{% macro sums_hash(columns) -%}
    {%- set texts = [] -%}
    {%- for column in columns -%}
        {%- do texts.append('cast(' ~ column ~ ' as string)') -%}
    {%- endfor -%}
    {{ row_hash(texts) }}
{%- endmacro %}

{# The fingerprint of one row, a number: what rows_hash adds up. #}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash')(columns)) }}
{%- endmacro %}

{#- DuckDB takes the last value in by a bare xor: two rows that exchange a boolean there would keep
    their sum for one pair in 2^24. So a constant comes last; not zero, whose hash is zero. -#}
{% macro duckdb__row_hash(columns) -%}
    hash({{ columns | join(', ') }}, 1)
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    {#- It passes over what is null: (null, x) would be (x, null). -#}
    cast(
        xxhash64(
            {%- for column in columns -%}
                {{ column }}, ({{ column }}) is null{{ ', ' if not loop.last }}
            {%- endfor -%}
        ) as decimal(38, 0)
    )
{%- endmacro %}

{# A number for the values of `columns` (never null), the same in every build, for what stands in many
   rows: a key of 32 letters costs more than twice its memory. Spark has no integers of 128 bits and
   keeps the keys as they are. #}
{% macro numbered(columns) -%}
    {{ return(adapter.dispatch('numbered')(columns)) }}
{%- endmacro %}

{% macro duckdb__numbered(columns) -%}
    md5_number(concat_ws('|', {{ columns | join(', ') }}))
{%- endmacro %}

{% macro spark__numbered(columns) -%}
    concat_ws(
        '|'
        {%- for column in columns %}, cast({{ column }} as string){% endfor -%}
    )
{%- endmacro %}
