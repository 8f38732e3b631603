{# Business-local day of a UTC timestamp. #}
{% macro local_date(timestamp_utc) -%}
    {{ return(adapter.dispatch('local_date')(timestamp_utc)) }}
{%- endmacro %}

{% macro duckdb__local_date(timestamp_utc) -%}
    cast((({{ timestamp_utc }}) at time zone 'UTC') at time zone '{{ var("business_timezone") }}' as date)
{%- endmacro %}

{% macro spark__local_date(timestamp_utc) -%}
    cast(from_utc_timestamp({{ timestamp_utc }}, '{{ var("business_timezone") }}') as date)
{%- endmacro %}

{# Microseconds since 1970 (GA4) to a UTC timestamp. #}
{% macro micros_to_timestamp(micros) -%}
    {{ return(adapter.dispatch('micros_to_timestamp')(micros)) }}
{%- endmacro %}

{% macro duckdb__micros_to_timestamp(micros) -%}
    make_timestamp({{ micros }})
{%- endmacro %}

{% macro spark__micros_to_timestamp(micros) -%}
    timestamp_micros({{ micros }})
{%- endmacro %}

{# Seconds from one UTC timestamp to another, as a double. #}
{% macro seconds_between(start_at, end_at) -%}
    {{ return(adapter.dispatch('seconds_between')(start_at, end_at)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(start_at, end_at) -%}
    (epoch_us({{ end_at }}) - epoch_us({{ start_at }})) / cast(1000000 as double)
{%- endmacro %}

{% macro spark__seconds_between(start_at, end_at) -%}
    (unix_micros({{ end_at }}) - unix_micros({{ start_at }})) / cast(1000000 as double)
{%- endmacro %}

{# Text in any of the spellings that exports use to a UTC timestamp; null where it is none.
   Text with an offset is converted; text without one is taken to be UTC unless `zone` is given. #}
{% macro text_to_timestamp(text, zone=none) -%}
    {{ return(adapter.dispatch('text_to_timestamp')(text, zone)) }}
{%- endmacro %}

{% macro duckdb__text_to_timestamp(text, zone) -%}
    {%- if zone -%}
    cast(try_cast(nullif(trim({{ text }}), '') as timestamp) at time zone {{ zone }} at time zone 'UTC' as timestamp)
    {%- else -%}
    cast(try_cast(nullif(trim({{ text }}), '') as timestamptz) at time zone 'UTC' as timestamp)
    {%- endif -%}
{%- endmacro %}

{% macro spark__text_to_timestamp(text, zone) -%}
    {%- if zone -%}
    to_utc_timestamp(try_cast(nullif(trim({{ text }}), '') as timestamp), {{ zone }})
    {%- else -%}
    try_cast(nullif(trim({{ text }}), '') as timestamp)
    {%- endif -%}
{%- endmacro %}

{# Text that is a UTC time or, from older APIs, milliseconds since 1970, to a UTC timestamp. #}
{% macro text_or_millis_to_timestamp(text) -%}
    coalesce(
        {{ micros_to_timestamp("try_cast(" ~ text ~ " as bigint) * 1000") }},
        {{ text_to_timestamp(text) }}
    )
{%- endmacro %}
