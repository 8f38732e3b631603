{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

with

events as (

    select * from {{ ref('int_web_events_landed') }}
    where {{ on_touched_days }}

),

final as (

    select
        source,
        partition_date,
        event_date,
        platform,
        stream_id,
        event_name,
        app_version,
        consent_analytics,
        batch_id,
        is_intraday,
        is_superseded,
        is_duplicate,
        count(*) as event_count,
        count(user_id) as known_count,
        min(occurred_at) as first_occurred_at,
        max(occurred_at) as last_occurred_at
    from events
    group by
        source,
        partition_date,
        event_date,
        platform,
        stream_id,
        event_name,
        app_version,
        consent_analytics,
        batch_id,
        is_intraday,
        is_superseded,
        is_duplicate

)

select * from final
