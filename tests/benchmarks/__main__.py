"""Benchmarks: ``make bench SIZES="1 10"`` or ``python -m tests.benchmarks --sizes 1 10``.

Sizes are millions of GA4 events; fractions work. Each part runs in processes of its own, on vendor
files that are generated first, and the results go to ``data/benchmarks/``. What is generated and
built stays below ``--work`` only while it is needed: a size takes about 0.4 GB per million events,
and up to as much again while it is built.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from tests.benchmarks import agreement, generator, hand_written, side_by_side
from tests.benchmarks.ingestion import VENDORS
from tests.benchmarks.measure import (
    ROOT,
    Measured,
    RunFigures,
    measure,
    models_by_part,
    run_job,
    upstream_models,
)
from tests.benchmarks.report import machine, write_report

PARTS = ("sizes", "side-by-side", "ingestion", "audit", "metrics")
SMALLEST = 2_000
# Of DuckDB in dbt's process, so that the process stays under four gigabytes.
AUDIT_MEMORY_LIMIT = "2.5GB"
_BASE_CLOCK = "2026-03-21T06:00:00Z"
_NEXT_CLOCK = "2026-03-22T06:00:00Z"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--sizes", nargs="*", type=float, default=[1], help="millions of events")
    parser.add_argument("--days", type=int, default=60, help="days of the base delivery")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the ingestion files")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "benchmarks")
    parser.add_argument("--work", type=Path, help="scratch folder, by default below --out")
    parser.add_argument("--keep", action="store_true", help="leave homes and files for inspection")
    options = parser.parse_args()
    work = (options.work or options.out / "work").resolve()
    figures: dict[str, Any] = {
        "machine": machine(),
        "measured_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "sizes": [],
    }
    # After every part: what is measured is not lost if the next one fails.
    if "sizes" in options.parts:
        figures["start_up"] = _start_up(work, options.seed)
        for millions in options.sizes:
            size = generator.Size(int(millions * 1e6), options.days, options.seed)
            measured = _one_size(size, work / f"{millions:g}")
            figures.setdefault("metrics", []).append(measured.pop("metrics"))
            figures["sizes"].append(measured)
            write_report(figures, options.out)
            if not options.keep:
                shutil.rmtree(work / f"{millions:g}")
    if "side-by-side" in options.parts:
        events = int(max(options.sizes) * 1e6)
        figures["side_by_side"] = _side_by_side(events, options.days, options.seed, work / "side")
        write_report(figures, options.out)
    if "ingestion" in options.parts:
        figures["ingestion"] = [
            _ingestion(kind, options.rows, work / f"ingestion_{kind}") for kind in VENDORS
        ]
        write_report(figures, options.out)
    for part, measure_part in (("audit", _audit), ("metrics", _metrics)):
        # of metrics the sizes tell by the way
        if part not in options.parts or part in figures:
            continue
        figures[part] = []
        for millions in options.sizes:
            home = work / f"{part}_{millions:g}"
            size = generator.Size(int(millions * 1e6), options.days, options.seed)
            figures[part].append(measure_part(size, home))
            write_report(figures, options.out)
            if not options.keep:
                shutil.rmtree(home)
    table = write_report(figures, options.out)
    if not options.keep:
        shutil.rmtree(work, ignore_errors=True)
    print(table.read_text(encoding="utf-8"))
    print(f"Written to {options.out}")


def _tell(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", file=sys.stderr, flush=True)


def _module(name: str, *arguments: object) -> Measured:
    return measure(
        [sys.executable, "-m", f"tests.benchmarks.{name}", *(str(part) for part in arguments)]
    )


def _summary(run: RunFigures) -> dict[str, Any]:
    process = asdict(run.process)
    del process["output"]
    return {
        **process,
        "phases": run.phases,
        "models": run.models,
        "tests_seconds": run.tests_seconds,
    }


def _start_up(work: Path, seed: int) -> dict[str, Any]:
    """What a run costs that has next to nothing to do."""
    _tell("fixed start-up")
    home = work / "start_up"
    shutil.rmtree(home, ignore_errors=True)
    generator.write_base(generator.Size(SMALLEST, 5, seed), home)
    # The first run parses the project: once a release, not once a morning.
    run_job(home, _BASE_CLOCK)
    shutil.rmtree(home / "raw")
    (home / "warehouse.duckdb").unlink()
    return {"events": SMALLEST, **_summary(run_job(home, _BASE_CLOCK))}


def _one_size(size: generator.Size, home: Path) -> dict[str, Any]:
    """Full build, hand-written script, one day on top, and whether both have the same rows."""
    shutil.rmtree(home, ignore_errors=True)
    _tell(f"{size.events:,} events: generating")
    generator.write_base(size, home)
    parsed = home.parent / "start_up" / "dbt_target"
    if parsed.exists():
        shutil.copytree(parsed, home / "dbt_target")
    _tell("full build")
    full = run_job(home, _BASE_CLOCK)
    _tell("hand-written script")
    database = home / "hand_written.duckdb"
    by_hand = _module("hand_written", home / "exports", database)
    marts = home / "published" / "current" / "marts.duckdb"
    made = hand_written.marts_of(database)
    found = agreement.differences(made, marts)
    _tell("one more day")
    generator.write_next_day(size, home)
    increment = run_job(home, _NEXT_CLOCK)
    _module("hand_written", home / "exports", database)
    found_next = agreement.differences(made, marts)
    by_hand_figures = asdict(by_hand)
    steps = json.loads(by_hand_figures.pop("output"))
    return {
        "events": size.events,
        "needed_models": sorted(upstream_models(_manifest(home), agreement.yielded(made))),
        "metrics": _metrics_of(size, full, home),
        "full": _summary(full),
        "increment": _summary(increment),
        "hand_written": {**by_hand_figures, "steps": steps},
        "differences": {"full": found, "increment": found_next},
        "is_equal": not any(rows for pair in (found, found_next) for _, rows in pair.values()),
    }


def _side_by_side(events: int, days: int, seed: int, folder: Path) -> list[list[str]]:
    """The three engines on the same events, each alone, and that they agree."""
    _tell("side by side")
    shutil.rmtree(folder, ignore_errors=True)
    generator.write_base(generator.Size(events, days, seed), folder)
    _module("hand_written", folder / "exports", folder / "events.duckdb")
    rows = side_by_side.flat_events(folder / "events.duckdb", folder / "events.parquet")
    runs = {}
    for engine in side_by_side.ENGINES:
        (folder / engine).mkdir()
        runs[engine] = _module("side_by_side", engine, folder / "events.parquet", folder / engine)
        found = side_by_side.differing_rows(folder / "duckdb", folder / engine)
        if any(found.values()):
            raise RuntimeError(f"{engine} and duckdb differ in {found}")
    _tell(f"equal results over {rows:,} events")
    return [
        [
            engine,
            f"{run.seconds:.1f}",
            f"{run.seconds / runs['duckdb'].seconds:.1f}",
            f"{run.peak_bytes / 2**30:.2f}",
        ]
        for engine, run in runs.items()
    ]


def _audit(size: generator.Size, home: Path) -> dict[str, Any]:
    """The audit's models and its judging, to one bare scan of the same web events."""
    _tell(f"audit of {size.events:,} events")
    shutil.rmtree(home, ignore_errors=True)
    generator.write_base(size, home)
    runs: dict[str, Any] = {}
    for part in ("land", "stage", "scan", "models", "judge"):
        _tell(part)
        process = measure(
            [sys.executable, "-m", "tests.benchmarks.audit_speed", part, str(home)],
            CXW_NOW=_BASE_CLOCK,
            CXW_MEMORY_LIMIT=AUDIT_MEMORY_LIMIT,
        )
        (line,) = (line for line in process.output.splitlines() if line.startswith("{"))
        figures = json.loads(line)
        runs[part] = {**figures, "peak_bytes": process.peak_bytes}
    return {"events": size.events, **runs}


