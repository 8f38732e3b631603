"""The measurement plan for people: a readable page, and a CSV file per list for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from expectations.plan import Plan

_HERE = Path(__file__).parent / "report"

# Lists of the plan that have a sheet of their own; parameters stand apart from their events.
_SHEETS = (
    "personas",
    "journeys",
    "goals",
    "common_params",
    "user_properties",
    "reconciliations",
    "surveys",
    "crm_fields",
    "sources",
    "accepted",
    "changes",
)

# In the order of a customer's way.
_STAGES = ("awareness", "consideration", "purchase", "use", "support", "loyalty")


def export_plan(plan: Plan, folder: Path) -> list[Path]:
    """Write ``plan.html`` and one CSV file per list; what a longer plan left is removed.

    Returns:
        The files, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {name: plan.rows(name) for name in _SHEETS}
    sheets["events"] = [
        {name: value for name, value in event.items() if name != "params"} for event in plan.events
    ]
    sheets["params"] = [
        {"event": event["name"], **param}
        for event in plan.events
        for param in event.get("params") or []
    ]
    page = folder / "plan.html"
    page.write_text(_page(plan), encoding="utf-8")
    written = [page]
    for name, rows in sorted(sheets.items()):
        path = folder / f"{name}.csv"
        path.unlink(missing_ok=True)
        if rows:
            written.append(_write_csv(path, rows))
    return written


def _page(plan: Plan) -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    environment.tests["filled_in"] = lambda name, rows: any(name in row for row in rows)
    return environment.get_template("plan.html.jinja").render(
        plan=plan,
        prop=plan.data["property"],
        stages=[
            (stage, events)
            for stage in _STAGES
            if (events := [each for each in plan.events if each["journey_stage"] == stage])
        ],
        style=(_HERE / "report.css").read_text(encoding="utf-8"),
    )


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    # With a byte order mark, which spreadsheets need to read Finnish letters.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_safe(_cell(row.get(name))) for name in columns] for row in rows)
    return path


def _safe(text: str) -> str:
    """Text that a spreadsheet must not take for a formula (patterns begin with = or - at times)."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text


def _cell(value: Any) -> str:
    """One cell's text: lists with semicolons, pairs with an equals sign."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}={_cell(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_cell(each) for each in value)
    return str(value)
