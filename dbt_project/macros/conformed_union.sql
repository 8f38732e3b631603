{# Union of one conformed family over the vendors that dbt_project.yml lists for it. `columns` maps
   each of the family's columns to its type: a vendor's member may be looser, what follows is not. #}
{% macro conformed_union(family, columns) -%}
    {%- for vendor in var('conformed')[family] %}
    select
        {%- for column, type in columns.items() %}
        cast({{ column }} as {{ type }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_' ~ vendor ~ '__' ~ family) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}
