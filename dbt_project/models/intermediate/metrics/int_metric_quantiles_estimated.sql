{{ rebuilt_by_metric_period() }}

-- noqa: disable=LT02
{% set placed_ctes %}
observations as (

    select * from {{ ref('int_metric_records') }}

),

metrics as (

    select * from {{ ref('metric_catalogue') }}
    where estimator = 'quantile'

),

grains as (

    select * from {{ ref('int_metric_grains_applied') }}

),

{% if is_incremental() -%}
{{ touched_metric_periods() }}

{% endif -%}
placed as (

    select
        grains.metric_id,
        grains.period_type,
        grains.grain_id,
        {{ period_start('observations.occurred_date', 'grains.period_type') }} as period_start,
        {{ cell_dimensions('observations', 'grains') }},
        observations.customer_id,
        observations.value_number,
        observations.weight,
        observations.is_censored,
        metrics.quantile
    from observations
    inner join metrics on observations.record_set = metrics.metric_id
    inner join grains on metrics.metric_id = grains.metric_id
    {%- if is_incremental() %}
    where
        (observations.record_set, observations.occurred_date) in (
            select (record_set, occurred_date) from read_days
        )
    {%- endif %}

)
{% endset %}

{% set cell_records %}
select
    *,
    {{ metric_cell_key() }} as cell_key
from placed
{%- if is_incremental() %}
where
    (metric_id, period_type, period_start) in (
        select (metric_id, period_type, period_start) from touched_periods
    )
{%- endif %}
{% endset %}

{% set record_ctes %}
{{ placed_ctes }},

{{ computed_once('records', cell_records, given=placed_ctes) }}
{% endset %}

with

{{ record_ctes }},

{{ quantile_values('records', 'quantile', given=record_ctes, cell=[
    'metric_id', 'period_type', 'grain_id', 'period_start', 'journey_stage', 'channel',
    'touchpoint_id', 'persona_id',
]) }},

{{ quantile_limits('records', 'quantile') }},

final as (

    select
        quantile_cells.metric_id,
        quantile_cells.period_type,
        quantile_cells.grain_id,
        quantile_cells.period_start,
        quantile_cells.journey_stage,
        quantile_cells.channel,
        quantile_cells.touchpoint_id,
        quantile_cells.persona_id,
        quantile_cells.n,
        quantile_cells.customer_count,
        quantile_limits.design_effect,
        quantile_values.value_number as value,
        quantile_limits.ci_low,
        quantile_limits.ci_high
    from quantile_cells
    left join quantile_values on quantile_cells.cell_key = quantile_values.cell_key
    left join quantile_limits on quantile_cells.cell_key = quantile_limits.cell_key

)

select * from final
