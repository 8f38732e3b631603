{{ written_by_difference() }}
{%- set rollups = [
    ('stage', "journey_stage <> 'all' and touchpoint_id = 'all'", {'journey_stage': "'all'"}),
    ('channel', "channel <> 'all'", {'channel': "'all'"}),
    ('touchpoint', "touchpoint_id <> 'all'", {'touchpoint_id': "'all'"}),
    ('persona', "persona_id <> 'all'", {'persona_id': "'all'"}),
    ('week', "period_type = 'day'", {
        'period_type': "'week'", 'period_start': period_start('period_start', "'week'"),
    }),
    ('month', "period_type = 'day'", {
        'period_type': "'month'", 'period_start': period_start('period_start', "'month'"),
    }),
    ('quarter', "period_type = 'month'", {
        'period_type': "'quarter'", 'period_start': period_start('period_start', "'quarter'"),
    }),
] -%}
with

cells as (

    select * from {{ ref('int_metric_cells_counted') }}

),

metrics as (

    -- a quantile's total does not give back its parts
    select * from {{ ref('metric_catalogue') }}
    where estimator in ('share', 'mean', 'net', 'ratio', 'total')

),

additive as (

    select cells.*
    from cells
    inner join metrics on cells.metric_id = metrics.metric_id

),

parts as (

    {% for rollup, condition, total in rollups -%}
    select
        '{{ rollup }}' as rollup,
        {{ metric_cell_key(**total) }} as total_key,
        cell_key,
        n
    from additive
    where {{ condition }}
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

),

-- A relation needs its total: where the total is not published, there is nothing to subtract from.
totals as (

    select
        cell_key,
        n
    from additive

),

final as (

    select
        parts.rollup || '|' || parts.total_key as relation_key,
        parts.cell_key,
        false as is_total,
        parts.n
    from parts
    inner join totals on parts.total_key = totals.cell_key
    union all
    select
        relations.rollup || '|' || relations.total_key as relation_key,
        relations.total_key as cell_key,
        true as is_total,
        totals.n
    from (
        select distinct
            rollup,
            total_key
        from parts
    ) as relations
    inner join totals on relations.total_key = totals.cell_key

)

select * from final
