with

stages as (

    select * from {{ ref('journey_stages') }}

),

touchpoints as (

    select
        stage_id,
        count(*) as touchpoint_count,
        sum(case when is_key_touchpoint then 1 else 0 end) as key_touchpoint_count
    from {{ ref('touchpoints') }}
    group by stage_id

),

final as (

    select
        stages.stage_id as journey_stage,
        stages.stage_order,
        stages.name_fi,
        stages.name_en,
        stages.description,
        cast(coalesce(touchpoints.touchpoint_count, 0) as integer) as touchpoint_count,
        cast(coalesce(touchpoints.key_touchpoint_count, 0) as integer) as key_touchpoint_count
    from stages
    left join touchpoints on stages.stage_id = touchpoints.stage_id

)

select * from final
