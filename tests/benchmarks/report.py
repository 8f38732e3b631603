"""The result of a benchmark as files: a table to read, one to calculate with, and a plot."""

from __future__ import annotations

import csv
import json
import math
import os
import platform
from pathlib import Path
from typing import Any

import duckdb

SLOWEST = 12
_TIMES = ("seconds", "cpu_seconds")
THREADS = 2
_COLOURS = {"full build": "#1b6ca8", "one more day": "#d1495b", "hand-written": "#5b8c5a"}


def write_report(figures: dict[str, Any], folder: Path) -> Path:
    """Write results.json, results.csv, results.md and results.svg.

    Args:
        figures: What the benchmark measured.
        folder: Where to.

    Returns:
        The table to read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(figures, indent=2), encoding="utf-8")
    _write_csv(figures, folder / "results.csv")
    if figures["sizes"]:
        (folder / "results.svg").write_text(_plot(figures), encoding="utf-8")
    table = folder / "results.md"
    table.write_text(_markdown(figures), encoding="utf-8")
    return table


def machine() -> str:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB memory, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )


def _write_csv(figures: dict[str, Any], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["events", "part", "what", "value", "unit"])
        for size in figures["sizes"]:
            for part in ("full", "increment", "hand_written"):
                run = size.get(part)
                if not run:
                    continue
                for what in ("seconds", "cpu_seconds", "peak_bytes"):
                    unit = "bytes" if what.endswith("bytes") else "seconds"
                    writer.writerow([size["events"], part, what, round(run[what], 3), unit])
                for kind in ("phases", "models", "steps"):
                    for name, seconds in run.get(kind, {}).items():
                        writer.writerow(
                            [size["events"], part, f"{kind}: {name}", round(seconds, 3), "seconds"]
                        )


def _markdown(figures: dict[str, Any]) -> str:
    parts = [f"# Benchmarks\n\n{figures['machine']}; {figures['measured_at']}.\n"]
    if figures["sizes"]:
        parts.append(_sizes_table(figures))
        parts += [_where_time_goes(size) for size in figures["sizes"]]
    for title, rows, header in (
        (
            "Side by side",
            figures.get("side_by_side", []),
            ("engine", "seconds", "to DuckDB", "peak GB"),
        ),
        (
            "Ingestion",
            figures.get("ingestion", []),
            ("file", "rows", "bare s", "landed s", "staged s", "ratio", "of processor time"),
        ),
    ):
        if rows:
            parts.append(f"## {title}\n\n{_table(header, rows)}")
    parts += [_audit_table(run) for run in figures.get("audit", [])]
    if figures.get("metrics"):
        parts.append(_metrics_table(figures["metrics"]))
    return "\n".join(parts)


def _table(header: tuple[str, ...], rows: list[list[Any]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _audit_table(run: dict[str, Any]) -> str:
    """What is compared, each in multiples of the bare scan, and the models that take longest."""
    scan = run["scan"]
    both = {
        **{figure: run["models"][figure] + run["judge"][figure] for figure in _TIMES},
        "peak_bytes": max(run["models"]["peak_bytes"], run["judge"]["peak_bytes"]),
    }
    named = {
        "bare scan": scan,
        "models": run["models"],
        "Great Expectations": run["judge"],
        "audit in all": both,
        "what it reads (not in it)": run["stage"],
    }
    rows = []
    for name, part in named.items():
        ratios = [f"{part[figure] / scan[figure]:.1f}" for figure in _TIMES]
        taken = [f"{part[figure]:.1f}" for figure in _TIMES]
        rows.append([name, *taken, *ratios, f"{part['peak_bytes'] / 2**30:.1f}"])
    slowest = sorted(run["models"]["models"].items(), key=lambda item: -item[1])[:SLOWEST]
    header = ("part", "seconds", "of processor time", "to the scan", "by processor time", "peak GB")
    return "\n".join(
        [
            f"## Audit of {run['events'] / 1e6:g} M events\n",
            _table(header, rows),
            "The slowest models, seconds (two run at a time):\n",
            _table(("model", "seconds"), [[name, f"{taken:.1f}"] for name, taken in slowest]),
        ]
    )


def _metrics_table(runs: list[dict[str, Any]]) -> str:
    """Seconds of the models of metrics, of those before them, and which take longest."""
    rows = []
    for run in runs:
        models = run["models"]
        sums = {part: sum(models[part].values()) for part in ("before", "metrics", "audit")}
        rows.append(
            [
                f"{run['events'] / 1e6:g} M",
                *(f"{seconds:.1f}" for seconds in sums.values()),
                f"{sums['metrics'] / sums['before']:.0%}",
                f"{run['seconds']:.0f}",
                f"{run['peak_bytes'] / 2**30:.1f}",
            ]
        )
    slowest = sorted(runs[-1]["models"]["metrics"].items(), key=lambda item: -item[1])[:SLOWEST]
    header = ("events", "before s", "metrics s", "audit s", "share", "full build s", "peak GB")
    return "\n".join(
        [
            "## Metrics\n",
            _table(header, rows),
            "Seconds of models, of which two run at a time. Share: all models of metrics, to those "
            "that they and the audit are computed from.\n",
            "The slowest models of metrics, seconds:\n",
            _table(("model", "seconds"), [[name, f"{taken:.1f}"] for name, taken in slowest]),
        ]
    )


def _sizes_table(figures: dict[str, Any]) -> str:
    start_up = figures["start_up"]
    rows = []
    for size in figures["sizes"]:
        full, day, hand = size["full"], size["increment"], size["hand_written"]
        row = [
            f"{size['events'] / 1e6:g} M",
            f"{full['seconds']:.0f}",
            f"{day['seconds']:.0f}",
            f"{hand['seconds']:.1f}",
        ]
        for figure in ("seconds", "cpu_seconds"):
            beyond = full[figure] - start_up[figure]
            row.append(f"{beyond / hand[figure]:.1f}")
            row.append(f"{(day[figure] - start_up[figure]) / beyond:.0%}" if beyond > 1 else "–")
        unpublished = hand["seconds"] - hand["steps"].get("publication", 0.0)
        row.append(f"{_same_tables_seconds(size) / unpublished:.1f}")
        row.append(" / ".join(f"{run['peak_bytes'] / 2**30:.1f}" for run in (full, day, hand)))
        row.append("yes" if size["is_equal"] else "NO")
        rows.append(row)
    header = (
        "events",
        "full build s",
        "one more day s",
        "hand-written s",
        "ratio",
        "share",
        "ratio, processor",
        "share, processor",
        "same tables",
        "peak GB",
        "equal",
    )
    return (
        f"## Sizes\n\n{_table(header, rows)}\n"
        f"Fixed start-up, a run over {start_up['events']:,} events: {start_up['seconds']:.1f} s, "
        f"{start_up['cpu_seconds']:.1f} s of processor time. Ratio: full build beyond it, to the "
        "hand-written script. Share: one more day beyond it, of the full build beyond it; the day "
        "comes with three days exported again. Both by wall time and by processor time, which "
        "suffers less from what else the machine does. Same tables: landing, and of the models "
        "only those that the script's tables are computed from, by their own seconds with two at "
        "a time, to the script without its publication: what is left when ledger, audit, further "
        "marts and data tests, none of which the script makes, are not counted, nor publication "
        "on either side. Peak GB: full build, one more day, script. "
        "Equal: the script's tables and the warehouse's marts, row for row, after both.\n"
    )


def _same_tables_seconds(size: dict[str, Any]) -> float:
    """What of a full build the tables of the hand-written script need."""
    full = size["full"]
    models = sum(full["models"].get(name, 0.0) for name in size["needed_models"])
    return float(full["phases"].get("landing", 0.0) + models / THREADS)


def _where_time_goes(size: dict[str, Any]) -> str:
    full, day = size["full"], size["increment"]
    phases = [
        [name, f"{full['phases'].get(name, 0):.1f}", f"{day['phases'].get(name, 0):.1f}"]
        for name in dict.fromkeys([*full["phases"], *day["phases"]])
    ]
    models = sorted(full["models"].items(), key=lambda item: -item[1])[:SLOWEST]
    slowest = [
        [name, f"{seconds:.1f}", f"{day['models'].get(name, 0):.1f}"] for name, seconds in models
    ]
    tests = ["all data tests", f"{full['tests_seconds']:.1f}", f"{day['tests_seconds']:.1f}"]
    steps = [[name, f"{seconds:.1f}"] for name, seconds in size["hand_written"]["steps"].items()]
    title = f"{size['events'] / 1e6:g} M events"
    return "\n".join(
        [
            f"## {title}: phases, seconds of wall time\n",
            _table(("phase", "full build", "one more day"), phases),
            f"## {title}: the slowest models, seconds (two run at a time)\n",
            _table(("model", "full build", "one more day"), [*slowest, tests]),
            f"## {title}: the hand-written script\n",
            _table(("step", "seconds"), steps),
        ]
    )


def _plot(figures: dict[str, Any]) -> str:
    """Seconds over events, both logarithmic: what grows linearly rises by one line a line."""
    series = {
        "full build": [(s["events"], s["full"]["seconds"]) for s in figures["sizes"]],
        "one more day": [(s["events"], s["increment"]["seconds"]) for s in figures["sizes"]],
        "hand-written": [(s["events"], s["hand_written"]["seconds"]) for s in figures["sizes"]],
    }
    values = [point for points in series.values() for point in points]
    left, right = (f(math.log10(x) for x, _ in values) for f in (min, max))
    bottom = math.floor(min(math.log10(max(y, 0.1)) for _, y in values))
    top = math.ceil(max(math.log10(y) for _, y in values))
    left, right = math.floor(left), max(math.ceil(right), math.floor(left) + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = 70 + (math.log10(x) - left) / (right - left) * 500
        up = 330 - (math.log10(max(y, 0.1)) - bottom) / max(top - bottom, 1) * 300
        return round(across, 1), round(up, 1)

    marks = []
    for power in range(left, right + 1):
        x, _ = place(10.0**power, 10.0**bottom)
        marks.append(f'<line x1="{x}" y1="30" x2="{x}" y2="330" stroke="#ddd"/>')
        marks.append(f'<text x="{x}" y="350" text-anchor="middle">{10.0**power / 1e6:g} M</text>')
    for power in range(bottom, top + 1):
        _, y = place(10.0**left, 10.0**power)
        marks.append(f'<line x1="70" y1="{y}" x2="570" y2="{y}" stroke="#ddd"/>')
        marks.append(f'<text x="62" y="{y + 4}" text-anchor="end">{10.0**power:g} s</text>')
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[name]
        placed = [place(x, y) for x, y in points]
        line = " ".join(f"{x},{y}" for x, y in placed)
        marks.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        marks += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in placed]
        marks.append(f'<text x="600" y="{60 + 22 * number}" fill="{colour}">{name}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 370" '
        'font-family="sans-serif" font-size="13">\n'
        '<rect width="720" height="370" fill="white"/>\n' + "\n".join(marks) + "\n</svg>\n"
    )
