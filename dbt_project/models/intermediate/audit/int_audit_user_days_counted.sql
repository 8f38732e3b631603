{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

with

events as (

    select * from {{ ref('int_web_events_landed') }}
    where
        user_id is not null
        and client_id is not null
        and not is_duplicate
        and not is_superseded
        and {{ on_touched_days }}

),

final as (

    select
        source,
        partition_date,
        event_date,
        user_id,
        client_id,
        max(occurred_at) as last_seen_at
    from events
    group by source, partition_date, event_date, user_id, client_id

)

select * from final
