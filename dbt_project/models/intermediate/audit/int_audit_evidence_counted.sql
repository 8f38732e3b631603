with

failed as (

    {% for model, scan in audit_scans().items() -%}
    {{ audit_failed(model, scan) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

counted as (

    {%- for column in audit_evidence_columns() %}
    {%- set value = 'row_subject' if column == 'subject' else column %}
    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        '{{ column }}' as evidence_column,
        {{ value }} as evidence_value,
        sum(row_count) as rows_failing
    from failed
    where {{ value }} is not null
    group by check_id, model_name, source, platform, subject, detail, {{ value }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

ranked as (

    select
        *,
        sum(rows_failing) over (
            partition by
                check_id, model_name, source, platform, subject, detail, evidence_column
        ) as rows_known,
        row_number() over (
            partition by
                check_id, model_name, source, platform, subject, detail, evidence_column
            order by rows_failing desc, evidence_value asc
        ) as evidence_rank
    from counted

),

final as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        evidence_column,
        evidence_value,
        cast(rows_failing as bigint) as rows_failing,
        cast(rows_failing as double) / rows_known as share_of_failing,
        evidence_rank
    from ranked
    where evidence_rank <= 5

)

select * from final
