{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

with

events as (
    select
        source,
        partition_date,
        loaded_at,
        client_id,
        session_ref,
        event_name,
        occurred_at,
        is_duplicate,
        is_superseded
    from {{ ref('int_web_events_landed') }}
    {%- if is_incremental() %}
    where {{ lies_on_touched_day('partition_date', 'int_touched_web_days') }}
    {%- endif %}
),

-- an event that a newer delivery of its day brings again came with the older one
replaced as (
    select
        source,
        partition_date,
        event_name,
        occurred_at,
        coalesce(client_id, '') as client_id,
        min(loaded_at) as loaded_at
    -- not from `events`, which would be kept if it were read twice
    from {{ ref('int_web_events_landed') }}
    where
        is_superseded
        {%- if is_incremental() %}
        and {{ lies_on_touched_day('partition_date', 'int_touched_web_days') }}
        {%- endif %}
    group by source, partition_date, event_name, occurred_at, coalesce(client_id, '')
),

arrived as (
    select
        events.source,
        events.partition_date,
        least(events.loaded_at, coalesce(replaced.loaded_at, events.loaded_at)) as loaded_at,
        events.client_id,
        events.session_ref
    from events
    left join replaced
        on
            events.source = replaced.source
            and events.partition_date = replaced.partition_date
            and events.event_name = replaced.event_name
            and events.occurred_at = replaced.occurred_at
            and coalesce(events.client_id, '') = replaced.client_id
    where not events.is_duplicate and not events.is_superseded
),

final as (
    select
        source,
        partition_date,
        loaded_at,
        count(*) as row_count,
        count(*) filter (where client_id is null) as missing_client_id_count,
        count(*) filter (where client_id is not null and session_ref is null)
            as missing_session_ref_count
    from arrived
    group by source, partition_date, loaded_at
)

select * from final
