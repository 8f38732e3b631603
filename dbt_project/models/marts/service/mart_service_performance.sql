{{ written_by_difference() }}
{%- set subject = [
    'metric_id', 'period_type', 'period_start', 'subject_kind', 'subject_id', 'team_id',
] -%}
{%- set mix = ['metric_id', 'period_type', 'period_start', 'channel', 'topic'] -%}

-- noqa: disable=LT02
{% set subject_ctes %}
contacts as (

    select * from {{ ref('int_service_contacts_judged') }}

),

records as (

    select * from {{ ref('int_service_records_assigned') }}

),

times as (

    select * from {{ ref('int_service_times_estimated') }}

),

metrics as (

    select * from {{ ref('metric_catalogue') }}

),

t_quantiles as (

    select * from {{ ref('t_quantiles') }}

),

settings as (

    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('min_published_n') }} as min_published_n,
        {{ metric_setting('small_sample_n') }} as small_sample_n

),

-- Case mix: what all contacts of the same channel and topic came to in the period. Who is given
-- the hard ones is compared with what others made of hard ones. A record has one channel, and
-- stands there once.
mixes as (

    select
        {{ mix | join(', ') }},
        {{ exact_sum('weight * value_number') }} / {{ exact_sum('weight') }} as expected_number
    from records
    where subject_kind = 'channel'
    group by {{ mix | join(', ') }}

),

subjects as (

    select
        {{ prefixed(subject, 'records') }},
        records.customer_id,
        records.value_number,
        records.weight,
        mixes.expected_number,
        records.value_number - mixes.expected_number as residual
    from records
    inner join mixes on {{ agree_on(mix, 'records', 'mixes') }}
    inner join metrics on records.metric_id = metrics.metric_id
    where metrics.estimator <> 'quantile'

),

customers as (

    select
        {{ subject | join(', ') }},
        customer_id,
        count(*) as n,
        {{ exact_sum('weight') }} as w,
        {{ exact_sum('weight * value_number') }} as x,
        {{ exact_sum('weight * weight * value_number * value_number') }} as wwxx,
        {{ exact_sum('weight * weight * value_number') }} as wwxb,
        {{ exact_sum('weight * weight') }} as wwbb,
        {{ exact_sum('weight * expected_number') }} as expected_sum,
        {{ exact_sum('weight * residual') }} as r,
        {{ exact_sum('weight * weight * residual * residual') }} as wwrr,
        {{ exact_sum('weight * weight * residual') }} as wwrb
    from subjects
    group by {{ subject | join(', ') }}, customer_id

),

judged as (

    select
        {{ subject | join(', ') }},
        sum(n) as n,
        sum(n) as record_count,
        count(*) as customer_count,
        {{ exact_sum('x') }} as x,
        {{ exact_sum('w') }} as base,
        {{ exact_sum('wwxx') }} as wwxx,
        {{ exact_sum('wwxb') }} as wwxb,
        {{ exact_sum('wwbb') }} as wwbb,
        {{ exact_sum('x * x') }} as cxx,
        {{ exact_sum('x * w') }} as cxb,
        {{ exact_sum('w * w') }} as cbb,
        {{ exact_sum('expected_sum') }} as expected_sum,
        {{ exact_sum('r') }} as r,
        {{ exact_sum('wwrr') }} as wwrr,
        {{ exact_sum('wwrb') }} as wwrb,
        {{ exact_sum('r * r') }} as crr,
        {{ exact_sum('r * w') }} as crb
    from customers
    group by {{ subject | join(', ') }}

),

-- What people ask for: a contact is a no for every topic but its own. Only the yeses are counted
-- out; the sums over all contacts are the same for each topic.
requests as (

    {%- set asked = {'topic': "coalesce(topic, 'unknown')", 'menu_choice': 'menu_choice'} %}
    {%- for kind, request in asked.items() %}
    {%- for period_type in ['day', 'week', 'month', 'quarter'] %}
    select
        '{{ period_type }}' as period_type,
        {{ period_start('contact_date', "'" ~ period_type ~ "'") }} as period_start,
        '{{ kind }}' as subject_kind,
        {{ request }} as subject_id,
        coalesce(customer_id, 'record:' || contact_key) as customer_id
    from contacts
    where {{ 'not is_passed_on' if kind == 'topic' else 'menu_choice is not null' }}
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}

),

