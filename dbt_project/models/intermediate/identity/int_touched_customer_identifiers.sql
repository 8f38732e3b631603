{#- Groups beyond the limit that a shared thing is known to have, and still keeps when a few of
    them change: what lies behind such a wall is not looked at. -#}
{%- set wall_margin = 8 -%}
{%- set components_before = relation_built_before('int_identity_components') -%}
{%- set groups_before = relation_built_before('int_identity_groups_joined') -%}
-- depends_on: {{ ref('int_identity_edges') }}
-- depends_on: {{ ref('int_identifiers_observed') }}
-- depends_on: {{ ref('identity_rules') }}

with

changed as (
    select * from {{ ref('int_touched_identifiers') }}
),

{% if components_before and groups_before -%}
components as not materialized (
    select * from {{ components_before }}
),

groups as not materialized (
    select * from {{ groups_before }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

-- what a separation cut tells of the past of both sides
separated_edges as (
    select
        from_key,
        to_key
    from {{ ref('int_identity_edges') }}
    where
        separation_kind is not null
        and not is_by_shared_value
),

-- Kiosks and switchboards: shared by far more known customers than their limit. They join nobody,
-- whatever becomes of a few of those, so that nothing spreads through them.
walls as materialized (
    select
        components.identifier_key,
        rules.max_linked
    from components
    inner join rules on components.identifier_type = rules.identifier_type
    where
        components.skip_reason = 'shared'
        and components.is_registered
        and components.linked_count > rules.max_linked + {{ wall_margin }}
        and components.identifier_key not in (
            select from_key from separated_edges
            union all
            select to_key from separated_edges
        )
),

-- an identifier that was shared and no longer is, or the reverse, matters to all its neighbours
shared_now as (
    select from_key as identifier_key
    from {{ ref('int_identity_edges') }}
    where from_linked_count is not null
    union
    select to_key as identifier_key
    from {{ ref('int_identity_edges') }}
    where to_linked_count is not null
),

flipped as (
    select changed.identifier_key
    from changed
    left join shared_now on changed.identifier_key = shared_now.identifier_key
    where changed.was_shared <> (shared_now.identifier_key is not null)
),

-- What is shared, crowded or was seen with others than it joined looks beyond its own customer.
lookouts as materialized (
    select identifier_key
    from components
    where
        (skip_reason is not null or passed_over_count > 0)
        and identifier_key not in (select identifier_key from walls)
),

-- one look at the edges for all that follows
telling as materialized (
    select identifier_key from walls
    union
    select identifier_key from lookouts
    union
    select identifier_key from flipped
),

telling_edges as materialized (
    {%- for condition in [
        'separation_kind is not null',
        'from_key in (select identifier_key from telling)',
        'to_key in (select identifier_key from telling)',
    ] %}
    select
        from_key,
        to_key,
        is_by_shared_value,
        separation_kind
    from {{ ref('int_identity_edges') }}
    where {{ condition }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

beginnings as materialized (
    select identifier_key from changed
    where identifier_key not in (select identifier_key from walls)
    union
    select from_key as identifier_key
    from telling_edges
    where to_key in (select identifier_key from flipped)
    union
    select to_key as identifier_key
    from telling_edges
    where from_key in (select identifier_key from flipped)
),

crossings as materialized (
    select
        from_key,
        to_key
    from telling_edges
    where
        not is_by_shared_value
        and (
            separation_kind is not null
            or from_key in (select identifier_key from lookouts)
            or to_key in (select identifier_key from lookouts)
        )
        and from_key not in (select identifier_key from walls)
        and to_key not in (select identifier_key from walls)
),

customer_of as materialized (
    select
        identifier_key,
        component_key
    from components
    where
        identifier_key in (
            select from_key from crossings
            union all
            select to_key from crossings
            union all
            select identifier_key from beginnings
        )
),

links as (
    select
        coalesce(from_side.component_key, crossings.from_key) as from_key,
        coalesce(to_side.component_key, crossings.to_key) as to_key
    from crossings
    left join customer_of as from_side on crossings.from_key = from_side.identifier_key
    left join customer_of as to_side on crossings.to_key = to_side.identifier_key
    union
    -- parts of one group that was over a limit
    select
        group_key as from_key,
        dissolved_group_key as to_key
    from groups
    where dissolved_group_key is not null
),

steps as materialized (
    select
        from_key,
        to_key
    from links
    where from_key <> to_key
    union
    select
        to_key as from_key,
        from_key as to_key
    from links
    where from_key <> to_key
),

reached as (
    with recursive reached_in_turn (component_key) as (
        select coalesce(customer_of.component_key, beginnings.identifier_key)
        from beginnings
        left join customer_of on beginnings.identifier_key = customer_of.identifier_key
        union
        select steps.to_key
        from reached_in_turn
        inner join steps on reached_in_turn.component_key = steps.from_key
    )

    select component_key from reached_in_turn
),

inside as materialized (
    select identifier_key from beginnings
    union
    select identifier_key
    from components
    where component_key in (select component_key from reached)
),

edges_of_walls as materialized (
    select
        from_key as wall_key,
        to_key as linked_key
    from telling_edges
    where
        not is_by_shared_value
        and from_key in (select identifier_key from walls)
    union all
    select
        to_key as wall_key,
        from_key as linked_key
    from telling_edges
    where
        not is_by_shared_value
        and to_key in (select identifier_key from walls)
),

-- a wall counts its groups anew where one of them may have changed
concerned_walls as materialized (
    select wall_key from edges_of_walls
    where linked_key in (select identifier_key from inside)
    union
    select identifier_key as wall_key from changed
    where identifier_key in (select identifier_key from walls)
),

-- a wall is sure to stand while enough known customers stand behind it of whom nothing has changed
standing_walls as (
    select edges_of_walls.wall_key
    from edges_of_walls
    inner join walls on edges_of_walls.wall_key = walls.identifier_key
    inner join groups on edges_of_walls.linked_key = groups.identifier_key
    where
        groups.is_registered
        and edges_of_walls.linked_key not in (select identifier_key from inside)
        and edges_of_walls.wall_key in (select wall_key from concerned_walls)
    group by edges_of_walls.wall_key
    having count(distinct groups.group_key) > max(walls.max_linked)
),

doubtful_walls as (
    select wall_key from concerned_walls
    where wall_key not in (select wall_key from standing_walls)
),

touched as (
    select identifier_key from inside
    union
    select wall_key as identifier_key from concerned_walls
    union
    select identifier_key from changed
    union
    -- where a wall may open, everybody is looked at
    select identifier_key
    from components
    where exists (select 1 from doubtful_walls)
),

final as (
    select
        touched.identifier_key,
        observed.identifier_type,
        observed.identifier_value
    from touched
    left join {{ ref('int_identifiers_observed') }} as observed
        on touched.identifier_key = observed.identifier_key
)
{%- else -%}
-- everything is computed anew: nothing in particular is touched
final as (
    select
        identifier_key,
        identifier_type,
        identifier_value
    from changed
)
{%- endif %}

select * from final
