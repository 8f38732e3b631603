{{ audit_days_kept('int_audit_web_events_judged') }}
-- depends_on: {{ ref('int_web_events_landed') }}
-- depends_on: {{ ref('int_touched_web_days') }}

with

failed as (

    {{ audit_failed(
        'int_audit_web_events_judged', audit_scans()['int_audit_web_events_judged']
    ) }}

),

final as (

    {{ audit_evidence_located('failed', 'partition_date') }}

)

select * from final
