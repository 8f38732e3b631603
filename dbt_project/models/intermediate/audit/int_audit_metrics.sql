{#- Hours are kept only on days with failures: they locate a defect's start, and hours without any
    would make the table as long as the events. -#}
with

{% for model, scan in audit_scans().items() -%}
{{ audit_measured(model, scan, model | replace('int_audit_', '') | replace('_judged', '')) }},

{% endfor -%}

united as (

    {%- for model in audit_scans() %}
    select * from {{ model | replace('int_audit_', '') | replace('_judged', '') }}_long
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

summed as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        event_hour,
        sum(rows_examined) as rows_examined,
        sum(rows_failing) as rows_failing,
        min(first_failed_at) as first_failed_at,
        max(last_failed_at) as last_failed_at
    from united
    group by check_id, model_name, source, platform, subject, detail, event_date, event_hour

),

days_marked as (

    select
        *,
        sum(rows_failing) over (
            partition by check_id, model_name, source, platform, subject, detail, event_date
        ) > 0 as has_failures
    from summed

),

measured as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        case when has_failures then event_hour end as event_hour,
        cast(sum(rows_examined) as bigint) as rows_examined,
        cast(sum(rows_failing) as bigint) as rows_failing,
        cast(null as double) as value,
        min(first_failed_at) as first_failed_at,
        max(last_failed_at) as last_failed_at
    from days_marked
    group by
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        case when has_failures then event_hour end

),

final as (

    select * from measured
    union all
    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        event_hour,
        cast(rows_examined as bigint) as rows_examined,
        cast(rows_failing as bigint) as rows_failing,
        value,
        first_failed_at,
        last_failed_at
    from {{ ref('int_audit_sources_measured') }}

)

select * from final
