{%- set whole = ['journey_id', 'step_number', 'period_type', 'period_start', 'dimension'] -%}
{%- set cell = whole + ['segment'] -%}

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

clock as (
    select max(anchored_date) as newest_date
    from paths
),

-- nothing in the days after: the end of the way, or not known yet
followed as (
    select
        nodes.path_number,
        nodes.customer_number,
        nodes.journey_id,
        nodes.step_number,
        nodes.anchored_date,
        case
            when later.touchpoint_id is not null then later.touchpoint_id
            when nodes.anchored_date > clock.newest_date - interval '7 days' then 'open'
            else 'end'
        end as next_touchpoint
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
        sessions.platform,
        sessions.device_category,
        sessions.browser,
        sessions.channel_group,
        sessions.traffic_campaign,
        sessions.search_intent,
        coalesce(customers.persona_id, 'unknown') as persona_id
    from steps
    inner join sessions on steps.session_key = sessions.session_key
    left join customers on sessions.customer_id = customers.customer_id
)
{% endset %}

{% set all_leavers %}
{%- for period_type in ['month', 'quarter'] %}
{%- set outer = loop %}
{%- for dimension, expression, _ in visit_segments() %}
select
    followed.path_number,
    followed.customer_number,
    followed.journey_id,
    followed.step_number,
    '{{ period_type }}' as period_type,
    {{ period_start('followed.anchored_date', "'" ~ period_type ~ "'") }} as period_start,
    '{{ dimension }}' as dimension,
    coalesce({{ expression }}, 'unknown') as segment,
    followed.next_touchpoint
from followed
inner join visits on followed.path_number = visits.path_number
{{- "\n\nunion all\n" if not (loop.last and outer.last) }}
{%- endfor %}
{%- endfor %}
{% endset %}

with

{{ leaver_ctes }},

{{ computed_once('leavers', all_leavers, given=leaver_ctes) }},

sizes as (
    select
        {{ cell | join(', ') }},
        count(*) as n
    from leavers
    group by {{ cell | join(', ') }}
),

segments_named as (
    {{ pooled_segments('sizes', cell, 'n') }}
),

segmented as (
    select
        {{ prefixed(whole, 'leavers') }},
        segments_named.shown_segment as segment,
        leavers.customer_number,
        leavers.next_touchpoint
    from leavers
    inner join segments_named on {{ agree_on(cell, 'leavers', 'segments_named') }}
),

-- places where few went stand together too
places_named as (
    select
        {{ cell | join(', ') }},
        next_touchpoint,
        case when count(*) < max(settings.min_published_n) then 'other' else next_touchpoint end
            as shown_touchpoint
    from segmented
    cross join settings
    group by {{ cell | join(', ') }}, next_touchpoint
),

bases as (
    select
        {{ cell | join(', ') }},
        customer_number,
        count(*) as n
    from segmented
    group by {{ cell | join(', ') }}, customer_number
),

shown as (
    select
        {{ prefixed(cell, 'segmented') }},
        places_named.shown_touchpoint as next_touchpoint,
        segmented.customer_number,
        count(*) as n
    from segmented
    inner join places_named
        on {{ agree_on(cell + ['next_touchpoint'], 'segmented', 'places_named') }}
    group by
        {{ prefixed(cell, 'segmented') }}, places_named.shown_touchpoint, segmented.customer_number
),

shares as (
    {{ clustered_shares('shown', 'bases', cell, ['next_touchpoint'], 'customer_number')
        | indent(4) }}
),

final as (
    select
        {{ prefixed(cell, 'shares') }},
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
    cross join settings
    where shares.base_n >= settings.min_published_n
)

select * from final
