{{ config(materialized='view') }}

with

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

moved as (
    select * from {{ ref('int_identifiers_moved') }}
),

tenures as (
    select * from {{ ref('int_identifier_tenures') }}
),

spans as (
    select
        resolved.identifier_key,
        resolved.identifier_type,
        coalesce(tenures.identifier_value, resolved.identifier_value) as identifier_value,
        coalesce(moved.customer_id, resolved.customer_id) as customer_id,
        resolved.customer_id as current_customer_id,
        coalesce(moved.valid_from, resolved.first_seen_at) as valid_from,
        -- the next owner's time ends it
        least(
            coalesce(moved.valid_to, tenures.valid_to), coalesce(tenures.valid_to, moved.valid_to)
        ) as valid_to,
        case
            when tenures.tenure_number > 1 and coalesce(moved.reason, 'first seen') = 'first seen'
                then 'changed hands'
            else coalesce(moved.reason, 'first seen')
        end as reason,
        moved.identity_edge_key
    from resolved
    left join moved on resolved.identifier_key = moved.identifier_key
    left join tenures on resolved.identifier_key = tenures.identifier_key
),

final as (
    select
        identifier_key,
        identifier_type,
        identifier_value,
        customer_id,
        current_customer_id,
        valid_from,
        valid_to,
        reason,
        identity_edge_key
    from spans
    where valid_to is null or valid_to > valid_from
)

select * from final
