{{ written_by_difference() }}
{%- set anchor = ['journey_id', 'step_number', 'period_type', 'period_start'] -%}
{%- set cell = anchor + ['dimension', 'segment'] -%}

-- noqa: disable=LT02
{% set leaver_ctes %}
paths as (
    select * from {{ ref('int_journey_paths_followed') }}
),

nodes as (
    select * from paths
    where anchor = 'left' and position between 0 and 1
),

steps as (
    select * from {{ ref('int_journey_steps_reached') }}
    where step_number = deepest_step and not is_completed
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
        {{ metric_setting('min_published_n') }} as min_published_n,
        {{ metric_setting('small_sample_n') }} as small_sample_n
),

dimensions as (
    {{- visit_dimensions() }}
),

period_types as (
    {{- period_types(['month', 'quarter']) }}
),

clock as (
    select max(anchored_date) as newest_date
    from paths
),

followed as (
    select
        nodes.path_number,
        nodes.customer_number,
        nodes.journey_id,
        nodes.step_number,
        nodes.anchored_date,
        coalesce(
            later.touchpoint_id, {{ end_of_path('nodes.anchored_date', 'clock.newest_date') }}
        ) as next_touchpoint
    from nodes
    cross join clock
    left join nodes as later
        on
            nodes.path_number = later.path_number
            and later.position = 1
    where nodes.position = 0
),

visits as (
    select
        {{ numbered(['steps.session_key', 'steps.journey_id']) }} as path_number,
        {{ visit_columns() | indent(4) }}
    from steps
    inner join sessions on steps.session_key = sessions.session_key
    left join customers on sessions.customer_id = customers.customer_id
),

left_visits as (
    select
        followed.customer_number,
        followed.journey_id,
        followed.step_number,
        followed.anchored_date,
        followed.next_touchpoint,
        visits.platform,
        visits.device_category,
        visits.browser,
        visits.channel_group,
        visits.traffic_campaign,
        visits.search_intent,
        visits.persona_id
    from followed
    inner join visits on followed.path_number = visits.path_number
)
{% endset %}

{#- one row per leaver -#}
{% set all_leavers %}
select
    customer_number,
    journey_id,
    step_number,
    anchored_date,
    next_touchpoint,
    {{ visit_place(['journey_id', 'step_number'], 'anchored_date') }}
from left_visits
{% endset %}

with

{{ leaver_ctes }},

{{ computed_once('leavers', all_leavers, given=leaver_ctes) }},

places as (
    {{- visit_places('leavers', ['journey_id', 'step_number'], 'anchored_date') }}
),

place_segments as (
    {{ segments_of_places(['journey_id', 'step_number']) | indent(4) }}
),

sizes as (
    select
        {{ cell | join(', ') }},
        sum(visit_count) as n
    from place_segments
    group by {{ cell | join(', ') }}
),

named as (
    {{ pooled_segments('sizes', cell, 'n') }}
),

cells as (
    {{ numbered_cells('named', cell) }}
),

place_cells as (
    select
        place_segments.place_number,
        place_segments.period_type,
        cells.cell_number
    from place_segments
    {{ joined_to_cells('place_segments', 'named', 'cells', cell) }}
),

leavers_in_periods as (
    select
        leavers.*,
        period_types.period_type,
        {{ period_start('leavers.anchored_date', 'period_types.period_type') }} as period_start
    from leavers
    cross join period_types
),

-- Most customers leave a step once in a period, so once in each of its cells: they need no
-- clustering.
repeated as (
    select {{ (['customer_number'] + anchor) | join(', ') }}
    from leavers_in_periods
    group by {{ (['customer_number'] + anchor) | join(', ') }}
    having count(*) > 1
),

-- a number only of customers who left again
counted as (
    select
        leavers_in_periods.place_number,
        leavers_in_periods.period_type,
        leavers_in_periods.next_touchpoint,
        repeated.customer_number,
        count(*) as n
    from leavers_in_periods
    left join repeated
        on {{ agree_on(['customer_number'] + anchor, 'leavers_in_periods', 'repeated') }}
    group by
        leavers_in_periods.place_number, leavers_in_periods.period_type,
        leavers_in_periods.next_touchpoint, repeated.customer_number
),

placed as (
    select
        place_cells.cell_number,
        counted.customer_number,
        counted.next_touchpoint,
        sum(counted.n) as n
    from counted
    inner join place_cells
        on
            counted.place_number = place_cells.place_number
            and counted.period_type = place_cells.period_type
    group by place_cells.cell_number, counted.customer_number, counted.next_touchpoint
),

-- places where few went stand together too
places_named as (
    select
        placed.cell_number,
        placed.next_touchpoint,
        case
            when sum(placed.n) < max(settings.min_published_n) then 'other'
            else placed.next_touchpoint
        end as shown_touchpoint
    from placed
    cross join settings
    group by placed.cell_number, placed.next_touchpoint
),

bases as (
    select
        cell_number,
        customer_number,
        sum(n) as n
    from placed
    where customer_number is not null
    group by cell_number, customer_number
),

bases_of_once as (
    select
        cell_number,
        sum(n) as n
    from placed
    where customer_number is null
    group by cell_number
),

shown as (
    select
        placed.cell_number,
        places_named.shown_touchpoint as next_touchpoint,
        placed.customer_number,
        sum(placed.n) as n
    from placed
    inner join places_named
        on
            placed.cell_number = places_named.cell_number
            and placed.next_touchpoint = places_named.next_touchpoint
    group by placed.cell_number, places_named.shown_touchpoint, placed.customer_number
),

shown_again as (
    select * from shown
    where customer_number is not null
),

shown_once as (
    select * from shown
    where customer_number is null
),

shares as (
    {{ clustered_shares(
        'shown_again', 'bases', ['cell_number'], ['next_touchpoint'], 'customer_number',
        'shown_once', 'bases_of_once'
    ) | indent(4) }}
),

final as (
    select
        {{ prefixed(cell, 'cells') }},
        shares.next_touchpoint,
        shares.base_n as n,
        shares.n as leaver_count,
        case when shares.n >= settings.min_published_n then shares.share end as leaver_share,
        case when shares.n >= settings.min_published_n then shares.share_ci_low end
            as leaver_share_ci_low,
        case when shares.n >= settings.min_published_n then shares.share_ci_high end
            as leaver_share_ci_high,
        shares.n < settings.min_published_n as is_suppressed,
        shares.base_n < settings.small_sample_n as is_small_sample
    from shares
    inner join cells on shares.cell_number = cells.cell_number
    cross join settings
    where shares.base_n >= settings.min_published_n
)

select * from final
