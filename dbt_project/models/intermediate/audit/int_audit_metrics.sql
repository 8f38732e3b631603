with

{% for model, scan in audit_scans().items() if 'by_day' not in scan -%}
{{ audit_measured(model, scan, audit_scan_name(model)) }},

{% endfor -%}

united as (

    {%- for model, scan in audit_scans().items() %}
    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        event_hour,
        rows_examined,
        rows_failing,
        first_failed_at,
        last_failed_at
    from {{ ref(scan['by_day'] ~ '_measured') if 'by_day' in scan
        else audit_scan_name(model) ~ '_long' }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

measured as (

    {{ audit_hours_folded('united', ['event_date']) }}

),

final as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        event_hour,
        rows_examined,
        rows_failing,
        cast(null as double) as value,
        first_failed_at,
        last_failed_at
    from measured
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
