{{ written_by_difference() }}
with

items as (

    select * from {{ ref('int_exq_items_observed') }}

),

metrics as (

    select * from {{ ref('metric_catalogue') }}
    where estimator = 'alpha'

),

grains as (

    select * from {{ ref('int_metric_grains_applied') }}

),

settings as (

    select {{ metric_setting('interval_z') }} as z

),

placed as (

    select
        grains.metric_id,
        grains.period_type,
        grains.grain_id,
        {{ period_start('items.occurred_date', 'grains.period_type') }} as period_start,
        {{ cell_dimensions('items', 'grains') }},
        items.survey_response_key,
        coalesce(items.customer_id, 'record:' || items.survey_response_key) as customer_id,
        items.item_id,
        items.value_number
    from items
    cross join metrics
    inner join grains on metrics.metric_id = grains.metric_id

),

answered as (

    select
        {{ metric_cell_key() }} as cell_key,
        *
    from placed

),

items_asked as (

    select
        cell_key,
        count(distinct item_id) as item_count
    from answered
    group by cell_key

),

responses as (

    select
        cell_key,
        survey_response_key,
        max(customer_id) as customer_id,
        count(*) as item_count,
        {{ exact_sum('value_number') }} as total_number
    from answered
    group by cell_key, survey_response_key

),

-- Alpha needs the whole matrix: a response that skipped an item has no sum to compare.
complete_responses as (

    select
        responses.cell_key,
        responses.survey_response_key,
        responses.customer_id,
        responses.item_count,
        responses.total_number
    from responses
    inner join items_asked
        on
            responses.cell_key = items_asked.cell_key
            and responses.item_count = items_asked.item_count

),

item_variances as (

    select
        answered.cell_key,
        answered.item_id,
        {{ exact_variance('answered.value_number') }} as item_variance
    from answered
    inner join complete_responses
        on
            answered.cell_key = complete_responses.cell_key
            and answered.survey_response_key = complete_responses.survey_response_key
    group by answered.cell_key, answered.item_id

),

summed_variances as (

    select
        cell_key,
        {{ exact_sum('item_variance') }} as item_variance
    from item_variances
    group by cell_key

),

total_variances as (

    select
        cell_key,
        max(item_count) as item_count,
        count(*) as n,
        count(distinct customer_id) as customer_count,
        {{ exact_variance('total_number') }} as total_variance
    from complete_responses
    group by cell_key

),

cells as (

    select distinct
        cell_key,
        metric_id,
        period_type,
        grain_id,
        period_start,
        journey_stage,
        channel,
        touchpoint_id,
        persona_id
    from answered

),

estimated as (

    select
        cells.metric_id,
        cells.period_type,
        cells.grain_id,
        cells.period_start,
        cells.journey_stage,
        cells.channel,
        cells.touchpoint_id,
        cells.persona_id,
        total_variances.n,
        total_variances.customer_count,
        total_variances.item_count,
        case
            when total_variances.item_count > 1 and total_variances.total_variance > 0
                then
                    cast(total_variances.item_count as double) / (total_variances.item_count - 1)
                    * (1 - summed_variances.item_variance / total_variances.total_variance)
        end as value
    from cells
    -- a cell in which nobody answered everything has no alpha to withhold
    inner join total_variances on cells.cell_key = total_variances.cell_key
    left join summed_variances on cells.cell_key = summed_variances.cell_key

),

-- Bonett (2002): ln(1 − α) has the variance 2k / ((k − 1)(n − 2)). People are its n: who answered
-- twice is taken to have said the same twice.
erring as (

    select
        *,
        case
            when item_count > 1 and customer_count > 2
                then sqrt(
                    2.0 * item_count / ((item_count - 1) * cast(customer_count - 2 as double))
                )
        end as log_error
    from estimated

),

final as (

    select
        erring.metric_id,
        erring.period_type,
        erring.grain_id,
        erring.period_start,
        erring.journey_stage,
        erring.channel,
        erring.touchpoint_id,
        erring.persona_id,
        erring.n,
        erring.customer_count,
        cast(erring.n as double) / erring.customer_count as design_effect,
        round(erring.value, 9) as value,
        round(1 - (1 - erring.value) * exp(settings.z * erring.log_error), 9) as ci_low,
        round(1 - (1 - erring.value) * exp(-settings.z * erring.log_error), 9) as ci_high
    from erring
    cross join settings

)

select * from final
