{{ audit_days_kept('int_audit_web_events_judged') }}
-- depends_on: {{ ref('int_web_events_landed') }}
-- depends_on: {{ ref('int_touched_web_days') }}

with

failed as (

    {{ audit_failed(
        'int_audit_web_events_judged', audit_scans()['int_audit_web_events_judged']
    ) }}

),

ranked as (

    {{ audit_examples_ranked('failed', 'partition_date, event_date') }}

),

final as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        partition_date,
        event_date,
        occurred_at,
        sample_key,
        row_subject,
        page_path,
        device_category,
        browser,
        app_version,
        row_count
    from ranked
    where sample_number <= {{ audit_most_examples() }}

)

select * from final
