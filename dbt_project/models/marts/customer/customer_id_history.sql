with

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

retired as (
    select * from {{ ref('int_customer_ids_retired') }}
),

current_ids as (
    select
        customer_id,
        min(first_seen_at) as valid_from
    from resolved
    group by customer_id
),

final as (
    select
        customer_id,
        customer_id as current_customer_id,
        valid_from,
        cast(null as timestamp) as valid_to,
        true as is_current,
        'in use' as reason
    from current_ids
    union all
    select
        retired_customer_id as customer_id,
        customer_id as current_customer_id,
        valid_from,
        valid_to,
        false as is_current,
        'merged: ' || joined_by as reason
    from retired
)

select * from final
