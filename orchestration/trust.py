"""Which findings stand behind a trust grade, and what they share with the metric.

Read from a published version alone.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, cast

import duckdb

from expectations.memory import limited
from orchestration.errors import WarehouseError, names_like
from orchestration.versions import DATABASE_NAME, current_version

_GRADES = """
    select
        metric_id, period_type, period_start, channel, trust_grade, critical_count, warning_count,
        info_count, assessed_check_count, ungraded_reason
    from {trust}
    where metric_id = ? and period_type = ? and channel = ?
        and (? is null or period_start <= ?)
    order by period_start desc
    limit 1
"""

# The rule is mart_metric_trust's: findings of the newest audit that still have failing rows count
# for the metrics that they endanger.
_FINDINGS = """
    select
        asked.metric_id, check_id, severity, finding_state, source, platform, subject, detail,
        first_failed_date, last_failed_date, failing_count, examined_count, likely_cause,
        affected_session_count, string_split(failing_columns, ', ') as failing_columns,
        affected_conversion_count, affected_revenue_amount, estimated_quantity, reported_value,
        corrected_value, corrected_value_low, corrected_value_high, owner_team, accepted_reason
    from {findings} as findings
    inner join (select unnest($metrics) as metric_id) as asked
        on ',' || findings.endangered_metrics || ',' like '%,' || asked.metric_id || ',%'
    where
        failing_count > 0
        and audited_at = (select max(audited_at) from {findings})
        and coalesce(first_failed_date, cast(audited_at as date)) <= cast($last as date)
        and coalesce(last_failed_date, date '9999-12-31') >= cast($first as date)
        and (platform is null or $channel = 'all' or platform = $channel)
    order by
        case when finding_state = 'accepted' then 4 when severity = 'critical' then 1
            when severity = 'warning' then 2 else 3 end,
        failing_count desc,
        check_id
"""

_GUARDS = """
    select
        check_id, severity, is_assessed, string_split(shared_columns, ', ') as shared_columns,
        string_split(model_path, ', ') as model_path, named_reason
    from {guards}
    where metric_id = ?
    order by check_id
"""

_LAST_DAYS = {
    "day": "$first::date",
    "week": "$first::date + interval 6 days",
    "month": "$first::date + interval 1 month - interval 1 day",
    "quarter": "$first::date + interval 3 months - interval 1 day",
}


def explained(
    published: Path, metric: str, period_type: str, day: dt.date | None, channel: str
) -> dict[str, Any]:
    """Return the grade of a metric in the period that holds a day, and the findings behind it.

    Raises:
        WarehouseError: nothing is published, or the metric, period or channel is not there.
    """
    version = current_version(published)
    if version is None:
        raise WarehouseError("Nothing has been published yet.", "Publish with: cxw run")
    if period_type not in _LAST_DAYS:
        raise WarehouseError(
            f"{period_type} is no kind of period.", f"Choose one of {', '.join(_LAST_DAYS)}."
        )
    try:
        return _answer(published / "current" / DATABASE_NAME, metric, period_type, day, channel)
    except (duckdb.BinderException, KeyError) as error:
        # Grades and causes came later than the first versions; an older one cannot tell them.
        raise WarehouseError(
            f"Version {version.version} was published before grades could be explained.",
            "Publish a new one: cxw run",
        ) from error


def findings_behind(
    connection: duckdb.DuckDBPyConnection,
    metrics: list[str],
    period_type: str,
    first: dt.date,
    channel: str = "all",
) -> dict[str, list[dict[str, Any]]]:
    """Return the findings that count for metrics in the period that begins on a day.

    Args:
        connection: A published version.
        metrics: Ids of metrics.
        period_type: day, week, month or quarter.
        first: The period's first day.
        channel: The channel of the cells, or all.

    Returns:
        For each of the metrics its findings, the gravest first; accepted ones come last.
    """
    found: dict[str, list[dict[str, Any]]] = {metric: [] for metric in metrics}
    for finding in _all(
        connection,
        _FINDINGS.format(findings=_tables(connection)["fct_audit_findings"]),
        {
            "metrics": metrics,
            "first": first,
            "last": _last_day(connection, period_type, first),
            "channel": channel,
        },
    ):
        found[finding.pop("metric_id")].append(finding)
    return found


def _last_day(connection: duckdb.DuckDBPyConnection, period_type: str, first: dt.date) -> dt.date:
    ((last,),) = connection.execute(
        f"select cast({_LAST_DAYS[period_type]} as date)", {"first": first}
    ).fetchall()
    return cast("dt.date", last)


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {
        name: f'"{schema}"."{name}"'
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }


def _answer(
    database: Path, metric: str, period_type: str, day: dt.date | None, channel: str
) -> dict[str, Any]:
    with limited(duckdb.connect(str(database), read_only=True)) as connection:
        tables = _tables(connection)
        trust = tables["mart_metric_trust"]
        grades = _all(
            connection, _GRADES.format(trust=trust), [metric, period_type, channel, day, day]
        )
        if not grades:
            raise _nothing(connection, trust, metric, period_type, channel)
        answer = grades[0]
        first = answer["period_start"]
        last = _last_day(connection, period_type, first)
        if day is not None and day > last:
            raise WarehouseError(
                f"{metric} has no {period_type} that holds {day}; the newest is that of {first}.",
                "Leave --period away, or give a day of a period with data.",
            )
        answer["findings"] = findings_behind(connection, [metric], period_type, first, channel)[
            metric
        ]
        guards = _all(connection, _GUARDS.format(guards=tables["mart_metric_guards"]), [metric])
        answer["guards"] = guards
        ways = {guard["check_id"]: guard for guard in guards}
        for finding in answer["findings"]:
            finding["guard"] = _at(ways.get(finding["check_id"]), finding["failing_columns"] or [])
    return answer


def _at(guard: dict[str, Any] | None, failing: list[str]) -> dict[str, Any] | None:
    """What a check and a metric share, in the place of a finding."""
    if guard is None:
        return None
    shared = [name for name in guard["shared_columns"] if name in failing]
    return guard | {"shared_columns": shared or failing}


def _all(connection: duckdb.DuckDBPyConnection, sql: str, values: object) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _nothing(
    connection: duckdb.DuckDBPyConnection, trust: str, metric: str, period_type: str, channel: str
) -> WarehouseError:
    known = [
        name
        for (name,) in connection.execute(
            f"select distinct metric_id from {trust} order by metric_id"
        ).fetchall()
    ]
    if metric not in known:
        return WarehouseError(
            f"There is no metric {metric} in the published version.", names_like(metric, known)
        )
    cells = connection.execute(
        f"select distinct period_type || ' ' || channel from {trust} where metric_id = ?"
        " order by all",
        [metric],
    ).fetchall()
    return WarehouseError(
        f"{metric} has no {period_type} for channel {channel} at that time.",
        "There are " + ", ".join(name for (name,) in cells) + ".",
    )
