{# CTEs that end in `name`: one row per group of identifiers that holds more values of one type, or
   of all types together, than identity_rules (CTE `rules`) allows. Where several limits are broken
   the one that is exceeded most is named. #}
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

{{ name }} as (
    select
        counts.group_key,
        max_by(counts.identifier_type, {{ sort_key([
            'counts.identifier_count - rules.max_per_customer', 'counts.identifier_type'
        ]) }}) as limit_type,
        max_by(counts.identifier_count, {{ sort_key([
            'counts.identifier_count - rules.max_per_customer', 'counts.identifier_type'
        ]) }}) as identifier_count,
        max_by(rules.max_per_customer, {{ sort_key([
            'counts.identifier_count - rules.max_per_customer', 'counts.identifier_type'
        ]) }}) as max_per_customer
    from {{ name }}_counts as counts
    inner join rules on counts.identifier_type = rules.identifier_type
    where counts.identifier_count > rules.max_per_customer
    group by counts.group_key
)
{%- endmacro %}
