"""`cxw trust`: why a figure can be trusted as far as its grade says.

Reads the published version alone: what BI shows is what is explained, whether or not a run goes on.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from orchestration.home import Home
from orchestration.terminal import console, user_errors

_MOST_SHOWN = 8

trust_app = typer.Typer(help="How far the published figures can be trusted.", no_args_is_help=True)


@trust_app.callback()
def trust() -> None:
    """How far the published figures can be trusted."""


@trust_app.command("explain")
def explain(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="For instance conversion_rate.")],
    period_type: Annotated[str, typer.Option(help="day, week, month or quarter.")] = "month",
    period: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A day of the period; by default the newest."),
    ] = None,
    channel: Annotated[str, typer.Option(help="Channel, or all.")] = "all",
    everything: Annotated[
        bool, typer.Option("--all", help="Show every finding, and every check that guards it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for machines.")] = False,
) -> None:
    """Say which findings gave a metric its trust grade, what caused them and what they did."""
    from orchestration.trust import explained

    with user_errors():
        home = Home.from_environment()
        day = period.date() if period else None
        answer = explained(home.published, metric, period_type, day, channel)
        if as_json:
            console.print_json(json.dumps(answer, default=str))
            return
        console.print(
            f"{answer['metric_id']}, {answer['period_type']} of {answer['period_start']},"
            f" channel {answer['channel']}: trust grade {answer['trust_grade']}",
            style="bold",
        )
        console.print(_in_words(answer), markup=False)
        shown = answer["findings"] if everything else answer["findings"][:_MOST_SHOWN]
        for finding in shown:
            console.print()
            console.print(_told(finding, answer["metric_id"]), markup=False)
        hidden = len(answer["findings"]) - len(shown)
        if hidden:
            console.print(f"\nand {hidden} more: --all shows them.")
        if everything:
            console.print("\nChecks that guard it, and by which columns:", style="bold")
            for guard in answer["guards"]:
                console.print(_way(guard, answer["metric_id"]), markup=False)


def _in_words(answer: dict[str, Any]) -> str:
    assessed = answer["assessed_check_count"]
    if answer["trust_grade"] == "U":
        return f"Nobody knows: {answer['ungraded_reason']}."
    if not answer["findings"]:
        return f"{assessed} checks guard it and none of them failed in this period."
    return (
        f"{assessed} checks guard it. In this period: {answer['critical_count']} critical,"
        f" {answer['warning_count']} warnings, {answer['info_count']} notes or accepted findings."
        " One critical makes D, three make F, a warning C, a note B."
    )


def _way(guard: dict[str, Any], metric_id: str) -> str:
    """Return how a check comes to a metric: check, columns, models, metric."""
    columns = guard["shared_columns"]
    more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    # from the records on, as the data flows
    path = " → ".join([*reversed(guard["model_path"]), metric_id])
    judged = "" if guard["is_assessed"] else " (no data to judge it by)"
    named = f" [{guard['named_reason']}]" if guard["named_reason"] else ""
    return f"{guard['check_id']}{judged} → {', '.join(columns[:3])}{more} → {path}{named}"


def _told(finding: dict[str, Any], metric_id: str) -> str:
    """Return a finding in a few lines: what, where, since when, why, and what it did."""
    names = ("source", "platform", "subject", "detail")
    where = " · ".join(str(finding[name]) for name in names if finding[name])
    state = finding["finding_state"]
    if finding["accepted_reason"]:
        state += f" ({finding['accepted_reason']})"
    lines = [
        f"{finding['severity']} {finding['check_id']}, {state}: {where},"
        f" {finding['failing_count']:,} of {finding['examined_count']:,} rows",
        f"    {finding['likely_cause'] or 'cause unknown'}",
    ]
    if finding["guard"]:
        lines.append(f"    {_way(finding['guard'], metric_id)}")
    quantity = finding["estimated_quantity"]
    if quantity:
        low, high = finding["corrected_value_low"], finding["corrected_value_high"]
        span = f" ({low:,.0f} to {high:,.0f})" if low != high else ""
        lines.append(
            f"    {quantity} in its window: reported {finding['reported_value']:,.0f},"
            f" corrected {finding['corrected_value']:,.0f}{span}"
        )
    return "\n".join(lines)
