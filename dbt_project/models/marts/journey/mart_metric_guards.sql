with

guards as (

    select * from {{ source('audit', 'guards') }}

),

assessments as (

    select * from {{ source('audit', 'assessments') }}
    qualify audited_at = max(audited_at) over ()

),

final as (

    select
        guards.metric_id,
        guards.check_id,
        assessments.severity,
        coalesce(assessments.is_assessable, false) as is_assessed,
        guards.columns as shared_columns,
        guards.models as model_path,
        guards.because as named_reason
    from guards
    left join assessments on guards.check_id = assessments.check_id

)

select * from final
