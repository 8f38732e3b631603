{# Raw text to typed values: null where the text is blank or does not parse (landing quarantines
   unparseable text in declared columns, so a null here is a blank or an undeclared value). #}

{% macro text_to_number(text, type='decimal(18, 4)') -%}
    {#- plain and no-break spaces separate thousands -#}
    try_cast(
        replace(replace(replace(nullif(trim({{ text }}), ''), ' ', ''), chr(160), ''), ',', '.')
        as {{ type }}
    )
{%- endmacro %}

{% macro text_to_boolean(text) -%}
    case
        when lower(trim({{ text }})) in ('true', 't', 'yes', 'y', '1', '1.0', 'kyllä', 'kylla')
            then true
        when lower(trim({{ text }})) in ('false', 'f', 'no', 'n', '0', '0.0', 'ei') then false
    end
{%- endmacro %}

{% macro blank_to_null(text) -%}
    nullif(trim({{ text }}), '')
{%- endmacro %}
