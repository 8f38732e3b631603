{{ written_by_difference() }}
{#- What is broken down by what: the whole and its parts, as grains of metric_grains. -#}
{%- set breakdowns = [
    ('total', 'total', 'all', "'all'"),
    ('stage', 'stage', 'all', "'all'"),
    ('stage_touchpoint', 'stage_touchpoint', 'all', "'all'"),
    ('total', 'stage', 'stage', 'journey_stage'),
    ('total', 'channel', 'channel', 'channel'),
    ('total', 'persona', 'persona', 'persona_id'),
    ('stage', 'stage_channel', 'channel', 'channel'),
    ('stage', 'stage_persona', 'persona', 'persona_id'),
    ('stage', 'stage_touchpoint', 'touchpoint', 'touchpoint_id'),
    ('stage_touchpoint', 'stage_channel_touchpoint', 'channel', 'channel'),
    ('stage_touchpoint', 'stage_touchpoint_persona', 'persona', 'persona_id'),
] -%}
{%- set grain_names = "'" ~ breakdowns | map(attribute=1) | join("', '") ~ "'" -%}
{%- set whole = [
    'metric_id', 'journey_id', 'step_number', 'journey_stage', 'touchpoint_id', 'dimension',
] -%}
{%- set carried = whole + ['segment', 'period_type'] -%}
{%- set measures = [
    'n', 'value', 'standard_error', 'amount', 'base', 'scale', 'is_suppressed', 'adds_up',
] -%}

-- noqa: disable=LT02
{% set cell_ctes %}
metrics as (
    select * from {{ ref('metric_catalogue') }}
),

summed as (
    select * from {{ ref('int_metric_cells_summed') }}
),

computed as (
    select * from {{ ref('int_journey_metrics_computed') }}
),

funnels as (
    select * from {{ ref('mart_journey_funnels') }}
    where not is_last_step and dimension in ('all', 'channel', 'browser', 'persona', 'campaign')
),

task_segments as (
    select * from {{ ref('int_task_segments_estimated') }}
),

requests as (
    select * from {{ ref('mart_service_performance') }}
    where metric_id = 'top_requests'
),

task_times as (
    select * from {{ ref('int_task_times_counted') }}
),

pairs as (
    select * from {{ ref('int_metric_periods_compared') }}
),

settings as (
    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('small_sample_n') }} as small_sample_n
),

ratios as (
    select
        *,
        wx / nullif(wb, 0) as m
    from summed
    where grain_id in ({{ grain_names }})
),

-- Of shares and nets the standard error is Agresti's, so that a cell in which all agree has one. What
-- has no interval (the days left of a certificate) is read, not sampled: no move of it is by chance.
erring as (
    select
        sized.metric_id,
        sized.period_type,
        sized.grain_id,
        sized.period_start,
        sized.journey_stage,
        sized.channel,
        sized.touchpoint_id,
        sized.persona_id,
        sized.n,
        sized.wx,
        sized.wb,
        sized.w,
        metrics.estimator,
        case
            when metrics.interval_method = 'none' then null
            when metrics.estimator = 'share'
                then {{ share_error('sized.m', 'sized.effective_n') }}
            when metrics.estimator = 'net' then 100 * sqrt(
                {{ net_variance(
                    '(sized.effective_n * sized.m) / (sized.effective_n + 3)',
                    '(sized.effective_n * sized.wxx / sized.w + 1.5) / (sized.effective_n + 3)'
                ) }} / (sized.effective_n + 3)
            )
            when metrics.estimator = 'total' then sqrt(greatest(sized.cxx, 0.0))
            else sqrt(
                greatest({{ residual_sum('cxx', 'cxb', 'cbb', 'm') }}, 0.0)
                * sized.customer_count / nullif(sized.customer_count - 1, 0)
            ) / nullif(abs(sized.wb), 0)
        end as standard_error
    from (
        select
            *,
            {{ kish_n() }} / {{ design_effect() }} as effective_n
        from ratios
    ) as sized
    inner join metrics on sized.metric_id = metrics.metric_id
)
{% endset %}

