"""One run of the whole job in this process: progress while it goes, and what came of it.

`cxw run` and `make run` come here; Dagster's schedule and sensor start the same job by themselves.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from orchestration.errors import WarehouseError
from orchestration.home import (
    PROBABILISTIC_SWITCH,
    PROJECT_ROOT,
    Home,
    business_timezone,
    files_fingerprint,
    run_clock,
    target,
)
from orchestration.run_lock import only_run
from orchestration.versions import current_version

if TYPE_CHECKING:
    from dagster import EventLogEntry
    from dagster._core.execution.plan.objects import StepFailureData

    from orchestration.ingestion.sources import Sources

LAST_RUN_FILE = "last_run.json"
# There while a run is on its way, and after it was killed.
_UNFINISHED = "run_unfinished"
_PROGRESS_EVERY = 50
_FINDINGS_SHOWN = 8
_FAILURES_SHOWN = 20
_GRAVITY = {"critical": 0, "warning": 1, "info": 2}

# Whatever changes the result of a run, besides the data: code, rules, plan, reference tables.
_RULE_FOLDERS = ("dbt_project", "expectations", "orchestration", "seeds")
_RULE_SUFFIXES = {".py", ".sql", ".yml", ".csv", ".json", ".jinja"}

_INSTANCE_SETTINGS = """\
# Written by cxw; change it as you like, it is not written again.
telemetry:
  enabled: false
# No dialog that asks for an e-mail address before the first page shows.
nux:
  enabled: false
# Dagster's own log in SQLite, with connections that stay open; without this block it works too.
event_log_storage:
  module: orchestration.event_log
  class: EventLog
  config: {}
# One run at a time works in a home: the others queue for the pool that all assets belong to.
concurrency:
  pools:
    default_limit: 1
    granularity: run
# A run of the daemon whose process is gone fails and gives its place in the queue back.
run_monitoring:
  enabled: true
