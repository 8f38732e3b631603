"""Defects of delivery: a day that is missing, one that came twice, rows that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seeds.sample.defects.ledger import ADDED, REMOVED, Ledger
from seeds.sample.exports.files import append_line
from seeds.sample.world import World


@dataclass(frozen=True)
class BrokenRow:
    """A row that must land in quarantine.

    Attributes:
        file: File below the exports folder.
        reason: What is wrong, in words.
        record: The raw line.
    """

    file: str
    reason: str
    record: str


_TIMES = "2026-08-03 10:11:12;2026-08-03 10:15:12"
CALL_LINES = (
    ("too few columns", f"L9000001;phone;inbound;{_TIMES};phone_fi"),
    (
        "too many columns",
        f"L9000002;phone;inbound;{_TIMES};phone_fi;;delivery;A001;puhelin;040 1234567;;;;10;200;"
        "resolved;0;1;30001;ylimääräinen;sarake",
    ),
    (
        "started_at is no time",
        "L9000003;phone;inbound;eilen klo 10;2026-08-03 10:15:12;phone_fi;;delivery;A001;puhelin;"
        "040 1234567;;;;10;200;resolved;0;1;30001",
    ),
)
SURVEY_LINES = (
    (
        "a semicolon in an unquoted comment makes too many columns",
        "pr9000001;purchase;P9000001;;;;;;;KA100001;;email;web_purchase;fi;complete;"
        "2026-08-01 10:00:00;2026-08-01 10:02:00;9;6;5;;;;;;;;Hyvä; nopea; toimiva",
    ),
)
SPEND_LINES = (
    ("date is no day", "31.02.2026,google_ads,google_ads-5,brandi_yleinen,google,cpc,EUR,4.1,90,3"),
)
JSON_LINES = (
    ("zendesk/tickets.jsonl", "the JSON ends in the middle", '{"id": 39999, "subject": "Kesken'),
    (
        "hubspot/contacts.jsonl",
        "id is missing",
        '{"properties": {"email": null, "lastname": "Tunnukseton"}, "archived": false}',
    ),
)


def plan_days(world: World) -> dict[str, int]:
    """The days that are missing or left over; none in a window too short to spare them."""
    if world.settings.days < 7:
        return {}
    calendar = world.calendar
    return {"missing": calendar.day(0.62), "leftover": calendar.day(0.91)}


def record_days(ledger: Ledger, days: dict[str, int]) -> None:
    """Write the planned days down; needs `event_days`."""
    calendar = ledger.world.calendar
    for name, defect, check, what, kind in (
        ("missing", "missing_day", "COL01", "A day's table was never exported.", REMOVED),
        (
            "leftover",
            "leftover_intraday",
            "COL02",
            "A day's intraday table stays beside its daily table.",
            ADDED,
        ),
    ):
        if name not in days:
            continue
        ledger.pick(f"select event_timestamp from event_days where file_day = {days[name]}")
        ledger.record(
            defect,
            check,
            what,
            "ga4.events",
            "event_timestamp",
            kind=kind,
            window=calendar.span(days[name]),
            scope={"day": calendar.date_of(days[name]).isoformat()},
        )


def spoil_files(world: World, out: Path, calls_file: str) -> list[BrokenRow]:
    """Append the broken JSON lines; returns every broken row with its place.

    Args:
        world: The world.
        out: Folder of the exports.
        calls_file: Call-centre file that took the broken lines.

    Returns:
        All broken rows, those that the CSV writers wrote included.
    """
    for file, _, record in JSON_LINES:
        append_line(out / file, record, world.calendar.end)
    return [
        *(BrokenRow(calls_file, reason, record) for reason, record in CALL_LINES),
        *(
            BrokenRow("questback/responses_purchase.csv", reason, record)
            for reason, record in SURVEY_LINES
        ),
        *(BrokenRow("ad_spend/spend.csv", reason, record) for reason, record in SPEND_LINES),
        *(BrokenRow(file, reason, record) for file, reason, record in JSON_LINES),
    ]