requests_by_customer as (

    select
        period_type,
        period_start,
        subject_kind,
        subject_id,
        customer_id,
        count(*) as x,
        sum(count(*)) over (
            partition by period_type, period_start, subject_kind, customer_id
        ) as n
    from requests
    group by period_type, period_start, subject_kind, subject_id, customer_id

),

requests_in_all as (

    select
        period_type,
        period_start,
        subject_kind,
        sum(n) as n,
        count(*) as customer_count,
        sum(n * n) as cbb
    from (
        select distinct
            period_type,
            period_start,
            subject_kind,
            customer_id,
            n
        from requests_by_customer
    ) as once
    group by period_type, period_start, subject_kind

),

requested as (

    select
        'top_requests' as metric_id,
        asked.period_type,
        asked.period_start,
        asked.subject_kind,
        asked.subject_id,
        cast(null as string) as team_id,
        sum(asked.x) as n,
        max(requests_in_all.n) as record_count,
        max(requests_in_all.customer_count) as customer_count,
        sum(asked.x) as x,
        max(requests_in_all.n) as base,
        sum(asked.x) as wwxx,
        sum(asked.x) as wwxb,
        max(requests_in_all.n) as wwbb,
        sum(asked.x * asked.x) as cxx,
        sum(asked.x * asked.n) as cxb,
        max(requests_in_all.cbb) as cbb
    from requests_by_customer as asked
    inner join requests_in_all
        on
            asked.period_type = requests_in_all.period_type
            and asked.period_start = requests_in_all.period_start
            and asked.subject_kind = requests_in_all.subject_kind
    group by asked.period_type, asked.period_start, asked.subject_kind, asked.subject_id

)
{% endset %}

{% set all_subjects %}
{% for relation in ['judged', 'requested'] -%}
{%- set residuals = ['expected_sum', 'r', 'wwrr', 'wwrb', 'crr', 'crb'] -%}
select
    metric_id,
    period_type,
    period_start,
    subject_kind,
    subject_id,
    team_id,
    cast(n as bigint) as n,
    record_count,
    customer_count,
    {%- for sum in ['x', 'base', 'wwxx', 'wwxb', 'wwbb', 'cxx', 'cxb', 'cbb'] %}
    cast({{ sum }} as double) as {{ sum }},
    {%- endfor %}
    {%- for sum in residuals %}
    cast({{ sum if relation == 'judged' else 'null' }} as double) as {{ sum }}
    {{- "," if not loop.last }}
    {%- endfor %}
from {{ relation }}
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
{% endset %}

with

{{ subject_ctes }},

{{ computed_once('summed', all_subjects, given=subject_ctes) }},

valued as (

    select
        *,
        x / base as m,
        r / base as difference,
        expected_sum / base as expected_value,
        row_number() over (
            partition by metric_id, period_type, period_start, subject_kind, team_id
            order by n, subject_id
        ) as size_rank,
        coalesce(
            sum(n) over (
                partition by metric_id, period_type, period_start, subject_kind, team_id
                order by n, subject_id rows between unbounded preceding and 1 preceding
            ),
            0
        ) as n_below,
        min(n) over (
            partition by metric_id, period_type, period_start, subject_kind, team_id
        ) as smallest_n
    from summed

),

spread as (

    select
        *,
        {{ design_effect() }} as design_effect,
        greatest(
            1.0,
            case
                when {{ residual_sum('wwrr', 'wwrb', 'wwbb', 'difference') }} > 1e-12
                    then
                        {{ residual_sum('crr', 'crb', 'cbb', 'difference') }}
                        / {{ residual_sum('wwrr', 'wwrb', 'wwbb', 'difference') }}
                else 1.0
            end
        ) as residual_effect
    from valued

),

