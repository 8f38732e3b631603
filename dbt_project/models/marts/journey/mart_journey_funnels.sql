{{ written_by_difference() }}
{%- set cell = ['journey_id', 'period_type', 'period_start', 'dimension', 'segment'] -%}

-- noqa: disable=LT02
{% set attempt_ctes %}
steps as (
    select * from {{ ref('int_journey_steps_reached') }}
),

planned as (
    select
        journey_id,
        part_of,
        cast(step_number as integer) as step_number,
        event_name
    from {{ source('plan', 'journey_steps') }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
    where not coalesce(is_internal, false)
),

customers as (
    select
        customer_id,
        persona_id
    from {{ ref('dim_customers') }}
),

settings as (
    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('min_published_n') }} as min_published_n,
        {{ metric_setting('small_sample_n') }} as small_sample_n
),

dimensions as (
    {{- visit_dimensions() }}
),

period_types as (
    {{- period_types(['day', 'week', 'month', 'quarter']) }}
),

visits as (
    select
        sessions.session_key,
        sessions.session_date,
        {{ visit_columns() | indent(4) }},
        coalesce(sessions.customer_id, 'record:' || sessions.session_key) as customer_id
    from sessions
    left join customers on sessions.customer_id = customers.customer_id
),

-- Places and customers get numbers for their keys.
visit_steps as (
    select
        steps.journey_id,
        steps.step_number,
        steps.is_continued,
        steps.meeting_count,
        steps.seconds_to_next,
        visits.session_date,
        visits.platform,
        visits.device_category,
        visits.browser,
        visits.channel_group,
        visits.traffic_campaign,
        visits.search_intent,
        visits.persona_id,
        {{ numbered(['visits.customer_id']) }} as customer_number
    from steps
    inner join visits on steps.session_key = visits.session_key
)
{% endset %}

