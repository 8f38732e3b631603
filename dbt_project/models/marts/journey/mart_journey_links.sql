{%- set cell = ['journey_id', 'anchor', 'step_number', 'period_type', 'period_start'] -%}
{%- set link = ['position', 'from_touchpoint', 'to_touchpoint'] -%}
with

nodes as (
    select * from {{ ref('int_journey_paths_followed') }}
),

settings as (
    select
        {{ metric_setting('min_published_n') }} as min_published_n,
        {{ metric_setting('small_sample_n') }} as small_sample_n
),

clock as (
    select max(anchored_date) as newest_date
    from nodes
),

neighboured as (
    select
        *,
        lag(touchpoint_id) over (partition by path_key order by position) as touchpoint_before,
        lead(touchpoint_id) over (partition by path_key order by position) as touchpoint_after
    from nodes
),

bounds as (
    select
        min(position) as first_position,
        max(position) as last_position
    from nodes
),

links as (
    select
        neighboured.path_key,
        neighboured.position,
        coalesce(neighboured.touchpoint_before, 'start') as from_touchpoint,
        neighboured.touchpoint_id as to_touchpoint
    from neighboured
    cross join bounds
    where
        neighboured.touchpoint_before is not null
        or neighboured.position > bounds.first_position

    union all

    -- nothing in the days after: the end of the way, or not known yet
    select
        neighboured.path_key,
        neighboured.position + 1 as position,
        neighboured.touchpoint_id as from_touchpoint,
        case
            when neighboured.anchored_date > clock.newest_date - interval '7 days' then 'open'
            else 'end'
        end as to_touchpoint
    from neighboured
    cross join bounds
    cross join clock
    where
        neighboured.touchpoint_after is null
        and neighboured.position between 0 and bounds.last_position - 1
),

paths as (
    select
        nodes.path_key,
        nodes.customer_id,
        nodes.journey_id,
        nodes.anchor,
        nodes.step_number,
        period_types.period_type,
        {{ period_start('nodes.anchored_date', 'period_types.period_type') }} as period_start
    from nodes
    cross join (
        select 'month' as period_type
        union all
        select 'quarter' as period_type
    ) as period_types
    where nodes.position = 0
),

bases as (
    select
        {{ cell | join(', ') }},
        customer_id,
        count(*) as n
    from paths
    group by {{ cell | join(', ') }}, customer_id
),

placed as (
    select
        {{ prefixed(cell, 'paths') }},
        {{ prefixed(link, 'links') }},
        paths.customer_id,
        count(*) as n
    from links
    inner join paths on links.path_key = paths.path_key
    group by {{ prefixed(cell, 'paths') }}, {{ prefixed(link, 'links') }}, paths.customer_id
),

sizes as (
    select
        {{ cell | join(', ') }},
        {{ link | join(', ') }},
        sum(n) as n
    from placed
    group by {{ cell | join(', ') }}, {{ link | join(', ') }}
),

-- noqa: disable=LT02
-- links that few took stand together, place by place
shown as (
    select
        {{ prefixed(cell, 'placed') }},
        placed.position,
        case when sizes.n < settings.min_published_n then 'other' else placed.from_touchpoint end
            as from_touchpoint,
        case when sizes.n < settings.min_published_n then 'other' else placed.to_touchpoint end
            as to_touchpoint,
        placed.customer_id,
        sum(placed.n) as n
    from placed
    inner join sizes on {{ agree_on(cell + link, 'placed', 'sizes') }}
    cross join settings
    group by
        {{ prefixed(cell, 'placed') }}, placed.position, placed.customer_id,
        case when sizes.n < settings.min_published_n then 'other' else placed.from_touchpoint end,
        case when sizes.n < settings.min_published_n then 'other' else placed.to_touchpoint end
),
-- noqa: enable=LT02

shares as (
    {{ clustered_shares('shown', 'bases', cell, link) | indent(4) }}
),

final as (
    select
        {{ prefixed(cell, 'shares') }},
        case when shares.position <= 0 then 'before' else 'after' end as direction,
        cast(shares.position as integer) as position,
        shares.from_touchpoint,
        shares.to_touchpoint,
        shares.base_n as n,
        shares.n as path_count,
        case when shares.n >= settings.min_published_n then shares.share end as path_share,
        case when shares.n >= settings.min_published_n then shares.share_ci_low end
            as path_share_ci_low,
        case when shares.n >= settings.min_published_n then shares.share_ci_high end
            as path_share_ci_high,
        shares.n < settings.min_published_n as is_suppressed,
        shares.base_n < settings.small_sample_n as is_small_sample
    from shares
    cross join settings
    where shares.base_n >= settings.min_published_n
)

select * from final
