with

duplicates as (
    select * from {{ source('probabilistic', 'duplicates') }}
),

final as (
    select
        {{ surrogate_key(["'probable_duplicate'", 'first_customer_id', 'second_customer_id']) }}
            as probable_duplicate_key,
        first_customer_id,
        second_customer_id,
        match_probability,
        match_weight,
        record_pair_count,
        status,
        held_back as held_back_reason,
        decided_at,
        probable_customer_id,
        group_size as probable_customer_count,
        model_version
    from duplicates
    where status <> 'unlikely'
)

select * from final
