-- A metric that an open critical finding makes doubtful cannot be graded better than D in the
-- periods and channels in which the finding failed. Counted from the published tables alone, not from
-- the rule that grades.
select
    trust.metric_id,
    trust.period_type,
    trust.period_start,
    trust.channel,
    trust.trust_grade,
    findings.check_id
from {{ ref('mart_metric_trust') }} as trust
inner join {{ ref('fct_audit_findings') }} as findings
    on
        ',' || findings.endangered_metrics || ',' like '%,' || trust.metric_id || ',%'
        and coalesce(findings.first_failed_date, cast(findings.audited_at as date))
        <= {{ period_end('trust.period_start', 'trust.period_type') }}
        and coalesce(findings.last_failed_date, trust.period_start) >= trust.period_start
        and (findings.platform is null or trust.channel in ('all', findings.platform))
where
    findings.is_open
    and findings.severity = 'critical'
    and findings.failing_count > 0
    and findings.audited_at = trust.audited_at
    and trust.trust_grade not in ('D', 'F')
