"""Findings: failing periods of one check in one place, with their state from audit to audit.

The store is append-only: each audit writes one Parquet file with every finding as it then stood.
Findings hold counts, places and keyed samples; never a personal detail.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.catalogue import SEVERITY_WEIGHT, Catalogue, Check
from expectations.guards import Guards
from expectations.gx_engine import Judgement
from expectations.plan import Plan

OPEN_STATES = ("new", "ongoing")

# A defect that has been silent for a week of data is taken for ended; its past stays wrong.
_QUIET_DAYS = 7
# The finest periods that hold this share of all failing rows tell when the defect was there.
_MOST = 0.8

#: How much more a defect weighs at an event of a key touchpoint, by the plan.
_KEY_TOUCHPOINT = 1.5
_OF_EVENTS = frozenset({"collection", "sessions", "schema", "goals", "privacy", "volume"})

Scope = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Finding:
    """One defect in one place, as one audit saw it."""

    audit_id: str
    audited_at: dt.datetime
    finding_id: str
    check_id: str
    family: str
    severity: str
    state: str
    accepted_until: dt.date | None
    accepted_why: str | None
    source: str
    platform: str | None
    subject: str | None
    detail: str | None
    model_name: str
    first_failed_at: dt.datetime | None
    last_failed_at: dt.datetime | None
    first_failed_date: dt.date | None
    last_failed_date: dt.date | None
    first_seen_at: dt.datetime
    periods_failing: int
    rows_examined: int
    rows_failing: int
    failing_share: float | None
    impact: float
    endangers: str
    owner: str | None
    blocks_publication: bool
    note: str | None
    cause: str | None = None
    cause_fi: str | None = None
    affected_sessions: int | None = None
    affected_conversions: int | None = None
    affected_revenue: float | None = None
    affected_cells: int | None = None
    estimate_of: str | None = None
    reported_value: float | None = None
    corrected_value: float | None = None
    corrected_low: float | None = None
    corrected_high: float | None = None
    failing_columns: str | None = None
    example_keys: str | None = None
    repair_steps: str | None = None
    page_prefix: str | None = None
    device_category: str | None = None
    browser: str | None = None
    app_version: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the defect is there now and nobody has accepted it."""
        return self.state in OPEN_STATES

    @property
    def scope(self) -> Scope:
        """What the finding's samples and daily shares are found by."""
        return scope_of(asdict(self))


_ARROW: Mapping[str, pa.DataType] = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "dt.datetime": pa.timestamp("us"),
    "dt.date": pa.date32(),
}

FINDING_SCHEMA = pa.schema(
    [(f.name, _ARROW[str(f.type).removesuffix(" | None")]) for f in fields(Finding)]
)


#: Beside the findings: which checks each audit could assess. No finding says nothing without it.
_ASSESSMENT: Mapping[str, pa.DataType] = {
    "audit_id": pa.string(),
    "audited_at": pa.timestamp("us"),
    "check_id": pa.string(),
    "severity": pa.string(),
    "is_assessable": pa.bool_(),
}

ASSESSMENT_SCHEMA = pa.schema(_ASSESSMENT)

#: Beside them: which check guards which metric, by the newest audit alone.
_GUARD: Mapping[str, pa.DataType] = {
    "audited_at": pa.timestamp("us"),
    "check_id": pa.string(),
    "metric_id": pa.string(),
    "columns": pa.string(),
    "models": pa.string(),
    "because": pa.string(),
}

GUARD_SCHEMA = pa.schema(_GUARD)


def scope_of(row: Mapping[str, Any]) -> Scope:
    """Return the key that places a row of the audit's tables."""
    return (
        row["check_id"],
        row["source"] or "",
        row["platform"] or "",
        row["subject"] or "",
        row["detail"] or "",
    )


def finding_id(scope: Scope) -> str:
    """Return the id that a defect keeps from audit to audit."""
    return hashlib.md5("|".join(scope).encode(), usedforsecurity=False).hexdigest()[:16]


