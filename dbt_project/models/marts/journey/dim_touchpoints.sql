with

touchpoints as (

    select * from {{ ref('touchpoints') }}

),

stages as (

    select * from {{ ref('journey_stages') }}

),

channels as (

    select * from {{ ref('channels') }}

),

final as (

    select
        touchpoints.touchpoint_id,
        touchpoints.name_fi,
        touchpoints.name_en,
        touchpoints.stage_id as journey_stage,
        stages.stage_order,
        touchpoints.channel,
        touchpoints.source_kind,
        channels.is_digital,
        touchpoints.is_key_touchpoint
    from touchpoints
    inner join stages on touchpoints.stage_id = stages.stage_id
    left join channels on touchpoints.channel = channels.channel_id

)

select * from final
