"""What a defect did to the numbers: sessions, conversions, revenue and metric cells it touches.

Where the warehouse knows the truth (an order behind a purchase, the first of two equal purchases)
the corrected figure is counted; where it must be estimated (a silent day) an interval goes with it;
where neither is possible nothing is said. Every figure is about the finding's own window and place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from expectations.findings import Finding
from expectations.memory import limited

_METRICS = "int_audit_metrics"
_TABLES = (
    "int_web_events_landed",
    "int_orders_unioned",
    "int_audit_sessions_described",
    "int_audit_sessions_judged",
    "int_audit_transactions_judged",
    "int_audit_orders_judged",
    "int_audit_web_days_judged",
    "int_audit_event_names_counted",
    _METRICS,
)
_CELLS = "int_journey_metrics_computed"

# Two-sided 95 %.
_Z = 1.96

_SESSIONS = "int_audit_sessions_judged"
_ORDERS = "int_audit_orders_judged"
_DAYS = "int_audit_web_days_judged"

# Checks whose failing rows are counted although they should not be.
_SURPLUS = {"COL02": "events", "COL04": "events", "COL06": "events"}
_SURPLUS_SESSIONS = {"COL07", "SES04"}
_SILENT_DAYS = {"COL01", "SCH02", "GOL01"}

Figures = dict[str, Any]


def with_impact(findings: Sequence[Finding], warehouse: Path) -> list[Finding]:
    """Return the findings with what each did to the numbers."""
    with limited(duckdb.connect(str(warehouse), read_only=True)) as connection:
        places: dict[str, str] = {
            name: f'"{schema}"."{name}"'
            for schema, name in connection.execute(
                "select table_schema, table_name from information_schema.tables"
                " where table_name in (select unnest(?))",
                [[*_TABLES, _CELLS]],
            ).fetchall()
        }
        if not set(_TABLES) <= set(places):
            return list(findings)
        impact = _Impact(connection, places)
        return [replace(finding, **impact.of(finding)) for finding in findings]


class _Impact:
    """The estimators over one open warehouse; the two tables that most of them read are kept."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, places: Mapping[str, str]) -> None:
        self.connection = connection
        self.places = places
        connection.execute(
            f"""
            create temp table purchases as
            select
                source, platform, stream_id, client_id, session_ref, event_date, occurred_at,
                transaction_id, cast(event_value as double) as event_value, is_duplicate,
                row_number() over (
                    partition by source, transaction_id
                    order by is_duplicate, occurred_at, web_event_key
                ) as occurrence
            from {places["int_web_events_landed"]}
            where event_name = 'purchase' and not is_superseded
            """
        )
        connection.execute(
            f"""
            create temp table session_values as
            select
                sessions.session_key,
                count(*) as conversions,
                sum(purchases.event_value) as revenue
            from {places["int_audit_sessions_described"]} as sessions
            inner join purchases
                on
                    sessions.source = purchases.source
                    and sessions.stream_id = purchases.stream_id
                    and sessions.client_id = purchases.client_id
                    and sessions.session_ref = purchases.session_ref
            where not purchases.is_duplicate
                and (purchases.transaction_id is null or purchases.occurrence = 1)
            group by sessions.session_key
            """
        )
        if _CELLS in places:
            connection.execute(
                f"""
                create temp table cells as
                select
                    metric_id, channel, period_start,
                    case period_type
                        when 'day' then period_start + interval 1 day
                        when 'week' then period_start + interval 7 day
                        when 'month' then period_start + interval 1 month
                        else period_start + interval 3 month
                    end as period_end,
                    count(*) as cell_count
                from {places[_CELLS]}
                group by all
                """
            )

    def _one(self, sql: str, values: Sequence[Any]) -> tuple[Any, ...]:
        row = self.connection.execute(sql, list(values)).fetchone()
        return row if row is not None else ()

    def of(self, finding: Finding) -> Figures:
        """Return the impact fields of a finding; empty where nothing can be said."""
        if not finding.rows_failing:
            return {}
        figures: Figures = {"affected_cells": self._cells(finding)}
        if finding.first_failed_date is None:
            return figures
        check = finding.check_id
        if check in _SURPLUS:
            figures |= self._surplus(finding, _SURPLUS[check])
        elif check == "COL03":
            figures |= self._duplicates(finding)
        elif check == "GOL02":
            figures |= self._repeated(finding)
        elif check == "GOL04" and finding.subject == "purchase":
            figures |= self._without_value(finding)
        elif check in ("GOL10", "REC02", "REC04"):
            figures |= self._transactions(finding)
        elif check in _SILENT_DAYS:
            figures |= self._silence(finding)
        elif finding.model_name == _SESSIONS:
            figures |= self._sessions(finding)
        elif finding.model_name == _ORDERS:
            figures |= self._orders(finding)
        return figures

    def _cells(self, finding: Finding) -> int | None:
        if _CELLS not in self.places:
            return None
        row = self._one(
            "select coalesce(sum(cell_count), 0) from cells"
            " where metric_id in (select unnest(?)) and (? is null or channel in ('all', ?))"
            " and period_start <= ? and period_end > ?",
            [
                finding.endangers.split(","),
                finding.platform,
                finding.platform,
                finding.last_failed_date or dt.date(9999, 12, 31),
                finding.first_failed_date or dt.date(1900, 1, 1),
            ],
        )
        return int(row[0])

    def _window(self, finding: Finding) -> tuple[str, list[Any]]:
        """Return the condition that keeps the rows of the finding's window and platform."""
        return (
            "source = ? and (? is null or platform = ?) and event_date between ? and ?",
            [
                finding.source,
                finding.platform,
                finding.platform,
                finding.first_failed_date,
                finding.last_failed_date or finding.first_failed_date,
            ],
        )

    def _surplus(self, finding: Finding, what: str) -> Figures:
        """Take away what fails in the finding's window; it may begin before what proves it."""
        places = ("source", "platform", "subject", "detail")
        examined, failing = self._one(
            "select coalesce(sum(rows_examined), 0), coalesce(sum(rows_failing), 0)"
            f" from {self.places[_METRICS]}"
            " where check_id = ? and event_date between ? and ? and "
            + " and ".join(f"coalesce({place}, '') = ?" for place in places),
            [
                finding.check_id,
                finding.first_failed_date,
                finding.last_failed_date or finding.first_failed_date,
                *finding.scope[1:],
            ],
        )
        return _estimate(what, examined, examined - failing)

    def _duplicates(self, finding: Finding) -> Figures:
        window, values = self._window(finding)
        sessions = self._one(
            "select count(distinct (client_id, session_ref)) filter (where client_id is not null)"
            f" from {self.places['int_web_events_landed']}"
            f" where is_duplicate and not is_superseded and {window}",
            values,
        )[0]
        conversions, surplus, reported = self._one(
            "select count(*) filter (where is_duplicate),"
            " coalesce(sum(event_value) filter (where is_duplicate), 0),"
            f" coalesce(sum(event_value), 0) from purchases where {window}",
            values,
        )
        figures: Figures = {
            "affected_sessions": sessions,
            "affected_conversions": conversions,
            "affected_revenue": round(surplus, 2),
        }
        if conversions:
            return figures | _estimate("revenue", reported, reported - surplus)
        return figures | self._surplus(finding, "events")

    def _repeated(self, finding: Finding) -> Figures:
        window, values = self._window(finding)
        conversions, surplus, reported = self._one(
            "select count(*) filter (where occurrence > 1 and transaction_id is not null),"
            " coalesce(sum(event_value) filter"
            " (where occurrence > 1 and transaction_id is not null), 0),"
            f" coalesce(sum(event_value), 0) from purchases where not is_duplicate and {window}",
            values,
        )
        return {
            "affected_conversions": conversions,
            "affected_revenue": round(surplus, 2),
        } | _estimate("revenue", reported, reported - surplus)

    def _without_value(self, finding: Finding) -> Figures:
        window, values = self._window(finding)
        reported, known, unknown, usual, deviation = self._one(
            f"""
            with orders as (
                select transaction_ref, max(cast(total_amount as double)) as total_amount
                from {self.places["int_orders_unioned"]}
                group by transaction_ref
            ),
            bought as (
                select
                    purchases.event_value,
                    orders.total_amount,
                    coalesce(purchases.event_value, 0) <= 0 as is_lacking
                from purchases
                left join orders on purchases.transaction_id = orders.transaction_ref
                where not purchases.is_duplicate and {window}
            ),
            middle as (
                select median(event_value) as usual from bought where not is_lacking
            )
            select
                coalesce(sum(event_value) filter (where not is_lacking), 0),
                coalesce(sum(total_amount) filter (where is_lacking), 0),
                count(*) filter (where is_lacking and total_amount is null),
                max(usual),
                1.4826 * median(abs(event_value - usual)) filter (where not is_lacking)
            from bought cross join middle
            """,
            values,
        )
        lost = known + unknown * (usual or 0.0)
        figures: Figures = {"affected_conversions": finding.rows_failing}
        if not lost:
            return figures
        margin = _Z * (deviation or 0.0) * unknown**0.5
        figures |= {"affected_revenue": round(lost, 2)}
        figures |= _estimate("revenue", reported, reported + lost, margin)
        figures["corrected_low"] = max(figures["corrected_low"], figures["reported_value"])
        return figures

    def _transactions(self, finding: Finding) -> Figures:
        window, values = self._window(finding)
        flag = finding.check_id.lower()
        conversions, reported, true, window_total = self._one(
            f"""
            with failing as (
                select sample_key from {self.places["int_audit_transactions_judged"]}
                where {flag} and {window}
            ),
            orders as (
                select transaction_ref, max(cast(total_amount as double)) as total_amount
                from {self.places["int_orders_unioned"]}
                group by transaction_ref
            ),
            bought as (
                select
                    purchases.event_value,
                    orders.total_amount,
                    failing.sample_key is not null as is_failing
                from purchases
                left join orders on purchases.transaction_id = orders.transaction_ref
                -- the surrogate key of macros/engine/keys.sql
                left join failing
                    on failing.sample_key = md5(
                        coalesce(purchases.source, '∅') || '|'
                        || coalesce(purchases.transaction_id, '∅')
                    )
                where purchases.occurrence = 1 and {window}
            )
            select
                count(*) filter (where is_failing),
                coalesce(sum(event_value) filter (where is_failing), 0),
                coalesce(sum(total_amount) filter (where is_failing), 0),
                coalesce(sum(event_value), 0)
            from bought
            """,
            [*values, *values],
        )
        if finding.check_id == "REC02":
            # What the order system does not know was not sold.
            true = 0.0
        return {
            "affected_conversions": conversions,
            "affected_revenue": round(abs(reported - true), 2),
        } | _estimate("revenue", window_total, window_total - reported + true)

    def _silence(self, finding: Finding) -> Figures:
        """Estimate what should have come on silent days: the median of the weekday's other days."""
        row = self._one(
            f"""
            with silent as (
                select distinct event_date from {self.places[_DAYS]}
                where {finding.check_id.lower()} and source = $1
                    and ($2 is null or platform = $2 or $3 = 'GOL01')
                    and ($4 is null or subject = $4)
            ),
            counts as (
                select event_date, sum(row_count) as event_count
                from {self.places["int_audit_event_names_counted"]}
                where source = $1 and ($2 is null or platform = $2)
                    and ($3 = 'COL01' or event_name = $4)
                group by event_date
            ),
            days as (
                select dates.event_date, coalesce(counts.event_count, 0) as event_count
                from (
                    select distinct event_date
                    from {self.places["int_audit_event_names_counted"]} where source = $1
                ) as dates
                left join counts using (event_date)
                where dates.event_date not in (select event_date from silent)
            ),
            spread as (
                select
                    *,
                    event_count - median(event_count) over (
                        partition by dayofweek(event_date)
                    ) as deviation
                from days
            ),
            expected as (
                select
                    silent.event_date,
                    coalesce(
                        (
                            select median(event_count) from days
                            where dayofweek(days.event_date) = dayofweek(silent.event_date)
                        ),
                        (select median(event_count) from days)
                    ) as event_count
                from silent
            )
            select
                count(*),
                coalesce(sum(event_count), 0),
                (select 1.4826 * median(abs(deviation)) from spread)
            from expected
            """,
            [finding.source, finding.platform, finding.check_id, finding.subject],
        )
        days, lost, deviation = row
        if not days or not lost:
            return {}
        # The median of few weeks is uncertain itself; chance adds what a count must vary by.
        margin = _Z * ((max(deviation or 0.0, (lost / days) ** 0.5) ** 2) * days * 1.5) ** 0.5
        figures = _estimate("events", 0.0, lost, margin)
        if finding.check_id == "GOL01":
            figures["affected_conversions"] = round(lost)
        return figures

    def _sessions(self, finding: Finding) -> Figures:
        window, values = self._window(finding)
        sessions, conversions, revenue = self._one(
            "select count(*), coalesce(sum(session_values.conversions), 0),"
            " coalesce(sum(session_values.revenue), 0)"
            f" from {self.places[_SESSIONS]} as judged"
            " left join session_values on judged.sample_key = session_values.session_key"
            f" where {finding.check_id.lower()} and {window}",
            values,
        )
        figures: Figures = {
            "affected_sessions": sessions,
            "affected_conversions": conversions,
            "affected_revenue": round(revenue, 2),
        }
        if finding.check_id in _SURPLUS_SESSIONS:
            figures |= self._surplus(finding, "sessions")
        return figures

    def _orders(self, finding: Finding) -> Figures:
        window, values = self._window(finding)
        flag = finding.check_id.lower()
        by_detail = finding.detail is not None
        conversions, revenue, total = self._one(
            f"select count(*) filter (where {flag}),"
            f" coalesce(sum(cast(orders.total_amount as double)) filter (where {flag}), 0),"
            " coalesce(sum(cast(orders.total_amount as double)), 0)"
            f" from {self.places[_ORDERS]} as judged"
            f" inner join {self.places['int_orders_unioned']} as orders"
            " on judged.sample_key = orders.order_key"
            f" where {flag} is not null"
            f" and {window.replace('source', 'judged.source', 1)}"
            + (" and judged.detail = ?" if by_detail else ""),
            [*values, finding.detail] if by_detail else values,
        )
        figures: Figures = {
            "affected_conversions": conversions,
            "affected_revenue": round(revenue, 2),
        }
        if finding.check_id in ("REC01", "REC03"):
            figures |= _estimate("revenue", total - revenue, total)
        return figures


def _estimate(what: str, reported: float, corrected: float, margin: float = 0.0) -> Figures:
    return {
        "estimate_of": what,
        "reported_value": round(float(reported), 2),
        "corrected_value": round(float(corrected), 2),
        "corrected_low": round(max(0.0, corrected - margin), 2),
        "corrected_high": round(corrected + margin, 2),
    }