estimated as (

    select
        spread.*,
        metrics.unit,
        metrics.interval_method,
        settings.z,
        t_quantiles.t_quantile,
        spread.base * spread.base / spread.wwbb / spread.design_effect as effective_n,
        case
            when spread.record_count > 1
                then sqrt(
                    spread.design_effect
                    * greatest({{ residual_sum('wwxx', 'wwxb', 'wwbb', 'm') }}, 0)
                    / (spread.base * spread.base)
                    * spread.record_count / (spread.record_count - 1)
                )
        end as standard_error,
        case
            when spread.record_count > 1
                then sqrt(
                    spread.residual_effect
                    * greatest({{ residual_sum('wwrr', 'wwrb', 'wwbb', 'difference') }}, 0)
                    / (spread.base * spread.base)
                    * spread.record_count / (spread.record_count - 1)
                )
        end as residual_error,
        -- A cell that is too small, and the next smallest beside it while the small ones could be
        -- computed back from a total.
        spread.n < settings.min_published_n
        or (
            spread.smallest_n < settings.min_published_n
            and (spread.size_rank <= 2 or spread.n_below < settings.min_published_n)
        ) as is_suppressed,
        spread.n < settings.small_sample_n as is_small_sample
    from spread
    inner join metrics on spread.metric_id = metrics.metric_id
    cross join settings
    left join t_quantiles
        on spread.customer_count - 1 between t_quantiles.df_from and t_quantiles.df_to

),

figures as (

    select
        *,
        {%- for limit, sign in [('ci_low', '-'), ('ci_high', '+')] %}
        case interval_method
            when 'wilson' then {{ wilson_limit('m', 'effective_n', 'z', sign) }}
            else {{ t_limit('m', 'standard_error', 't_quantile', 'null', sign) }}
        end as {{ limit }},
        -- where all of a few answers agree their own spread says nothing: a share's interval does
        case interval_method
            when 'wilson' then {{ wilson_limit('m', 'effective_n', 'z', sign) }} - expected_value
            else {{ t_limit('difference', 'residual_error', 't_quantile', 'null', sign) }}
        end as difference_{{ limit }}{{ "," if not loop.last }}
        {%- endfor %}
    from estimated

),

-- A median gives nothing back and is withheld for its size only. What to expect is known far
-- better than the figure, of which it takes the interval.
judged_times as (

    select
        {{ prefixed(subject, 'times') }},
        metrics.unit,
        times.n,
        times.value as m,
        times.ci_low,
        times.ci_high,
        times.expected_value,
        times.value - times.expected_value as difference,
        times.ci_low - times.expected_value as difference_ci_low,
        times.ci_high - times.expected_value as difference_ci_high,
        times.n < settings.min_published_n as is_suppressed,
        times.n < settings.small_sample_n as is_small_sample
    from times
    inner join metrics on times.metric_id = metrics.metric_id
    cross join settings

),

united as (

    {%- set shown = [
        'm', 'ci_low', 'ci_high', 'expected_value', 'difference', 'difference_ci_low',
        'difference_ci_high',
    ] %}
    {%- for relation in ['figures', 'judged_times'] %}
    select
        {{ subject | join(', ') }},
        unit,
        n,
        {%- for figure in shown %}
        {{ figure }},
        {%- endfor %}
        is_suppressed,
        is_small_sample
    from {{ relation }}
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}

),

final as (

    {%- set shown = {
        'value': 'm',
        'ci_low': 'case when ci_low is not null then least(ci_low, m) end',
        'ci_high': 'case when ci_high is not null then greatest(ci_high, m) end',
        'expected_value': 'expected_value', 'difference': 'difference',
        'difference_low': 'difference_ci_low', 'difference_high': 'difference_ci_high',
    } %}
    select
        {{ subject | join(', ') }},
        unit,
        n,
        {%- for column, figure in shown.items() %}
        case when not is_suppressed then round({{ figure }}, 9) end as {{ column }},
        {%- endfor %}
        case
            when not is_suppressed and coalesce(difference_ci_low, difference_ci_high) is not null
                then
                    coalesce(difference_ci_low > 1e-9, false)
                    or coalesce(difference_ci_high < -1e-9, false)
        end as is_different,
        case
            when is_suppressed then 'withheld'
            when m is null then 'not_reached'
        end as no_value_reason,
        is_suppressed,
        is_small_sample
    from united

)

select * from final
