"""`cxw`: the command line, thin over the same assets that Dagster schedules.

Heavy libraries are imported inside the commands: `cxw --help`, `cxw doctor` and a run with nothing
new answer at once. A user's mistake ends in a message and a remedy, never in a traceback.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from orchestration.customer_commands import customer_app
from orchestration.erasure.commands import erase_command, finish_pending
from orchestration.errors import WarehouseError
from orchestration.home import PROJECT_ROOT, Home, run_clock
from orchestration.identity_commands import identity_app
from orchestration.metrics_commands import metrics_app
from orchestration.plan_commands import audit_app, plan_app
from orchestration.terminal import EXIT_FAILED, console, error_console, user_errors
from orchestration.trust_commands import trust_app

app = typer.Typer(
    name="cxw",
    help="Customer-experience warehouse: land, model, audit, publish.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(plan_app, name="plan")
app.add_typer(audit_app, name="audit")
app.add_typer(identity_app, name="identity")
app.add_typer(trust_app, name="trust")
app.add_typer(metrics_app, name="metrics")
app.add_typer(customer_app, name="customer")
app.command("erase")(erase_command)


@app.command()
def init(
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite an existing sources.yml.")
    ] = False,
) -> None:
    """Write a commented sources.yml into CXW_HOME."""
    from orchestration.ingestion.sources import init_text

    with user_errors():
        home = Home.from_environment().prepare()
        if home.sources_file.exists() and not force:
            raise WarehouseError(
                f"{home.sources_file} exists.", "Edit it, or write it anew with --force."
            )
        home.sources_file.write_text(init_text(home.root), encoding="utf-8")
        console.print(f"Wrote {home.sources_file}. Edit it, then check it with: cxw doctor")


@app.command()
def doctor() -> None:
    """Check sources.yml: paths, formats, columns, credentials. Loads nothing."""
    from orchestration.ingestion.sources import doctor as examine
    from orchestration.ingestion.sources import load_sources

    with user_errors():
        home = Home.from_environment().prepare()
        findings = examine(load_sources(home.sources_file))
        table = Table("source", "table", "file", "status", "what to do", box=None)
        for finding in findings:
            table.add_row(
                finding.source, finding.table, finding.file, finding.status, finding.remedy
            )
        console.print(table)
        _warn_of_clock(home)
        broken = [finding for finding in findings if finding.status == "error"]
        if broken:
            error_console.print(f"{len(broken)} problem(s) found.")
            raise typer.Exit(EXIT_FAILED)
        if not any(finding.status == "ok" for finding in findings):
            console.print("There is nothing to read yet.")
        elif any(finding.status == "warning" for finding in findings):
            console.print("What was found can be read; see the warnings.")
        else:
            console.print("All sources can be read.")


def _warn_of_clock(home: Home) -> None:
    from orchestration.ingestion.new_files import clock_behind

    warning = clock_behind(home.raw, run_clock())
    if warning:
        error_console.print(f"Warning: {warning}")


@app.command()
def demo(
    customers: Annotated[int, typer.Option(help="Number of customers.", min=10)] = 5_000,
    days: Annotated[int, typer.Option(help="Number of days.", min=7)] = 120,
    seed: Annotated[int, typer.Option(help="Same seed, same files.")] = 7,
    clean: Annotated[
        bool, typer.Option("--clean", help="Plant no tracking defect: a reference to compare with.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write the files anew.")] = False,
) -> None:
    """Write the demo retailer's vendor exports and a sources.yml that reads them."""
    with user_errors():
        home = Home.from_environment().prepare()
        exports = home.root / "exports"
        marker = home.root / "truth" / "demo.json"
        wanted = {"customers": customers, "days": days, "seed": seed, "clean": clean}
        if marker.exists() and json.loads(marker.read_text()) == wanted and not force:
            console.print(f"The demo retailer is in {exports}.")
        else:
            if home.sources_file.exists() and not marker.exists():
                raise WarehouseError(
                    f"{home.sources_file} reads sources of your own.",
                    "Set CXW_HOME to another folder for the demo.",
                )
            from seeds.sample.generate import generate
            from seeds.sample.world import Settings

            console.print(f"Generating {customers:,} customers and {days} days in {exports}")
            shutil.rmtree(exports, ignore_errors=True)
            shutil.rmtree(marker.parent, ignore_errors=True)
            settings = Settings(customers=customers, days=days, seed=seed, is_clean=clean)
            generate(settings, exports, marker.parent, lambda line: console.print(f"  {line}"))
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(json.dumps(wanted))
        if not home.sources_file.exists():
            from orchestration.ingestion.sources import init_text
            from seeds.sample import OTHER_TOOLS

            # the tools that no vendor module reads are mapped; the mappings stand in their own file
            mapped = OTHER_TOOLS.read_text(encoding="utf-8").partition("\nsources:\n")[2]
            home.sources_file.write_text(f"{init_text(home.root)}\n{mapped}", encoding="utf-8")


