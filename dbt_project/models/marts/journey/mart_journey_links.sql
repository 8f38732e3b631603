{{ written_by_difference() }}
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

period_types as (
    {{- period_types(['month', 'quarter']) }}
),

clock as (
    select max(anchored_date) as newest_date
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
        nodes.path_number,
        nodes.position,
        coalesce(nodes.touchpoint_before, 'start') as from_touchpoint,
        nodes.touchpoint_id as to_touchpoint
    from nodes
    cross join bounds
    where
        nodes.touchpoint_before is not null
        or nodes.position > bounds.first_position

    union all

    select
        nodes.path_number,
        nodes.position + 1 as position,
        nodes.touchpoint_id as from_touchpoint,
        {{ end_of_path('nodes.anchored_date', 'clock.newest_date') }} as to_touchpoint
    from nodes
    cross join bounds
    cross join clock
    where
        nodes.is_last
        and nodes.position between 0 and bounds.last_position - 1
),

paths as (
    select
        nodes.path_number,
        nodes.customer_number,
        nodes.journey_id,
        nodes.anchor,
        nodes.step_number,
        period_types.period_type,
        {{ period_start('nodes.anchored_date', 'period_types.period_type') }} as period_start
    from nodes
    cross join period_types
    where nodes.position = 0
),

-- Cells and links are numbered within this model: two numbers are grouped and joined by, not eight
-- names.
cells as (
    select
        {{ cell | join(', ') }},
        row_number() over (order by {{ cell | join(', ') }}) as cell_number
    from (select distinct {{ cell | join(', ') }} from paths) as used
),

numbered_links as (
    select
        {{ link | join(', ') }},
        row_number() over (order by {{ link | join(', ') }}) as link_number
    from (
        select distinct {{ link | join(', ') }} from links
        union
        select distinct
            position,
            'other' as from_touchpoint,
            'other' as to_touchpoint
        from links
    ) as used
),

placed_paths as (
    select
        paths.path_number,
        paths.customer_number,
        cells.cell_number
    from paths
    inner join cells on {{ agree_on(cell, 'paths', 'cells') }}
),

bases as (
    select
        cell_number,
        customer_number,
        count(*) as n
    from placed_paths
    group by cell_number, customer_number
),

placed as (
    select
        placed_paths.cell_number,
        numbered_links.link_number,
        placed_paths.customer_number,
        bases.n = 1 as is_only_path
    from links
    inner join numbered_links on {{ agree_on(link, 'links', 'numbered_links') }}
    inner join placed_paths on links.path_number = placed_paths.path_number
    inner join bases on {{ agree_on(['cell_number', 'customer_number'], 'placed_paths', 'bases') }}
),

-- links that few took stand together, place by place
named as (
    select
        sizes.cell_number,
        sizes.link_number,
        case
            when sizes.n < settings.min_published_n then others.link_number
            else sizes.link_number
        end as shown_link_number
    from (
        select
            cell_number,
            link_number,
            count(*) as n
        from placed
        group by cell_number, link_number
    ) as sizes
    inner join numbered_links on sizes.link_number = numbered_links.link_number
    inner join numbered_links as others
        on
            numbered_links.position = others.position
            and others.from_touchpoint = 'other'
            and others.to_touchpoint = 'other'
    cross join settings
),

shown as (
    select
        placed.cell_number,
        named.shown_link_number as link_number,
        placed.customer_number,
        placed.is_only_path
    from placed
    inner join named
        on
            placed.cell_number = named.cell_number
            and placed.link_number = named.link_number
),

by_customer as (
    select
        cell_number,
        link_number,
        customer_number,
        count(*) as n
    from shown
    where not is_only_path
    group by cell_number, link_number, customer_number
),

-- a path has one link at each place: who has one path in a cell has no link there twice
of_only_paths as (
    select
        cell_number,
        link_number,
        count(*) as n
    from shown
    where is_only_path
    group by cell_number, link_number
),

shares as (
    {{ clustered_shares(
        'by_customer', 'bases', ['cell_number'], ['link_number'], 'customer_number', 'of_only_paths'
    ) | indent(4) }}
),

final as (
    select
        {{ prefixed(cell, 'cells') }},
        case when numbered_links.position <= 0 then 'before' else 'after' end as direction,
        cast(numbered_links.position as integer) as position,
        numbered_links.from_touchpoint,
        numbered_links.to_touchpoint,
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
    inner join cells on shares.cell_number = cells.cell_number
    inner join numbered_links on shares.link_number = numbered_links.link_number
    cross join settings
    where shares.base_n >= settings.min_published_n
)

select * from final
