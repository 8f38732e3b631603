{%- set committed = relation_built_before('int_metric_periods_committed') -%}
with

periods as (
    select * from {{ ref('int_metric_periods_hashed') }}
),

{% if committed -%}
committed as (
    select * from {{ committed }}
),

changed as (
    select
        coalesce(periods.record_set, committed.record_set) as record_set,
        coalesce(periods.period_type, committed.period_type) as period_type,
        coalesce(periods.period_start, committed.period_start) as period_start
    from periods
    full outer join committed
        on
            periods.record_set = committed.record_set
            and periods.period_type = committed.period_type
            and periods.period_start = committed.period_start
    where
        periods.record_count is distinct from committed.record_count
        or periods.records_hash is distinct from committed.records_hash
),
{%- else -%}
changed as (
    select
        record_set,
        period_type,
        period_start
    from periods
),
{%- endif %}

metrics as (
    select * from {{ ref('metric_catalogue') }}
),

grains as (
    select distinct
        metric_id,
        period_type
    from {{ ref('int_metric_grains_applied') }}
),

-- A goal changes with the visits that met it and with all that it is a share of.
final as (
    select distinct
        metrics.metric_id,
        grains.period_type,
        changed.period_start
    from metrics
    inner join grains on metrics.metric_id = grains.metric_id
    inner join changed
        on
            grains.period_type = changed.period_type
            and changed.record_set in (
                {{ own_record_set('metrics') }},
                {{ counted_record_set('metrics') }}
            )
)

select * from final
{{ touched_before_too(['metric_id', 'period_type', 'period_start']) }}
