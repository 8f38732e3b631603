{#- How many encounters are followed before and after an anchor; path_days() gives the days. -#}
{%- set steps_before = 4 -%}
{%- set steps_after = 3 -%}
{{ rebuilt_by(
    'customer_number', 'int_touched_customers', touched_key=numbered(['customer_id'])
) }}
-- depends_on: {{ ref('int_touched_customers') }}

with

touchpoints as (
    select * from {{ ref('fct_touchpoints') }}
    where customer_id is not null
),

-- Up to eight rows of a path, in three models: numbers instead of keys are half of their size.
anchors as (
    select
        customer_id,
        journey_id,
        anchor,
        step_number,
        anchored_at,
        path_number,
        {{ numbered(['customer_id']) }} as customer_number
    from {{ ref('int_journey_anchors_found') }}
    {%- if is_incremental() %}
    where customer_id in (select customer_id from {{ ref('int_touched_customers') }})
    {%- endif %}
),

followed_customers as (
    select distinct
        customer_id,
        customer_number
    from anchors
),

-- The same touchpoint again and again is one place on the way. What happened at one moment is taken
-- in the order of names, which a delivery that comes again leaves as it is.
marked as (
    select
        followed_customers.customer_number,
        touchpoints.occurred_at,
        touchpoints.touchpoint_id,
        lag(touchpoints.touchpoint_id) over (
            partition by followed_customers.customer_number
            order by touchpoints.occurred_at, touchpoints.touchpoint_id
        ) as touchpoint_before,
        lag(touchpoints.occurred_at) over (
            partition by followed_customers.customer_number
            order by touchpoints.occurred_at, touchpoints.touchpoint_id
        ) as occurred_before
    from touchpoints
    inner join followed_customers on touchpoints.customer_id = followed_customers.customer_id
),

places as (
    select
        customer_number,
        occurred_at,
        touchpoint_id,
        row_number() over (
            partition by customer_number order by occurred_at, touchpoint_id
        ) as place_number,
        lag(touchpoint_id) over (
            partition by customer_number order by occurred_at, touchpoint_id
        ) as place_before,
        lag(occurred_at) over (
            partition by customer_number order by occurred_at, touchpoint_id
        ) as place_before_at,
        lead(occurred_at) over (
            partition by customer_number order by occurred_at, touchpoint_id
        ) as place_after_at
    from marked
    where
        touchpoint_before is null
        or touchpoint_before <> touchpoint_id
        -- met again on another day, it is a new encounter
        or occurred_at > occurred_before + interval '12 hours'
),

-- where in the customer's way an anchor lies: after the last place that is not later
merged as (
    select
        customer_number,
        occurred_at as moment_at,
        0 as is_anchor,
        place_number,
        null as path_number
    from places

    union all

    select
        customer_number,
        anchored_at as moment_at,
        1 as is_anchor,
        cast(null as bigint) as place_number,
        path_number
    from anchors
),

located as (
    select
        path_number,
        is_anchor,
        max(place_number) over (
            partition by customer_number
            order by moment_at, is_anchor, place_number, path_number
            rows between unbounded preceding and current row
        ) as anchor_place
    from merged
),

offsets as (
    {%- for position in range(-steps_before, steps_after + 1) %}
    select {{ position }} as position
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

wanted as (
    select
        anchors.path_number,
        anchors.customer_number,
        anchors.journey_id,
        anchors.anchor,
        anchors.step_number,
        anchors.anchored_at,
        offsets.position,
        located.anchor_place + offsets.position as place_number
    from anchors
    inner join located
        on
            anchors.path_number = located.path_number
            and located.is_anchor = 1
    cross join offsets
    where located.anchor_place is not null
),

final as (
    select
        wanted.path_number,
        wanted.customer_number,
        wanted.journey_id,
        wanted.anchor,
        wanted.step_number,
        {{ local_date('wanted.anchored_at') }} as anchored_date,
        wanted.position,
        places.touchpoint_id,
        places.occurred_at,
        case
            when
                wanted.position > {{ -steps_before }}
                and places.place_before_at
                >= wanted.anchored_at - interval '{{ path_days().before }} days'
                then places.place_before
        end as touchpoint_before,
        wanted.position = {{ steps_after }}
        or places.place_after_at is null
        or places.place_after_at > wanted.anchored_at + interval '{{ path_days().after }} days'
            as is_last
    from wanted
    inner join places
        on
            wanted.customer_number = places.customer_number
            and wanted.place_number = places.place_number
    where
        places.occurred_at >= wanted.anchored_at - interval '{{ path_days().before }} days'
        and places.occurred_at <= wanted.anchored_at + interval '{{ path_days().after }} days'
)

select * from final