def _metrics(size: generator.Size, home: Path) -> dict[str, Any]:
    """What the models of metrics add to a full build, to the models before them."""
    _tell(f"metrics of {size.events:,} events")
    shutil.rmtree(home, ignore_errors=True)
    generator.write_base(size, home)
    _tell("full build")
    return _metrics_of(size, run_job(home, _BASE_CLOCK), home)


def _metrics_of(size: generator.Size, full: RunFigures, home: Path) -> dict[str, Any]:
    parts = models_by_part(_manifest(home))
    return {
        "events": size.events,
        "seconds": full.process.seconds,
        "peak_bytes": full.process.peak_bytes,
        "models": {
            part: {name: took for name, took in full.models.items() if parts.get(name) == part}
            for part in ("before", "metrics", "audit")
        },
    }


def _manifest(home: Path) -> dict[str, Any]:
    text = (home / "dbt_target" / "manifest.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


def _ingestion(kind: str, rows: int, folder: Path) -> list[str]:
    """One file landed and staged, to DuckDB copying and flattening it bare.

    Interpreter and imports are measured with a file of one hundred rows and taken off both sides.
    """
    _tell(f"ingestion of {kind}")
    shutil.rmtree(folder, ignore_errors=True)
    runs: dict[str, dict[str, Measured]] = {}
    for scale, count in (("idle", 100), ("full", rows)):
        place = folder / scale
        file = generator.write_single_file(kind, count, place / "in")
        runs[scale] = {
            "bare": _module("ingestion", "bare", kind, file, place),
            "land": _module("ingestion", "land", kind, file, place),
        }
        if kind == "parquet":
            _module("ingestion", "parse", kind, file, place)
            runs[scale]["stage"] = _module("ingestion", "stage", kind, file, place)

    def net(what: str, figure: str) -> float:
        if what not in runs["full"]:
            return 0.0
        return float(getattr(runs["full"][what], figure) - getattr(runs["idle"][what], figure))

    def ratio(figure: str) -> str:
        return f"{(net('land', figure) + net('stage', figure)) / net('bare', figure):.2f}"

    return [
        kind,
        f"{rows:,}",
        *(f"{net(what, 'seconds'):.1f}" for what in ("bare", "land", "stage")),
        ratio("seconds"),
        ratio("cpu_seconds"),
    ]


if __name__ == "__main__":
    main()
