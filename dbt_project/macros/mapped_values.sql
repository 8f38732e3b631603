{# A time of a mapped file to UTC: one that carries its own offset is converted by it, any other is
   in the table's `timezone`, UTC by default. #}
{% macro mapped_timestamp(text) -%}
    case
        when timezone is null
            or regexp_extract(trim({{ text }}), ':[0-9][0-9]([.][0-9]+)?[ ]*([zZ]|[+-][0-9][0-9](:?[0-9][0-9])?)$', 0) <> ''
            then {{ text_to_timestamp(text) }}
        else {{ text_to_timestamp(text, 'timezone') }}
    end
{%- endmacro %}
