with

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

retired as (
    select * from {{ ref('int_customer_ids_retired') }}
),

moved as (
    select * from {{ ref('int_identifiers_moved') }}
),

current_ids as (
    select
        customer_id,
        min(first_seen_at) as valid_from
    from resolved
    group by customer_id
),

-- in use again since another customer with whom it was one was separated from it
split_off as (
    select
        customer_id,
        min(reason) as reason
    from moved
    where
        is_founder
        and valid_to is null
        and reason like 'split: %'
    group by customer_id
),

final as (
    select
        current_ids.customer_id,
        current_ids.customer_id as current_customer_id,
        current_ids.valid_from,
        cast(null as timestamp) as valid_to,
        true as is_current,
        coalesce('in use, ' || split_off.reason, 'in use') as reason,
        cast(null as string) as identity_edge_key
    from current_ids
    left join split_off on current_ids.customer_id = split_off.customer_id
    union all
    select
        retired_customer_id as customer_id,
        customer_id as current_customer_id,
        valid_from,
        valid_to,
        false as is_current,
        'merged: ' || joined_by as reason,
        identity_edge_key
    from retired
)

select * from final
