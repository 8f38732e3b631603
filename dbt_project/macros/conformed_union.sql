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

{# As conformed_union, of a family of named values that somebody may have typed: what the measurement
   plan declares to hold personal data (`data_kind`: a parameter or a user property, named by
   `name_column`) is masked in `value_text`, whatever it says. #}
{% macro conformed_values(family, columns, data_kind, name_column) -%}
with

named_values as (
    {{ conformed_union(family, columns) }}
),

declared as (
    select data_name from {{ source('plan', 'personal_data') }}
    where data_kind = '{{ data_kind }}'
),

final as (
    select
        {%- for column in columns %}
        {%- if column == 'value_text' %}
        {{ without_declared_data('named_values.value_text', 'declared.data_name is not null') }}
            as value_text
        {%- else %}
        named_values.{{ column }}
        {%- endif %}{{ "," if not loop.last }}
        {%- endfor %}
    from named_values
    left join declared
        on named_values.{{ name_column }} = declared.data_name
)

select * from final
{%- endmacro %}
