{#- Appended to, never rewritten: what was delivered once still tells which days belong together
    after its files are gone. -#}
{{ config(materialized='incremental', incremental_strategy='append') }}
-- depends_on: {{ ref('int_touched_days') }}

with

manifest as (
    select
        batch_id,
        file_key,
        delivered_at,
        loaded_at
    from {{ source('landing', 'manifest') }}
    where vendor = 'ga4' and status = 'loaded'
),

events as (
    select
        dt,
        _source,
        _table,
        _batch_id
    from {{ source('ga4', 'events') }}
    {%- if is_incremental() %}
    where dt in ({{ day_literals(
        ref('int_touched_days'), where="vendor = 'ga4' and table_name = 'events'"
    ) }})
    {%- endif %}
),

delivered as (
    select
        events.dt as partition_date,
        events._source as source,
        coalesce(events._table, '') as table_in_file,
        coalesce(events._table, manifest.file_key) as export_table,
        events._batch_id as batch_id,
        min(manifest.loaded_at) as loaded_at,
        min(manifest.delivered_at) as delivered_at
    from events
    left join manifest on events._batch_id = manifest.batch_id
    group by
        events.dt,
        events._source,
        events._table,
        manifest.file_key,
        events._batch_id
),

final as (
    select
        partition_date,
        source,
        table_in_file,
        export_table,
        batch_id,
        loaded_at,
        delivered_at
    from delivered
    {%- if is_incremental() %}
    where
        not exists (
            select 1 from {{ this }} as known
            where
                known.partition_date = delivered.partition_date
                and known.source = delivered.source
                and known.batch_id = delivered.batch_id
                and known.table_in_file = delivered.table_in_file
        )
    {%- endif %}
)

select * from final
