{# What names the times that are compared with each other. #}
{% macro log_rank_key() -%}
    {{ return([
        'metric_id', 'journey_stage', 'touchpoint_id', 'dimension', 'segment', 'period_type',
        'basis', 'period_start',
    ]) }}
{%- endmacro %}

{# CTEs up to `log_ranks`: whether times under censoring are longer in one period than in another, by
   the log-rank test (Mantel, 1966) of all of them: a quantile of a few tasks tells little of what its
   interval does not reach. `times` is int_task_times_counted, `pairs` the periods compared. z is
   positive where the later times are longer. A customer's tasks are taken for one: the variance is
   widened by the greater of both periods' repetition. #}
{% macro log_ranks(times, pairs) -%}
    {%- set key = log_rank_key() -%}
    {%- set cell = key[:-2] -%}
    sides_timed as (
        {%- for side, is_after in [('period_start', true), ('compared_start', false)] %}
        select
            {{ prefixed(cell, times) }},
            {{ pairs }}.basis,
            {{ pairs }}.period_start,
            {{ times }}.seconds,
            {{ times }}.repetition,
            {{ times }}.finished_count,
            {{ times }}.ended_count,
            {{ times ~ '.finished_count' if is_after else '0' }} as finished_after,
            {{ times ~ '.ended_count' if is_after else '0' }} as ended_after
        from {{ times }}
        inner join {{ pairs }}
            on
                {{ times }}.period_type = {{ pairs }}.period_type
                and {{ times }}.period_start = {{ pairs }}.{{ side }}
        {{- "\n\n        union all\n" if not loop.last }}
        {%- endfor %}
    ),

    times_met as (
        select
            {{ key | join(', ') }},
            seconds,
            max(repetition) as repetition,
            cast(sum(finished_count) as double) as finished,
            cast(sum(finished_after) as double) as finished_after,
            sum(ended_count) as ended,
            sum(ended_after) as ended_after
        from sides_timed
        group by {{ key | join(', ') }}, seconds
    ),

    -- at risk is who has neither finished nor left before
    times_at_risk as (
        select
            {{ key | join(', ') }},
            repetition,
            finished,
            finished_after,
            {%- for ended, risk in [('ended', 'exposed'), ('ended_after', 'exposed_after')] %}
            cast(sum({{ ended }}) over (
                partition by {{ key | join(', ') }} order by seconds desc
                rows between unbounded preceding and current row
            ) as double) as {{ risk }}
            {{- "," if not loop.last }}
            {%- endfor %}
        from times_met
    ),

    log_ranks as (
        select
            {{ key | join(', ') }},
            sum(finished * exposed_after / exposed - finished_after) / nullif(
                sqrt(
                    max(repetition) * sum(
                        finished * exposed_after * (exposed - exposed_after)
                        * (exposed - finished) / (exposed * exposed * greatest(exposed - 1, 1))
                    )
                ),
                0
            ) as z
        from times_at_risk
        where finished > 0
        group by {{ key | join(', ') }}
    )
{%- endmacro %}
