{#- Lower Wilson bound at z = 3.3: a day of ten rows with one failure proves no defect. Days find
    what is short and strong, weeks and the whole window what is long and weak. -#}
{%- set z = 3.3 -%}
with

metrics as (

    select * from {{ ref('int_audit_metrics') }}

),

days as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        sum(rows_examined) as rows_examined,
        sum(rows_failing) as rows_failing,
        max(value) as value,
        case when sum(rows_failing) > 0 then event_date end as first_failed_date,
        case when sum(rows_failing) > 0 then event_date end as last_failed_date,
        min(first_failed_at) as first_failed_at,
        max(last_failed_at) as last_failed_at
    from metrics
    group by check_id, model_name, source, platform, subject, detail, event_date

),

-- Seven days from every day on, not calendar weeks: a defect of a week that begins on a Thursday
-- would be diluted by the healthy half of two of those, and stay below the threshold in both.
weeks as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        event_date,
        sum(rows_examined) over week_from_day as rows_examined,
        sum(rows_failing) over week_from_day as rows_failing,
        max(value) over week_from_day as value,
        min(first_failed_date) over week_from_day as first_failed_date,
        max(last_failed_date) over week_from_day as last_failed_date,
        min(first_failed_at) over week_from_day as first_failed_at,
        max(last_failed_at) over week_from_day as last_failed_at
    from days
    window week_from_day as (
        partition by check_id, model_name, source, platform, subject, detail
        order by {{ day_number('event_date') }}
        range between current row and 6 following
    )

),

periods as (

    select
        'day' as period_type,
        event_date as period_start,
        days.*
    from days

    union all

    select
        'week' as period_type,
        event_date as period_start,
        weeks.*
    from weeks

    union all

    select
        'all' as period_type,
        cast(null as date) as period_start,
        days.*
    from days

),

summed as (

    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        period_type,
        period_start,
        cast(sum(rows_examined) as bigint) as rows_examined,
        cast(sum(rows_failing) as bigint) as rows_failing,
        max(value) as value,
        min(first_failed_date) as first_failed_date,
        max(last_failed_date) as last_failed_date,
        min(first_failed_at) as first_failed_at,
        max(last_failed_at) as last_failed_at
    from periods
    group by
        check_id, model_name, source, platform, subject, detail, period_type, period_start

),

final as (

    select
        *,
        cast(rows_failing as double) / nullif(rows_examined, 0) as failing_share,
        greatest(
            (
                cast(rows_failing as double) / nullif(rows_examined, 0)
                + {{ z * z / 2 }} / nullif(rows_examined, 0)
                - {{ z }} * sqrt(
                    cast(rows_failing as double) / nullif(rows_examined, 0)
                    * (1 - cast(rows_failing as double) / nullif(rows_examined, 0))
                    / nullif(rows_examined, 0)
                    + {{ z * z / 4 }} / (cast(rows_examined as double) * rows_examined)
                )
            ) / (1 + {{ z * z }} / nullif(rows_examined, 0)),
            0
        ) as failing_share_low
    from summed

)

select * from final
