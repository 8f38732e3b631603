{% set walks %}
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
    select
        from_key,
        to_key,
        first_seen_at,
        joined_by
    from within_customers
    union all
    select
        to_key as from_key,
        from_key as to_key,
        first_seen_at,
        joined_by
    from within_customers
),

ages as (
    select
        identifier_key,
        first_seen_at
    from resolved
),

-- who came together with somebody older never was a customer of its own
companions as (
    select distinct steps.from_key as identifier_key
    from steps
    inner join ages as own on steps.from_key = own.identifier_key
    inner join ages as other on steps.to_key = other.identifier_key
    where
        steps.first_seen_at <= own.first_seen_at
        and (
            other.first_seen_at < own.first_seen_at
            or (other.first_seen_at = own.first_seen_at and steps.to_key < steps.from_key)
        )
),

-- all others were, until they met an identifier older than themselves
founders as (
    select
        resolved.identifier_key as founder_key,
        resolved.first_seen_at as founded_at
    from resolved
    left join companions on resolved.identifier_key = companions.identifier_key
    where
        resolved.identifier_key <> resolved.customer_oldest_identifier_key
        and companions.identifier_key is null
)
{% endset %}

with

{{ walks }},

meetings as (
    select
        founder_key,
        met_at,
        joined_by
    from (
        {{ earliest_meetings('founders', 'steps', 'ages', given=walks) }}
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
    where meetings.met_at > founders.founded_at
)

select * from final