"""


@dataclass
class Outcome:
    """What one run did, for people and for the next run.

    Attributes:
        success: Whether a new version was published.
        run_id: Dagster's run.
        seconds: Wall time of the job.
        landed: Per source: files, rows landed, rows quarantined, files that failed.
        failed_files: What could not be read, with the remedy.
        audit: Checks by verdict and the findings that matter most.
        version: The published version, None where publication was blocked.
        errors: Messages of failed steps.
        rules: Fingerprint of code and rules at the time.
        raw: Fingerprint of the raw zone's files afterwards.
        business_date: The day of the run, in business time.
    """

    success: bool
    run_id: str
    seconds: float
    landed: list[dict[str, Any]] = field(default_factory=list)
    failed_files: list[str] = field(default_factory=list)
    audit: dict[str, Any] = field(default_factory=dict)
    version: str | None = None
    marts: int = 0
    errors: list[str] = field(default_factory=list)
    rules: str = ""
    raw: str = ""
    business_date: str = ""
    home: str = ""

    def show(self, console: Console) -> None:
        """Print the summary."""
        home = Home(Path(self.home))
        if self.landed:
            table = Table("source", "files", "rows landed", "quarantined", "failed files", box=None)
            for row in self.landed:
                table.add_row(
                    row["source"],
                    f"{row['files']:,}",
                    f"{row['rows_landed']:,}",
                    f"{row['rows_quarantined']:,}",
                    f"{row['failed_files']:,}",
                )
            console.print("\n[bold]Loaded[/bold]")
            console.print(table)
        if self.failed_files:
            console.print("\n[bold]Not loaded[/bold]")
            for failure in self.failed_files[:_FAILURES_SHOWN]:
                console.print(f"  {failure}", markup=False)
            if len(self.failed_files) > _FAILURES_SHOWN:
                console.print(f"  … and {len(self.failed_files) - _FAILURES_SHOWN} more")
        if self.audit:
            console.print(
                f"\n[bold]Audit[/bold] {self.audit['passed']} checks passed, "
                f"{self.audit['failed']} found something, "
                f"{self.audit['not_assessable']} could not be assessed"
            )
            for finding in self.audit["worst"]:
                console.print(f"  {finding}", markup=False)
            if self.audit["failed"] > len(self.audit["worst"]):
                console.print(f"  … and {self.audit['failed'] - len(self.audit['worst'])} more")
        for error in self.errors:
            console.print(f"\nError: {error}", markup=False, style="red")
        if self.success:
            console.print(f"\n[bold]Published[/bold] version {self.version}, {self.marts} marts")
            console.print("\n[bold]Where to look[/bold]", markup=True)
            for what, where in (
                ("dashboard", home.reports / "dashboard" / "index.html"),
                ("audit report", home.reports / "audit" / "index.html"),
                ("marts (DuckDB)", home.published / "current" / "marts.duckdb"),
                ("marts (Parquet)", home.published / "current" / "parquet"),
                ("Dagster", "make ui"),
            ):
                console.print(f"  {what:<16} {where}", markup=False)
        else:
            published = current_version(home.published)
            console.print(
                "\nNothing new was published"
                + (f"; version {published.version} stays current." if published else ".")
            )
        console.print(f"\nDone in {self.seconds:.0f} s; log: {home.log_of(self.run_id)}")


def rules_fingerprint(home: Home) -> str:
    """A hash over everything but the data that decides what a run yields."""
    from expectations.plan import plan_files
    from orchestration.probabilistic.settings import is_switched_on, rule_files

    digest = hashlib.sha256(f"{business_timezone()} {target()}".encode())
    asked = [home.sources_file, *plan_files(home.plan_file)]
    if is_switched_on():
        digest.update(PROBABILISTIC_SWITCH.encode())
        asked += rule_files(home)
    files = [path for path in asked if path.exists()]
    for folder in _RULE_FOLDERS:
        files += [
            path
            for path in sorted((PROJECT_ROOT / folder).rglob("*"))
            if path.suffix in _RULE_SUFFIXES and not {"target", "logs"} & set(path.parts)
        ]
    for path in files:
        digest.update(str(path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def raw_fingerprint(home: Home) -> str:
    """A hash over names and sizes of the raw zone's files, to notice what is deleted there.

    Landing's books are among them: of a file that could not be read they alone tell.
    """
    folders = ("[!_]*/*/dt=*", "_manifest", "_quarantine")
    return files_fingerprint(
        home.raw, (path for folder in folders for path in home.raw.glob(f"{folder}/*.parquet"))
    )


def _business_date() -> str:
    """The day of this run, in business time."""
    return run_clock().astimezone(ZoneInfo(business_timezone())).date().isoformat()


def nothing_new(home: Home) -> str | None:
    """The current version where nothing has changed since it was published, the day included.

    On another day a source may have been silent for too long, and an accepted finding is accepted
    no more.
    """
    from orchestration.ingestion.deliveries import pending_files
    from orchestration.replay import pending

    outcome = last_outcome(home)
    published = current_version(home.published)
    if outcome is None or published is None or not outcome.success:
        return None
    if outcome.business_date != _business_date() or not home.warehouse.exists():
        return None
    # What a run that ended early has left is to be built, or to be published at least.
    if (home.state / _UNFINISHED).exists() or not home.warehouse.with_suffix(".whole").exists():
        return None
    if outcome.rules != rules_fingerprint(home) or pending_files(home):
        return None
    if outcome.raw != raw_fingerprint(home) or pending(home):
        return None
    return published.version


def last_outcome(home: Home) -> Outcome | None:
    """The outcome of the last run of this home; None before the first."""
    path = home.state / LAST_RUN_FILE
    return Outcome(**json.loads(path.read_text())) if path.exists() else None


def prepare_instance(home: Home) -> None:
    """Create the Dagster instance once, before several first starts can race for it."""
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text(_INSTANCE_SETTINGS)


def refresh(home: Home, console: Console, lands: bool = True) -> Outcome:
    """Run the whole job, or all of it but landing, in this process and record what came of it.

    Waits until no other run is going on in the home.
    """
    with only_run(home, console.print):
        return _refresh(home, console, lands)


def _refresh(home: Home, console: Console, lands: bool) -> Outcome:
    from orchestration.dashboard import load_choice
    from orchestration.ingestion.sources import load_sources

    # A mistake there is told before anything heavy is loaded.
    load_choice()
    for absent in _without_files(home, load_sources(home.sources_file)) if lands else ():
        console.print(f"[yellow]No file[/yellow] of the source {absent} was found: cxw doctor")
    console.print("Loading Dagster and the dbt project", style="dim")
    import dagster as dg

    from orchestration.definitions import REFRESH_JOB, build_definitions
    from orchestration.ingestion.deliveries import (
        failed_files,
        landed_by_source,
        partition_tags,
        pending_files,
    )
    from orchestration.liveness import living

    prepare_instance(home)
    rules = rules_fingerprint(home)
    business_date = _business_date()
    (home.state / _UNFINISHED).touch()
    started = time.monotonic()
    run_id = str(uuid.uuid4())
    with dg.DagsterInstance.get() as instance, _chatter_to(home.log_of(run_id)) as terminal:
        definitions = build_definitions(home)
        progress = _Progress(terminal, started)
        instance.add_event_listener(run_id, progress.on_event)
        built = [
            spec.key
            for spec in definitions.resolve_all_asset_specs()
            if spec.group_name != "landing"
        ]
        with living(home, instance, run_id):
            result = definitions.resolve_job_def(REFRESH_JOB).execute_in_process(
                run_id=run_id,
                instance=instance,
                tags=partition_tags(pending_files(home)) if lands else None,
                asset_selection=None if lands else built,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
    published = current_version(home.published)
    outcome = Outcome(
        success=result.success,
        run_id=run_id,
        seconds=round(time.monotonic() - started, 1),
        landed=landed_by_source(home, run_id),
        failed_files=failed_files(home, run_id),
        audit=_audited(home, run_id),
        version=published.version if published and result.success else None,
        marts=len(published.marts) if published and result.success else 0,
        errors=progress.errors,
        rules=rules,
        raw=raw_fingerprint(home),
        business_date=business_date,
        home=str(home.root),
    )
    path = home.state / LAST_RUN_FILE
    path.with_suffix(".tmp").write_text(json.dumps(asdict(outcome), indent=2))
    path.with_suffix(".tmp").replace(path)
    (home.state / _UNFINISHED).unlink()
    return outcome


def _without_files(home: Home, sources: Sources) -> list[str]:
    """The sources that have delivered no file.

    Raises:
        WarehouseError: None of them has, and nothing was ever landed: there is nothing to build.
    """
    from orchestration.ingestion.sources import source_files

    if not sources.sources:
        raise WarehouseError(
            f"{home.sources_file} names no source.",
            "Remove the comment signs before those you have, and check them with: cxw doctor",
        )
    present = {file.source for file in source_files(sources, home.raw / "_cache")}
    absent = [source.name for source in sources.sources if source.name not in present]
    has_landed = any((home.raw / "_manifest").glob("*-*.parquet"))
    if not present and not has_landed:
        raise WarehouseError(
            "No source has a file that could be loaded.",
            "See what is missing with: cxw doctor",
        )
    return absent


class _Progress:
    """Prints the steps of a run as they end, and keeps the messages of those that fail."""

    def __init__(self, console: Console, started: float) -> None:
        self._console = console
        self._started = started
        self._materialized = 0
        self.errors: list[str] = []

    def on_event(self, entry: EventLogEntry) -> None:
        """Called by Dagster for every event of the run."""
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        elapsed = f"{time.monotonic() - self._started:6.1f} s"
        kind = event.event_type_value
        if kind == "STEP_START":
            self._materialized = 0
        elif kind == "ASSET_MATERIALIZATION":
            self._materialized += 1
            if self._materialized % _PROGRESS_EVERY == 0:
                self._console.print(f"{elapsed}  {event.step_key}: {self._materialized} tables")
        elif kind == "STEP_SUCCESS":
            tables = f": {self._materialized} tables" if self._materialized else ""
            self._console.print(f"{elapsed}  [green]done[/green] {event.step_key}{tables}")
        elif kind == "STEP_UP_FOR_RETRY":
            self._console.print(f"{elapsed}  [yellow]again[/yellow] {event.step_key}")
        elif kind == "STEP_FAILURE":
            self._console.print(f"{elapsed}  [red]failed[/red] {event.step_key}")
            self.errors.append(_message_of(event.step_failure_data))


@contextmanager
def _chatter_to(log: Path) -> Iterator[Console]:
    """Send what the engines print to a log file; yields a console on the real output.

    On the level of file descriptors, because dbt prints from threads and child processes too.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with log.open("wb") as sink, os.fdopen(os.dup(1), "w", buffering=1) as output:
        # At interpreter exit the database driver tells of objects that outlive it: into the log.
        atexit.register(os.dup2, os.dup(sink.fileno()), 2)
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield Console(file=output, soft_wrap=True, highlight=False, emoji=False)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])


def _message_of(failure: StepFailureData) -> str:
    """What a person can read of a failed step: the innermost message, without the stack."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else "The step failed without a message."


def _audited(home: Home, run_id: str) -> dict[str, Any]:
    """The verdicts of this run's audit, the gravest first; empty where it did not audit."""
    from orchestration.audit import read_outcomes, told_outcome

    outcomes = read_outcomes(home)
    if outcomes.get("run_id") != run_id:
        return {}
    assessable = [result for result in outcomes["results"] if result["assessable"]]
    failed = sorted(
        (result for result in assessable if not result["passed"]),
        key=lambda result: (_GRAVITY[result["severity"]], -result["metadata"]["impact"]),
    )
    return {
        "passed": len(assessable) - len(failed),
        "failed": len(failed),
        "not_assessable": len(outcomes["results"]) - len(assessable),
        "worst": [
            f"{result['severity']:<8} {result['check_id']} {told_outcome(result)}"
            for result in failed[:_FINDINGS_SHOWN]
        ],
    }
