{{ config(materialized='view') }}

with

edges as (
    select * from {{ ref('int_identity_edges') }}
),

identifiers as (
    select * from {{ ref('int_identifiers_observed') }}
),

final as (
    select
        {{ key_text(identity_edge_key('edges.from_key', 'edges.to_key')) }} as identity_edge_key,
        edges.from_type,
        from_side.identifier_value as from_value,
        edges.to_type,
        to_side.identifier_value as to_value,
        edges.source,
        edges.record_kind,
        edges.strength,
        edges.first_seen_at,
        edges.last_seen_at,
        edges.record_count
    from edges
    inner join identifiers as from_side on edges.from_key = from_side.identifier_key
    inner join identifiers as to_side on edges.to_key = to_side.identifier_key
)

select * from final