def ensure_store(folder: Path) -> None:
    """Write the empty first files of the store, so that dbt can read it before the first audit."""
    for place, schema in (
        (folder, FINDING_SCHEMA),
        (_assessments(folder), ASSESSMENT_SCHEMA),
        (_guards(folder), GUARD_SCHEMA),
    ):
        place.mkdir(parents=True, exist_ok=True)
        if not any(place.glob("*.parquet")):
            pq.write_table(schema.empty_table(), place / "0_schema.parquet")


def _assessments(folder: Path) -> Path:
    return folder.parent / "assessments"


def _guards(folder: Path) -> Path:
    return folder.parent / "guards"


def read_store(folder: Path) -> list[Finding]:
    """Return every finding of every audit, oldest audit first."""
    rows: list[Finding] = []
    for path in sorted(folder.glob("*.parquet")):
        rows += [Finding(**row) for row in pq.read_table(path, schema=FINDING_SCHEMA).to_pylist()]
    return sorted(rows, key=lambda finding: finding.audited_at)


def append(folder: Path, audit_id: str, findings: Sequence[Finding]) -> Path:
    """Write one audit's findings; the file appears whole or not at all."""
    ensure_store(folder)
    table = pa.Table.from_pylist([asdict(f) for f in findings], schema=FINDING_SCHEMA)
    return _write(table, folder / f"findings_{audit_id}.parquet")


def append_assessments(
    folder: Path, audit_id: str, now: dt.datetime, catalogue: Catalogue, assessable: Collection[str]
) -> Path:
    """Write which checks one audit could assess, beside its findings (trust is graded by both)."""
    ensure_store(folder)
    rows = [
        {
            "audit_id": audit_id,
            "audited_at": now,
            "check_id": check.id,
            "severity": check.severity,
            "is_assessable": check.id in assessable,
        }
        for check in catalogue.checks
    ]
    table = pa.Table.from_pylist(rows, schema=ASSESSMENT_SCHEMA)
    return _write(table, _assessments(folder) / f"assessments_{audit_id}.parquet")


def write_guards(folder: Path, now: dt.datetime, guards: Guards) -> Path:
    """Write which check guards which metric and why, in the place of what an earlier audit wrote.

    It follows from the rules and not from the data: there is no history of it.
    """
    ensure_store(folder)
    rows = [
        {
            "audited_at": now,
            "check_id": guard.check_id,
            "metric_id": guard.metric_id,
            "columns": ", ".join(guard.columns),
            "models": ", ".join(guard.models),
            "because": guard.because,
        }
        for guard in guards.listed
    ]
    table = pa.Table.from_pylist(rows, schema=GUARD_SCHEMA)
    return _write(table, _guards(folder) / "guards.parquet")


def _write(table: pa.Table, path: Path) -> Path:
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary)
    temporary.replace(path)
    return path


def latest(findings: Iterable[Finding], before: str | None = None) -> list[Finding]:
    """Return the findings of the newest audit (but not of the audit `before`)."""
    kept = [finding for finding in findings if finding.audit_id != before]
    newest = max((finding.audited_at for finding in kept), default=None)
    return [finding for finding in kept if finding.audited_at == newest]


