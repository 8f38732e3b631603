"""Growth with workers: ``python -m tests.benchmarks.spark_growth --millions 2 --workers 1 2``.

GA4 events of so many millions are landed once. Then, for each number of workers of one core each, a
standalone cluster is started on this machine, and dbt builds what grows with events through its
Thrift server: staged events, sessions and all that they come from, one statement at a time. Printed
are the seconds of each model and their ratio to those with the first number of workers.

Workers beyond the cores of the machine cannot help, and master, server and dbt need some of them
too. It needs Spark (``make test-spark`` installs it) and a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from expectations.plan import export_tables, load_plan
from orchestration import spark_cluster
from orchestration.home import DBT_PROJECT_DIR, Home
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.sources import load_sources
from tests.benchmarks.generator import Size, write_base
from tests.benchmarks.measure import measure

# What grows with events, and what it comes from.
_SELECTED = ("+stg_ga4__web_events", "+int_sessions_built")
_NOW = datetime(2026, 3, 22, 6, tzinfo=UTC)
# Models that take less are start and planning of a statement, whatever it computes.
_SHOWN_SECONDS = 3.0


def prepare(events: int, home: Home) -> None:
    """Generate and land the events.

    Args:
        events: How many.
        home: An empty home.
    """
    write_base(Size(events), home.root)
    sources = load_sources(home.sources_file)
    land(discover(sources, home.raw), sources, home.raw, "growth", _NOW)
    export_tables(load_plan(), home.state / "plan")


def build(home: Home, workers: int) -> dict[str, float]:
    """Build the models on a cluster with so many workers; seconds by model, in order of building.

    Args:
        home: A home with landed events; its Spark tables are removed first.
        workers: Workers of one core each.

    Returns:
        Seconds of each model.
    """
    shutil.rmtree(home.root / "spark", ignore_errors=True)
    port, master_port = _free_port(), _free_port()
    spark_cluster.up(home, port, workers, memory="2g", master_port=master_port)
    try:
        measure(
            [
                *(sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "build"),
                *("--no-version-check", "--threads", "1", "--select", *_SELECTED),
                *("--exclude-resource-type", "test", "unit_test"),
            ],
            **{
                **home.environment(),
                "DBT_PROJECT_DIR": str(DBT_PROJECT_DIR),
                "CXW_TARGET": "spark_cluster",
                "CXW_SPARK_PORT": str(port),
                "CXW_NOW": _NOW.isoformat(),
            },
        )
    finally:
        spark_cluster.down(home)
    results = json.loads((home.dbt_target / "run_results.json").read_text())["results"]
    return {row["unique_id"].split(".")[-1]: row["execution_time"] for row in results}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((spark_cluster.HOST, 0))
        return int(listener.getsockname()[1])


def table(seconds: dict[int, dict[str, float]]) -> str:
    """The figures as a Markdown table.

    Args:
        seconds: By number of workers, the seconds of each model.

    Returns:
        A row for each model that takes long enough to tell, one for all others, and the sum.
    """
    first, *others = seconds
    shown = [name for name, each in seconds[first].items() if each >= _SHOWN_SECONDS]

    def row(name: str, figures: dict[int, float]) -> str:
        cells = [f"{figures[first]:.1f}"]
        cells += [f"{figures[n]:.1f} ({figures[first] / figures[n]:.2f})" for n in others]
        return f"| {name} | {' | '.join(cells)} |"

    rest = {
        n: sum(s for name, s in each.items() if name not in shown) for n, each in seconds.items()
    }
    lines = [
        f"| model | {' | '.join(f'{n} workers: s' if n > 1 else '1 worker: s' for n in seconds)} |",
        f"|---{'|---' * len(seconds)}|",
        *(row(f"`{name}`", {n: each[name] for n, each in seconds.items()}) for name in shown),
    ]
    if any(rest.values()):
        lines.append(row(f"{len(seconds[first]) - len(shown)} others", rest))
    return "\n".join([*lines, row("all", {n: sum(each.values()) for n, each in seconds.items()})])


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--millions", type=float, default=2.0, help="GA4 events, in millions")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--work", type=Path, help="scratch folder")
    arguments = parser.parse_args()
    os.environ["CXW_HASH_KEY"] = "benchmark-of-growth-with-workers"
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        home = Home(Path(folder) / "home")
        prepare(int(arguments.millions * 1_000_000), home)
        print(table({workers: build(home, workers) for workers in arguments.workers}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
