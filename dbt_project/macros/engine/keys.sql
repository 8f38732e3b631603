{# Surrogate key: md5 over the parts joined by '|', null as '∅': the same bytes on every engine. #}
{% macro surrogate_key(parts) -%}
    md5(
        {%- for part in parts -%}
            coalesce(cast({{ part }} as string), '∅')
            {%- if not loop.last %} || '|' || {% endif -%}
        {%- endfor -%}
    )
{%- endmacro %}
