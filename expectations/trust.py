"""Trust of the metrics in the newest month, as the report shows it beside what spoilt it.

The rule is mart_metric_trust's, which grades every period and channel after the audit; a test holds
that both give the same grades.
"""

from __future__ import annotations

import calendar
import csv
import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.findings import Finding
from expectations.guards import Guards
from expectations.memory import limited
from expectations.plan_rules import METRIC_CATALOGUE

_CRITICAL_FOR_F = 3
_CELLS = "int_journey_metrics_computed"
# The worst first: it is what a reader looks for.
ORDER = "FDCUBA"


@dataclass(frozen=True)
class Trust:
    """How far a metric can be trusted in a month."""

    metric_id: str
    name_en: str
    name_fi: str
    grade: str
    critical: int
    warning: int
    info: int
    checks: tuple[str, ...]
    assessed_checks: int


def trust_of_month(
    warehouse: Path, guards: Guards, findings: Iterable[Finding], assessable: Collection[str]
) -> tuple[dt.date | None, list[Trust]]:
    """Grade each metric that has figures in the newest month; the month, and its metrics.

    Args:
        warehouse: the warehouse file.
        guards: which check guards which metric.
        findings: the findings of this audit.
        assessable: the checks that could be assessed.
    """
    month, metrics = _newest_month(warehouse)
    if month is None:
        return None, []
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    touching = [
        finding
        for finding in findings
        if finding.rows_failing > 0
        and (finding.first_failed_date or finding.audited_at.date()) <= last
        and (finding.last_failed_date or dt.date.max) >= month
    ]
    checks: dict[str, set[str]] = {}
    for guard in guards.listed:
        checks.setdefault(guard.metric_id, set()).add(guard.check_id)
    names = _names()
    rows = []
    for metric_id in metrics:
        own = [one for one in touching if metric_id in one.endangers.split(",")]
        assessed = len(checks.get(metric_id, set()) & set(assessable))
        critical, warning, info = (
            sum(_weighs(finding) == severity for finding in own)
            for severity in ("critical", "warning", "info")
        )
        rows.append(
            Trust(
                metric_id,
                *names[metric_id],
                _grade(critical, warning, info, assessed),
                critical,
                warning,
                info,
                checks=tuple(dict.fromkeys(finding.check_id for finding in own)),
                assessed_checks=assessed,
            )
        )
    return month, sorted(rows, key=lambda row: (ORDER.index(row.grade), row.metric_id))


def _weighs(finding: Finding) -> str:
    return "info" if finding.state == "accepted" else finding.severity


def _grade(critical: int, warning: int, info: int, assessed: int) -> str:
    if critical:
        return "F" if critical >= _CRITICAL_FOR_F else "D"
    if warning:
        return "C"
    if not assessed:
        return "U"
    return "B" if info else "A"


def _newest_month(warehouse: Path) -> tuple[dt.date | None, Sequence[str]]:
    with limited(duckdb.connect(str(warehouse), read_only=True)) as connection:
        found = connection.execute(
            "select table_schema from information_schema.tables where table_name = ?", [_CELLS]
        ).fetchone()
        if found is None:
            return None, []
        rows = connection.execute(
            f"""
            select distinct metric_id, period_start
            from "{found[0]}".{_CELLS}
            where period_type = 'month' and channel = 'all'
            qualify period_start = max(period_start) over ()
            order by metric_id
            """
        ).fetchall()
    return (rows[0][1], [metric_id for metric_id, _ in rows]) if rows else (None, [])


def _names() -> dict[str, tuple[str, str]]:
    with METRIC_CATALOGUE.open(encoding="utf-8", newline="") as file:
        return {row["metric_id"]: (row["name_en"], row["name_fi"]) for row in csv.DictReader(file)}