{#- one row per attempt and step -#}
{% set all_steps %}
select
    journey_id,
    step_number,
    is_continued,
    meeting_count,
    seconds_to_next,
    session_date,
    customer_number,
    {{ visit_place(['journey_id'], 'session_date') }}
from visit_steps
{% endset %}

{% set reached_ctes %}
{{ attempt_ctes }},

{{ computed_once('reached', all_steps, given=attempt_ctes) }},

attempts as (
    select * from reached
    where step_number = 1
),

places as (
    {{- visit_places('attempts', ['journey_id'], 'session_date') }}
),

place_segments as (
    {{ segments_of_places(['journey_id']) | indent(4) }}
),

sizes as (
    select
        {{ cell | join(', ') }},
        sum(visit_count) as entered_count
    from place_segments
    group by {{ cell | join(', ') }}
),

named as (
    {{ pooled_segments('sizes', cell, 'entered_count') }}
),

cells as (
    {{ numbered_cells('named', cell) }}
)
{% endset %}

{% set cells_of_places %}
select
    place_segments.place_number,
    place_segments.period_type,
    cells.cell_number
from place_segments
{{ joined_to_cells('place_segments', 'named', 'cells', cell) }}
{% endset %}

{% set placed_ctes %}
{{ reached_ctes }},

{{ computed_once('place_cells', cells_of_places, given=reached_ctes) }},

-- Most customers try once in a period: their attempts need no clustering. Counted and joined, not
-- counted in a window, which would sort all attempts with all they carry.
repeated_attempts as (
    select
        attempts.customer_number,
        attempts.journey_id,
        period_types.period_type,
        {{ period_start('attempts.session_date', 'period_types.period_type') }} as period_start
    from attempts
    cross join period_types
    group by
        attempts.customer_number,
        attempts.journey_id,
        period_types.period_type,
        {{ period_start('attempts.session_date', 'period_types.period_type') }}
    having count(*) > 1
),

steps_in_periods as (
    select
        reached.place_number,
        reached.journey_id,
        reached.step_number,
        reached.customer_number,
        reached.is_continued,
        period_types.period_type,
        {{ period_start('reached.session_date', 'period_types.period_type') }} as period_start
    from reached
    cross join period_types
)
{% endset %}

{#- a number only of customers who tried again in the period -#}
{% set steps_at_places %}
select
    passed.place_number,
    passed.period_type,
    passed.step_number,
    repeated.customer_number,
    count(*) as n,
    sum(case when passed.is_continued then 1 else 0 end) as continued_count
from steps_in_periods as passed
left join repeated_attempts as repeated
    on {{ agree_on(
        ['customer_number', 'journey_id', 'period_type', 'period_start'], 'passed', 'repeated'
    ) }}
group by
    passed.place_number, passed.period_type, passed.step_number, repeated.customer_number
{% endset %}

{% set step_ctes %}
{{ placed_ctes }},

{{ computed_once('counted', steps_at_places, given=placed_ctes) }},

by_customer as (
    select
        place_cells.cell_number,
        counted.step_number,
        counted.customer_number,
        sum(counted.n) as n,
        sum(counted.continued_count) as continued_count
    from counted
    inner join place_cells
        on
            counted.place_number = place_cells.place_number
            and counted.period_type = place_cells.period_type
    where counted.customer_number is not null
    group by place_cells.cell_number, counted.step_number, counted.customer_number
),

entered_by_customer as (
    select
        cell_number,
        customer_number,
        n as entered_count
    from by_customer
    where step_number = 1
),

summed as (
    select
        place_cells.cell_number,
        counted.step_number,
        sum(cast(counted.n as double)) as n,
        sum(cast(counted.n as double)) as nn,
        sum(cast(counted.continued_count as double)) as continued,
        sum(cast(counted.continued_count as double)) as continued_squares,
        sum(cast(counted.continued_count as double)) as continued_times_n,
        sum(cast(counted.n as double)) as n_times_entered
    from counted
    inner join place_cells
        on
            counted.place_number = place_cells.place_number
            and counted.period_type = place_cells.period_type
    where counted.customer_number is null
    group by place_cells.cell_number, counted.step_number

    union all

    select
        by_customer.cell_number,
        by_customer.step_number,
        sum(cast(by_customer.n as double)) as n,
        sum(cast(by_customer.n as double) * by_customer.n) as nn,
        sum(cast(by_customer.continued_count as double)) as continued,
        sum(cast(by_customer.continued_count as double) * by_customer.continued_count)
            as continued_squares,
        sum(cast(by_customer.continued_count as double) * by_customer.n) as continued_times_n,
        sum(cast(by_customer.n as double) * entered_by_customer.entered_count) as n_times_entered
    from by_customer
    inner join entered_by_customer
        on
            by_customer.cell_number = entered_by_customer.cell_number
            and by_customer.customer_number = entered_by_customer.customer_number
    group by by_customer.cell_number, by_customer.step_number
),

clustered as (
    select
        cell_number,
        step_number,
        cast(sum(n) as double) as n,
        cast(sum(nn) as double) as nn,
        cast(sum(continued) as double) as continued,
        cast(sum(continued_squares) as double) as continued_squares,
        cast(sum(continued_times_n) as double) as continued_times_n,
        cast(sum(n_times_entered) as double) as n_times_entered
    from summed
    group by cell_number, step_number
),

met_at_places as (
    select
        place_number,
        step_number,
        sum(case when meeting_count > 1 then 1 else 0 end) as repeated_count,
        sum(case when meeting_count = 0 then 1 else 0 end) as unseen_count
    from reached
    group by place_number, step_number
),

met as (
    select
        place_cells.cell_number,
        met_at_places.step_number,
        sum(met_at_places.repeated_count) as repeated_count,
        sum(met_at_places.unseen_count) as unseen_count
    from met_at_places
    inner join place_cells on met_at_places.place_number = place_cells.place_number
    group by place_cells.cell_number, met_at_places.step_number
),

timed as (
    select
        place_cells.cell_number,
        reached.step_number,
        count(*) as timed_count,
        {{ quantile('reached.seconds_to_next', 0.5) }} as median_seconds_to_next,
        {{ quantile('reached.seconds_to_next', 0.9) }} as p90_seconds_to_next
    from reached
    inner join place_cells on reached.place_number = place_cells.place_number
    where reached.seconds_to_next is not null
    group by place_cells.cell_number, reached.step_number
),

lengths as (
    select
        journey_id,
        max(step_number) as step_count
    from planned
    group by journey_id
)
{% endset %}

{#- every step of a funnel that somebody entered has a row, be it that nobody came so far -#}
{% set all_funnels %}
select
    cells.cell_number,
    {{ prefixed(cell, 'cells') }},
    planned.part_of,
    planned.step_number,
    planned.event_name,
    entered.n as entered_count,
    entered.nn as entered_squares,
    coalesce(clustered.n, 0) as n,
    coalesce(clustered.nn, 0) as nn,
    coalesce(clustered.continued, 0) as continued,
    coalesce(clustered.continued_squares, 0) as continued_squares,
    coalesce(clustered.continued_times_n, 0) as continued_times_n,
    coalesce(clustered.n_times_entered, 0) as n_times_entered,
    coalesce(timed.timed_count, 0) as timed_count,
    timed.median_seconds_to_next,
    timed.p90_seconds_to_next,
    coalesce(met.repeated_count, 0) as repeated_count,
    coalesce(met.unseen_count, 0) as unseen_count,
    planned.step_number = lengths.step_count as is_last_step
from cells
inner join clustered as entered
    on
        cells.cell_number = entered.cell_number
        and entered.step_number = 1
inner join planned on cells.journey_id = planned.journey_id
inner join lengths on cells.journey_id = lengths.journey_id
left join clustered
    on
        cells.cell_number = clustered.cell_number
        and planned.step_number = clustered.step_number
left join met
    on
        cells.cell_number = met.cell_number
        and planned.step_number = met.step_number
left join timed
    on
        cells.cell_number = timed.cell_number
        and planned.step_number = timed.step_number
{% endset %}

with

{{ step_ctes }},

{{ computed_once('funnels', all_funnels, given=step_ctes) }},

-- the sums that the design effect takes (macros/metrics/moments.sql), of either share
reach as (
    select
        funnels.*,
        n / entered_count as reached_share,
        nn as cxx,
        n_times_entered as cxb,
        entered_squares as cbb,
        n as wwxx,
        n as wwxb,
        entered_count as wwbb
    from funnels
),

reach_sized as (
    select
        cell_number,
        step_number,
        reached_share,
        entered_count / {{ design_effect('reached_share') }} as effective_entered
    from reach
),

through as (
    select
        funnels.*,
        continued / nullif(n, 0) as step_through_share,
        continued_squares as cxx,
        continued_times_n as cxb,
        nn as cbb,
        continued as wwxx,
        continued as wwxb,
        n as wwbb
    from funnels
),

through_sized as (
    select
        through.*,
        n / {{ design_effect('step_through_share') }} as effective_n
    from through
),

final as (
    select
        through_sized.journey_id,
        through_sized.part_of,
        through_sized.step_number,
        through_sized.event_name,
        through_sized.is_last_step,
        through_sized.period_type,
        through_sized.period_start,
        through_sized.dimension,
        through_sized.segment,
        cast(through_sized.entered_count as bigint) as entered_count,
        case
            when through_sized.step_number = 1 or {{ is_entry_shown() }}
                then cast(through_sized.n as bigint)
        end as n,
        case when {{ is_entry_shown() }} then round(reach_sized.reached_share, 9) end
            as reached_share,
        {%- for limit, sign in [('low', '-'), ('high', '+')] %}
        case
            when {{ is_entry_shown() }}
                then round({{ wilson_limit(
                    'reach_sized.reached_share', 'reach_sized.effective_entered', 'settings.z', sign
                ) }}, 9)
        end as reached_share_ci_{{ limit }},
        {%- endfor %}
        case when {{ is_step_shown() }} then round(through_sized.step_through_share, 9) end
            as step_through_share,
        {%- for limit, sign in [('low', '-'), ('high', '+')] %}
        case
            when {{ is_step_shown() }}
                then round({{ wilson_limit(
                    'through_sized.step_through_share', 'through_sized.effective_n', 'settings.z', sign
                ) }}, 9)
        end as step_through_share_ci_{{ limit }},
        {%- endfor %}
        case when {{ is_step_shown() }} then round(1 - through_sized.step_through_share, 9) end
            as drop_off_share,
        case
            when {{ is_entry_shown() }} and not through_sized.is_last_step
                then cast(through_sized.n - through_sized.continued as bigint)
        end as dropped_count,
        case
            when {{ is_entry_shown() }} and through_sized.n >= settings.min_published_n
                then round(through_sized.repeated_count / through_sized.n, 9)
        end as repeated_share,
        case when {{ is_entry_shown() }} then cast(through_sized.unseen_count as bigint) end
            as unseen_count,
        cast(through_sized.timed_count as bigint) as timed_count,
        case
            when through_sized.timed_count >= settings.min_published_n
                then through_sized.median_seconds_to_next
        end as median_seconds_to_next,
        case
            when through_sized.timed_count >= settings.min_published_n
                then through_sized.p90_seconds_to_next
        end as p90_seconds_to_next,
        through_sized.n < settings.min_published_n as is_suppressed,
        through_sized.n < settings.small_sample_n as is_small_sample
    from through_sized
    inner join reach_sized
        on
            through_sized.cell_number = reach_sized.cell_number
            and through_sized.step_number = reach_sized.step_number
    cross join settings
)

select * from final
