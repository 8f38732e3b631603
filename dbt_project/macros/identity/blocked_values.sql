{# Which values the table of blocked identifiers names, and why: `values` has `key`, the type of the
   identifier and its text in small letters. What stands in the table as a plain word is looked up, only
   the rest is tried on every value. #}
{% macro blocked_values(values, key) -%}
    select
        {{ key }},
        min(reason) as block_reason
    from (
        select
            named.{{ key }},
            patterns.reason
        from {{ values }} as named
        inner join {{ ref('blocked_identifiers') }} as patterns
            on named.identifier_text = patterns.value_pattern
        where patterns.identifier_type in ('any', named.identifier_type)
        union all
        select
            named.{{ key }},
            patterns.reason
        from {{ values }} as named
        inner join {{ ref('blocked_identifiers') }} as patterns
            on named.identifier_text like patterns.value_pattern
        where
            patterns.identifier_type in ('any', named.identifier_type)
            and replace(replace(patterns.value_pattern, '%', ''), '_', '') <> patterns.value_pattern
    ) as matched
    group by {{ key }}
{%- endmacro %}

{# CTEs that end in `blocked_users`, the user ids among a relation's that the table of blocked identifiers
   names: nobody in particular. By the table alone, for whether somebody else ever sent such an id must
   not matter. #}
{% macro blocked_users_of(events) -%}
named_users as (

    select distinct
        user_id,
        'user_id' as identifier_type,
        lower(trim(user_id)) as identifier_text
    from {{ events }}
    where user_id is not null

),

blocked_users as (

    {{ blocked_values('named_users', 'user_id') | indent(4) }}

),
{%- endmacro %}
