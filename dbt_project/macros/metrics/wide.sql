{# A column per metric over the cells of mart_journey_metrics: its figure, what it counts, its interval
   and its trust. The metrics of an audience are those that the catalogue gives it. #}
{% macro wide_metrics(metric_ids) -%}
    {%- set keys = [
        'period_type', 'period_start', 'journey_stage', 'channel', 'touchpoint_id', 'persona_id',
    ] -%}
    {%- set parts = {
        '': 'value', '_n': 'n', '_low': 'ci_low', '_high': 'ci_high', '_trust': 'trust_grade',
    } -%}
with

figures as (

    select * from {{ ref('mart_journey_metrics') }}
    where metric_id in ('{{ metric_ids | join("', '") }}')

),

final as (

    select
        {{ keys | join(',\n        ') }}
        {%- for metric_id in metric_ids %}
        {%- for suffix, column in parts.items() %},
        max(case when metric_id = '{{ metric_id }}' then {{ column }} end)
            as {{ metric_id }}{{ suffix }}
        {%- endfor %}
        {%- endfor %}
    from figures
    group by {{ keys | join(', ') }}

)

select * from final
{%- endmacro %}
