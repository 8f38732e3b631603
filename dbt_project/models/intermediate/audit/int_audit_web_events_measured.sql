{{ audit_days_kept('int_audit_web_events_judged') }}
-- depends_on: {{ ref('int_web_events_landed') }}
-- depends_on: {{ ref('int_touched_web_days') }}

with

{{ audit_measured(
    'int_audit_web_events_judged', audit_scans()['int_audit_web_events_judged'], 'web_events'
) }},

final as (

    {{ audit_hours_folded('web_events_long', ['partition_date', 'event_date']) }}

)

select * from final
