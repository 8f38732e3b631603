with

touchpoints as (
    select * from {{ ref('int_touchpoints_unioned') }}
),

final as (
    select
        touchpoint_key,
        source,
        source_kind,
        record_key,
        touchpoint_id,
        journey_stage,
        channel,
        is_digital,
        occurred_at,
        occurred_date,
        identifier_key,
        customer_id,
        session_key,
        value_eur
    from touchpoints
)

select * from final
