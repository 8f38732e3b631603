"""Measuring: a command in a process of its own, and what Dagster says of where its time went."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Often enough for peaks that last; each look reads a line of every process on the machine.
_POLL_SECONDS = 0.5
# Where marts of metrics lie; `mart_` tells them from the facts and dimensions beside them.
_METRIC_MARTS = {("marts", "journey"), ("marts", "service")}


@dataclass(frozen=True)
class Measured:
    """One process with its children.

    Attributes:
        seconds: Wall time from start to exit, interpreter and imports included.
        cpu_seconds: Processor time of all of them.
        peak_bytes: Most memory that all of them held at one time.
        output: What it printed.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


@dataclass(frozen=True)
class RunFigures:
    """One run of the job.

    Attributes:
        process: The process.
        phases: Seconds by phase, in order: they add up to the wall time.
        models: Seconds that each dbt model took; two run at a time.
        tests_seconds: The same for all data tests together.
    """

    process: Measured
    phases: dict[str, float]
    models: dict[str, float] = field(default_factory=dict)
    tests_seconds: float = 0.0


def measure(command: list[str], **environment: str) -> Measured:
    """Run a command and measure it with all its children.

    Args:
        command: The command.
        **environment: Added to this process's environment.

    Returns:
        The figures.

    Raises:
        RuntimeError: It failed.
    """
    started = time.perf_counter()
    before = os.times()
    # Its own session, by which its children are found in /proc.
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        peak = _Peak(process.pid)
        output = process.communicate()[0]
        peak.stop()
    after = os.times()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{output[-4000:]}")
    return Measured(
        seconds=time.perf_counter() - started,
        cpu_seconds=(after.children_user + after.children_system)
        - (before.children_user + before.children_system),
        peak_bytes=peak.bytes,
        output=output,
    )


class _Peak:
    """Watches the resident memory of a session's processes."""

    def __init__(self, session: int) -> None:
        self.bytes = 0
        self._session = str(session)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._ended.wait(_POLL_SECONDS):
            held = 0
            for process in os.listdir("/proc"):
                if not process.isdecimal():
                    continue
                try:
                    with open(f"/proc/{process}/stat", encoding="utf-8") as stat:
                        # The name in parentheses may hold spaces; what follows it does not.
                        fields = stat.read().rpartition(")")[2].split()
                except OSError:
                    continue  # ended meanwhile
                if fields[3] == self._session:
                    held += int(fields[21]) * page
            self.bytes = max(self.bytes, held)


def run_job(home: Path, clock: str) -> RunFigures:
    """Run `cxw run` in a home, as a user does.

    Args:
        home: The home.
        clock: The run clock, ISO 8601.

    Returns:
        What it cost and where.
    """
    started = time.time()
    process = measure(
        [sys.executable, "-m", "orchestration.cli", "run"],
        CXW_HOME=str(home),
        CXW_NOW=clock,
        COLUMNS="200",
    )
    ended = started + process.seconds
    events = json.loads(
        measure(
            [sys.executable, "-m", "tests.benchmarks.measure", str(home)],
            DAGSTER_HOME=str(home / "dagster"),
        ).output
    )
    phases: dict[str, float] = {}
    last = started
    for step, moment in events["steps"]:
        phases[step] = phases.get(step, 0.0) + moment - last
        last = moment
    phases["process"] = phases.get("process", 0.0) + ended - last
    return RunFigures(process, phases, events["models"], events["tests_seconds"])


def upstream_models(manifest: dict[str, Any], names: Collection[str]) -> set[str]:
    """Models that some models are computed from, themselves included.

    Args:
        manifest: dbt's manifest.
        names: Names of models.

    Returns:
        Names of models.

    Raises:
        KeyError: There is no such model.
    """
    ids = {
        node["name"]: unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    found: set[str] = set()
    waiting = [ids[name] for name in names]
    while waiting:
        unique_id = waiting.pop()
        if unique_id in found:
            continue
        found.add(unique_id)
        parents = manifest["nodes"][unique_id]["depends_on"]["nodes"]
        waiting += [parent for parent in parents if parent in ids.values()]
    return {manifest["nodes"][unique_id]["name"] for unique_id in found}


def models_by_part(manifest: dict[str, Any]) -> dict[str, str]:
    """Which models make metrics from the conformed facts, which audit, and what comes before.

    Args:
        manifest: dbt's manifest.

    Returns:
        ``metrics``, ``audit`` or ``before`` by name of model.
    """
    parts = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        folder, name = tuple(node["fqn"][1:3]), node["name"]
        is_metric = folder == ("intermediate", "metrics") or (
            folder in _METRIC_MARTS and name.startswith("mart_")
        )
        is_audit = folder in {("intermediate", "audit"), ("marts", "quality")}
        parts[name] = "metrics" if is_metric else "audit" if is_audit else "before"
    return parts


def _phase(step: str) -> str:
    return "landing" if step.startswith(("land_", "landing_")) else step


def _events_of(home: Path) -> dict[str, object]:
    """When each step of the last run ended, and what dbt's nodes took."""
    import dagster as dg

    run_id = json.loads((home / "state" / "last_run.json").read_text())["run_id"]
    steps: list[tuple[str, float]] = []
    models: dict[str, float] = {}
    tests = 0.0
    with dg.DagsterInstance.get() as instance:
        for entry in instance.all_logs(run_id):
            event = entry.dagster_event
            if event is None:
                continue
            kind = event.event_type_value
            if kind == "PIPELINE_START":
                steps.append(("start", entry.timestamp))
            elif kind == "STEP_START":
                steps.append(("between steps", entry.timestamp))
            elif kind == "STEP_SUCCESS":
                steps.append((_phase(event.step_key or ""), entry.timestamp))
            elif kind == "ASSET_MATERIALIZATION":
                materialization = event.step_materialization_data.materialization
                duration = materialization.metadata.get("Execution Duration")
                if duration is not None:
                    models[materialization.asset_key.path[-1]] = float(str(duration.value))
            elif kind == "ASSET_CHECK_EVALUATION":
                duration = event.asset_check_evaluation_data.metadata.get("Execution Duration")
                tests += float(str(duration.value)) if duration is not None else 0.0
    return {"steps": steps, "models": models, "tests_seconds": tests}


if __name__ == "__main__":
    print(json.dumps(_events_of(Path(sys.argv[1]))))