@app.command()
def run(
    force: Annotated[
        bool, typer.Option("--force", help="Run even when no source has anything new.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="BATCH",
            help="Build the state after the run that landed this batch, in as_of/BATCH beside "
            "the current one, which stays as it is. Lands nothing.",
        ),
    ] = None,
) -> None:
    """Land what is new, build, audit and publish: the whole job, through Dagster."""
    from orchestration.run import nothing_new, refresh
    from orchestration.run_lock import only_run

    with user_errors():
        home = Home.from_environment().prepare()
        if as_of is not None:
            with only_run(home, console.print):
                finish_pending(home)
            from orchestration.as_of import past_state

            past = past_state(home, as_of)
            os.environ["CXW_NOW"] = past.clock.isoformat()
            outcome = refresh(past.home.prepare(), console, lands=False)
            outcome.show(console)
            if not outcome.success:
                raise typer.Exit(EXIT_FAILED)
            return
        # Who has waited looks again: the run before may have taken all that was new.
        with only_run(home, console.print):
            finish_pending(home)
            version = None if force else nothing_new(home)
            if version:
                console.print(
                    f"Nothing new since version {version}: no file and no rule has changed."
                )
                console.print("Run anyway with: cxw run --force")
                return
            _warn_of_clock(home)
            outcome = refresh(home, console)
        outcome.show(console)
        if not outcome.success:
            raise typer.Exit(EXIT_FAILED)


@app.command()
def replay(
    first_day: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")
    ],
    last_day: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, included.")
    ],
    source: Annotated[
        str | None, typer.Option(help="Only days of this source (its name in sources.yml).")
    ] = None,
) -> None:
    """Compute days again from the raw zone and publish, in one run.

    Days are the vendors' own dates: dt=… in the raw zone. What waits to be landed is landed too.
    A replay that fails is taken up by the next run.
    """
    from orchestration.replay import request
    from orchestration.run import refresh
    from orchestration.run_lock import only_run

    with user_errors():
        home = Home.from_environment().prepare()
        with only_run(home, console.print):
            finish_pending(home)
        request(home, first_day.date(), last_day.date(), source)
        outcome = refresh(home, console)
        outcome.show(console)
        if not outcome.success:
            raise typer.Exit(EXIT_FAILED)


@app.command()
def summary() -> None:
    """Show what the last run loaded, quarantined, found and published."""
    from orchestration.run import last_outcome

    with user_errors():
        outcome = last_outcome(Home.from_environment())
        if outcome is None:
            raise WarehouseError("No run has finished here yet.", "Start one with: cxw run")
        outcome.show(console)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port of the web server.")] = 3000) -> None:
    """Open the Dagster web UI (web server and daemon: schedules and sensors work)."""
    home = Home.from_environment().prepare()
    from orchestration.run import prepare_instance

    prepare_instance(home)
    import dagster

    from orchestration.liveness import bury_dead_runs

    # A run that was killed would keep the daemon's queue waiting.
    with dagster.DagsterInstance.get() as instance:
        bury_dead_runs(home, instance)
    command = [
        str(Path(sys.executable).with_name("dagster")),
        *["dev", "-m", "orchestration.definitions", "-p", str(port)],
    ]
    console.print(f"Dagster: http://localhost:{port} (stop with Ctrl-C)")
    try:
        raise typer.Exit(subprocess.call(command, cwd=PROJECT_ROOT, env=os.environ.copy()))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


if __name__ == "__main__":
    app()
