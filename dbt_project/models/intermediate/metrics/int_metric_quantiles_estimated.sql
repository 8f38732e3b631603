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

{% set risk_ctes %}
{{ placed_ctes }},

{{ computed_once('records', cell_records, given=placed_ctes) }},

cells as (

    select
        cell_key,
        metric_id,
        period_type,
        grain_id,
        period_start,
        journey_stage,
        channel,
        touchpoint_id,
        persona_id,
        quantile,
        count(*) as n,
        count(distinct customer_id) as customer_count,
        -- weights are scaled so that they sum to Kish's effective number of records
        sum(weight) / nullif(sum(weight * weight), 0) as weight_scale
    from records
    group by
        cell_key, metric_id, period_type, grain_id, period_start, journey_stage, channel,
        touchpoint_id, persona_id, quantile

),

moments_in_time as (

    select
        records.cell_key,
        records.value_number,
        cells.quantile,
        sum(case when records.is_censored then 0.0 else records.weight * cells.weight_scale end)
            as finished,
        sum(records.weight * cells.weight_scale) as leaving
    from records
    inner join cells on records.cell_key = cells.cell_key
    group by records.cell_key, records.value_number, cells.quantile

),

at_risk as (

    select
        cell_key,
        value_number,
        quantile,
        finished,
        sum(leaving) over (
            partition by cell_key order by value_number desc
            rows between unbounded preceding and current row
        ) as exposed,
        sum(leaving) over (partition by cell_key) as everybody
    from moments_in_time

)
{% endset %}

{#- Kaplan–Meier: who left unfinished counts as at risk until then, and as nothing after. The last
    moment, when all who remain finish, takes the share to zero and is kept out of the logarithm. -#}
{% set survival_curves %}
select
    cell_key,
    value_number,
    quantile,
    everybody,
    case
        when exposed - finished < 1e-9 then 0.0
        else exp(sum(
            case when exposed - finished < 1e-9 then 0.0 else ln(1 - finished / exposed) end
        ) over (
            partition by cell_key order by value_number
            rows between unbounded preceding and current row
        ))
    end as unfinished_share,
    sum(
        case
            when exposed - finished < 1e-9 then 0.0
            else finished / (exposed * (exposed - finished))
        end
    ) over (
        partition by cell_key order by value_number
        rows between unbounded preceding and current row
    ) as greenwood_sum,
    lead(value_number) over (partition by cell_key order by value_number) as next_number
from at_risk
where finished > 0
{% endset %}

with

{{ risk_ctes }},

{{ computed_once('survival', survival_curves, given=risk_ctes) }},

-- The quantile is where the unfinished share falls to 1 − q; where it stays exactly there until the
-- next time, the middle of the two, as for the ordinary median of an even number of records.
estimates as (

    select
        cell_key,
        min(
            case
                when abs(unfinished_share - (1 - quantile)) < 1e-9
                    then (value_number + coalesce(next_number, value_number)) / 2
                when unfinished_share < 1 - quantile then value_number
            end
        ) as value_number
    from survival
    group by cell_key

),

customers as (

    select
        records.cell_key,
        records.customer_id,
        sum(records.weight) as wb,
        sum(records.weight * records.weight) as wwbb,
        sum(
            case
                when records.value_number <= estimates.value_number then records.weight
                else 0.0
            end
        ) as wx,
        sum(
            case
                when records.value_number <= estimates.value_number
                    then records.weight * records.weight
                else 0.0
            end
        ) as wwxx
    from records
    inner join estimates on records.cell_key = estimates.cell_key
    group by records.cell_key, records.customer_id

),

-- Clustering is that of lying below the quantile, a yes or no whose square is itself.
clustering as (

    select
        cell_key,
        sum(wx) / sum(wb) as m,
        sum(wwxx) as wwxx,
        sum(wwxx) as wwxb,
        sum(wwbb) as wwbb,
        sum(wx * wx) as cxx,
        sum(wx * wb) as cxb,
        sum(wb * wb) as cbb
    from customers
    group by cell_key

),

design_effects as (

    select
        cell_key,
        {{ design_effect() }} as design_effect
    from clustering

),

score_intervals as (

    select
        survival.cell_key,
        survival.value_number,
        survival.unfinished_share,
        1 - survival.quantile as target_share,
        design_effects.design_effect,
        -- Peto's effective size: as many uncensored records would have the same variance
        {{ metric_setting('interval_z') }} * sqrt(
            survival.quantile * (1 - survival.quantile) * design_effects.design_effect
            / case
                when survival.greenwood_sum <= 0 or survival.unfinished_share <= 0
                    then survival.everybody
                else
                    (1 - survival.unfinished_share)
                    / (survival.unfinished_share * survival.greenwood_sum)
            end
        ) as half_width
    from survival
    inner join design_effects on survival.cell_key = design_effects.cell_key

),

-- The limits are the times between which 1 − q lies in the score interval of the unfinished share.
-- Without censoring these are the order statistics nq ∓ z√(nq(1−q)), rounded up (Conover, 1999,
-- section 3.2). Where the sample does not reach that far, there is no limit on that side.
intervals as (

    select
        cell_key,
        max(design_effect) as design_effect,
        case
            when max(target_share + half_width) < 1
                then min(
                    case
                        when unfinished_share <= target_share + half_width + 1e-9
                            then value_number
                    end
                )
        end as ci_low,
        min(case when unfinished_share <= target_share - half_width + 1e-9 then value_number end)
            as ci_high
    from score_intervals
    group by cell_key

),

final as (

    select
        cells.metric_id,
        cells.period_type,
        cells.grain_id,
        cells.period_start,
        cells.journey_stage,
        cells.channel,
        cells.touchpoint_id,
        cells.persona_id,
        cells.n,
        cells.customer_count,
        intervals.design_effect,
        estimates.value_number as value,
        intervals.ci_low,
        intervals.ci_high
    from cells
    left join estimates on cells.cell_key = estimates.cell_key
    left join intervals on cells.cell_key = intervals.cell_key

)

select * from final
