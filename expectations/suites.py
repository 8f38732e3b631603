"""Plan and catalogue to expectations: for each check the question that finds its failing periods.

An expectation here is plain data (`Expectation`); ``gx_engine`` turns it into a Great Expectations
one. The same query text is used by both the judgement and the reading of failing rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from expectations.catalogue import Catalogue, Check, Severity
from expectations.plan import Plan

SHARES = "int_audit_shares_estimated"
FILES = "int_audit_files_landed"

# A delivery may be half a schedule late before anybody is woken.
_SCHEDULE_GRACE = 1.5


@dataclass(frozen=True)
class Expectation:
    """No row of `table` answers the query, where ``{batch}`` stands for the table."""

    check_id: str
    family: str
    table: str
    query: str
    severity: Severity
    description: str

    def sql(self) -> str:
        """Return the query over the table itself."""
        return self.query.replace("{batch}", self.table)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _share_query(check: Check, max_share: float, extra: str = "") -> str:
    threshold = check.threshold
    periods = ", ".join(_quoted(period) for period in threshold.periods)
    beyond = f" and failing_share_low > {max_share!r}" if max_share > 0 else ""
    return (
        f"select * from {{batch}} where check_id = {_quoted(check.id)}"
        f" and period_type in ({periods})"
        f" and rows_examined >= {threshold.min_examined}"
        f" and rows_failing >= {threshold.min_failing}"
        f"{beyond}{extra}"
    )


def _age_query(check: Check, hours: float, now: dt.datetime, extra: str = "") -> str:
    oldest = now.timestamp() - hours * 3600
    return (
        f"select * from {{batch}} where check_id = {_quoted(check.id)} and period_type = 'all'"
        f" and value < {oldest:.0f}{extra}"
    )


def _is_of_leads(entry: Mapping[str, Any]) -> bool:
    return bool(entry["table"] == "crm_contacts")


def _queries(check: Check, plan: Plan, now: dt.datetime) -> Iterable[tuple[str, str, str]]:
    """Yield (table, query, what the plan adds to the question)."""
    threshold = check.threshold
    if threshold.max_rows is not None:
        yield (
            FILES,
            # Great Expectations puts an aliased subquery in the place of {batch}.
            "with files as (select * from {batch})"
            " select failed.source, failed.table_name, failed.source_file, failed.error,"
            " failed.loaded_at from files as failed"
            " where failed.status = 'failed' and failed.is_required"
            " and not exists (select 1 from files as later where later.source = failed.source"
            " and later.table_name = failed.table_name and later.status = 'loaded'"
            " and later.loaded_at >= failed.loaded_at)",
            "",
        )
    elif threshold.max_age_hours is not None:
        yield SHARES, _age_query(check, threshold.max_age_hours, now), ""
    elif threshold.plan_schedule:
        for source in plan.rows("sources"):
            hours = source["schedule_hours"] * _SCHEDULE_GRACE
            extra = f" and source = {_quoted(source['name'])}"
            yield SHARES, _age_query(check, hours, now, extra), f"{source['name']}, {hours:g} h"
    elif threshold.max_fall_short:
        for entry in plan.rows("crm_fields"):
            extra = (
                f" and subject = {_quoted(entry['table'])} and detail = {_quoted(entry['field'])}"
            )
            most = round(1 - entry["min_fill_share"], 6)
            yield SHARES, _share_query(check, most, extra), f"{entry['field']}, {most:.0%} empty"
    elif check.id == "REC05" and any(map(_is_of_leads, plan.rows("reconciliations"))):
        for entry in filter(_is_of_leads, plan.rows("reconciliations")):
            most = entry.get("max_unmatched_share", threshold.max_share or 0)
            yield SHARES, _share_query(check, most), f"{entry['goal']}, {most:.0%} unmatched"
    elif check.id == "REC01" and plan.rows("reconciliations"):
        for entry in plan.rows("reconciliations"):
            if entry["table"] != "orders":
                continue
            most = entry.get("max_unmatched_share", threshold.max_share or 0)
            for channel in entry.get("channels") or ["web"]:
                extra = f" and platform = {_quoted(channel)}"
                yield SHARES, _share_query(check, most, extra), f"{channel}, {most:.0%} unmatched"
    else:
        yield SHARES, _share_query(check, threshold.max_share or 0), ""


def expectations_for(plan: Plan, catalogue: Catalogue, now: dt.datetime) -> list[Expectation]:
    """Return every expectation that plan and catalogue ask for."""
    return [
        Expectation(
            check_id=check.id,
            family=check.family,
            table=table,
            query=query,
            severity=check.severity,
            description=f"{check.id} {check.rule}" + (f" ({addition})" if addition else ""),
        )
        for check in catalogue.checks
        for table, query, addition in _queries(check, plan, now)
    ]
