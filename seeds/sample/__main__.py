"""Command line: `python -m seeds.sample --customers N --days D --seed S --out DIR`."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date
from pathlib import Path

from seeds.sample.generate import generate
from seeds.sample.world import Settings


def main(arguments: list[str] | None = None) -> int:
    """Parse the arguments, write the retailer, say where it is."""
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m seeds.sample",
        description="Write the demo retailer's vendor exports, with planted defects, and the truth"
        " about them. The same arguments give the same bytes.",
    )
    parser.add_argument(
        "--customers", type=_positive, default=defaults.customers, help="customers (%(default)s)"
    )
    parser.add_argument(
        "--days", type=_positive, default=defaults.days, help="length of the window (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed (%(default)s)")
    parser.add_argument(
        "--end-date",
        type=_date,
        default=defaults.end_date,
        help="last day of the window, YYYY-MM-DD (%(default)s)",
    )
    parser.add_argument(
        "--clean", action="store_true", help="plant no defect: what was sent is what happened"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the exports")
    parser.add_argument(
        "--truth",
        type=Path,
        help="folder for the truth; by default `truth` beside the exports",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing")
    chosen = parser.parse_args(arguments)
    say = (lambda line: None) if chosen.quiet else (lambda line: print(f"  {line}", flush=True))
    truth = chosen.truth or chosen.out.resolve().parent / "truth"
    started = time.perf_counter()
    outcome = generate(
        Settings(chosen.customers, chosen.days, chosen.seed, chosen.end_date, chosen.clean),
        chosen.out,
        truth,
        say,
    )
    say(
        f"{outcome.files} files in {chosen.out}, truth in {truth},"
        f" {time.perf_counter() - started:.1f} s"
    )
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("must be at least 2")
    return number


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a date, YYYY-MM-DD") from None


if __name__ == "__main__":
    sys.exit(main())