{#- A quantile and alpha have no parts that add up: each part is compared with itself alone. -#}
{% set measured_cells %}
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
    erring.wx as amount,
    case erring.estimator when 'total' then erring.w else erring.wb end as base,
    case erring.estimator when 'net' then 100.0 when 'total' then null else 1.0 end as scale,
    erring.standard_error,
    computed.value,
    computed.is_suppressed,
    true as adds_up
from erring
inner join computed
    on
        erring.metric_id = computed.metric_id
        and erring.period_type = computed.period_type
        and erring.grain_id = computed.grain_id
        and erring.period_start = computed.period_start
        and erring.journey_stage = computed.journey_stage
        and erring.channel = computed.channel
        and erring.touchpoint_id = computed.touchpoint_id
        and erring.persona_id = computed.persona_id

union all

select
    computed.metric_id,
    computed.period_type,
    computed.grain_id,
    computed.period_start,
    computed.journey_stage,
    computed.channel,
    computed.touchpoint_id,
    computed.persona_id,
    computed.n,
    cast(null as double) as amount,
    cast(null as double) as base,
    1.0 as scale,
    {{ standard_error('computed.ci_low', 'computed.ci_high') }} as standard_error,
    computed.value,
    computed.is_suppressed,
    false as adds_up
from computed
inner join metrics on computed.metric_id = metrics.metric_id
cross join settings
where metrics.estimator in ('quantile', 'alpha') and computed.grain_id in ({{ grain_names }})
{% endset %}

{% set side_ctes %}
{{ cell_ctes }},

{{ computed_once('measured', measured_cells, given=cell_ctes) }},

cells as (
    {% for parent, grain, dimension, column in breakdowns -%}
    select
        metric_id,
        'none' as journey_id,
        0 as step_number,
        {{ "'all'" if parent == 'total' else 'journey_stage' }} as journey_stage,
        {{ 'touchpoint_id' if parent == 'stage_touchpoint' else "'all'" }} as touchpoint_id,
        '{{ dimension }}' as dimension,
        {{ column }} as segment,
        period_type,
        period_start,
        {{ measures | join(', ') }},
        false as is_pooled
    from measured
    where grain_id = '{{ grain }}'

    union all

    {% endfor -%}
    select
        'funnel_step_through' as metric_id,
        funnels.journey_id,
        funnels.step_number,
        'all' as journey_stage,
        'all' as touchpoint_id,
        funnels.dimension,
        funnels.segment,
        funnels.period_type,
        funnels.period_start,
        funnels.n,
        funnels.step_through_share as value,
        {{ standard_error(
            'funnels.step_through_share_ci_low', 'funnels.step_through_share_ci_high'
        ) }} as standard_error,
        cast(funnels.n - funnels.dropped_count as double) as amount,
        cast(funnels.n as double) as base,
        1.0 as scale,
        funnels.is_suppressed,
        true as adds_up,
        true as is_pooled
    from funnels
    cross join settings
    where funnels.n > 0 and funnels.dropped_count is not null

    union all

    select
        task_segments.metric_id,
        'none' as journey_id,
        0 as step_number,
        task_segments.journey_stage,
        task_segments.touchpoint_id,
        task_segments.dimension,
        task_segments.segment,
        task_segments.period_type,
        task_segments.period_start,
        task_segments.n,
        task_segments.value,
        task_segments.standard_error,
        task_segments.amount,
        task_segments.base,
        1.0 as scale,
        task_segments.is_suppressed,
        task_segments.base is not null as adds_up,
        true as is_pooled
    from task_segments

    union all

    -- all requests together are all there is: only their shares move
    select
        requests.metric_id,
        'none' as journey_id,
        0 as step_number,
        'all' as journey_stage,
        'all' as touchpoint_id,
        requests.subject_kind as dimension,
        requests.subject_id as segment,
        requests.period_type,
        requests.period_start,
        requests.n,
        requests.value,
        {{ standard_error('requests.ci_low', 'requests.ci_high') }} as standard_error,
        cast(null as double) as amount,
        cast(null as double) as base,
        1.0 as scale,
        requests.is_suppressed,
        false as adds_up,
        false as is_pooled
    from requests
    cross join settings
),

-- every cell stands once as the later figure and once as the earlier one of its comparison
sides as (
    {%- for side, is_after in [('period_start', 'true'), ('compared_start', 'false')] %}
    select
        {{ prefixed(carried, 'cells') }},
        pairs.basis,
        pairs.period_start,
        {{ is_after }} as is_after,
        {{ prefixed(measures, 'cells') }},
        cells.is_pooled
    from cells
    inner join pairs
        on
            cells.period_type = pairs.period_type
            and cells.period_start = pairs.{{ side }}
    {{- "\n\n    union all\n" if not loop.last }}
    {%- endfor %}
)
{% endset %}

{% set paired_cells %}
select
    {{ carried | join(', ') }},
    basis,
    period_start,
    max(scale) as scale,
    {%- for side, condition in [('after', 'is_after'), ('before', 'not is_after')] %}
    {%- for measure in ['n', 'value', 'standard_error', 'amount', 'base'] %}
    max(case when {{ condition }} then {{ measure }} end) as {{ measure }}_{{ side }},
    {%- endfor %}
    {%- endfor %}
    max(case when is_suppressed then 1 else 0 end) = 1 as is_withheld,
    max(case when adds_up then 1 else 0 end) = 1 as adds_up,
    max(case when is_pooled then 1 else 0 end) = 1 as is_pooled
from sides
group by {{ carried | join(', ') }}, basis, period_start
{% endset %}

{#- Parts that are withheld in either period stand together: what they come to follows from the
    whole and the other parts anyway. Segments of visits have their small ones named so already: who
    is shown in one period alone was among them in the other. -#}
{% set part_segment -%}
case
    when
        paired.is_withheld
        or (paired.is_pooled and (paired.n_after is null or paired.n_before is null))
        then 'other'
    else paired.segment
end
{%- endset %}

with

{{ side_ctes }},

{{ computed_once('paired', paired_cells, given=side_ctes) }},

-- what was measured and published in both periods
published as (
    select * from paired
    where not is_withheld and value_after is not null and value_before is not null
),

moved as (
    select * from published
    where dimension = 'all'
),

parts as (
    select
        {{ prefixed(whole, 'paired') }},
        {{ part_segment | indent(8) }} as segment,
        paired.period_type,
        paired.basis,
        paired.period_start,
        {%- for side in ['after', 'before'] %}
        sum(paired.n_{{ side }}) as n_{{ side }},
        {%- for measure in ['amount', 'base'] %}
        {{ exact_sum('paired.' ~ measure ~ '_' ~ side) }} as {{ measure }}_{{ side }},
        {%- endfor %}
        max(paired.standard_error_{{ side }}) as standard_error_{{ side }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from paired
    where paired.dimension <> 'all' and paired.adds_up
    group by
        {{ prefixed(whole, 'paired') }},
        {{ part_segment | indent(8) }},
        paired.period_type, paired.basis, paired.period_start
),

weighed as (
    select
        parts.*,
        moved.value_after as whole_after,
        moved.value_before as whole_before,
        moved.scale,
        coalesce(parts.amount_after, 0) / nullif(parts.base_after, 0) as rate_after,
        coalesce(parts.amount_before, 0) / nullif(parts.base_before, 0) as rate_before,
        -- of a total the parts weigh by their size, of a share by their part of the base
        coalesce(parts.base_after, 0)
        / case when moved.scale is null then 1 else nullif(moved.base_after, 0) end as weight_after,
        coalesce(parts.base_before, 0)
        / case when moved.scale is null then 1 else nullif(moved.base_before, 0) end
            as weight_before
    from parts
    inner join moved
        on
            parts.metric_id = moved.metric_id
            and parts.journey_id = moved.journey_id
            and parts.step_number = moved.step_number
            and parts.journey_stage = moved.journey_stage
            and parts.touchpoint_id = moved.touchpoint_id
            and parts.period_type = moved.period_type
            and parts.basis = moved.basis
            and parts.period_start = moved.period_start
),

-- Half of what a part's rate moved counts at its old weight, half at its new one, and so the other
-- way round: the two effects add up without a rest. A part that came or went changed the mix alone.
effects as (
    select
        {{ carried | join(', ') }},
        basis,
        period_start,
        n_after,
        n_before,
        whole_after,
        whole_before,
        case when scale is null then amount_after else scale * rate_after end as value_after,
        case when scale is null then amount_before else scale * rate_before end as value_before,
        case when segment <> 'other' then standard_error_after end as standard_error_after,
        case when segment <> 'other' then standard_error_before end as standard_error_before,
        case when scale is not null then weight_after end as weight_after,
        case when scale is not null then weight_before end as weight_before,
        -- a part with nothing to divide by in either period has neither: it is in the rest
        coalesce((weight_after - weight_before) * (
            coalesce(scale, 1)
            * (coalesce(rate_after, rate_before) + coalesce(rate_before, rate_after)) / 2
            - case when scale is null then 0 else (whole_after + whole_before) / 2 end
        ), 0) as mix_effect,
        coalesce(coalesce(scale, 1) * (weight_after + weight_before) / 2
        * (coalesce(rate_after, rate_before) - coalesce(rate_before, rate_after)), 0) as rate_effect
    from weighed
),

-- Who counts once in the whole and in several parts (a visitor by web and app), and what no part
-- holds, is the rest between the parts and the whole.
rests as (
    select
        {{ whole | join(', ') }},
        'overlap' as segment,
        period_type,
        basis,
        period_start,
        max(whole_after) - max(whole_before) - {{ exact_sum('mix_effect + rate_effect') }}
            as mix_effect
    from effects
    group by {{ whole | join(', ') }}, period_type, basis, period_start
),

changes as (
    select
        {{ carried | join(', ') }},
        basis,
        period_start,
        n_before,
        n_after,
        value_before,
        value_after,
        cast(null as double) as weight_before,
        cast(null as double) as weight_after,
        cast(null as double) as mix_effect,
        cast(null as double) as rate_effect,
        case when dimension = 'all' then value_after - value_before end as contribution,
        standard_error_before,
        standard_error_after
    from published
    where dimension = 'all' or not adds_up

    union all

    select
        {{ carried | join(', ') }},
        basis,
        period_start,
        n_before,
        n_after,
        case when segment <> 'other' then value_before end as value_before,
        case when segment <> 'other' then value_after end as value_after,
        weight_before,
        weight_after,
        mix_effect,
        rate_effect,
        mix_effect + rate_effect as contribution,
        standard_error_before,
        standard_error_after
    from effects

    union all

    select
        {{ carried | join(', ') }},
        basis,
        period_start,
        cast(null as bigint) as n_before,
        cast(null as bigint) as n_after,
        cast(null as double) as value_before,
        cast(null as double) as value_after,
        cast(null as double) as weight_before,
        cast(null as double) as weight_after,
        mix_effect,
        cast(0 as double) as rate_effect,
        mix_effect as contribution,
        cast(null as double) as standard_error_before,
        cast(null as double) as standard_error_after
    from rests
    where abs(mix_effect) > 1e-7
),

erred as (
    select
        *,
        sqrt(
            standard_error_after * standard_error_after
            + standard_error_before * standard_error_before
        ) as standard_error
    from changes
),

{{ log_ranks('task_times', 'pairs') }},

-- Where all records agree, a square root of rounding dust is no error to divide by.
scored as (
    select
        erred.*,
        case
            when log_ranks.z is not null then log_ranks.z
            when
                erred.standard_error
                > 1e-6 * (abs(erred.value_before) + abs(erred.value_after))
                then (erred.value_after - erred.value_before) / erred.standard_error
        end as z
    from erred
    left join log_ranks
        on {{ agree_on(log_rank_key(), 'erred', 'log_ranks') }}
),

tested as (
    select
        *,
        round({{ two_sided_p('z') }}, 9) as p_value
    from scored
),

ranked as (
    select
        *,
        -- how many are at least as clear: equal ones share the last place
        count(*) over (
            partition by period_type, basis, period_start order by p_value
            range between unbounded preceding and current row
        ) as p_rank,
        count(*) over (partition by period_type, basis, period_start) as test_count
    from tested
    where p_value is not null
),

-- Benjamini–Hochberg over everything that is compared in one period
adjusted as (
    select
        {{ carried | join(', ') }},
        basis,
        period_start,
        least(1.0, min(p_value * test_count / p_rank) over (
            partition by period_type, basis, period_start order by p_value desc
            range between unbounded preceding and current row
        )) as q_value
    from ranked
),

final as (
    select
        tested.metric_id,
        nullif(tested.journey_id, 'none') as journey_id,
        nullif(tested.step_number, 0) as step_number,
        tested.period_type,
        tested.period_start,
        tested.basis,
        pairs.compared_start,
        tested.journey_stage,
        tested.touchpoint_id,
        tested.dimension,
        tested.segment,
        cast(tested.n_before as bigint) as n_before,
        cast(tested.n_after as bigint) as n_after,
        round(tested.value_before, 9) as value_before,
        round(tested.value_after, 9) as value_after,
        round(tested.value_after - tested.value_before, 9) as value_change,
        round(tested.weight_before, 9) as weight_before,
        round(tested.weight_after, 9) as weight_after,
        -- nought times a loss is minus nought, which a table would show
        round(tested.mix_effect, 9) + cast(0 as double) as mix_effect,
        round(tested.rate_effect, 9) + cast(0 as double) as rate_effect,
        round(tested.contribution, 9) as contribution,
        round(tested.z, 6) as z,
        round(tested.p_value, 6) as p_value,
        round(adjusted.q_value, 6) as q_value,
        coalesce(adjusted.q_value <= 0.05, false) as is_significant,
        coalesce(least(tested.n_before, tested.n_after), 0) < settings.small_sample_n
            as is_small_sample
    from tested
    inner join pairs
        on
            tested.period_type = pairs.period_type
            and tested.basis = pairs.basis
            and tested.period_start = pairs.period_start
    cross join settings
    left join adjusted
        on
            tested.basis = adjusted.basis
            and tested.period_start = adjusted.period_start
            {%- for column in carried %}
            and tested.{{ column }} = adjusted.{{ column }}
            {%- endfor %}
)

select * from final
