{%- set built = relation_built_before('int_sessions_built') -%}
with

touched_days as (
    select * from {{ ref('int_touched_web_days') }}
),

span as (
    select
        min(partition_date) as first_date,
        max(partition_date) as last_date
    from touched_days
),

seen_on_touched_days as (
    select distinct
        events.source,
        events.client_id,
        events.session_ref
    from {{ ref('int_web_events_unioned') }} as events
    inner join touched_days
        on
            events.source = touched_days.source
            and events.partition_date = touched_days.partition_date
    where
        events.client_id is not null
        and events.session_ref is not null
        -- known when the query is planned: the engine skips the other days
        and events.partition_date in ({{ day_literals(ref('int_touched_web_days')) }})
),

{% if built -%}
-- a visit may have lost its events of a touched day
seen_before as (
    select distinct
        sessions.source,
        sessions.client_id,
        sessions.session_ref
    from {{ built }} as sessions
    inner join touched_days
        on
            sessions.source = touched_days.source
            and touched_days.partition_date between sessions.first_partition_date
            and sessions.last_partition_date
),

united as (
    select * from seen_on_touched_days
    union
    select * from seen_before
),

final as (
    select
        united.source,
        united.client_id,
        united.session_ref,
        {{ session_key('united.') }} as session_key,
        least(sessions.first_partition_date, span.first_date) as from_date,
        greatest(sessions.last_partition_date, span.last_date) as to_date
    from united
    cross join span
    left join {{ built }} as sessions
        on
            united.source = sessions.source
            and united.client_id = sessions.client_id
            and united.session_ref = sessions.session_ref
),
{%- else -%}
final as (
    select
        source,
        client_id,
        session_ref,
        {{ session_key() }} as session_key,
        span.first_date as from_date,
        span.last_date as to_date
    from seen_on_touched_days
    cross join span
),
{%- endif %}

spans as (
    select
        source,
        client_id,
        session_ref,
        session_key,
        from_date,
        to_date
    from final
    {{ touched_before_too(
        ['source', 'client_id', 'session_ref', 'session_key', 'from_date', 'to_date']
    ) }}
)

select
    source,
    client_id,
    session_ref,
    session_key,
    min(from_date) as from_date,
    max(to_date) as to_date
from spans
group by source, client_id, session_ref, session_key
