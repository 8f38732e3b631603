{#- Every column that locates a row reads the failing rows again. -#}
{% set failing_rows %}
select {{ in_few_tasks() }} *
from (
{% for model, scan in audit_scans().items() if 'by_day' not in scan -%}
{{ audit_failed(model, scan) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
) as failing
{% endset %}

with

{{ computed_once('failed', failing_rows) }},

located as (

    {{ audit_evidence_located('failed') }}
    {%- for model, scan in audit_scans().items() if 'by_day' in scan %}
    union all
    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        evidence_column,
        evidence_value,
        cast(sum(rows_failing) as bigint) as rows_failing
    from {{ ref(scan['by_day'] ~ '_located') }}
    group by
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        evidence_column,
        evidence_value
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
    from (select {{ in_few_tasks() }} * from located) as located

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
