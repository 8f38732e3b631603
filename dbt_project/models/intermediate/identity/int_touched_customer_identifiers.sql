{#- Groups beyond the limit that a shared thing is known to have, and still keeps when a few of
    them change: what lies behind such a wall is not looked at. -#}
{%- set wall_margin = 8 -%}
{%- set components_before = relation_built_before('int_identity_components') -%}
{%- set groups_before = relation_built_before('int_identity_groups_joined') -%}
-- depends_on: {{ ref('int_identity_edges') }}
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

-- What is shared, crowded or was seen with others than it joined looks beyond its own customer. But
-- for walls: kiosks and switchboards, shared by far more known customers than their limit. They
-- join nobody, whatever becomes of a few of those, so that nothing spreads through them.
hubs as materialized (
    select
        components.identifier_key,
        components.component_key,
        rules.max_linked,
        coalesce(
            components.skip_reason = 'shared'
            and components.is_registered
            and components.linked_count > rules.max_linked + {{ wall_margin }}
            and components.identifier_key not in (
                select from_key from separated_edges
                union all
                select to_key from separated_edges
            ),
            false
        ) as is_wall
    from components
    inner join rules on components.identifier_type = rules.identifier_type
    where
        components.skip_reason is not null
        or components.passed_over_count > 0
),

walls as materialized (
    select identifier_key from hubs
    where is_wall
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

looked_from as materialized (
    select
        identifier_key,
        component_key,
        case when is_wall then 'wall' else 'crossing' end as asked_for
    from hubs
    union all
    select
        identifier_key,
        cast(null as {{ compact_key_type() }}) as component_key,
        'beginning' as asked_for
    from flipped
),

-- One look at the edges in each direction. A shared value joins nothing, but what it began or
-- ceased to join is a beginning.
edges_looked_at as materialized (
    {%- for near, far in [('from_key', 'to_key'), ('to_key', 'from_key')] %}
    select
        looked_from.asked_for,
        looked_from.identifier_key,
        looked_from.component_key,
        edges.{{ far }} as linked_key
    from {{ ref('int_identity_edges') }} as edges
    inner join looked_from on edges.{{ near }} = looked_from.identifier_key
    where
        looked_from.asked_for = 'beginning'
        or not edges.is_by_shared_value
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

beginnings as materialized (
    select identifier_key from changed
    where identifier_key not in (select identifier_key from walls)
    union
    select linked_key as identifier_key
    from edges_looked_at
    where asked_for = 'beginning'
),

-- Whose an identifier was is looked up once for all that ask: where it begins, what stands beside
-- a hub, and both sides of a separation, which hang on one of them.
asked as materialized (
    select
        'beginning' as asked_for,
        cast(null as {{ compact_key_type() }}) as hub_key,
        identifier_key as linked_key
    from beginnings
    union all
    select
        asked_for,
        identifier_key as hub_key,
        linked_key
    from edges_looked_at
    where asked_for = 'wall'
    union all
    select
        asked_for,
        component_key as hub_key,
        linked_key
    from edges_looked_at
    where
        asked_for = 'crossing'
        and linked_key not in (select identifier_key from walls)
    {%- for side in ['from_key', 'to_key'] %}
    union all
    select
        'crossing' as asked_for,
        from_key as hub_key,
        {{ side }} as linked_key
    from separated_edges
    {%- endfor %}
),

answered as materialized (
    select
        asked.asked_for,
        asked.hub_key,
        asked.linked_key,
        coalesce(components.component_key, asked.linked_key) as component_key,
        components.identifier_type,
        components.is_registered
    from asked
    left join components on asked.linked_key = components.identifier_key
),

links as (
    select
        hub_key as from_key,
        component_key as to_key
    from answered
    where asked_for = 'crossing'
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
    union all
    select
        to_key as from_key,
        from_key as to_key
    from links
    where from_key <> to_key
),

-- Gathered in a list, which the planner takes for one row: of a recursion it expects a thousand
-- times its beginning, and would build its hash table on all customers, not on those reached.
reached as (
    with recursive reached_in_turn (component_key) as (
        select component_key from answered
        where asked_for = 'beginning'
        union
        select steps.to_key
        from reached_in_turn
        inner join steps on reached_in_turn.component_key = steps.from_key
    )

    select unnest(list(component_key)) as component_key from reached_in_turn
),

inside as materialized (
    select
        identifier_key,
        cast(null as boolean) as was_shared
    from beginnings
    union all
    select
        identifier_key,
        skip_reason is not null as was_shared
    from components
    where component_key in (select component_key from reached)
),

-- a wall counts its groups anew where one of them may have changed
concerned_walls as materialized (
    select hub_key as wall_key
    from answered
    where
        asked_for = 'wall'
        and linked_key in (select identifier_key from inside)
    union
    select identifier_key as wall_key from changed
    where identifier_key in (select identifier_key from walls)
),

-- A wall is sure to stand while enough known customers stand behind it of whom nothing has changed.
-- A certain identifier is of the group that was its customer.
standing_walls as (
    select answered.hub_key as wall_key
    from answered
    inner join hubs on answered.hub_key = hubs.identifier_key
    inner join rules on answered.identifier_type = rules.identifier_type
    where
        answered.asked_for = 'wall'
        and answered.is_registered
        and rules.strength = 'certain'
        and answered.linked_key not in (select identifier_key from inside)
        and answered.hub_key in (select wall_key from concerned_walls)
    group by answered.hub_key
    having count(distinct answered.component_key) > max(hubs.max_linked)
),

doubtful_walls as (
    select wall_key from concerned_walls
    where wall_key not in (select wall_key from standing_walls)
),

touched as (
    select
        identifier_key,
        was_shared
    from inside
    union all
    select
        wall_key as identifier_key,
        true as was_shared
    from concerned_walls
    union all
    -- where a wall may open, everybody is looked at
    select
        identifier_key,
        skip_reason is not null as was_shared
    from components
    where exists (select 1 from doubtful_walls)
),

final as (
    select
        identifier_key,
        bool_or(was_shared) as was_shared
    from touched
    group by identifier_key
)
{%- else -%}
-- everything is computed anew: nothing in particular is touched
final as (
    select
        identifier_key,
        false as was_shared
    from changed
)
{%- endif %}

select * from final
