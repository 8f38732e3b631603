{%- set most_samples = 20 -%}
with

failed as (

    {% for model, scan in audit_scans().items() -%}
    {{ audit_failed(model, scan) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- Which rows serve as samples depends on their keys alone, so that two engines show the same.
ranked as (

    select
        *,
        row_number() over (
            partition by check_id, model_name, source, platform, subject, detail, event_date
            order by sample_key
        ) as sample_number
    from failed

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
        occurred_at,
        sample_key,
        page_path,
        device_category,
        browser,
        app_version,
        sample_number
    from ranked
    where sample_number <= {{ most_samples }}

)

select * from final
