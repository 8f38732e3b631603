{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

{#- Where a name was sent from is asked of names outside the plan only: the planned ones would make
    the table as long as the events. -#}
{% set places = ['page_path', 'device_category', 'browser', 'app_version'] %}

with

streams as (

    select * from {{ source('plan', 'streams') }}

),

planned_events as (

    select
        event_name,
        platform,
        introduced_on,
        deprecated_on,
        valid_from,
        valid_to
    from {{ source('plan', 'events') }}

),

planned_names as (

    select distinct event_name from planned_events

),

events as (

    select * from {{ ref('int_web_events_landed') }}
    where not is_duplicate and not is_superseded and {{ on_touched_days }}

),

placed as (

    select
        events.source,
        events.partition_date,
        events.event_date,
        events.platform,
        events.event_name,
        events.web_event_key,
        events.occurred_at,
        streams.stream_id is not null as is_planned_stream,
        planned_names.event_name is not null as is_planned_name,
        planned_events.event_name is not null
        and coalesce(events.event_date >= planned_events.introduced_on, true)
        and coalesce(events.event_date < planned_events.deprecated_on, true) as is_planned_event,
        {%- for place in places %}
        case when planned_names.event_name is null then events.{{ place }} end as {{ place }},
        {%- endfor %}
        case when planned_names.event_name is null then date_trunc('hour', events.occurred_at) end
            as event_hour
    from events
    left join streams
        on
            events.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'events.event_date') }}
    left join planned_names
        on events.event_name = planned_names.event_name
    left join planned_events
        on
            events.event_name = planned_events.event_name
            and events.platform = planned_events.platform
            and {{ plan_holds('planned_events', 'events.event_date') }}

),

final as (

    select
        source,
        partition_date,
        event_date,
        event_hour,
        platform,
        event_name,
        is_planned_stream,
        is_planned_name,
        is_planned_event,
        {%- for place in places %}
        {{ place }},
        {%- endfor %}
        min(web_event_key) as sample_key,
        min(occurred_at) as occurred_at,
        count(*) as row_count
    from placed
    group by
        source,
        partition_date,
        event_date,
        event_hour,
        platform,
        event_name,
        is_planned_stream,
        is_planned_name,
        is_planned_event,
        {{ places | join(',\n        ') }}

)

select * from final
