{{ written_by_difference() }}
{%- set cell = ['journey_id', 'anchor', 'period_type', 'period_start'] -%}
with

nodes as (
    select * from {{ ref('int_journey_paths_followed') }}
    where position between -2 and 0
),

settings as (
    select
        {{ metric_setting('min_published_n') }} as min_published_n,
        {{ metric_setting('small_sample_n') }} as small_sample_n
),

paths as (
    select
        path_number,
        customer_number,
        journey_id,
        anchor,
        anchored_date,
        concat_ws(
            ' > ',
            max(case when position = -2 then touchpoint_id end),
            max(case when position = -1 then touchpoint_id end),
            max(case when position = 0 then touchpoint_id end)
        ) as sequence
    from nodes
    group by path_number, customer_number, journey_id, anchor, anchored_date
),

placed as (
    select
        paths.*,
        period_types.period_type,
        {{ period_start('paths.anchored_date', 'period_types.period_type') }} as period_start
    from paths
    cross join (
        {{- period_types(['month', 'quarter']) | indent(4) }}
    ) as period_types
),

sizes as (
    select
        {{ cell | join(', ') }},
        sequence,
        count(*) as n
    from placed
    group by {{ cell | join(', ') }}, sequence
),

by_customer as (
    select
        {{ prefixed(cell, 'placed') }},
        case when sizes.n < settings.min_published_n then 'other' else placed.sequence end
            as sequence,
        placed.customer_number,
        count(*) as n
    from placed
    inner join sizes
        on
            placed.sequence = sizes.sequence
            {%- for column in cell %}
            and placed.{{ column }} = sizes.{{ column }}
            {%- endfor %}
    cross join settings
    group by
        {{ prefixed(cell, 'placed') }}, placed.customer_number,
        case when sizes.n < settings.min_published_n then 'other' else placed.sequence end
),

bases as (
    select
        {{ cell | join(', ') }},
        customer_number,
        sum(n) as n
    from by_customer
    group by {{ cell | join(', ') }}, customer_number
),

shares as (
    {{ clustered_shares(
        'by_customer', 'bases', cell, ['sequence'], 'customer_number'
    ) | indent(4) }}
),

-- what those did who reached the goal, or stayed, beside those who did not
contrasted as (
    select
        shares.*,
        others.share as contrast_share,
        others.base_n as contrast_n
    from shares
    left join shares as others
        on
            shares.journey_id = others.journey_id
            and shares.period_type = others.period_type
            and shares.period_start = others.period_start
            and shares.sequence = others.sequence
            and shares.sequence <> 'other'
            and others.anchor = case shares.anchor
                when 'goal' then 'left'
                when 'left' then 'goal'
                when 'lapsed' then 'buying'
                else 'lapsed'
            end
            and others.n >= {{ metric_setting('min_published_n') }}
),

final as (
    select
        {{ prefixed(cell, 'contrasted') }},
        contrasted.sequence,
        contrasted.base_n as n,
        contrasted.n as path_count,
        case when contrasted.n >= settings.min_published_n then contrasted.share end as path_share,
        case when contrasted.n >= settings.min_published_n then contrasted.share_ci_low end
            as path_share_ci_low,
        case when contrasted.n >= settings.min_published_n then contrasted.share_ci_high end
            as path_share_ci_high,
        contrasted.contrast_n,
        contrasted.contrast_share,
        contrasted.n < settings.min_published_n as is_suppressed,
        contrasted.base_n < settings.small_sample_n as is_small_sample
    from contrasted
    cross join settings
    where contrasted.base_n >= settings.min_published_n
)

select * from final
