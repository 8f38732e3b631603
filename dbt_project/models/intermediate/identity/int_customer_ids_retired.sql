with

moved as (
    select * from {{ ref('int_identifiers_moved') }}
),

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

-- an id lives and ends with the identifier that it is made of
founded as (
    select
        moved.customer_id,
        moved.current_customer_id,
        moved.identifier_key,
        moved.valid_from,
        moved.valid_to
    from moved
    where moved.is_founder
),

endings as (
    select
        identifier_key,
        valid_from as ended_at,
        reason,
        identity_edge_key
    from moved
    where not is_founder
),

final as (
    select
        founded.customer_id as retired_customer_id,
        founded.current_customer_id as customer_id,
        founded.valid_from,
        founded.valid_to,
        replace(endings.reason, 'merged: ', '') as joined_by,
        endings.identity_edge_key
    from founded
    inner join endings
        on
            founded.identifier_key = endings.identifier_key
            and founded.valid_to = endings.ended_at
    inner join resolved on founded.identifier_key = resolved.identifier_key
    -- whoever is a customer of its own again after a split has not retired
    where resolved.customer_oldest_identifier_key <> founded.identifier_key
)

select * from final
