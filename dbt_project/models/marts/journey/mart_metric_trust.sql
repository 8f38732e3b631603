{%- set critical_for_f = 3 -%}
with

periods as (

    select distinct
        metric_id,
        period_type,
        period_start,
        channel
    from {{ ref('int_journey_metrics_computed') }}

),

assessments as (

    select * from {{ source('audit', 'assessments') }}
    qualify audited_at = max(audited_at) over ()

),

audits as (

    select max(audited_at) as audited_at
    from assessments

),

findings as (

    select findings.*
    from {{ source('audit', 'findings') }} as findings
    inner join audits on findings.audited_at = audits.audited_at
    -- a defect that has ended leaves the days that it spoilt spoilt, until they are repaired
    where findings.rows_failing > 0

),

-- A check guards the metrics that read a column it examines (by the models' own SQL: lineage).
guarded as (

    select
        guards.metric_id,
        guards.check_id,
        case when assessments.is_assessable then 1 else 0 end as is_assessable
    from {{ source('audit', 'guards') }} as guards
    inner join assessments on guards.check_id = assessments.check_id

),

checks_assessed as (

    select
        metric_id,
        count(*) as check_count,
        sum(is_assessable) as assessed_check_count
    from guarded
    group by metric_id

),

dated_findings as (

    select
        finding_id,
        check_id,
        platform,
        endangers,
        -- what somebody has decided to live with is no news, but still worth knowing
        case when state = 'accepted' then 'info' else severity end as severity,
        coalesce(first_failed_date, cast(audited_at as date)) as first_failed_date,
        coalesce(last_failed_date, cast('9999-12-31' as date)) as last_failed_date
    from findings

),

-- Not all that its check guards, but what reads the place where it failed.
endangered as (

    select
        dated_findings.finding_id,
        metrics.metric_id
    from dated_findings
    inner join {{ ref('metric_catalogue') }} as metrics
        on ',' || dated_findings.endangers || ',' like '%,' || metrics.metric_id || ',%'

),

-- A finding counts where and when it failed: in its periods, in its channel and in the total.
counted as (

    select
        periods.metric_id,
        periods.period_type,
        periods.period_start,
        periods.channel,
        count(
            distinct case
                when dated_findings.severity = 'critical' then dated_findings.finding_id
            end
        ) as critical_count,
        count(
            distinct case
                when dated_findings.severity = 'warning' then dated_findings.finding_id
            end
        ) as warning_count,
        count(
            distinct case
                when dated_findings.severity = 'info' then dated_findings.finding_id
            end
        ) as info_count,
        min(
            case dated_findings.severity
                when 'critical' then '1'
                when 'warning' then '2'
                else '3'
            end || dated_findings.check_id
        ) as worst_check
    from periods
    inner join endangered on periods.metric_id = endangered.metric_id
    inner join dated_findings
        on
            endangered.finding_id = dated_findings.finding_id
            and dated_findings.first_failed_date
            <= {{ period_end('periods.period_start', 'periods.period_type') }}
            and periods.period_start <= dated_findings.last_failed_date
            and (
                dated_findings.platform is null
                or periods.channel in ('all', dated_findings.platform)
            )
    group by
        periods.metric_id, periods.period_type, periods.period_start, periods.channel

),

final as (

    select
        periods.metric_id,
        periods.period_type,
        periods.period_start,
        periods.channel,
        case
            when counted.critical_count >= {{ critical_for_f }} then 'F'
            when counted.critical_count > 0 then 'D'
            when counted.warning_count > 0 then 'C'
            when coalesce(checks_assessed.assessed_check_count, 0) = 0 then 'U'
            when counted.info_count > 0 then 'B'
            else 'A'
        end as trust_grade,
        coalesce(counted.critical_count, 0) as critical_count,
        coalesce(counted.warning_count, 0) as warning_count,
        coalesce(counted.info_count, 0) as info_count,
        substr(counted.worst_check, 2) as worst_check_id,
        cast(coalesce(checks_assessed.assessed_check_count, 0) as bigint) as assessed_check_count,
        case
            when checks_assessed.check_count is null
                then 'no check examines what it is computed from'
            when checks_assessed.assessed_check_count = 0
                then 'no check that examines what it is computed from had data to judge'
        end as ungraded_reason,
        audits.audited_at
    from periods
    cross join audits
    left join checks_assessed on periods.metric_id = checks_assessed.metric_id
    left join counted
        on
            periods.metric_id = counted.metric_id
            and periods.period_type = counted.period_type
            and periods.period_start = counted.period_start
            and periods.channel = counted.channel

)

select * from final
