"""dbt inside this process, its results as Dagster events while it runs.

dagster-dbt starts dbt as a program: for every invocation once to ask its version and once to work,
each time loading dbt and the project's manifest anew, which takes longer than a small day's models.
Here dbt runs in a thread of its own and the manifest is loaded once a process. What the events say,
and which nodes a selection of assets means, is dagster-dbt's own.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from importlib.metadata import version
from multiprocessing.dummy import DummyProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.dbt_savings import (
    COMPILED_TEMPLATES,
    forget_compiled_templates,
    keep_compiled_templates,
    spare_dbt_work_for_nobody,
    take_compiled_templates,
)
from orchestration.errors import TransformationError
from orchestration.home import DBT_PROJECT_DIR, engine

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

_RESULTS = {"LogSeedResult", "LogModelResult", "LogSnapshotResult", "LogTestResult"}
_DONE = {"success", "pass", "warn"}
_SECONDS_TO_STOP = 30.0
# What models side by side share and one alone may have enough of: memory, and the disk on which
# they put what memory does not hold.
_LACKING = ("Out of Memory Error", "No space left on device")

# What the project was parsed with, beside what came of it.
_PARSED_WITH = "parsed_with.json"
# The settings that a parse reads (dbt_project.yml, profile); of paths it reads none.
_DECIDING_SETTINGS = ("CXW_TARGET", "CXW_TIMEZONE")
# What a parse writes; the first is the project as dbt holds it.
_PARSED_PROJECT = "partial_parse.msgpack"
_PARSED = (_PARSED_PROJECT, "manifest.json", "semantic_manifest.json")

_parsed: dict[tuple[Path, str], Manifest] = {}


def project_arguments(target: Path) -> list[str]:
    """dbt's own settings of an invocation in this process: it says nothing itself, its file less.

    Every statement at level debug, formatted for a file, costs a tenth of a small run; what was
    sent is under ``target``. Fast test edges put the nodes in the same order with a tenth of the
    edges (dbt_savings.py mends one thing about them).
    """
    return [
        *("--no-use-colors", "--no-version-check", "--log-level", "none", "--use-fast-test-edges"),
        *("--log-level-file", "info", "--log-path", str(target)),
    ]


def load_project(target: Path, fingerprint: str) -> Manifest:
    """The project as dbt holds it, parsed only where no earlier invocation did.

    Args:
        target: dbt's target folder, with what partial parsing needs.
        fingerprint: What the project's files are now.

    Raises:
        TransformationError: dbt cannot parse the project.
    """
    # Imported here: dbt takes seconds to load.
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    if (target, fingerprint) not in _parsed:
        project = _parsed_before(target, fingerprint)
        if project is None:
            (target / _PARSED_WITH).unlink(missing_ok=True)
            spare_dbt_work_for_nobody()
            forget_compiled_templates(target)
            arguments = [*project_arguments(target), "parse", *_places(target)]
            result = dbtRunner().invoke(arguments)
            if not result.success and (target / _PARSED_PROJECT).exists():
                # What dbt parsed of the files before may be in its way: a metric that moved to
                # another file would be there twice.
                (target / _PARSED_PROJECT).unlink()
                result = dbtRunner().invoke(arguments)
            if not result.success or not isinstance(result.result, Manifest):
                raise TransformationError(
                    f"dbt cannot parse the project: {result.exception}",
                    "Mend the file that the message names, then run again.",
                )
            project = result.result
            (target / _PARSED_WITH).write_text(_parse_decided_by(fingerprint))
        _parsed.clear()
        _parsed[target, fingerprint] = project
    return _parsed[target, fingerprint]


def is_parsed(target: Path, fingerprint: str) -> bool:
    """Whether what a parse of these files would say lies in the target folder."""
    stamp = target / _PARSED_WITH
    return all(
        (target / name).exists() for name in (_PARSED_WITH, *_PARSED)
    ) and stamp.read_text() == _parse_decided_by(fingerprint)


def adopt_parsed(source: Path, target: Path) -> None:
    """Give a home what was parsed in another, whose target folder is ``source``."""
    target.mkdir(parents=True, exist_ok=True)
    (target / _PARSED_WITH).unlink(missing_ok=True)
    # The stamp comes last: where it lies, everything does.
    for name in (COMPILED_TEMPLATES, *_PARSED, _PARSED_WITH):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)


def _parsed_before(target: Path, fingerprint: str) -> Manifest | None:
    """The project as an earlier process parsed it, or None.

    dbt finds out by itself that nothing has changed, but reads and compares every file for that and
    writes its artifacts again, 2.5 of 3.1 seconds.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    if not is_parsed(target, fingerprint):
        return None
    content = (target / _PARSED_PROJECT).read_bytes()
    try:
        project = Manifest.from_msgpack(content, decoder=extended_mashumuro_decoder)
    except Exception:  # a file that was cut off: whatever its bytes make the decoder say
        return None
    project.build_parent_and_child_maps()
    project.build_flat_graph()
    return project


