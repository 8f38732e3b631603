{# Text with every match of a regular expression replaced. Patterns keep to what RE2 and Java share:
   no backslashes (engines escape them differently), no look-around. #}
{% macro replace_matches(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_matches')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro duckdb__replace_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__replace_matches(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{# Whether a text begins with another. #}
{% macro starts_with(text, prefix) -%}
    {{ return(adapter.dispatch('starts_with')(text, prefix)) }}
{%- endmacro %}

{% macro duckdb__starts_with(text, prefix) -%}
    starts_with({{ text }}, {{ prefix }})
{%- endmacro %}

{% macro spark__starts_with(text, prefix) -%}
    startswith({{ text }}, {{ prefix }})
{%- endmacro %}

{# The same where the match must begin a word: what stands before it stays. What follows is free, so
   that two matches may stand one blank apart. #}
{% macro replace_words(text, pattern, replacement) -%}
    {{ return(replace_words_of(text, "'" ~ pattern ~ "'", replacement)) }}
{%- endmacro %}

{# And with a pattern that is an expression, such as a column. #}
{% macro replace_words_of(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_words_of')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro duckdb__replace_words_of(text, pattern, replacement) -%}
    regexp_replace(
        {{ text }}, '(^|[^0-9A-Za-zÀ-ÖØ-öø-ÿ])(' || {{ pattern }} || ')', '\1{{ replacement }}', 'g'
    )
{%- endmacro %}

{% macro spark__replace_words_of(text, pattern, replacement) -%}
    regexp_replace(
        {{ text }}, '(^|[^0-9A-Za-zÀ-ÖØ-öø-ÿ])(' || {{ pattern }} || ')', '$1{{ replacement }}'
    )
{%- endmacro %}
