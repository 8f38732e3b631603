{{ config(materialized='view') }}

with

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

moved as (
    select * from {{ ref('int_identifiers_moved') }}
),

final as (
    select
        resolved.identifier_key,
        resolved.identifier_type,
        resolved.identifier_value,
        coalesce(moved.customer_id, resolved.customer_id) as customer_id,
        resolved.customer_id as current_customer_id,
        coalesce(moved.valid_from, resolved.first_seen_at) as valid_from,
        moved.valid_to,
        coalesce(moved.reason, 'first seen') as reason,
        moved.identity_edge_key
    from resolved
    left join moved on resolved.identifier_key = moved.identifier_key
)

select * from final
