{%- set committed = relation_built_before('int_metric_days_committed') -%}
with

days as (
    select * from {{ ref('int_metric_days_hashed') }}
),

{% if committed -%}
committed as (
    select * from {{ committed }}
),

changed as (
    select
        coalesce(days.record_set, committed.record_set) as record_set,
        coalesce(days.occurred_date, committed.occurred_date) as occurred_date
    from days
    full outer join committed
        on
            days.record_set = committed.record_set
            and days.occurred_date = committed.occurred_date
    where
        days.record_count is distinct from committed.record_count
        or days.records_hash is distinct from committed.records_hash
),
{%- else -%}
changed as (
    select
        record_set,
        occurred_date
    from days
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
        {{ period_start('changed.occurred_date', 'grains.period_type') }} as period_start
    from metrics
    inner join grains on metrics.metric_id = grains.metric_id
    inner join changed
        on changed.record_set in (
            {{ own_record_set('metrics') }},
            {{ counted_record_set('metrics') }}
        )
)

select * from final
