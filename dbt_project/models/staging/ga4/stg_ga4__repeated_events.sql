{{ rebuilt_by('partition_date', 'stg_ga4__touched_days') }}
-- depends_on: {{ ref('stg_ga4__touched_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('dt', 'stg_ga4__touched_days') %}
{% endif %}

with export_tables as (
    select * from {{ ref('stg_ga4__export_tables') }}
),

-- Comparing all parameters of all events would cost more than the rest of the model: only events
-- that share everything else are compared.
alike as (
    select
        events._source as source,
        events.dt as partition_date,
        coalesce(events.stream_id, '') as stream_id,
        coalesce(events.user_pseudo_id, '') as user_pseudo_id,
        events.event_name,
        events.event_timestamp
    from {{ source('ga4', 'events') }} as events
    inner join export_tables
        on
            events._source = export_tables.source
            and events._batch_id = export_tables.batch_id
            and coalesce(events._table, '') = export_tables.table_in_file
    where not export_tables.is_superseded and {{ on_touched_days }}
    group by
        events._source,
        events.dt,
        coalesce(events.stream_id, ''),
        coalesce(events.user_pseudo_id, ''),
        events.event_name,
        events.event_timestamp
    having count(*) > 1
),

compared as (
    select
        events._source as source,
        events._batch_id as batch_id,
        events._row as row_number_in_file,
        events.dt as partition_date,
        events.stream_id,
        events.user_pseudo_id,
        events.event_name,
        events.event_timestamp,
        {{ nested_fingerprint('events.event_params') }} as params_fingerprint
    from {{ source('ga4', 'events') }} as events
    inner join export_tables
        on
            events._source = export_tables.source
            and events._batch_id = export_tables.batch_id
            and coalesce(events._table, '') = export_tables.table_in_file
    inner join alike
        on
            events._source = alike.source
            and events.dt = alike.partition_date
            and events.event_name = alike.event_name
            and events.event_timestamp = alike.event_timestamp
            and coalesce(events.stream_id, '') = alike.stream_id
            and coalesce(events.user_pseudo_id, '') = alike.user_pseudo_id
    where not export_tables.is_superseded and {{ on_touched_days }}
),

-- The session is one of the parameters.
final as (
    select
        source,
        partition_date,
        batch_id,
        row_number_in_file
    from (
        select
            source,
            partition_date,
            batch_id,
            row_number_in_file,
            row_number() over (
                partition by
                    source,
                    partition_date,
                    stream_id,
                    user_pseudo_id,
                    event_name,
                    event_timestamp,
                    params_fingerprint
                order by batch_id, row_number_in_file
            ) as occurrence
        from compared
    ) as numbered
    where occurrence > 1
)

select * from final
