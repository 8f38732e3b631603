"""One audit from end to end: exported tables → judgement → findings → outcomes → report."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from expectations import findings as store
from expectations.beginnings import with_beginnings
from expectations.catalogue import Catalogue, Check
from expectations.causes import gather, with_cause
from expectations.findings import Finding, Scope
from expectations.guards import Guards
from expectations.gx_engine import judge, query
from expectations.impact import with_impact
from expectations.memory import limited
from expectations.plan import Plan
from expectations.plan_diff import Coverage, coverage
from expectations.profile import observe_counts
from expectations.project_lineage import ProjectLineage
from expectations.report import write_report
from expectations.score import Score, score_of
from expectations.suites import FILES, SHARES, expectations_for
from expectations.trust import Trust, trust_of_month

AUDIT_TABLES = (
    SHARES,
    "int_audit_metrics",
    "int_audit_violations",
    "int_audit_evidence_counted",
    FILES,
)


#: Shown in the report beside the checks.
IDENTITY_QUALITY = "mart_identity_quality"

# Keys of failing rows that a finding carries, the newest.
_MOST_EXAMPLES = 20

# A month of daily audits makes a trend.
_AUDITS_SHOWN = 31


@dataclass(frozen=True)
class CheckOutcome:
    """The verdict on one check, in the terms of an asset check.

    `passed` says that no open finding is left: a defect that ended stays in the report and in the
    trust of its days, but is no reason to call anybody. A check that is not `assessable` has not
    passed either.
    """

    check_id: str
    passed: bool
    severity: str
    assessable: bool
    asset_key: tuple[str, ...]
    description: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class AuditOutcome:
    """What one audit found."""

    results: list[CheckOutcome]
    blocked: bool
    findings: list[Finding]
    score: Score
    report: Path
    data_docs: Path


def export_audit_tables(warehouse: Path, directory: Path) -> Path:
    """Copy the audit's tables out of a warehouse that nobody holds open."""
    directory.mkdir(parents=True, exist_ok=True)
    with limited(duckdb.connect(str(warehouse), read_only=True)) as connection:
        schemas = dict(
            connection.execute(
                "select table_name, table_schema from information_schema.tables"
                " where table_name in (select unnest(?))",
                [list(AUDIT_TABLES)],
            ).fetchall()
        )
        for table in AUDIT_TABLES:
            target = str(directory / f"{table}.parquet").replace("'", "''")
            connection.execute(
                f'copy (select * from "{schemas[table]}"."{table}") to \'{target}\''
                " (format parquet)"
            )
    return directory


def _assessable(check: Check, examined: Mapping[str, int], has_files: bool) -> tuple[bool, str]:
    """Return whether there was something to judge, and if not, what was missing."""
    if check.measured_by == FILES:
        return has_files, "" if has_files else "no file was landed"
    rows = examined.get(check.id, 0)
    if rows == 0:
        return False, "no row of the data that the check examines"
    if rows < check.threshold.min_examined:
        return False, f"only {rows} rows; at least {check.threshold.min_examined} are needed"
    return True, ""


def _place(finding: Finding) -> str:
    return " · ".join(filter(None, finding.scope[1:]))


def _told(finding: Finding, count: int) -> str:
    """Return where and how much a check found, for who reads it in a terminal."""
    if finding.note:
        told = f"{_place(finding)}: {finding.note}"
    else:
        told = f"{_place(finding)}: {finding.rows_failing:,} of {finding.rows_examined:,}"
    if finding.first_failed_date:
        told += f" since {finding.first_failed_date}"
    return told + (f", and {count - 1} more" if count > 1 else "")


