"""`cxw metrics …`: what moved a figure between two periods of one's own choice."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from orchestration.errors import WarehouseError
from orchestration.home import Home, engine
from orchestration.terminal import console, user_errors

metrics_app = typer.Typer(help="Figures and what moved them.", no_args_is_help=True)

_NUMBERS = {
    "n_before": "n before",
    "n_after": "n after",
    "value_before": "before",
    "value_after": "after",
    "value_change": "change",
    "mix_effect": "mix",
    "rate_effect": "rate",
    "q_value": "q",
}


@metrics_app.callback()
def metrics() -> None:
    """Figures and what moved them."""


@metrics_app.command("change")
def change(
    metric: Annotated[
        str, typer.Argument(metavar="METRIC", help="A metric_id, or funnel_step_through.")
    ],
    before: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PERIOD",
            help="What is compared with: 2026-10-05, 2026-W41, 2026-10 or 2026-Q4.",
        ),
    ],
    after: Annotated[
        str,
        typer.Option(
            "--to", metavar="PERIOD", help="What is explained; a period of the same kind."
        ),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            metavar="DIMENSION",
            help="stage, channel, persona or touchpoint; browser or campaign of a funnel; topic or"
            " menu_choice of top_requests. By default all that the metric has.",
        ),
    ] = None,
    stage: Annotated[
        str | None, typer.Option(help="Wholes of this journey stage; by default the total, if any.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every row for machines.")] = False,
) -> None:
    """Say what moved a metric between any two periods: mix and rate by segment, with significance.

    The same SQL as mart_metric_change, over the warehouse as the last run left it; what is withheld
    there is withheld here. Waits while a run goes on.
    """
    from orchestration.metric_change import metric_change, pair_of
    from orchestration.run_lock import only_run

    with user_errors():
        earlier, later = pair_of(before, after)
        if engine() != "duckdb":
            raise WarehouseError(
                "Periods are compared on DuckDB only.",
                "On Spark, declare the comparison in metric_comparisons and run: cxw run",
            )
        home = Home.from_environment()
        if not home.warehouse.exists():
            raise WarehouseError(
                f"There is no warehouse in {home.root} yet.", "Load your data first: cxw run"
            )
        home.prepare()
        with only_run(home, console.print):
            rows = metric_change(home, metric, earlier, later, by)
        if stage is not None:
            stages = sorted({row["journey_stage"] for row in rows})
            if stage not in stages:
                raise WarehouseError(
                    f"{metric} has no stage {stage} there.", f"It has {', '.join(stages)}."
                )
            rows = [row for row in rows if row["journey_stage"] == stage]
        if as_json:
            answer = {"metric_id": metric, "from": str(earlier), "to": str(later), "rows": rows}
            sys.stdout.write(json.dumps(answer, default=str, ensure_ascii=False, indent=1) + "\n")
            return
        console.print(f"{metric} from {earlier} to {later}", style="bold", markup=False)
        console.print(_table(rows if stage or by == "touchpoint" else _total(rows)))
        console.print(
            "* significant: q, adjusted over all that is compared between the two periods, is at"
            " most 0.05. overlap is the rest of parts and whole; what is withheld is in other.",
            markup=False,
        )


def _total(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of the total; all, of a metric that has none."""
    return [row for row in rows if row["journey_stage"] == "all"] or rows


def _table(rows: list[dict[str, Any]]) -> Table:
    whole = ("journey_id", "step_number", "journey_stage", "touchpoint_id")
    # a column that says the same in each row says nothing
    told = [name for name in whole if len({row[name] for row in rows}) > 1]
    table = Table(*told, "by", "segment", box=None)
    for heading in _NUMBERS.values():
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(
            *(_said(row[name]) for name in told),
            row["dimension"],
            row["segment"],
            *(_said(row[name]) for name in _NUMBERS),
            "*" if row["is_significant"] else "small" if row["is_small_sample"] else "",
        )
    return table


def _said(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
