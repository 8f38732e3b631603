with

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

edges as (
    select * from {{ ref('int_identity_edges') }}
    where not is_by_shared_value
),

-- the edges within customers, both ways, with the age of each end
within_customers as (
    select
        from_side.identifier_key as from_key,
        to_side.identifier_key as to_key,
        edges.first_seen_at,
        edges.record_kind || ' of ' || edges.source as joined_by
    from edges
    inner join resolved as from_side on edges.from_key = from_side.identifier_key
    inner join resolved as to_side on edges.to_key = to_side.identifier_key
    where from_side.customer_id = to_side.customer_id
),

steps as (
    select from_key, to_key, first_seen_at, joined_by
    from within_customers
    union all
    select to_key as from_key, from_key as to_key, first_seen_at, joined_by
    from within_customers
),

first_joined as (
    select
        from_key as identifier_key,
        min(first_seen_at) as first_joined_at
    from steps
    group by from_key
),

-- an identifier that came alone was a customer of its own until it met an older one
founders as (
    select
        resolved.identifier_key as founder_key,
        resolved.first_seen_at as founded_at
    from resolved
    inner join first_joined on resolved.identifier_key = first_joined.identifier_key
    where
        resolved.identifier_key <> resolved.customer_oldest_identifier_key
        and resolved.first_seen_at < first_joined.first_joined_at
),

ages as (
    select
        identifier_key,
        first_seen_at
    from resolved
),

meetings as (
    select founder_key, met_at, joined_by
    from (
        {{ earliest_meetings('founders', 'steps', 'ages') }}
    ) as walked
),

final as (
    select
        {{ customer_id('founders.founder_key') }} as retired_customer_id,
        resolved.customer_id,
        founders.founded_at as valid_from,
        meetings.met_at as valid_to,
        meetings.joined_by
    from founders
    inner join meetings on founders.founder_key = meetings.founder_key
    inner join resolved on founders.founder_key = resolved.identifier_key
)

select * from final