def _parse_decided_by(fingerprint: str) -> str:
    """All that decides what dbt makes of the project: files, versions, paths and settings."""
    versions = {name: version(name) for name in ("dbt-core", "dbt-duckdb")}
    settings = {name: os.environ.get(name) for name in _DECIDING_SETTINGS}
    return json.dumps({"files": fingerprint, **versions, **settings}, sort_keys=True)


def compile_models(target: Path, fingerprint: str, models: Sequence[str]) -> None:
    """Write models' compiled SQL, as for a first build, where no build has written it.

    Args:
        target: dbt's target folder.
        fingerprint: What the project's files are now.
        models: The models' names.

    Raises:
        TransformationError: dbt cannot compile them.
    """
    result = invoke(
        target,
        fingerprint,
        "--no-write-json",
        *("compile", "--full-refresh", "--no-populate-cache", "--select", " ".join(models)),
    )
    if not result.success:
        raise TransformationError(
            f"dbt cannot compile the models: {result.exception}",
            "Mend the model that the message names, then run again.",
        )


def invoke(target: Path, fingerprint: str, *arguments: str) -> dbtRunnerResult:
    """Run dbt in this process over the project as it was parsed; what it tells goes to its log.

    Args:
        target: dbt's target folder.
        fingerprint: What the project's files are now.
        arguments: dbt's command with its options, after its global options.

    Returns:
        What came of it.

    Raises:
        TransformationError: dbt cannot parse the project.
    """
    run = _Run(load_project(target, fingerprint), target, arguments)
    for _ in run.events():
        pass
    return run.result()


def macro_lines(target: Path, fingerprint: str, macro: str) -> list[str]:
    """The lines that a macro tells: it gets a mark to put before each of them.

    Args:
        target: dbt's target folder.
        fingerprint: What the project's files are now.
        macro: The macro's name; it logs lines that begin with its argument ``mark``.

    Raises:
        TransformationError: The macro cannot be run.
    """
    mark = f"{macro}: "
    arguments = ["--no-write-json", "run-operation", macro, "--args", json.dumps({"mark": mark})]
    run = _Run(load_project(target, fingerprint), target, arguments)
    messages = [event["info"]["msg"] for event in run.events()]
    result = run.result()
    if not result.success:
        rows = list(getattr(result.result, "results", []))
        reasons = [row.message for row in rows if row.message] or [str(result.exception)]
        raise TransformationError(
            f"dbt cannot run the macro {macro}: {' '.join(reasons)}",
            "See whether the engine can be reached, then run again.",
        )
    return [line.partition(mark)[2] for line in messages if mark in line]


def build(
    context: dg.AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
    project: Manifest,
    arguments: Sequence[str],
    excluded: Sequence[str],
    target: Path,
    on_done: Callable[[str], None] = lambda _: None,
) -> Generator[Any, None, dbtRunnerResult]:
    """Run ``dbt build`` over the assets and checks that the context selects.

    Args:
        context: The step.
        manifest: The project as its manifest.json describes it.
        translator: How dbt's nodes are named as assets.
        project: The project as dbt holds it (``load_project``).
        arguments: Options of ``dbt build``.
        excluded: Models to leave out, besides what the context leaves out.
        target: dbt's target folder.
        on_done: Told the id of each node once it is built, or has passed.

    Yields:
        Outputs and check results, as the nodes end.

    Returns:
        The result of the invocation as a whole.
    """
    selection = get_updated_cli_invocation_params_for_context(
        context=context,
        manifest=manifest,
        dagster_dbt_translator=translator,
        runtime_excludes=list(excluded),
    )
    # A test between a model that is left out and one that is built is to run: what refers to the
    # former may be new. By default dbt leaves out every test that touches what is excluded.
    indirect = selection.indirect_selection or ("cautious" if excluded else None)

    def invocation(*chosen: str) -> _Run:
        # the manifest is there already (load_project), and the events tell the results
        return _Run(project, target, ["--no-write-json", "build", *arguments, *chosen])

    def results_of(run: _Run, failed: list[dict[str, Any]]) -> Iterator[Any]:
        for event in run.events():
            sys.stdout.write(event["info"]["msg"] + "\n")
            if event["info"]["name"] in _RESULTS:
                node = event["data"]["node_info"]
                if node["node_status"] == "error":
                    failed.append(event)
                    continue
                if node["node_status"] in _DONE:
                    on_done(node["unique_id"])
                yield from told(event)

    def told(event: dict[str, Any]) -> Iterator[Any]:
        return DbtCoreCliEventMessage(event, {}).to_default_asset_events(
            manifest=selection.manifest,
            dagster_dbt_translator=selection.dagster_dbt_translator,
            context=context,
            target_path=target,
        )

    failed: list[dict[str, Any]] = []
    run = invocation(
        *(["--indirect-selection", indirect] if indirect else []), *selection.selection_args
    )
    yield from results_of(run, failed)
    # Alone they were already where models are built one by one.
    again = _to_be_run_alone(run.result()) if os.environ.get("CXW_THREADS") != "1" else []
    if again:
        context.log.warning(
            "memory or disk did not suffice for models side by side: "
            f"{len(again)} nodes run one by one"
        )
        failed = []
        run = invocation(
            *("--threads", "1", "--indirect-selection", "empty", "--select", " ".join(again))
        )
        yield from results_of(run, failed)
    for event in failed:
        yield from told(event)
    return run.result()


