with

findings as (

    select * from {{ source('audit', 'findings') }}

),

as_last_seen as (

    select
        *,
        row_number() over (partition by finding_id order by audited_at desc, audit_id desc)
            as audits_ago
    from findings

),

final as (

    select
        finding_id,
        audit_id,
        audited_at,
        check_id,
        family as check_family,
        severity,
        state as finding_state,
        state in ('new', 'ongoing') as is_open,
        accepted_until as accepted_until_date,
        accepted_why as accepted_reason,
        source,
        platform,
        subject,
        detail,
        page_prefix,
        device_category,
        browser,
        app_version,
        model_name,
        first_failed_at,
        last_failed_at,
        first_failed_date,
        last_failed_date,
        first_seen_at,
        periods_failing as failing_period_count,
        rows_examined as examined_count,
        rows_failing as failing_count,
        failing_share,
        impact as impact_points,
        nullif(endangers, '') as endangered_metrics,
        nullif(failing_columns, '') as failing_columns,
        example_keys,
        repair_steps,
        owner as owner_team,
        blocks_publication as is_blocking,
        note,
        cause as likely_cause,
        affected_sessions as affected_session_count,
        affected_conversions as affected_conversion_count,
        affected_revenue as affected_revenue_amount,
        affected_cells as affected_metric_count,
        estimate_of as estimated_quantity,
        reported_value,
        corrected_value,
        corrected_low as corrected_value_low,
        corrected_high as corrected_value_high
    from as_last_seen
    where audits_ago = 1

)

select * from final