def _outcome(
    check: Check,
    findings: Sequence[Finding],
    examined: Mapping[str, int],
    error: str | None,
    has_files: bool,
) -> CheckOutcome:
    own = [finding for finding in findings if finding.check_id == check.id]
    assessable, reason = _assessable(check, examined, has_files)
    if error:
        assessable, reason = False, f"could not be judged: {error}"
    open_findings = [finding for finding in own if finding.is_open]
    states: dict[str, int] = {}
    for finding in own:
        states[finding.state] = states.get(finding.state, 0) + 1
    metadata: dict[str, Any] = {
        "question": check.question.en,
        "rows_examined": examined.get(check.id, 0),
        "rows_failing": sum(finding.rows_failing for finding in open_findings),
        "findings": states,
    }
    if not assessable:
        metadata["not_assessable"] = reason
    for finding in open_findings[:5]:
        metadata[f"finding {finding.finding_id}"] = _place(finding)
    if open_findings:
        worst = max(open_findings, key=lambda finding: finding.impact)
        metadata |= {
            "worst": _told(worst, len(open_findings)),
            "impact": worst.impact,
            "first_step": check.fix.en[0],
        }
    return CheckOutcome(
        check_id=check.id,
        passed=assessable and not open_findings,
        severity=check.severity,
        assessable=assessable,
        asset_key=check.asset_key,
        description=check.rule,
        metadata=metadata,
    )


def audit(
    tables: Path,
    plan: Plan,
    catalogue: Catalogue,
    state_dir: Path,
    report_dir: Path,
    now: dt.datetime,
    lineage: ProjectLineage | None = None,
) -> AuditOutcome:
    """Judge the audit's tables, write findings, report and Data Docs.

    Args:
        tables: the warehouse file (nobody may hold it open for writing), or a folder with the
            audit's tables as Parquet.
        plan: the measurement plan.
        catalogue: the checks, with the thresholds that hold where the plan sets none.
        state_dir: `$CXW_HOME/state`; findings are appended to its folder `findings`.
        report_dir: `$CXW_HOME/reports`; the folders `audit` and `data_docs` in it are replaced.
        now: the run clock; naive times are UTC.
        lineage: what metrics and checks come from; without it no metric is known to be in doubt.
    """
    if now.tzinfo:
        now = now.astimezone(dt.UTC).replace(tzinfo=None)
    catalogue = catalogue.with_thresholds(plan.thresholds)
    folder = tables
    if tables.is_file():
        folder = export_audit_tables(tables, state_dir / "audit")
    paths = {name: folder / f"{name}.parquet" for name in AUDIT_TABLES}

    judgements = judge(
        expectations_for(plan, catalogue, now.replace(tzinfo=dt.UTC)),
        {name: paths[name] for name in (SHARES, FILES)},
        work=state_dir / "audit",
        data_docs=report_dir / "data_docs",
    )
    examined = {
        row["check_id"]: row["rows_examined"]
        for row in query(
            {SHARES: paths[SHARES]},
            "select check_id, cast(sum(rows_examined) as bigint) as rows_examined"
            f" from {SHARES} where period_type = 'all' group by check_id",
        )
    }
    newest_dates = {
        (row["check_id"], row["source"]): row["newest"]
        for row in query(
            {SHARES: paths[SHARES]},
            f"select check_id, source, max(period_start) as newest from {SHARES}"
            " where period_type = 'day' group by check_id, source",
        )
    }
    landed = query(
        {FILES: paths[FILES]}, f"select distinct source, vendor, table_name from {FILES}"
    )
    has_files = bool(landed)
    delivered: dict[str, set[str]] = {}
    for row in landed:
        delivered.setdefault(row["source"], set()).add(f"{row['vendor']}.{row['table_name']}")
    guards = Guards(catalogue, plan, lineage or ProjectLineage(), delivered)

    audit_id = now.strftime("%Y%m%dT%H%M%S%f")
    findings_dir = state_dir / "findings"
    store.ensure_store(findings_dir)
    history = store.read_store(findings_dir)
    previous = store.latest(history, before=audit_id)
    daily = query(
        {SHARES: paths[SHARES]},
        "select check_id, source, platform, subject, detail, period_start, rows_examined,"
        f" rows_failing from {SHARES} where period_type = 'day' order by period_start",
    )
    evidence = query(
        {"evidence": paths["int_audit_evidence_counted"]},
        "select * from evidence order by evidence_column, evidence_rank",
    )
    found = store.find(judgements, guards, previous, newest_dates, audit_id, now)
    found = with_beginnings(
        found,
        query(
            {"metrics": paths["int_audit_metrics"], SHARES: paths[SHARES]},
            "select check_id, source, platform, subject, detail, event_date, event_hour,"
            " rows_examined, rows_failing, first_failed_at from metrics"
            " where value is null and check_id in"
            f" (select check_id from {SHARES} where period_type = 'all' and rows_failing > 0)",
        ),
    )
    found = _explained(found, catalogue, daily, evidence, tables)
    if tables.is_file():
        found = with_impact(found, tables)
    samples = query(
        {"samples": paths["int_audit_violations"]},
        "select check_id, source, platform, subject, detail, event_date, sample_key, page_path,"
        " device_category, browser, app_version from samples"
        " qualify row_number() over (partition by check_id, source, platform, subject, detail"
        f" order by event_date desc, sample_number) <= {_MOST_EXAMPLES}"
        " order by event_date desc, sample_number",
    )
    found = _with_examples(found, catalogue, samples)
    store.append(findings_dir, audit_id, found)

    errors: dict[str, str] = {}
    for judgement in judgements:
        if judgement.error:
            errors[judgement.expectation.check_id] = judgement.error
    results = [
        _outcome(check, found, examined, errors.get(check.id), has_files)
        for check in catalogue.checks
    ]
    assessable = {result.check_id for result in results if result.assessable}
    store.append_assessments(findings_dir, audit_id, now, catalogue, assessable)
    store.write_guards(findings_dir, now, guards)
    score = score_of(found, catalogue, assessable)
    scores = _scores([*history, *found], catalogue, assessable)
    blocked = any(finding.is_open and finding.blocks_publication for finding in found)

    covered = _covered(plan, tables) if tables.is_file() else None
    stitched = _stitched(tables) if tables.is_file() else []

    month, trusted = (
        trust_of_month(tables, guards, found, assessable) if tables.is_file() else (None, [])
    )

    report = write_report(
        report_dir / "audit",
        plan=plan,
        catalogue=catalogue,
        results=results,
        findings=found,
        score=score,
        scores=scores,
        daily=daily,
        samples=samples,
        evidence=evidence,
        covered=covered,
        stitched=stitched,
        month=month,
        trusted=trusted,
        previous=previous,
        blocked=blocked,
        now=now,
    )
    outcome = AuditOutcome(
        results=results,
        blocked=blocked,
        findings=found,
        score=score,
        report=report,
        data_docs=report_dir / "data_docs" / "index.html",
    )
    _write_json(
        report_dir / "audit" / "audit.json", outcome, plan, audit_id, now, covered, month, trusted
    )
    return outcome


