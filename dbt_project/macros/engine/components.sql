{# Connected components of a graph, as a query with one row per node that has an edge:
   node_key and component_key, the smallest key of all nodes that can be reached from it.

   `edges` is a relation or CTE with the columns from_key and to_key, in either direction, any
   number of times. The labels follow from the keys alone: the same edges in any order give the
   same rows. #}
{% macro connected_components(edges) -%}
    {{ return(adapter.dispatch('connected_components')(edges)) }}
{%- endmacro %}

{# The smallest label spreads until nothing changes; USING KEY keeps one row per node, so that each
   round joins only the nodes whose label fell. Nodes are numbered in the order of their keys for
   the time of the recursion: integers join three times as fast as md5 texts (0.7 M nodes and
   0.6 M edges of a random graph: 11 s against 33 s). #}
{% macro duckdb__connected_components(edges) -%}
    with recursive

    nodes as materialized (
        select
            node_key,
            row_number() over (order by node_key) as node_number
        from (
            select from_key as node_key from {{ edges }}
            union
            select to_key as node_key from {{ edges }}
        ) as distinct_nodes
    ),

    numbered as (
        select
            from_nodes.node_number as from_number,
            to_nodes.node_number as to_number
        from {{ edges }} as edges
        inner join nodes as from_nodes on edges.from_key = from_nodes.node_key
        inner join nodes as to_nodes on edges.to_key = to_nodes.node_key
    ),

    neighbours as materialized (
        select from_number, to_number from numbered
        union
        select to_number, from_number from numbered
    ),

    reached (node_number, component_number) using key (node_number) as (
        select
            from_number,
            min(least(from_number, to_number))
        from neighbours
        group by from_number
        union
        select
            neighbours.to_number,
            min(reached.component_number)
        from reached
        inner join neighbours on reached.node_number = neighbours.from_number
        inner join recurring.reached as known on neighbours.to_number = known.node_number
        where reached.component_number < known.component_number
        group by neighbours.to_number
    )

    select
        nodes.node_key,
        labels.node_key as component_key
    from reached
    inner join nodes on reached.node_number = nodes.node_number
    inner join nodes as labels on reached.component_number = labels.node_number
{%- endmacro %}

{# When each founder first met an identifier that is older than itself, as a query with the columns
   founder_key, met_at and joined_by. A way through several edges is as late as its latest edge; of
   all ways the earliest counts.

   `founders` has founder_key and founded_at, `steps` from_key, to_key, first_seen_at and joined_by
   in both directions, `ages` identifier_key and first_seen_at. #}
{% macro earliest_meetings(founders, steps, ages) -%}
    {{ return(adapter.dispatch('earliest_meetings')(founders, steps, ages)) }}
{%- endmacro %}

{% macro duckdb__earliest_meetings(founders, steps, ages) -%}
    with recursive

    walked (founder_key, node_key, founded_at, is_older, reached_at, joined_by)
    using key (founder_key, node_key) as (
        select
            founder_key,
            founder_key,
            founded_at,
            false,
            founded_at,
            cast(null as varchar)
        from {{ founders }}
        union
        select
            walked.founder_key,
            steps.to_key,
            walked.founded_at,
            any_value(
                ages.first_seen_at < walked.founded_at
                or (ages.first_seen_at = walked.founded_at and steps.to_key < walked.founder_key)
            ),
            min(greatest(walked.reached_at, steps.first_seen_at)),
            min_by(
                case
                    when steps.first_seen_at >= walked.reached_at then steps.joined_by
                    else walked.joined_by
                end,
                row(greatest(walked.reached_at, steps.first_seen_at), steps.joined_by)
            )
        from walked
        inner join {{ steps }} as steps on walked.node_key = steps.from_key
        inner join {{ ages }} as ages on steps.to_key = ages.identifier_key
        left join recurring.walked as known
            on walked.founder_key = known.founder_key and steps.to_key = known.node_key
        where
            -- beyond an older identifier there is nothing more to learn
            not walked.is_older
            and (
                known.reached_at is null
                or greatest(walked.reached_at, steps.first_seen_at) < known.reached_at
            )
        group by walked.founder_key, steps.to_key, walked.founded_at
    )

    select
        founder_key,
        min(reached_at) as met_at,
        min_by(joined_by, row(reached_at, node_key)) as joined_by
    from walked
    where is_older
    group by founder_key
{%- endmacro %}
