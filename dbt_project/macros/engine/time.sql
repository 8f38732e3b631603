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

{# UTC timestamp of a wall clock's time in the business's time zone, daylight saving included. #}
{% macro local_to_utc(timestamp_local) -%}
    {{ return(adapter.dispatch('local_to_utc')(timestamp_local)) }}
{%- endmacro %}

{% macro duckdb__local_to_utc(timestamp_local) -%}
    cast(
        (({{ timestamp_local }}) at time zone '{{ var("business_timezone") }}') at time zone 'UTC'
        as timestamp
    )
{%- endmacro %}

{% macro spark__local_to_utc(timestamp_local) -%}
    to_utc_timestamp({{ timestamp_local }}, '{{ var("business_timezone") }}')
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

{# Spellings of a date and of a time of day, other than ISO 8601, that landing lets pass; where two
   fit ("03/04/2026"), the first counts. The same list as in orchestration/ingestion/staged_rows.py. #}
{% macro date_spellings() -%}
    {{ return(['%d.%m.%Y', '%m/%d/%Y', '%d/%m/%Y', '%Y%m%d', '%d %b %Y', '%b %d, %Y']) }}
{%- endmacro %}

{% macro time_spellings() -%}
    {{ return(['%H:%M:%S', '%H:%M', '%H.%M.%S', '%H.%M', '%I:%M %p', '%I:%M:%S %p']) }}
{%- endmacro %}

{% macro timestamp_spellings() -%}
    {%- set spellings = date_spellings() | list -%}
    {%- for day in date_spellings() -%}
        {%- for time in time_spellings() -%}
            {%- do spellings.append(day ~ ' ' ~ time) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(spellings) }}
{%- endmacro %}

{# Text in any of the spellings that exports use to a UTC timestamp; null where it is none.
   Text with an offset is converted; text without one is taken to be UTC unless `zone` is given.
   A number of 9 to 16 digits counts from 1970, as landing lets it pass. #}
{% macro text_to_timestamp(text, zone=none) -%}
    {{ return(adapter.dispatch('text_to_timestamp')(text, zone)) }}
{%- endmacro %}

{% macro duckdb__text_to_timestamp(text, zone) -%}
    {#- A blank must be null here: trying 42 formats on it takes 10 µs a row, against 0.2 µs. -#}
    {%- set spelled -%}
    try_strptime(nullif(trim({{ text }}), ''), ['{{ timestamp_spellings() | join("', '") }}'])
    {%- endset -%}
    {%- if zone -%}
    coalesce(
        {{ epoch_to_timestamp(text) }},
        cast(
            coalesce(try_cast(nullif(trim({{ text }}), '') as timestamp), {{ spelled }})
            at time zone {{ zone }} at time zone 'UTC' as timestamp
        )
    )
    {%- else -%}
    coalesce(
        cast(try_cast(nullif(trim({{ text }}), '') as timestamptz) at time zone 'UTC' as timestamp),
        {{ epoch_to_timestamp(text) }},
        {{ spelled }}
    )
    {%- endif -%}
{%- endmacro %}

{# Day and time of day are parsed apart and added: 12 formats to try instead of 42. #}
{% macro spark__text_to_timestamp(text, zone) -%}
    {%- set time_pattern = "' [0-9]{1,2}[:.][0-9]{2}([:.][0-9]{2})?( [AaPp][Mm])?$'" -%}
    {%- set time_text = "regexp_extract(trim(" ~ text ~ "), " ~ time_pattern ~ ", 0)" -%}
    {%- set day_text = "regexp_replace(trim(" ~ text ~ "), " ~ time_pattern ~ ", '')" -%}
    {#- a bare year or time of day is a timestamp for Spark, and for nobody else; an offset yields to
        the zone where one is given, as on DuckDB -#}
    {%- set spelled -%}
    coalesce(
        case
            when trim({{ text }}) rlike '^[0-9]{4}-[0-9]{1,2}-[0-9]'
                then cast(
                    try_cast(trim({{ text }}) as {{ 'timestamp_ntz' if zone else 'timestamp' }})
                    as timestamp
                )
        end,
        timestamp_micros(
            unix_micros(
                coalesce(
                    {%- for spelling in date_spellings() %}
                    try_to_timestamp({{ day_text }}, '{{ java_pattern(spelling) }}')
                    {{- ',' if not loop.last }}
                    {%- endfor %}
                )
            )
            + case
                when {{ time_text }} = '' then 0
                else unix_micros(
                    coalesce(
                        {%- for spelling in time_spellings() %}
                        try_to_timestamp({{ time_text }}, ' {{ java_pattern(spelling) }}')
                        {{- ',' if not loop.last }}
                        {%- endfor %}
                    )
                )
            end
        )
    )
    {%- endset -%}
    {%- if zone -%}
    coalesce({{ epoch_to_timestamp(text) }}, to_utc_timestamp({{ spelled }}, {{ zone }}))
    {%- else -%}
    coalesce({{ epoch_to_timestamp(text) }}, {{ spelled }})
    {%- endif -%}
{%- endmacro %}

{# A strptime format as Java's DateTimeFormatter writes it. #}
{% macro java_pattern(spelling) -%}
    {{ return(
        spelling
        .replace('%d', 'd').replace('%m', 'M').replace('%Y', 'yyyy').replace('%b', 'MMM')
        .replace('%H', 'H').replace('%I', 'h').replace('%M', 'mm').replace('%S', 'ss')
        .replace('%p', 'a')
        .replace('yyyyMd', 'yyyyMMdd')
    ) }}
{%- endmacro %}

{# Text of whole seconds, milliseconds or microseconds since 1970, told apart by their size. Smaller
   numbers are none: 20260201 is a day. #}
{% macro epoch_to_timestamp(text) -%}
    {%- set number = "try_cast(split_part(trim(" ~ text ~ "), '.', 1) as bigint)" -%}
    {{ micros_to_timestamp(
        "case"
        ~ " when abs(" ~ number ~ ") >= 100000000000000 then " ~ number
        ~ " when abs(" ~ number ~ ") >= 100000000000 then " ~ number ~ " * 1000"
        ~ " when abs(" ~ number ~ ") >= 100000000 then " ~ number ~ " * 1000000"
        ~ " end"
    ) }}
{%- endmacro %}