def _explained(
    found: Sequence[Finding],
    catalogue: Catalogue,
    daily: Sequence[Mapping[str, Any]],
    evidence: Sequence[Mapping[str, Any]],
    tables: Path,
) -> list[Finding]:
    """Return the findings with the cause that each one's evidence speaks for."""
    days: dict[Scope, list[tuple[dt.date, int, int]]] = {}
    for row in daily:
        days.setdefault(store.scope_of(row), []).append(
            (row["period_start"], row["rows_examined"], row["rows_failing"])
        )
    located: dict[Scope, list[Mapping[str, Any]]] = {}
    for row in evidence:
        located.setdefault(store.scope_of(row), []).append(row)
    usual = _usual_places(tables) if tables.is_file() else {}
    first_days: dict[str, dt.date] = {}
    for row in daily:
        day = row["period_start"]
        first_days[row["source"]] = min(day, first_days.get(row["source"], day))
    return [
        with_cause(
            finding,
            catalogue.by_id[finding.check_id],
            gather(
                located.get(finding.scope, []),
                days.get(finding.scope, []),
                usual.get((finding.source, finding.platform), {}),
                first_days.get(finding.source),
            ),
        )
        for finding in found
    ]


def _with_examples(
    found: Sequence[Finding], catalogue: Catalogue, samples: Iterable[Mapping[str, Any]]
) -> list[Finding]:
    """Return the findings with keys of failing rows, and with the steps of the repair."""
    keys: dict[Scope, list[str]] = {}
    for row in samples:
        keys.setdefault(store.scope_of(row), []).append(row["sample_key"])
    return [
        replace(
            finding,
            example_keys="\n".join(keys.get(finding.scope, [])) or None,
            repair_steps="\n".join(catalogue.by_id[finding.check_id].fix.en),
        )
        for finding in found
    ]


