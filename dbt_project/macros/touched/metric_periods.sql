{# Cells of metrics are computed again by metric and period: those of which any record came, went or
   changed since the last complete run (int_touched_metric_periods). #}
{% macro rebuilt_by_metric_period() -%}
    {{ rebuilt_by('(metric_id, period_type, period_start)', 'int_touched_metric_periods') }}
    -- depends_on: {{ ref('int_touched_metric_periods') }}
    -- depends_on: {{ ref('int_metric_periods_hashed') }}
{%- endmacro %}

{# CTEs of an incremental model of metric cells: `touched_periods`, the periods of metrics that are
   computed again, `read_periods`, those of the sets of records that they are computed from, and
   `read_days`, the days of these sets. Needs the CTE `metrics`. #}
{% macro touched_metric_periods() -%}
    touched_periods as (

        select * from {{ ref('int_touched_metric_periods') }}

    ),

    read_periods as (

        {% for record_set in [own_record_set('metrics'), counted_record_set('metrics')] -%}
        select
            {{ record_set }} as record_set,
            touched_periods.period_type,
            touched_periods.period_start
        from touched_periods
        inner join metrics on touched_periods.metric_id = metrics.metric_id
        {% if not loop.last %}
        union

        {% endif %}
        {%- endfor %}

    ),

    read_days as (

        select distinct
            days.record_set,
            days.period_start as occurred_date
        from {{ ref('int_metric_periods_hashed') }} as days
        inner join read_periods
            on
                days.record_set = read_periods.record_set
                and {{ period_start('days.period_start', 'read_periods.period_type') }}
                = read_periods.period_start
        where days.period_type = 'day'

    ),
{%- endmacro %}
