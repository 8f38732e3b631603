{# CTEs that end in `name`: one row per group of identifiers that holds more values of one type, or
   of all types together, than identity_rules (CTE `rules`) allows, or two that must be kept apart
   (CTE `separations`). Where several limits are broken the one that is exceeded most is named. #}
{% macro groups_over_limit(identifiers, group_column, name) -%}
{{ name }}_counts as (
    select
        {{ group_column }} as group_key,
        identifier_type,
        count(*) as identifier_count
    from {{ identifiers }}
    group by {{ group_column }}, identifier_type
    union all
    select
        {{ group_column }} as group_key,
        'any' as identifier_type,
        count(*) as identifier_count
    from {{ identifiers }}
    group by {{ group_column }}
),

{{ name }}_broken as (
    select
        counts.group_key,
        counts.identifier_type,
        counts.identifier_count,
        rules.max_per_customer
    from {{ name }}_counts as counts
    inner join rules on counts.identifier_type = rules.identifier_type
    where counts.identifier_count > rules.max_per_customer
    union all
    select distinct
        from_side.{{ group_column }} as group_key,
        'kept_apart' as identifier_type,
        2 as identifier_count,
        1 as max_per_customer
    from separations
    inner join {{ identifiers }} as from_side on separations.from_key = from_side.identifier_key
    inner join {{ identifiers }} as to_side on separations.to_key = to_side.identifier_key
    where from_side.{{ group_column }} = to_side.{{ group_column }}
),

{{ name }} as (
    select
        group_key,
        max_by(identifier_type, {{ sort_key([
            'identifier_count - max_per_customer', 'identifier_type'
        ]) }}) as limit_type,
        max_by(identifier_count, {{ sort_key([
            'identifier_count - max_per_customer', 'identifier_type'
        ]) }}) as identifier_count,
        max_by(max_per_customer, {{ sort_key([
            'identifier_count - max_per_customer', 'identifier_type'
        ]) }}) as max_per_customer
    from {{ name }}_broken
    group by group_key
)
{%- endmacro %}
