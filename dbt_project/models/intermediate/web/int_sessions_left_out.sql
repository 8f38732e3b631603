with

events as (
    select * from {{ ref('int_web_events_unioned') }}
    where client_id is null or session_ref is null
),

final as (
    select
        source,
        event_date,
        case
            when coalesce(consent_analytics, 'unset') = 'denied' then 'consent_denied'
            when client_id is null then 'no_client_id'
            else 'no_session_id'
        end as reason,
        count(*) as event_count
    from events
    group by source, event_date, reason
)

select * from final
