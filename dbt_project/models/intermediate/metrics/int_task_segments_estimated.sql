{{ written_by_difference() }}
{#- By week and month alone: a day of a browser is a handful of tasks, and a quarter less two of its
    months would give back what the third withholds. -#}
{%- set cell = [
    'metric_id', 'period_type', 'period_start', 'journey_stage', 'touchpoint_id', 'dimension',
    'segment',
] -%}

-- noqa: disable=LT02
{% set task_ctes %}
metrics as (

    select * from {{ ref('metric_catalogue') }}

),

-- Channel and persona are dimensions of every cell already.
tasks as (

    select * from {{ ref('int_tasks_segmented') }}
    where dimension not in ('all', 'channel', 'persona')

),

t_quantiles as (

    select * from {{ ref('t_quantiles') }}

),

settings as (

    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('min_published_n') }} as min_published_n

),

period_types as (
    {{- period_types(['week', 'month']) }}
)
{% endset %}

{% set placed_tasks %}
select
    tasks.metric_id,
    tasks.estimator,
    tasks.quantile,
    period_types.period_type,
    {{ period_start('tasks.occurred_date', 'period_types.period_type') }} as period_start,
    tasks.journey_stage,
    tasks.touchpoint_id,
    tasks.dimension,
    tasks.segment,
    tasks.customer_id,
    tasks.value_number,
    tasks.base_number,
    tasks.weight,
    tasks.is_censored,
    tasks.is_counted
from tasks
cross join period_types
{% endset %}

{% set placed_ctes %}
{{ task_ctes }},

{{ computed_once('placed', placed_tasks, given=task_ctes) }},

sizes as (

    select
        {{ cell | join(', ') }},
        count(*) as n
    from placed
    group by {{ cell | join(', ') }}

),

named as (

    {{ pooled_segments('sizes', cell, 'n') | indent(4) }}

)
{% endset %}

{% set numbered_segments %}
{{ numbered_cells('named', cell) }}
{% endset %}

{% set cell_ctes %}
{{ placed_ctes }},

{{ computed_once('cells', numbered_segments, given=placed_ctes) }}
{% endset %}

{% set tasks_of_cells %}
select
    cells.cell_number as cell_key,
    placed.metric_id,
    placed.estimator,
    placed.quantile,
    placed.customer_id,
    placed.value_number,
    placed.base_number,
    placed.weight,
    placed.is_censored,
    placed.is_counted
from placed
{{ joined_to_cells('placed', 'named', 'cells', cell) }}
-- which small segments stand together differs from period to period: of times that compares nothing
where placed.estimator <> 'quantile' or cells.segment <> 'other'
{% endset %}

{% set counted_ctes %}
{{ cell_ctes }},

{{ computed_once('counted', tasks_of_cells, given=cell_ctes) }},

timed as (

    select * from counted
    where estimator = 'quantile'

)
{% endset %}

with

{{ counted_ctes }},

{{ quantile_values('timed', 'quantile', given=counted_ctes) }},

customer_sums as (

    select
        cell_key,
        metric_id,
        customer_id,
        {{ observation_moments() | indent(4) }}
    from counted
    where estimator <> 'quantile'
    group by cell_key, metric_id, customer_id

),

summed as (

    select
        cell_key,
        metric_id,
        {{ customer_moments() | indent(4) }}
    from customer_sums
    group by cell_key, metric_id

),

{{ metric_estimates('summed', ['cell_key']) }}

figures as (

    select
        estimated.cell_key,
        estimated.n,
        estimated.value,
        {{ share_error('estimated.value', 'estimated.effective_n') }} as standard_error,
        summed.wx as amount,
        summed.wb as base
    from estimated
    inner join summed on estimated.cell_key = summed.cell_key

    union all

    select
        quantile_cells.cell_key,
        quantile_cells.n,
        quantile_values.value_number as value,
        -- durations are compared by all their times (int_task_times_counted)
        cast(null as double) as standard_error,
        cast(null as double) as amount,
        cast(null as double) as base
    from quantile_cells
    left join quantile_values on quantile_cells.cell_key = quantile_values.cell_key

),

final as (

    select
        {{ prefixed(cell, 'cells') }},
        cast(figures.n as bigint) as n,
        round(figures.value, 9) as value,
        round(figures.standard_error, 9) as standard_error,
        round(figures.amount, 9) as amount,
        round(figures.base, 9) as base,
        figures.n < settings.min_published_n as is_suppressed
    from figures
    inner join cells on figures.cell_key = cells.cell_number
    cross join settings

)

select * from final