def _to_be_run_alone(result: dbtRunnerResult) -> list[str]:
    """Nodes for a second, single-threaded attempt: what memory or disk failed, and what follows.

    Models share one limit of memory and one disk, and what one holds while it works may be what its
    neighbour lacks, however well each would do alone. Where anything failed otherwise, there is
    none.
    """
    rows = list(getattr(result.result, "results", []))
    failed = [row for row in rows if str(row.status) in ("error", "fail", "runtime error")]
    if not all(any(lack in (row.message or "") for lack in _LACKING) for row in failed):
        return []
    skipped = [row for row in rows if str(row.status) == "skipped"]
    return [row.node.name for row in [*failed, *skipped]] if failed else []


def _places(target: Path) -> list[str]:
    folder = str(DBT_PROJECT_DIR)
    return ["--project-dir", folder, "--profiles-dir", folder, "--target-path", str(target)]


class _Run:
    """One invocation of dbt in a thread."""

    def __init__(self, project: Manifest, target: Path, arguments: Sequence[str]) -> None:
        self._project = project
        self._target = target
        self._arguments = [*project_arguments(target), *arguments, *_places(target)]
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._result: dbtRunnerResult | None = None
        self._thread = threading.Thread(target=self._invoke, name="dbt", daemon=True)

    def events(self) -> Iterator[dict[str, Any]]:
        """What dbt tells from level info on, as it comes; whoever stops listening stops dbt."""
        self._thread.start()
        # An interrupt may come while nobody asks for the next event.
        atexit.register(self._stop)
        try:
            while (event := self._events.get()) is not None:
                yield event
        finally:
            self._stop()
            atexit.unregister(self._stop)

    def _stop(self) -> None:
        """Wait for all of dbt's threads, which would take an ending interpreter down with them."""
        if self._result is None:
            _interrupt(self._thread)
        workers = [one for one in threading.enumerate() if isinstance(one, DummyProcess)]
        until = time.monotonic() + _SECONDS_TO_STOP
        for one in [self._thread, *workers]:
            one.join(max(0.0, until - time.monotonic()))

    def result(self) -> dbtRunnerResult:
        """What came of it, once there are no more events."""
        assert self._result is not None
        return self._result

    def _invoke(self) -> None:
        from dbt.cli.main import dbtRunner, dbtRunnerResult

        spare_dbt_work_for_nobody()
        take_compiled_templates(self._target)
        _forget_injected_ctes(self._project)
        try:
            runner = dbtRunner(manifest=self._project, callbacks=[self._hear])
            self._result = runner.invoke(self._arguments)
        except BaseException as error:  # the listener waits for an end, whatever it is
            self._result = dbtRunnerResult(success=False, exception=error)
        finally:
            try:
                _close_database()
                keep_compiled_templates(self._target)
            finally:
                self._events.put(None)

    def _hear(self, event: Any) -> None:
        from dbt_common.events.functions import msg_to_dict

        self._events.put(msg_to_dict(event))


def _forget_injected_ctes(project: Manifest) -> None:
    """Let models that read ephemeral ones be compiled again.

    dbt marks in the project that it has put their statements into a model's, and would take a later
    invocation's statement for one that has them.
    """
    from dbt.contracts.graph.nodes import CompiledNode

    for node in project.nodes.values():
        if isinstance(node, CompiledNode):
            node.extra_ctes_injected = False
            node.extra_ctes = []


def _close_database() -> None:
    """Let go of the warehouse, which dbt-duckdb would hold until the process ends."""
    if engine() == "duckdb":
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()


def _interrupt(thread: threading.Thread) -> None:
    """Let dbt meet a keyboard interrupt, upon which it cancels what its connections do."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
    )
