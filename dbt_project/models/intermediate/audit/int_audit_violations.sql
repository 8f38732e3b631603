with

failed as (

    {% for model, scan in audit_scans().items() if 'by_day' not in scan -%}
    {{ audit_failed(model, scan) }}
    union all
    {% endfor %}
    {%- for model, scan in audit_scans().items() if 'by_day' in scan %}
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
        row_subject,
        page_path,
        device_category,
        browser,
        app_version,
        row_count
    from {{ ref(scan['by_day'] ~ '_exemplified') }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

ranked as (

    {{ audit_examples_ranked(
        '(select ' ~ in_few_tasks() ~ ' * from failed) as failed', 'event_date'
    ) }}

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
    where sample_number <= {{ audit_most_examples() }}

)

select * from final
