{# Whether a regular expression matches somewhere in a text (the pattern may be a column). #}
{% macro regex_matches(text, pattern) -%}
    {{ return(adapter.dispatch('regex_matches')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__regex_matches(text, pattern) -%}
    regexp_matches({{ text }}, {{ pattern }})
{%- endmacro %}

{% macro spark__regex_matches(text, pattern) -%}
    ({{ text }} rlike {{ pattern }})
{%- endmacro %}

{# Seconds since 1970 of a UTC timestamp, as a double. #}
{% macro epoch_seconds(timestamp_utc) -%}
    {{ return(adapter.dispatch('epoch_seconds')(timestamp_utc)) }}
{%- endmacro %}

{% macro duckdb__epoch_seconds(timestamp_utc) -%}
    epoch_us({{ timestamp_utc }}) / cast(1000000 as double)
{%- endmacro %}

{% macro spark__epoch_seconds(timestamp_utc) -%}
    unix_micros({{ timestamp_utc }}) / cast(1000000 as double)
{%- endmacro %}