def _disjoint(weeks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose, of weeks that begin on any day, those that share no day and hold most failing rows.

    (Weighted interval scheduling.) Weeks that overlap would count their rows several times.
    """
    weeks = sorted(weeks, key=lambda row: row["period_start"])
    starts = [row["period_start"] for row in weeks]
    # for the weeks from the n-th on: rows failing, whether the n-th is chosen, and the next to ask
    best: list[tuple[int, bool, int]] = [(0, False, len(weeks))]
    for number in reversed(range(len(weeks))):
        after = bisect_left(starts, starts[number] + dt.timedelta(days=7))
        chosen = weeks[number]["rows_failing"] + best[len(weeks) - after][0]
        passed = best[len(weeks) - number - 1][0]
        best.append((chosen, True, after) if chosen > passed else (passed, False, number + 1))
    kept, number = [], 0
    while number < len(weeks):
        _, is_chosen, following = best[len(weeks) - number]
        if is_chosen:
            kept.append(weeks[number])
        number = following
    return kept


def _finest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose the shortest kind of period that explains the failures."""
    by_type: dict[str, list[dict[str, Any]]] = {"day": [], "week": [], "all": []}
    for row in rows:
        by_type[row["period_type"]].append(row)
    by_type["week"] = _disjoint(by_type["week"])
    most = max(sum(r["rows_failing"] for r in kind) for kind in by_type.values())
    for kind in by_type.values():
        if kind and sum(r["rows_failing"] for r in kind) >= _MOST * most:
            return kind
    return rows


def _impact(
    check: Check, share: float, rows_failing: int, is_active: bool, is_key_touchpoint: bool
) -> float:
    """Severity × size × place: how much of the data is wrong, how many rows, now, and where."""
    size = 0.3 + 0.7 * min(1.0, share) ** 0.5
    breadth = min(1.0, 0.4 + 0.1 * len(str(max(rows_failing, 1))))
    place = _KEY_TOUCHPOINT if is_key_touchpoint else 1
    now = 1 if is_active else 0.4
    return round(SEVERITY_WEIGHT[check.severity] * size * breadth * now * place, 4)


def is_at_key_touchpoint(plan: Plan, family: str, subject: str | None) -> bool:
    """Whether a finding is of an event that stands for a key touchpoint.

    A survey may have an event's name: only what is found of events counts.
    """
    return family in _OF_EVENTS and any(
        subject in events for events in plan.key_touchpoints.values()
    )


def _acceptance(plan: Plan, scope: Scope, today: dt.date) -> tuple[dt.date, str] | None:
    for entry in plan.rows("accepted"):
        until = dt.date.fromisoformat(entry["until"])
        place = entry.get("scope")
        if entry["check"] == scope[0] and until >= today and (not place or place in scope):
            return until, entry["why"]
    return None


def _owner(plan: Plan, check: Check, scope: Scope) -> str | None:
    owner = plan.owner_of(scope[3])
    defaults = {"privacy": "data protection", "crm": "customer data", "surveys": "customer insight"}
    return owner or defaults.get(check.family, "analytics")


def _dates(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows if row.get(name) is not None]


def find(
    judgements: Sequence[Judgement],
    guards: Guards,
    previous: Sequence[Finding],
    newest_dates: Mapping[tuple[str, str], dt.date],
    audit_id: str,
    now: dt.datetime,
) -> list[Finding]:
    """Gather failing periods into findings and give each its state.

    Args:
        judgements: what Great Expectations found failing.
        guards: the checks, the plan (exceptions and owners), and what a finding endangers.
        previous: the findings of the audit before.
        newest_dates: newest day of data by check and source; a finding that ended well before it
            is solved, although the days it spoilt stay spoilt.
        audit_id: this audit.
        now: the run clock (UTC, naive).
    """
    plan, catalogue = guards.plan, guards.catalogue
    before = {finding.finding_id: finding for finding in previous}
    places: dict[Scope, list[dict[str, Any]]] = {}
    for judgement in judgements:
        for row in judgement.failing_rows:
            row = {"check_id": judgement.expectation.check_id, **_manifest_row(row)}
            places.setdefault(scope_of(row), []).append(row)

    findings: list[Finding] = []
    for scope, rows in places.items():
        check = catalogue.by_id[scope[0]]
        periods = _finest(rows)
        identity = finding_id(scope)
        examined = sum(row["rows_examined"] for row in periods)
        failing = sum(row["rows_failing"] for row in periods)
        share = failing / examined if examined else None
        first_date = min(_dates(periods, "first_failed_date"), default=None)
        last_date = max(_dates(periods, "last_failed_date"), default=None)
        newest = newest_dates.get((check.id, scope[1]))
        by_age = check.threshold.max_age_hours is not None or check.threshold.plan_schedule
        is_active = (
            by_age
            # A record that is wrong stays wrong until somebody mends it, however old it is.
            or check.threshold.periods == ("all",)
            or last_date is None
            or newest is None
            or last_date >= newest - dt.timedelta(days=_QUIET_DAYS)
        )
        known = before.get(identity)
        acceptance = _acceptance(plan, scope, now.date())
        if not is_active:
            state = "solved"
        elif acceptance:
            state = "accepted"
        elif known and known.state in (*OPEN_STATES, "accepted"):
            state = "ongoing"
        else:
            state = "new"
        findings.append(
            Finding(
                audit_id=audit_id,
                audited_at=now,
                finding_id=identity,
                check_id=check.id,
                family=check.family,
                severity=check.severity,
                state=state,
                accepted_until=acceptance[0] if acceptance else None,
                accepted_why=acceptance[1] if acceptance else None,
                source=scope[1],
                platform=scope[2] or None,
                subject=scope[3] or None,
                detail=scope[4] or None,
                model_name=rows[0]["model_name"],
                first_failed_at=min(_dates(periods, "first_failed_at"), default=None),
                last_failed_at=max(_dates(periods, "last_failed_at"), default=None),
                first_failed_date=first_date,
                last_failed_date=last_date,
                first_seen_at=known.first_seen_at if known else now,
                periods_failing=len(periods),
                rows_examined=examined,
                rows_failing=failing,
                failing_share=share,
                impact=_impact(
                    check,
                    1.0 if by_age else share or 0.0,
                    failing,
                    is_active,
                    is_at_key_touchpoint(plan, check.family, scope[3]),
                ),
                endangers=",".join(guards.endangered(scope)),
                failing_columns=", ".join(guards.failing(scope)),
                owner=_owner(plan, check, scope),
                blocks_publication=check.blocks_publication
                or plan.blocks(check.id, check.severity),
                note=_note(periods, by_age, now),
            )
        )
    found = {finding.finding_id for finding in findings}
    for gone in previous:
        if gone.finding_id not in found and gone.check_id in catalogue.by_id:
            # repaired: nothing fails any more, not even in the past
            values = asdict(gone) | {"audit_id": audit_id, "audited_at": now, "state": "solved"}
            values |= {"rows_failing": 0, "failing_share": 0.0}
            findings.append(Finding(**values))
    return sorted(findings, key=lambda f: (-f.impact, f.check_id, f.finding_id))


def _manifest_row(row: dict[str, Any]) -> dict[str, Any]:
    """Give a failed file the columns of a failing period."""
    if "period_type" in row:
        return row
    loaded = row["loaded_at"]
    return {
        "model_name": "int_audit_files_landed",
        "source": row["source"],
        "platform": None,
        "subject": row["table_name"],
        "detail": row["source_file"],
        "period_type": "all",
        "rows_examined": 1,
        "rows_failing": 1,
        "value": None,
        "first_failed_date": loaded.date(),
        "last_failed_date": None,
        "first_failed_at": loaded,
        "last_failed_at": None,
        "error": row["error"],
    }


def _note(periods: Sequence[Mapping[str, Any]], by_age: bool, now: dt.datetime) -> str | None:
    if by_age:
        newest = max(_dates(periods, "value"), default=None)
        if newest is not None:
            age = now.replace(tzinfo=dt.UTC).timestamp() - newest
            at = dt.datetime.fromtimestamp(newest, dt.UTC)
            return f"newest {at:%Y-%m-%d %H:%M} UTC, {age / 3600:.0f} h old"
    errors = _dates(periods, "error")
    return errors[0] if errors else None