def _scores(
    history: Sequence[Finding], catalogue: Catalogue, assessable: Collection[str]
) -> list[tuple[dt.datetime, int]]:
    """Return time and score of the last audits, by the catalogue as it stands now."""
    audits: dict[dt.datetime, list[Finding]] = {}
    for finding in history:
        audits.setdefault(finding.audited_at, []).append(finding)
    return [
        (at, score_of(found, catalogue, assessable).points)
        for at, found in sorted(audits.items())[-_AUDITS_SHOWN:]
    ]


def _covered(plan: Plan, warehouse: Path) -> Coverage | None:
    """Return how much of the plan was observed, and how much of what came is planned."""
    with limited(duckdb.connect(str(warehouse), read_only=True)) as connection:
        profile = observe_counts(connection)
    return coverage(plan, profile) if profile else None


def _stitched(warehouse: Path) -> list[dict[str, Any]]:
    """Return how well records are stitched to customers; nothing where it was not computed."""
    with limited(duckdb.connect(str(warehouse), read_only=True)) as connection:
        found = connection.execute(
            "select table_schema from information_schema.tables where table_name = ?",
            [IDENTITY_QUALITY],
        ).fetchone()
        if found is None:
            return []
        rows = connection.execute(
            "select figure_id, source, category, n, hit_count, share, ci_low, ci_high"
            f' from "{found[0]}"."{IDENTITY_QUALITY}"'
            " order by figure_id, source nulls first, category"
        )
        columns = [column[0] for column in rows.description]
        return [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]


def _usual_places(
    warehouse: Path,
) -> dict[tuple[str, str | None], dict[tuple[str, str], float]]:
    """Return how sessions spread over browsers, devices and app versions, by source and platform.

    A place explains a defect only where it holds more of the failing rows than of all.
    """
    usual: dict[tuple[str, str | None], dict[tuple[str, str], float]] = {}
    with limited(duckdb.connect(str(warehouse), read_only=True)) as connection:
        (schema,) = connection.execute(
            "select any_value(table_schema) from information_schema.tables"
            " where table_name = 'int_audit_sessions_described'"
        ).fetchall()[0]
        for column in ("browser", "device_category", "app_version"):
            for source, platform, value, share in connection.execute(
                f"""
                with counts as (
                    select source, platform, {column} as value, count(*) as n
                    from "{schema}".int_audit_sessions_described
                    group by grouping sets ((source, platform, {column}), (source, {column}))
                )
                select
                    source, platform, value, n / sum(n) over (partition by source, platform)
                from counts
                """
            ).fetchall():
                usual.setdefault((source, platform), {})[(column, value)] = share
    return usual


def _write_json(
    path: Path,
    outcome: AuditOutcome,
    plan: Plan,
    audit_id: str,
    now: dt.datetime,
    covered: Coverage | None,
    month: dt.date | None,
    trusted: Sequence[Trust],
) -> None:
    """Write what the report shows for machines."""
    path.write_text(
        json.dumps(
            {
                "audit_id": audit_id,
                "audited_at": now.isoformat() + "Z",
                "plan_version": plan.version,
                "score": outcome.score.points,
                "grade": outcome.score.grade,
                "blocked": outcome.blocked,
                "coverage": covered.figures() if covered else None,
                "trust": {"month": month, "metrics": [asdict(one) for one in trusted]},
                "checks": [asdict(result) for result in outcome.results],
                "findings": [asdict(finding) for finding in outcome.findings],
            },
            indent=1,
            default=str,
            ensure_ascii=False,
        )
        + "\n",
        encoding="utf-8",
    )
