{{ written_by_difference() }}
with

metrics as (

    select * from {{ ref('metric_catalogue') }}

),

summed as (

    select * from {{ ref('int_metric_cells_summed') }}

),

quantiles as (

    select * from {{ ref('int_metric_quantiles_estimated') }}

),

alphas as (

    select * from {{ ref('int_metric_alphas_estimated') }}

),

t_quantiles as (

    select * from {{ ref('t_quantiles') }}

),

withheld as (

    select * from {{ ref('int_metric_cells_suppressed') }}

),

settings as (

    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('small_sample_n') }} as small_sample_n

),

{{ metric_estimates('summed', [
    'period_type', 'grain_id', 'period_start', 'journey_stage', 'channel', 'touchpoint_id',
    'persona_id',
]) }}

unioned as (

    {% for relation in ['estimated', 'quantiles', 'alphas'] -%}
    select
        metric_id,
        period_type,
        grain_id,
        period_start,
        journey_stage,
        channel,
        touchpoint_id,
        persona_id,
        n,
        customer_count,
        -- the last digits of a sum depend on the order in which threads add: these do not
        round(design_effect, 9) as design_effect,
        {% if relation == 'estimated' -%}
        round(effective_n, 6)
        {%- else -%}
        cast(null as double)
        {%- endif %} as n_effective,
        round(value, 9) as value,
        round(ci_low, 9) as ci_low,
        round(ci_high, 9) as ci_high
    from {{ relation }}
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

),

keyed as (

    select
        {{ metric_cell_key() }} as cell_key,
        *
    from unioned

),

final as (

    select
        keyed.cell_key,
        keyed.metric_id,
        metrics.metric_version,
        keyed.period_type,
        keyed.grain_id,
        keyed.period_start,
        keyed.journey_stage,
        keyed.channel,
        keyed.touchpoint_id,
        keyed.persona_id,
        case metrics.unit
            when 'currency' then '{{ var("reporting_currency") }}'
            else metrics.unit
        end as unit,
        keyed.n,
        keyed.customer_count,
        keyed.design_effect,
        case when withheld.cell_key is null then keyed.n_effective end as n_effective,
        case when withheld.cell_key is null then keyed.value end as value,
        -- Adjusted intervals are centred beside the estimate, Wilson's limits carry rounding dust:
        -- where everybody answered alike, the limit is widened to hold the figure itself.
        case
            when withheld.cell_key is null and keyed.ci_low is not null
                then least(keyed.ci_low, keyed.value)
        end as ci_low,
        case
            when withheld.cell_key is null and keyed.ci_high is not null
                then greatest(keyed.ci_high, keyed.value)
        end as ci_high,
        withheld.cell_key is not null as is_suppressed,
        withheld.suppression_reason,
        -- no figure without a word why: a quantile that too few reached, a ratio to nothing
        case
            when withheld.cell_key is not null then 'withheld'
            when keyed.value is not null then null
            when metrics.estimator = 'quantile' then 'not_reached'
            when metrics.estimator = 'ratio' then 'nothing_to_divide_by'
            else 'no_variance'
        end as no_value_reason,
        keyed.n < settings.small_sample_n as is_small_sample
    from keyed
    inner join metrics on keyed.metric_id = metrics.metric_id
    cross join settings
    left join withheld on keyed.cell_key = withheld.cell_key

)

select * from final
