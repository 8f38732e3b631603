"""The measurement plan for people: a readable page, and a CSV file per list for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from expectations.plan import Plan

_HERE = Path(__file__).parent / "report"

# Lists of the plan that have a sheet of their own, by where they stand; parameters stand apart from
# their events.
_SHEETS: Mapping[str, tuple[str, ...]] = {
    "streams": ("property", "streams"),
    "page_groups": ("property", "page_groups"),
    "internal_rules": ("property", "internal_rules"),
    "common_params": ("common_params",),
    "personas": ("personas",),
    "goals": ("goals",),
    "journeys": ("journeys",),
    "user_properties": ("user_properties",),
    "click_ids": ("campaign_naming", "click_ids"),
    "special_days": ("volumes", "special_days"),
    "reconciliations": ("reconciliations",),
    "surveys": ("surveys",),
    "crm_fields": ("crm_fields",),
    "sources": ("sources",),
    "accepted": ("accepted",),
    "changes": ("changes",),
}

# On the page these stand before the events, the rest of the sheets after them.
_FIRST = ("streams", "page_groups", "common_params", "personas", "goals", "journeys")

# What the page tells in words beside an event's name.
_TOLD = ("name", "business_question", "journey_stage", "params")

# In the order of a customer's way.
_STAGES = ("awareness", "consideration", "purchase", "use", "support", "loyalty")


def export_plan(plan: Plan, folder: Path) -> list[Path]:
    """Write ``plan.html`` and one CSV file per list; what a longer plan left is removed.

    Returns:
        The files, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {name: _list_at(plan, path) for name, path in _SHEETS.items()}
    sheets["settings"] = _settings(plan)
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


def _list_at(plan: Plan, path: tuple[str, ...]) -> list[dict[str, Any]]:
    part: Any = plan.data
    for step in path:
        part = part.get(step) or {}
    return list(part)


def _settings(plan: Plan) -> list[dict[str, Any]]:
    """Everything that stands in no list of entries: one row per field, named by its place."""
    rows: list[dict[str, Any]] = []
    sheets = {*_SHEETS.values(), ("events",)}

    def gather(part: Mapping[str, Any], place: tuple[str, ...]) -> None:
        for name, value in part.items():
            where = (*place, name)
            if isinstance(value, Mapping):
                gather(value, where)
            elif where not in sheets:
                rows.append({"setting": ".".join(where), "value": "none" if value == [] else value})

    gather(plan.data, ())
    return rows


def _page(plan: Plan) -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["columns"] = _columns
    return environment.get_template("plan.html.jinja").render(
        plan=plan,
        prop=plan.data["property"],
        settings=_settings(plan),
        lists={name: _list_at(plan, path) for name, path in _SHEETS.items()},
        first=_FIRST,
        told=_TOLD,
        stages=[
            (stage, events)
            for stage in _STAGES
            if (events := [each for each in plan.events if each["journey_stage"] == stage])
        ],
        style=(_HERE / "report.css").read_text(encoding="utf-8"),
    )


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    """Every field that any of the rows has, in the order in which they first stand."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    columns = _columns(rows)
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
