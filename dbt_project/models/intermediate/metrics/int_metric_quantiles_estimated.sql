{{ rebuilt_by_metric_period() }}

{%- set dimensions = ['journey_stage', 'channel', 'touchpoint_id', 'persona_id'] -%}
{%- set place = ['record_set', 'occurred_date'] + dimensions -%}
{%- set cell = ['metric_id', 'period_type', 'grain_id', 'period_start'] + dimensions -%}

-- noqa: disable=LT02
{#- Places, cells and customers get numbers: a record lies in up to forty cells, of which the names
    are made once for all records of its place. -#}
{% set place_ctes %}
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
observations as (

    select
        {{ numbered(['customer_id']) }} as customer_id,
        value_number,
        weight,
        is_censored,
        {{ place | join(', ') }},
        {{ numbered(place) }} as place_number
    from {{ ref('int_metric_records') }}
    where
        record_set in (select metrics.metric_id from metrics)
        {%- if is_incremental() %}
        and (record_set, occurred_date) in (select (record_set, occurred_date) from read_days)
        {%- endif %}

),

places as (

    select distinct
        place_number,
        {{ place | join(', ') }}
    from observations

),

placed as (

    select
        places.place_number,
        grains.metric_id,
        grains.period_type,
        grains.grain_id,
        {{ period_start('places.occurred_date', 'grains.period_type') }} as period_start,
        {{ cell_dimensions('places', 'grains') }},
        metrics.quantile
    from places
    inner join metrics on places.record_set = metrics.metric_id
    inner join grains on metrics.metric_id = grains.metric_id

)
{% endset %}

{% set cells_of_places %}
select
    *,
    {{ numbered(cell) }} as cell_key
from placed
{%- if is_incremental() %}
where
    (metric_id, period_type, period_start) in (
        select (metric_id, period_type, period_start) from touched_periods
    )
{%- endif %}
{% endset %}

{% set placed_ctes %}
{{ place_ctes }},

{{ computed_once('place_cells', cells_of_places, given=place_ctes) }}
{% endset %}

{% set cell_records %}
select
    place_cells.cell_key,
    place_cells.quantile,
    observations.customer_id,
    observations.value_number,
    observations.weight,
    observations.is_censored
from observations
inner join place_cells on observations.place_number = place_cells.place_number
{% endset %}

{% set record_ctes %}
{{ placed_ctes }},

{{ computed_once('records', cell_records, given=placed_ctes) }}
{% endset %}

with

{{ record_ctes }},

{{ quantile_values('records', 'quantile', given=record_ctes) }},

{{ quantile_limits('records', 'quantile') }},

cells as (

    select distinct
        cell_key,
        {{ cell | join(', ') }}
    from place_cells

),

final as (

    select
        {{ prefixed(cell, 'cells') }},
        quantile_cells.n,
        quantile_cells.customer_count,
        quantile_limits.design_effect,
        quantile_values.value_number as value,
        quantile_limits.ci_low,
        quantile_limits.ci_high
    from quantile_cells
    inner join cells on quantile_cells.cell_key = cells.cell_key
    left join quantile_values on quantile_cells.cell_key = quantile_values.cell_key
    left join quantile_limits on quantile_cells.cell_key = quantile_limits.cell_key

)

select * from final
