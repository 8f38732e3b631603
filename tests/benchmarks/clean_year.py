"""What the audit says of a year without defects: ``python -m tests.benchmarks.clean_year``.

The demo retailer of that seed, clean, goes through the whole job; then all checks judge the year,
volumes of every event, page group and source among them. Whatever they find is false. A run that
stops before its audit, at a test of the marts, is told of, and judged all the same.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from expectations.catalogue import load_catalogue
from expectations.plan import load_plan
from expectations.run import AuditOutcome, audit
from tests.benchmarks.measure import ROOT

_CLOCK = "2026-11-01T06:00:00Z"


def _cxw(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "CXW_HOME": str(home), "CXW_NOW": _CLOCK, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def _year(home: Path, customers: int, days: int, seed: int) -> AuditOutcome:
    """Write, run and judge."""
    size = ("--customers", str(customers), "--days", str(days), "--seed", str(seed))
    written = _cxw(home, "demo", *size, "--clean")
    if written.returncode:
        raise RuntimeError(written.stdout + written.stderr)
    finished = _cxw(home, "run")
    if finished.returncode:
        print("the run stopped:", finished.stdout[-600:])
    return audit(
        home / "warehouse.duckdb",
        load_plan(),
        load_catalogue(),
        home / "judged" / "state",
        home / "judged" / "reports",
        dt.datetime.fromisoformat(_CLOCK),
    )


def main() -> None:
    """Judge a year for each seed, and print what is found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.clean_year", description=__doc__
    )
    parser.add_argument("--seed", nargs="+", type=int, default=[7], help="a year each")
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--work", type=Path, default=ROOT / "data" / "benchmarks" / "clean_year")
    parser.add_argument("--keep", action="store_true", help="leave the homes")
    options = parser.parse_args()
    for seed in options.seed:
        home = options.work.resolve() / str(seed)
        shutil.rmtree(home, ignore_errors=True)
        outcome = _year(home, options.customers, options.days, seed)
        counts = Counter(finding.severity for finding in outcome.findings)
        print(
            f"seed {seed}: "
            + ", ".join(f"{counts[s]} {s}" for s in ("critical", "warning", "info"))
        )
        for finding in outcome.findings:
            place = " · ".join(filter(None, finding.scope[1:]))
            print(
                f"  {finding.check_id} {finding.severity}, {place},"
                f" {finding.first_failed_date} to {finding.last_failed_date}:"
                f" {finding.rows_failing} of {finding.rows_examined}"
            )
        silent = [result.check_id for result in outcome.results if not result.assessable]
        print(f"  not assessable: {', '.join(silent) or 'none'}")
        if not options.keep:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
