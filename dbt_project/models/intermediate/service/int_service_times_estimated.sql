{%- set subject = [
    'metric_id', 'period_type', 'period_start', 'subject_kind', 'subject_id', 'team_id',
] -%}
{%- set mix = ['metric_id', 'period_type', 'period_start', 'channel', 'topic'] -%}

-- noqa: disable=LT02
{% set record_ctes %}
records as (

    select * from {{ ref('int_service_records_assigned') }}

),

metrics as (

    select * from {{ ref('metric_catalogue') }}
    where estimator = 'quantile'

)
{% endset %}

{% set subject_records %}
select
    records.*,
    metrics.quantile,
    {{ surrogate_key(['records.metric_id'] + subject[1:]) }} as cell_key
from records
inner join metrics on records.metric_id = metrics.metric_id
{% endset %}

{#- What to expect of a subject's case mix: all cases of the same channel and topic in the period
    stand in for its own, weighed so that they are as many as these. A channel and a topic hold all
    cases of their mixes, so that their own figure is what to expect. -#}
{% set alike_ctes %}
{{ record_ctes }},

{{ computed_once('timed', subject_records, given=record_ctes) }},

-- a record has one channel: there it stands once
whole as (

    select * from timed
    where subject_kind = 'channel'

),

own_sizes as (

    select
        cell_key,
        {{ mix | join(', ') }},
        sum(weight) as weight_sum
    from timed
    where subject_kind in ('agent', 'team')
    group by cell_key, {{ mix | join(', ') }}

),

mix_sizes as (

    select
        {{ mix | join(', ') }},
        sum(weight) as weight_sum
    from whole
    group by {{ mix | join(', ') }}

),

alike as (

    select
        own_sizes.cell_key,
        whole.quantile,
        whole.customer_id,
        whole.value_number,
        whole.weight * own_sizes.weight_sum / mix_sizes.weight_sum as weight,
        whole.is_censored
    from own_sizes
    inner join mix_sizes on {{ agree_on(mix, 'own_sizes', 'mix_sizes') }}
    inner join whole on {{ agree_on(mix, 'own_sizes', 'whole') }}

)
{% endset %}

with

{{ alike_ctes }},

{{ quantile_values('timed', 'own', given=alike_ctes, cell=subject) }},

{{ quantile_limits('timed', 'own') }},

{{ quantile_values('alike', 'expected', given=alike_ctes) }},

final as (

    select
        {{ prefixed(subject, 'own_cells') }},
        own_cells.n,
        own_cells.customer_count,
        own_limits.design_effect,
        own_values.value_number as value,
        own_limits.ci_low,
        own_limits.ci_high,
        case
            when own_cells.subject_kind in ('agent', 'team') then expected_values.value_number
            else own_values.value_number
        end as expected_value
    from own_cells
    left join own_values on own_cells.cell_key = own_values.cell_key
    left join own_limits on own_cells.cell_key = own_limits.cell_key
    left join expected_values on own_cells.cell_key = expected_values.cell_key

)

select * from final
