{# Observations of metrics over one relation of counted units, one member per metric.

   `relation` has one row per unit: record_key, occurred_date, journey_stage, channel, touchpoint_id,
   customer_id. `measures` is a list of {metric_id, value} with optional `base` (the denominator of a
   ratio, else 1), `where` (which units count), `censored` (the unit was left unfinished) and
   `counted` (whether n counts the unit: a ratio of two families counts those of its base). #}
{% macro observe(relation, measures) -%}
    {%- for measure in measures %}
    select
        '{{ measure.metric_id }}' as metric_id,
        record_key,
        occurred_date,
        journey_stage,
        channel,
        touchpoint_id,
        customer_id,
        cast({{ measure.value }} as double) as value_number,
        cast({{ measure.base | default('1') }} as double) as base_number,
        cast({{ measure.weight | default('1') }} as double) as weight,
        {{ measure.censored | default('false') }} as is_censored,
        {{ measure.counted | default('true') }} as is_counted
    from {{ relation }}
    {%- if measure.where %}
    where {{ measure.where }}
    {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# What a family observed, as records of metrics. #}
{% macro observations_of(family) -%}
    select
        metric_id as record_set,
        record_key,
        occurred_date,
        journey_stage,
        channel,
        touchpoint_id,
        customer_id,
        value_number,
        base_number,
        weight,
        is_censored,
        is_counted
    from {{ ref(family) }}
{%- endmacro %}
