"""Plan and catalogue to expectations: for each check the question that finds its failing periods.

An expectation here is plain data (`Expectation`); ``gx_engine`` turns it into a Great Expectations
one. The same query text is used by both the judgement and the reading of failing rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expectations.catalogue import Catalogue, Check, Severity
from expectations.plan import Plan

SHARES = "int_audit_shares_estimated"
FILES = "int_audit_files_landed"

# Checks whose threshold the plan's reconciliations give, with the table that each compares.
_RECONCILED = {"REC01": "orders", "REC05": "crm_contacts"}

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


@dataclass(frozen=True)
class _Limit:
    """A share that one version of the plan allows, and the days on which it held."""

    begins: dt.date
    ends: dt.date
    share: float


def _share_query(check: Check, limits: float | Sequence[_Limit], extra: str = "") -> str:
    threshold = check.threshold
    periods = ", ".join(_quoted(period) for period in threshold.periods)
    limits = [_Limit(dt.date.min, dt.date.max, limits)] if isinstance(limits, float) else limits
    beyond = ""
    if len({limit.share for limit in limits}) > 1:
        # A period that several versions share is judged by the most lenient of those under which
        # its failures lie: each of them may have been right.
        held = ", ".join(
            f"case when coalesce(first_failed_date, date '9999-12-30') < date '{limit.ends}'"
            f" and coalesce(last_failed_date, date '9999-12-30') >= date '{limit.begins}'"
            f" then {limit.share!r} end"
            for limit in limits
        )
        beyond = f" and failing_share_low > greatest({held})"
    elif limits[0].share > 0:
        beyond = f" and failing_share_low > {limits[0].share!r}"
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


def _limits(
    plan: Plan,
    section: str,
    key: Callable[[Mapping[str, Any]], Iterable[Hashable]],
    share: Callable[[Mapping[str, Any]], float],
) -> dict[Any, list[_Limit]]:
    """Return what every version of the plan allows of each thing that a section names."""
    found: dict[Any, list[_Limit]] = {}
    for version, begins, ends in plan.versions:
        most: dict[Hashable, float] = {}
        for entry in version.rows(section):
            for name in key(entry):
                most[name] = max(share(entry), most.get(name, 0.0))
        for name, allowed in most.items():
            found.setdefault(name, []).append(_Limit(begins, ends, allowed))
    return found


def _told(limits: Sequence[_Limit]) -> str:
    shares = list(dict.fromkeys(limit.share for limit in limits))
    words = [f"{share:.0%}" for share in shares]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, then {words[-1]}"


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
        fields = _limits(
            plan,
            "crm_fields",
            lambda entry: [(entry["table"], entry["field"])],
            lambda entry: round(1 - entry["min_fill_share"], 6),
        )
        for (table, field), limits in fields.items():
            extra = f" and subject = {_quoted(table)} and detail = {_quoted(field)}"
            yield SHARES, _share_query(check, limits, extra), f"{field}, {_told(limits)} empty"
    elif check.id in _RECONCILED:
        table = _RECONCILED[check.id]
        # Orders are reconciled channel by channel, leads wherever they were left.
        reconciled = _limits(
            plan,
            "reconciliations",
            lambda entry: (
                ()
                if entry["table"] != table
                else (entry.get("channels") or ["web"])
                if table == "orders"
                else [None]
            ),
            lambda entry: float(entry.get("max_unmatched_share", threshold.max_share or 0)),
        )
        for channel, limits in reconciled.items():
            extra = f" and platform = {_quoted(channel)}" if channel else ""
            what = channel or "leads"
            yield SHARES, _share_query(check, limits, extra), f"{what}, {_told(limits)} unmatched"
        if not reconciled:
            yield SHARES, _share_query(check, float(threshold.max_share or 0)), ""
    else:
        yield SHARES, _share_query(check, float(threshold.max_share or 0)), ""


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
