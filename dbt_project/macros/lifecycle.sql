{# How far along a CRM's lifecycle a stage is; null for stages that are no step of it ("other").
   The names are those of HubSpot, which other CRMs' exports are mapped to. #}
{% macro lifecycle_rank(stage) -%}
    case lower({{ stage }})
        when 'subscriber' then 1
        when 'lead' then 2
        when 'marketingqualifiedlead' then 3
        when 'salesqualifiedlead' then 4
        when 'opportunity' then 5
        when 'customer' then 6
        when 'evangelist' then 7
    end
{%- endmacro %}

{# The furthest stage that any delivered version of a record had, by _source and key. #}
{% macro furthest_lifecycle(relation, key, stage) -%}
    select
        _source,
        {{ key }},
        cast(max({{ lifecycle_rank(stage) }}) as integer) as furthest_lifecycle_rank
    from {{ relation }}
    group by _source, {{ key }}
{%- endmacro %}
