{{ rebuilt_by('identifier_key', 'int_touched_customer_identifiers') }}
-- depends_on: {{ ref('int_touched_customer_identifiers') }}

{% set certain_links %}
identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
    where
        not is_blocked
        and {{ is_touched('identifier_key') if is_incremental() else 'true' }}
),

edges as (
    select * from {{ ref('int_identity_edges') }}
    where
        strength = 'certain'
        and not is_by_shared_value
        and separation_kind is null
        and {{ is_touched('from_key') if is_incremental() else 'true' }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

separations as (
    select * from {{ ref('int_identity_separations') }}
    where from_key <> to_key
)
{% endset %}

{% set stated_links %}
{{ certain_links }},

components as (
    select
        node_key,
        component_key
    from (
        {{ connected_components('edges', given=certain_links) }}
    ) as labelled
),

certain as (
    select
        identifiers.identifier_key,
        identifiers.identifier_type,
        coalesce(components.component_key, identifiers.identifier_key) as joined_key,
        identifiers.first_seen_at
    from identifiers
    inner join rules on identifiers.identifier_type = rules.identifier_type
    left join components on identifiers.identifier_key = components.node_key
    where rules.strength = 'certain'
),

{{ groups_over_limit('certain', 'joined_key', 'over_limit') }},

-- a group over a limit falls back to what the CRM's own records say
stated_edges as (
    select
        edges.from_key,
        edges.to_key
    from edges
    inner join certain on edges.from_key = certain.identifier_key
    inner join over_limit on certain.joined_key = over_limit.group_key
    where edges.is_crm_stated
)
{% endset %}

with

{{ stated_links }},

stated_components as (
    select
        node_key,
        component_key
    from (
        {{ connected_components('stated_edges', given=stated_links) }}
    ) as labelled
),

dissolved as (
    select
        certain.identifier_key,
        certain.identifier_type,
        certain.joined_key,
        coalesce(stated_components.component_key, certain.identifier_key) as stated_key
    from certain
    inner join over_limit on certain.joined_key = over_limit.group_key
    left join stated_components on certain.identifier_key = stated_components.node_key
),

{{ groups_over_limit('dissolved', 'stated_key', 'still_over_limit') }},

grouped as (
    select
        certain.identifier_key,
        certain.identifier_type,
        case
            when over_limit.group_key is null then certain.joined_key
            when still_over_limit.group_key is null then dissolved.stated_key
            else certain.identifier_key
        end as group_key,
        certain.first_seen_at,
        case when over_limit.group_key is not null then certain.joined_key end
            as dissolved_group_key,
        over_limit.limit_type,
        over_limit.identifier_count as dissolved_identifier_count,
        over_limit.max_per_customer
    from certain
    left join over_limit on certain.joined_key = over_limit.group_key
    left join dissolved on certain.identifier_key = dissolved.identifier_key
    left join still_over_limit on dissolved.stated_key = still_over_limit.group_key
),

-- customers that some system knows, not only an address under a guest's order
registered as (
    select distinct group_key
    from grouped
    where identifier_type in ('contact_id', 'user_id', 'loyalty_id')
),

final as (
    select
        grouped.identifier_key,
        grouped.identifier_type,
        grouped.group_key,
        registered.group_key is not null as is_registered,
        grouped.first_seen_at,
        grouped.dissolved_group_key,
        grouped.limit_type,
        grouped.dissolved_identifier_count,
        grouped.max_per_customer
    from grouped
    left join registered on grouped.group_key = registered.group_key
)

select * from final
