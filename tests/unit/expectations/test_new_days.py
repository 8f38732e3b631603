"""A daily run reads the new days and what is kept of the others, not the others themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import duckdb

from expectations.plan import Plan
from tests.unit.expectations.conftest import DAYS, Audited, healthy
from tests.unit.expectations.warehouse import PROJECT, Rows, build, build_next, day

_BY_DAY = (
    "int_web_events_landed", "int_web_event_params_unioned", "int_web_event_param_values_unioned",
    "int_web_user_properties_unioned",
)  # fmt: skip


def _split(rows: Rows, is_last: bool) -> Rows:
    """The rows before the last day, or of it; what has no vendor's day is always there."""
    kept = Rows()
    for table, held in rows.tables.items():
        kept.tables[table] = [
            row
            for row in held
            if table not in _BY_DAY or (row["partition_date"] == day(DAYS - 1)) == is_last
        ]
    return kept


def test_the_audit_of_a_new_day_needs_no_event_of_the_days_before(
    audited: Callable[[str], Audited], plan: Plan, tmp_path: Path
) -> None:
    """The days before are gone when the new one is audited, and nothing is missed."""
    build(_split(healthy(), is_last=False), plan, tmp_path)
    new = _split(healthy(), is_last=True)
    new.add("int_touched_web_days", source="ga4", partition_date=day(DAYS - 1))
    for source, client, session in {
        (row["source"], row.get("client_id"), row.get("session_ref"))
        for row in new.tables["int_web_events_landed"]
    }:
        new.add(
            "int_touched_sessions", source=source, client_id=client, session_ref=session,
            session_key="new", from_date=day(DAYS - 1), to_date=day(DAYS - 1),
        )  # fmt: skip
    by_day = build_next(new, tmp_path)
    at_once = audited("healthy").warehouse
    with duckdb.connect() as connection:
        connection.execute(f"attach '{by_day}' as by_day (read_only)")
        connection.execute(f"attach '{at_once}' as at_once (read_only)")
        rows = {
            name: f"select check_id, model_name, source, platform, subject, detail, event_date,"
            f" rows_examined, rows_failing, value from {name}.int_audit_metrics"
            for name in ("by_day", "at_once")
        }
        (count,) = connection.execute(f"select count(*) from ({rows['at_once']})").fetchall()[0]
        missing = connection.execute(f"{rows['at_once']} except all {rows['by_day']}").fetchall()
        added = connection.execute(f"{rows['by_day']} except all {rows['at_once']}").fetchall()
    assert count > 1000
    assert missing == []
    assert added == []


def test_a_model_that_reads_events_reads_the_days_of_the_run() -> None:
    """A model that is built whole reads what other models keep of a day."""
    reads = re.compile(r"ref\(.(" + "|".join(_BY_DAY) + r").\)")
    whole = {
        path.stem
        for path in (PROJECT / "models" / "intermediate" / "audit").glob("*.sql")
        for text in [re.sub(r"-- depends_on:.*", "", path.read_text(encoding="utf-8"))]
        if reads.search(text) and "lies_on_touched_day" not in text
    }
    # Visits are brought up to date by visit: an event of today may belong to one of yesterday.
    assert whole == {"int_audit_sessions_described"}
