{{ written_by_difference() }}
{%- set cell = ['source', 'survey_id', 'wave_id'] -%}
{%- set moments = ['n', 'w', 'ww', 'wx', 'wb', 'wxx', 'wwxx', 'wwxb', 'wwbb'] -%}
with

metrics as (

    select * from {{ ref('metric_catalogue') }}
    where
        estimator in ('share', 'mean', 'net', 'ratio', 'total')
        -- what must not be pooled over touchpoints has no figure of a whole wave
        and never_pooled_over is null

),

t_quantiles as (

    select * from {{ ref('t_quantiles') }}

),

settings as (

    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('small_sample_n') }} as small_sample_n,
        {{ metric_setting('min_published_n') }} as min_published_n

),

waves as (

    select * from {{ ref('int_survey_waves') }}

),

responses as (

    select
        responses.survey_response_key,
        responses.source,
        responses.survey_id,
        waved.wave_id
    from {{ ref('int_survey_responses_waved') }} as waved
    inner join {{ ref('int_survey_responses_unioned') }} as responses
        on waved.survey_response_key = responses.survey_response_key

),

-- A metric counts answers or whole responses.
counted as (

    select
        survey_response_key as record_key,
        {{ cell | join(', ') }}
    from responses
    union all
    select
        answers.survey_answer_key as record_key,
        {{ prefixed(cell, 'responses') }}
    from {{ ref('int_survey_answers_unioned') }} as answers
    inner join responses on answers.survey_response_key = responses.survey_response_key

),

customer_waves as (

    select
        records.record_set as metric_id,
        {{ prefixed(cell, 'counted') }},
        records.customer_id,
        {{ observation_moments() }}
    from {{ ref('int_metric_records') }} as records
    inner join counted on records.record_key = counted.record_key
    inner join metrics on records.record_set = metrics.metric_id
    group by records.record_set, {{ prefixed(cell, 'counted') }}, records.customer_id

),

summed as (

    select
        metric_id,
        {{ cell | join(', ') }},
        {{ customer_moments() }}
    from customer_waves
    group by metric_id, {{ cell | join(', ') }}
    having sum(n) > 0

),

{{ metric_estimates('summed', cell) }}

rounded as (

    select
        estimated.metric_id,
        {{ prefixed(cell, 'estimated') }},
        waves.starts_on,
        waves.last_asked_on,
        estimated.n,
        estimated.customer_count,
        estimated.n < settings.min_published_n as is_suppressed,
        estimated.n < settings.small_sample_n as is_small_sample,
        case
            when estimated.n >= settings.min_published_n then round(estimated.value, 9)
        end as value,
        case
            when estimated.n >= settings.min_published_n and estimated.ci_low is not null
                then round(least(estimated.ci_low, estimated.value), 9)
        end as ci_low,
        case
            when estimated.n >= settings.min_published_n and estimated.ci_high is not null
                then round(greatest(estimated.ci_high, estimated.value), 9)
        end as ci_high,
        case
            when estimated.n >= settings.min_published_n
                then round(estimated.effective_n, 6)
        end as n_effective
    from estimated
    inner join waves on {{ agree_on(cell, 'estimated', 'waves') }}
    cross join settings

),

final as (

    select
        *,
        lag(wave_id) over (
            partition by source, survey_id, metric_id order by starts_on
        ) as previous_wave_id,
        round(value - lag(value) over (
            partition by source, survey_id, metric_id order by starts_on
        ), 9) as value_change
    from rounded

)

select
    source,
    survey_id,
    wave_id,
    starts_on,
    last_asked_on,
    metric_id,
    n,
    customer_count,
    n_effective,
    value,
    ci_low,
    ci_high,
    is_suppressed,
    is_small_sample,
    previous_wave_id,
    value_change
from final
