{# For records that make nobody a customer but may be about one (a review, the use of a feature): the
   customer whom their identifiers name elsewhere. `types` lists the identifiers that they carry, the
   surest first; what several people share names nobody. #}
{% macro known_customer(types) -%}
    coalesce(
        {%- for type in types %}by_{{ type }}.customer_id{{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}

{% macro known_customer_joins(record, types) -%}
    {%- for type in types %}
    left join {{ ref('int_identifiers_resolved') }} as by_{{ type }}
        on
            by_{{ type }}.identifier_type = '{{ type }}'
            and not by_{{ type }}.is_shared
            and {{ record }}.{{ type }} = by_{{ type }}.identifier_value
    {%- endfor %}
{%- endmacro %}
