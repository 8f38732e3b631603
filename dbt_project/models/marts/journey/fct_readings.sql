{%- set identifiers = ['user_id', 'loyalty_id', 'client_id'] -%}
with

readings as (
    select
        *,
        coalesce(
            touchpoint_id,
            case kind
                when 'visitor_counts' then 'store_visit'
                when 'product_use' then 'product_use'
            end
        ) as placed_touchpoint_id,
        lead(measured_at) over (
            partition by source, kind, subject order by measured_at, reading_key
        ) as next_measured_at
    from {{ ref('int_readings_unioned') }}
),

touchpoints as (
    select * from {{ ref('touchpoints') }}
),

final as (
    select
        readings.reading_key,
        readings.source,
        readings.kind,
        {{ known_customer(identifiers) }} as customer_id,
        -- who is not known as a customer is still the same user from use to use
        case
            when
                readings.kind = 'product_use'
                and coalesce(readings.user_id, readings.loyalty_id, readings.client_id) is not null
                then {{ surrogate_key([
                    'readings.source',
                    'coalesce(readings.user_id, readings.loyalty_id, readings.client_id)',
                ]) }}
        end as user_key,
        readings.measured_at,
        {{ local_date('readings.measured_at') }} as measured_date,
        readings.subject,
        touchpoints.stage_id as journey_stage,
        coalesce(readings.channel, touchpoints.channel) as channel,
        readings.placed_touchpoint_id as touchpoint_id,
        readings.reading_value,
        -- A check stands for the time until the next one, though not for a night without checks.
        case
            when readings.kind <> 'uptime_checks' or readings.duration_seconds is not null
                then readings.duration_seconds
            else least(
                {{ seconds_between('readings.measured_at', 'readings.next_measured_at') }},
                60 * {{ metric_setting('check_gap_minutes') }}
            )
        end as duration_seconds,
        readings.is_successful,
        readings.valid_until,
        {{ seconds_between('readings.measured_at', 'readings.valid_until') }} / 86400
            as valid_days_left
    from readings
    left join touchpoints on readings.placed_touchpoint_id = touchpoints.touchpoint_id
    {{- known_customer_joins('readings', identifiers) }}
)

select * from final
