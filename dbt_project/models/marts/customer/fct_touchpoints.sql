{{ rebuilt_by('touchpoint_key', 'int_touched_touchpoints') }}
-- depends_on: {{ ref('int_touched_touchpoints') }}

with

encounters as (
    select * from {{ ref('int_touchpoints_unioned') }}
),

touchpoints as (
    select * from {{ ref('touchpoints') }}
),

channels as (
    select * from {{ ref('channels') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

final as (
    select
        encounters.touchpoint_key,
        encounters.source,
        encounters.source_kind,
        encounters.record_key,
        encounters.touchpoint_id,
        touchpoints.stage_id as journey_stage,
        channels.channel_id as channel,
        channels.is_digital,
        encounters.occurred_at,
        {{ local_date('encounters.occurred_at') }} as occurred_date,
        encounters.partition_date,
        records_resolved.identifier_key,
        records_resolved.customer_id,
        encounters.session_key,
        encounters.value_eur
    from encounters
    inner join touchpoints on encounters.touchpoint_id = touchpoints.touchpoint_id
    left join channels
        on coalesce(touchpoints.channel, encounters.source_channel) = channels.channel_id
    left join records_resolved
        on encounters.identity_record_key = records_resolved.identity_record_key
)

select * from final
