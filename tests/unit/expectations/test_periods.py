"""The periods that a failing share is judged over."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from expectations.plan import Plan
from tests.unit.expectations.warehouse import Rows, build, connect

_FIRST = dt.date(2026, 1, 5)  # a Monday


def _metrics(failing_by_day: dict[int, int], days: int) -> pa.Table:
    """One check's day counts: 700 rows a day, of which so many fail."""
    rows = [
        {
            "check_id": "ATT05",
            "model_name": "int_audit_sessions_judged",
            "source": "ga4",
            "platform": "web",
            "subject": None,
            "detail": None,
            "event_date": _FIRST + dt.timedelta(days=number),
            "rows_examined": 700,
            "rows_failing": failing_by_day.get(number, 0),
            "value": None,
            "first_failed_at": None,
            "last_failed_at": None,
        }
        for number in range(days)
    ]
    text, time = pa.string(), pa.timestamp("us")
    schema = pa.schema(
        {
            **dict.fromkeys(
                ("check_id", "model_name", "source", "platform", "subject", "detail"), text
            ),
            "event_date": pa.date32(),
            "rows_examined": pa.int64(),
            "rows_failing": pa.int64(),
            "value": pa.float64(),
            "first_failed_at": time,
            "last_failed_at": time,
        }
    )
    return pa.Table.from_pylist(rows, schema=schema)


@pytest.fixture(scope="module")
def weeks(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[int, int, int]]:
    """Rows examined, rows failing and the last failing day of each week, by its first day."""
    folder: Path = tmp_path_factory.mktemp("periods")
    # from a Thursday to the Wednesday after
    failing = dict.fromkeys(range(10, 17), 30)
    warehouse = build(
        Rows(), plan, folder,
        given={"int_audit_metrics": _metrics(failing, 28)},
        select="int_audit_shares_estimated stubs int_audit_metrics",
    )  # fmt: skip
    with connect(warehouse) as connection:
        return {
            (start - _FIRST).days: (examined, failed, (last - _FIRST).days if last else -1)
            for start, examined, failed, last in connection.execute(
                "select period_start, rows_examined, rows_failing, last_failed_date"
                " from int_audit_shares_estimated where period_type = 'week'"
            ).fetchall()
        }


def test_a_week_begins_on_every_day(weeks: dict[int, tuple[int, int, int]]) -> None:
    assert sorted(weeks) == list(range(28))


def test_a_week_holds_its_seven_days_and_no_more(weeks: dict[int, tuple[int, int, int]]) -> None:
    assert weeks[10] == (4900, 210, 16)
    assert weeks[9] == (4900, 180, 15)
    assert weeks[16] == (4900, 30, 16)
    assert weeks[17] == (4900, 0, -1)
    assert weeks[3] == (4900, 0, -1)


def test_the_last_weeks_end_with_the_data(weeks: dict[int, tuple[int, int, int]]) -> None:
    assert weeks[27] == (700, 0, -1)
