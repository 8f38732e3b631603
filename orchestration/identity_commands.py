"""`cxw identity …`: what other rules or thresholds would do, and the review of probable links."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import WarehouseError
from orchestration.home import PROJECT_ROOT, Home, engine
from orchestration.probabilistic.commands import accept, reject, review, show_threshold_diff
from orchestration.terminal import EXIT_FAILED, console, user_errors

if TYPE_CHECKING:
    from orchestration.identity_diff import CustomerChange

identity_app = typer.Typer(help="Customers and their identifiers.", no_args_is_help=True)

for _command in (review, accept, reject):
    identity_app.command()(_command)

_SHOWN = 20
_IDS_SHOWN = 4


@identity_app.callback()
def identity() -> None:
    """Customers and their identifiers."""


@identity_app.command("diff")
def diff(
    rules: Annotated[
        Path | None, typer.Option(help="Limits by type; by default seeds/reference as edited.")
    ] = None,
    blocked: Annotated[
        Path | None, typer.Option(help="Blocked values; by default seeds/reference as edited.")
    ] = None,
    link_at: Annotated[
        float | None, typer.Option(help="Show what another threshold of probable links would do.")
    ] = None,
    review_at: Annotated[
        float | None, typer.Option(help="The same for the threshold of the review list.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for machines.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 where any customer changes.")
    ] = False,
) -> None:
    """Show who would merge, split or be linked under other rules. Changes nothing."""
    with user_errors():
        home = Home.from_environment()
        if link_at is not None or review_at is not None:
            if rules or blocked:
                raise WarehouseError(
                    "Rules and thresholds are tried one after the other.",
                    "Name either --rules and --blocked, or --link-at and --review-at.",
                )
            show_threshold_diff(home, link_at, review_at, as_json, exit_code)
            return
        if engine() != "duckdb":
            raise WarehouseError(
                "Rules are tried on DuckDB only.", "Unset CXW_TARGET and run once: cxw run"
            )
        if not home.warehouse.exists():
            raise WarehouseError(
                f"There is no warehouse in {home.root} yet.", "Load your data first: cxw run"
            )
        seeds = PROJECT_ROOT / "seeds" / "reference"
        chosen = {
            "identity_rules": rules or seeds / "identity_rules.csv",
            "blocked_identifiers": blocked or seeds / "blocked_identifiers.csv",
        }
        for path in chosen.values():
            if not path.is_file():
                raise WarehouseError(f"There is no file {path}.", "Name a CSV file of rules.")
        from orchestration.identity_diff import identity_diff
        from orchestration.run_lock import only_run
        from orchestration.transformation import load_manifest

        home.prepare()
        with only_run(home, console.print):
            found = identity_diff(home, load_manifest(home), chosen)
        if as_json:
            sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")
        else:
            console.print(
                f"{found.customers_before:,} customers would become {found.customers_after:,}: "
                f"{found.count('merge'):,} merges, {found.count('split'):,} splits, "
                f"{found.count('rearranged'):,} rearranged, {found.count('new'):,} new, "
                f"{found.count('gone'):,} gone; {found.identifiers_blocked:,} identifiers newly "
                f"blocked, {found.identifiers_unblocked:,} no longer"
            )
            for change in found.changes[:_SHOWN]:
                console.print(f"  {_told(change)}", markup=False)
            if len(found.changes) > _SHOWN:
                console.print(
                    f"  … and {len(found.changes) - _SHOWN} more: cxw identity diff --json"
                )
        if exit_code and found.changes:
            raise typer.Exit(EXIT_FAILED)


def _told(change: CustomerChange) -> str:
    identifiers = ", ".join(f"{count} {name}" for name, count in change.identifiers.items())
    return (
        f"{change.kind}: {_ids(change.before)} -> {_ids(change.after)} "
        f"({identifiers}; {change.records:,} records)"
    )


def _ids(ids: tuple[str, ...]) -> str:
    more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    return (" ".join(ids[:_IDS_SHOWN]) or "nobody") + more
