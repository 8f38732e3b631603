"""How many defects the tracking audit finds: ``python -m tests.benchmarks.audit``.

Every kind of defect is planted in a healthy month at several intensities, one build per intensity
and seed with all kinds in windows of their own, and nothing at all in the clean months. Intensity
is the share of rows hit in the window beyond the check's threshold. Printed are recall, false
findings of clean months, and whether the window's beginning is found to the hour and day.
Planting shares no code and no constant with the checks, besides the thresholds that define what
intensity means.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from expectations.catalogue import load_catalogue
from expectations.findings import Finding
from expectations.plan import load_plan
from expectations.run import audit
from tests.unit.expectations.conftest import DAYS, NOW, healthy, planned
from tests.unit.expectations.warehouse import Rows, build, day

Row = dict[str, Any]
Change = Callable[[Row], None]

_EVENTS = "int_web_events_landed"
_PARAMS = "int_web_event_params_unioned"
_ORDERS = "int_orders_unioned"
_CONTACTS = "int_crm_contacts_unioned"


@dataclass(frozen=True)
class Defect:
    """A way to spoil rows, and the check that must notice."""

    check_id: str
    table: str
    is_hit: Callable[[Row], bool]
    spoil: Change
    copies: bool = False


def _named(*names: str) -> Callable[[Row], bool]:
    return lambda row: row["event_name"] in names


def _param(event: str, key: str) -> Callable[[Row], bool]:
    return lambda row: row["event_name"] == event and row["param_key"] == key


def _to(**values: Any) -> Change:
    return lambda row: row.update(values)


def _identified(row: Row) -> bool:
    return row.get("client_id") is not None


def _unknown_order(row: Row) -> None:
    row["transaction_id"] = f"unheard-of-{row['transaction_id']}"


_PURCHASE = _named("purchase")

DEFECTS: tuple[Defect, ...] = (
    Defect("COL03", _EVENTS, _identified, _to(is_duplicate=True), copies=True),
    Defect("COL05", _EVENTS, _named("view_item"), _to(page_host="test.shop.example")),
    Defect("COL06", _EVENTS, _identified, _to(is_internal=True)),
    Defect("SES01", _EVENTS, _identified, _to(session_ref=None)),
    Defect("SES02", _EVENTS, _identified, _to(session_ref_type="string")),
    Defect("SES05", _EVENTS, _named("login"), _to(user_id=None)),
    Defect("SES06", _EVENTS, _named("login"), _to(user_id="undefined")),
    Defect("SCH01", _EVENTS, _named("view_search_results"), _to(event_name="overlay_open")),
    Defect("SCH03", _EVENTS, _named("content_feedback"), _to(event_name="Content-Feedback")),
    Defect("SCH05", _PARAMS, _param("page_view", "session_engaged"), _to(value_type="int")),
    Defect("SCH06", _PARAMS, _param("content_feedback", "useful"), _to(value_text="ehkä")),
    Defect("SCH08", _PARAMS, _param("view_search_results", "search_term"),
           _to(value_text="x" * 100, value_length=100)),
    Defect("SCH09", _PARAMS, _param("view_search_results", "search_term"),
           _to(value_text="undefined")),
    Defect("GOL02", _EVENTS, _PURCHASE, _to(), copies=True),
    Defect("GOL03", _EVENTS, _PURCHASE, _to(transaction_id=None)),
    Defect("GOL04", _EVENTS, _PURCHASE, _to(event_value=None)),
    Defect("GOL05", _EVENTS, _PURCHASE, _to(item_count=0, items_amount=None)),
    Defect("GOL06", _EVENTS, _PURCHASE, _to(event_value=64.0)),
    Defect("GOL10", _EVENTS, _PURCHASE, _to(event_value=0.5)),
    Defect("ATT04", _EVENTS, _named("session_start"),
           _to(traffic_source="paytrail.com", traffic_medium="referral")),
    Defect("ATT07", _EVENTS, _named("session_start"),
           _to(traffic_source="NewsLetter", traffic_medium="email")),
    Defect("PRI01", _EVENTS, _named("page_view"), _to(has_personal_data=True)),
    Defect("PRI02", _EVENTS, lambda row: True, _to(consent_analytics="unset")),
    Defect("PRI03", _EVENTS, lambda row: row["consent_analytics"] == "denied",
           _to(client_id="kept")),
    Defect("VOL06", _EVENTS, _identified, _to(server_offset_seconds=200000.0)),
    Defect("REC02", _EVENTS, _PURCHASE, _unknown_order),
    Defect("REC04", _EVENTS, _PURCHASE, _to(event_value=57.0, items_amount=57.0)),
    Defect("REC07", _ORDERS, lambda row: row["loyalty_id"] is not None, _to(loyalty_id="X0")),
    Defect("CRM02", _CONTACTS, lambda row: True, _to(is_email_valid=False)),
    Defect("CRM03", _CONTACTS, lambda row: True, _to(lifecycle_stage=None)),
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """What was spoilt, where and how much."""

    check_id: str
    rows: int
    first_at: datetime | None
    first_date: date | None


def plant(
    rows: Rows, defect: Defect, share: float, rng: random.Random, spoilt: set[int]
) -> Planted | None:
    """Spoil a share of a defect's rows within a window of a week; None where no row is hit.

    `spoilt` holds the rows that earlier defects hit: none undoes what another did.
    """
    start = rng.randrange(2, DAYS - 9)
    window = {day(start + n) for n in range(7)}

    def in_window(row: Row) -> bool:
        when = row.get("event_date") or row.get("order_date")
        return when is None or when in window

    candidates = [r for r in rows.tables[defect.table] if defect.is_hit(r) and in_window(r)]
    chosen = [row for row in candidates if rng.random() < share and id(row) not in spoilt]
    spoilt.update(map(id, chosen))
    for number, row in enumerate(chosen):
        if defect.copies:
            copy = row | {"web_event_key": f"{row['web_event_key']}-{defect.check_id}{number}"}
            defect.spoil(copy)
            rows.tables[defect.table].append(copy)
        else:
            defect.spoil(row)
    if not chosen:
        return None
    times = [row["occurred_at"] for row in chosen if row.get("occurred_at")]
    dates = [row["event_date"] for row in chosen if row.get("event_date")]
    return Planted(defect.check_id, len(chosen), min(times, default=None), min(dates, default=None))


def _audited(rows: Rows) -> list[Finding]:
    plan, catalogue = planned(load_plan()), load_catalogue()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warehouse = build(rows, plan, folder)
        outcome = audit(warehouse, plan, catalogue, folder / "state", folder / "reports", NOW)
    return outcome.findings


def _within_an_hour(found: datetime | None, truth: Planted) -> bool:
    if found is None or truth.first_at is None:
        return False
    return abs((found - truth.first_at).total_seconds()) < 3600


def _batches(size: int) -> Iterator[tuple[Defect, ...]]:
    """Defects of one build; those of a batch spoil different rows or different fields."""
    for first in range(0, len(DEFECTS), size):
        yield DEFECTS[first : first + size]


def main() -> None:
    """Plant, audit and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.audit", description=__doc__)
    parser.add_argument("--intensities", nargs="*", type=float, default=[0.005, 0.01, 0.05, 0.2])
    parser.add_argument("--visits", type=int, default=180, help="visits a day")
    parser.add_argument("--clean", type=int, default=2, help="clean months")
    parser.add_argument("--together", type=int, default=30, help="kinds of defects in one build")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    limits = {check.id: check.threshold.max_share or 0.0 for check in load_catalogue().checks}
    print(f"{len(DEFECTS)} kinds of defects, {options.visits} visits a day, {DAYS} days")
    for intensity in options.intensities:
        found, planted, days_right, hours_right, timed = 0, 0, 0, 0, 0
        missed: list[str] = []
        for batch in _batches(options.together):
            rows = healthy(options.visits)
            spoilt: set[int] = set()
            truths = [
                truth
                for defect in batch
                if (truth := plant(rows, defect, limits[defect.check_id] + intensity, rng, spoilt))
            ]
            findings = _audited(rows)
            for truth in truths:
                planted += 1
                own = [f for f in findings if f.check_id == truth.check_id]
                if not own:
                    missed.append(f"{truth.check_id} ({truth.rows} rows)")
                    continue
                found += 1
                if truth.first_at and truth.first_date:
                    dated = [f for f in own if f.first_failed_at]
                    timed += bool(dated)
                    days_right += any(f.first_failed_date == truth.first_date for f in dated)
                    hours_right += any(_within_an_hour(f.first_failed_at, truth) for f in dated)
        print(
            f"intensity {intensity:.1%}: recall {found}/{planted} = {found / planted:.2f};"
            f" beginning found to the day {days_right}/{timed}, to the hour {hours_right}/{timed}"
        )
        if missed:
            print("  missed:", ", ".join(missed))
    for number in range(options.clean):
        findings = _audited(healthy(options.visits + 7 * number))
        print(f"clean month {number + 1}: {len(findings)} false findings")


if __name__ == "__main__":
    main()
