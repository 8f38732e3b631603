with

pairs as (
    select * from {{ source('probabilistic', 'pairs') }}
),

final as (
    select
        {{ surrogate_key(["'probabilistic_pair'", 'first_record_key', 'second_record_key']) }}
            as probabilistic_pair_key,
        first_record_key,
        second_record_key,
        first_customer_id,
        second_customer_id,
        match_probability,
        match_weight,
        comparison_weights,
        model_version
    from pairs
)

select * from final
