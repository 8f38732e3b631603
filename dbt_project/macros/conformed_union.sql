{# Union of one conformed family over the vendors that dbt_project.yml lists for it. #}
{% macro conformed_union(family, columns) -%}
    {%- for vendor in var('conformed')[family] %}
    select
        {%- for column in columns %}
        {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_' ~ vendor ~ '__' ~ family) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}
