{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

with

events as (

    select
        web_event_key,
        source,
        client_id,
        session_ref,
        occurred_at,
        partition_date,
        event_date,
        platform,
        event_name,
        page_path,
        device_category,
        browser,
        app_version
    from {{ ref('int_web_events_landed') }}
    where
        client_id is not null
        and session_ref is not null
        and not is_duplicate
        and not is_superseded
        and {{ on_touched_days }}

),

goals_followed as (

    select distinct event_name from {{ source('plan', 'events') }}
    where once_per = 'session'
    union
    select distinct event_name from {{ source('plan', 'reconciliations') }}
    where order_table = 'crm_contacts'

),

final as (

    select events.*
    from events
    inner join goals_followed
        on events.event_name = goals_followed.event_name

)

select * from final
