{# Text of one JSON member (path as '$.a.b'), null where absent. #}
{% macro json_text(json, path) -%}
    {{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro %}

{% macro duckdb__json_text(json, path) -%}
    json_extract_string({{ json }}, '{{ path }}')
{%- endmacro %}

{% macro spark__json_text(json, path) -%}
    get_json_object({{ json }}, '{{ path }}')
{%- endmacro %}

{# Rows of a JSON array, to stand after a table in `from`: `<alias>.value` (JSON of one element) and
   `<alias>.position` (1, 2, …). A row whose array is null, empty or no array gives none. #}
{% macro json_elements(json, alias) -%}
    {{ return(adapter.dispatch('json_elements')(json, alias)) }}
{%- endmacro %}

{% macro duckdb__json_elements(json, alias) -%}
    cross join lateral unnest(json_extract({{ json }}, '$[*]'))
        with ordinality as {{ alias }} (value, position)
{%- endmacro %}

{% macro spark__json_elements(json, alias) -%}
    cross join lateral inline(
        transform(
            from_json({{ json }}, 'array<string>'),
            (element, index) -> struct(element as value, index + 1 as position)
        )
    ) as {{ alias }} (value, position)
{%- endmacro %}

{# Rows of a JSON object's members, to stand after a table in `from`: `<alias>.member` (name) and
   `<alias>.value` (text, null for JSON null). A row whose object is null or empty gives none. #}
{% macro json_members(json, alias) -%}
    {{ return(adapter.dispatch('json_members')(json, alias)) }}
{%- endmacro %}

{% macro duckdb__json_members(json, alias) -%}
    cross join lateral (
        select
            key as member,
            json_extract_string(value, '$') as value
        from json_each({{ json }})
    ) as {{ alias }}
{%- endmacro %}

{% macro spark__json_members(json, alias) -%}
    cross join lateral explode(from_json({{ json }}, 'map<string,string>'))
        as {{ alias }} (member, value)
{%- endmacro %}

{# JSON of one member (path as '$.a.b'), to be read further; null where absent. #}
{% macro json_member(json, path) -%}
    {{ return(adapter.dispatch('json_member')(json, path)) }}
{%- endmacro %}

{% macro duckdb__json_member(json, path) -%}
    json_extract({{ json }}, '{{ path }}')
{%- endmacro %}

{% macro spark__json_member(json, path) -%}
    get_json_object({{ json }}, '{{ path }}')
{%- endmacro %}

{# Text of an element of json_elements that is itself a string, number or boolean. #}
{% macro json_scalar(value) -%}
    {{ return(adapter.dispatch('json_scalar')(value)) }}
{%- endmacro %}

{% macro duckdb__json_scalar(value) -%}
    json_extract_string({{ value }}, '$')
{%- endmacro %}

{# Spark's from_json has already taken the quotes off. #}
{% macro spark__json_scalar(value) -%}
    {{ value }}
{%- endmacro %}
