"""`cxw plan …` and `cxw audit …`: what an analyst does with the measurement plan."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import WarehouseError, names_like
from orchestration.home import SHIPPED_PLAN, Home, business_timezone, engine, run_clock
from orchestration.terminal import EXIT_FAILED, console, error_console, user_errors

if TYPE_CHECKING:
    from expectations.plan import Plan
    from expectations.plan_diff import Coverage, Difference
    from expectations.profile import Profile

plan_app = typer.Typer(help="The measurement plan.", no_args_is_help=True)
audit_app = typer.Typer(help="The tracking audit.", no_args_is_help=True)

# Of each kind.
_SHOWN = 10

PlanFile = Annotated[Path | None, typer.Argument(help="The plan; by default the one in force.")]
FirstDay = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="First day; by default 28 days."),
]
LastDay = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; by default the newest."),
]


@plan_app.command("check")
def check(path: PlanFile = None) -> None:
    """Validate a measurement plan; errors name the line."""
    with user_errors():
        home = Home.from_environment()
        plan = _plan(path or home.plan_file)
        console.print(f"{plan.path}: valid, version {plan.version}.")
        for version, begins, ends in plan.versions if plan.earlier else ():
            # The oldest judges what lies before it, too; the newest has no end.
            since = f" from {begins}" if version is not plan.versions[0][0] else ""
            until = f" before {ends}" if version is not plan else " on"
            console.print(f"  version {version.version} judges days{since}{until}", markup=False)
        for name in _unread_sources(plan, home):
            console.print(
                f"  note: sources.yml reads no '{name}': its deliveries cannot be late (VOL07)",
                markup=False,
            )


@plan_app.command("diff")
def diff(
    path: PlanFile = None,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for machines.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The differences, for sheets.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 where anything differs.")
    ] = False,
) -> None:
    """Compare the plan with what was observed: unplanned, missing, drifted, dead, newly seen."""
    from expectations.plan_diff import coverage, differences

    with user_errors():
        plan = _plan(path or Home.from_environment().plan_file)
        profile = _observed(plan, first_day, last_day)
        found = differences(plan, profile)
        covered = coverage(plan, profile)
        if as_json:
            document = {
                "plan_version": plan.version,
                "first_date": profile.first_date,
                "last_date": profile.last_date,
                "differences": [asdict(each) for each in found],
                "coverage": covered.figures(),
            }
            sys.stdout.write(json.dumps(document, indent=1, default=str, ensure_ascii=False) + "\n")
        elif as_csv:
            _write_csv(found)
        else:
            _show(plan, profile, found, covered)
        if exit_code and found:
            raise typer.Exit(EXIT_FAILED)


@plan_app.command("draft")
def draft(
    path: PlanFile = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write; by default measurement_plan.draft.yml in CXW_HOME."),
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            help="add: what is unplanned; update: also types, requirements, values, volumes; "
            "remove: also what never came."
        ),
    ] = "add",
    new: Annotated[
        bool, typer.Option("--new", help="Begin empty instead of with the plan in force.")
    ] = False,
    first_day: FirstDay = None,
    last_day: LastDay = None,
) -> None:
    """Propose a plan from what was observed. What people wrote stays as it is."""
    from expectations.plan_draft import MODES, empty_plan, write
    from expectations.plan_draft import draft as drafted
    from expectations.profile import NothingObserved, observe_surroundings

    with user_errors():
        home = Home.from_environment()
        if mode not in MODES:
            raise WarehouseError(f"--mode {mode} is none.", f"Write one of {', '.join(MODES)}.")
        target = out or home.root / "measurement_plan.draft.yml"
        if new:
            try:
                surroundings = observe_surroundings(_warehouse(home))
            except NothingObserved as error:
                raise WarehouseError(str(error), "Land web events first: cxw run") from error
            text = empty_plan(surroundings, business_timezone(), run_clock().date())
            plan = _unvalidated(text, target)
        else:
            plan = _plan(path or home.plan_file)
            text = plan.path.read_text(encoding="utf-8")
        if target.resolve() == plan.path.resolve() and not new:
            raise WarehouseError(
                f"{target} is the plan that the draft starts from.",
                "Write the draft beside it and compare the two.",
            )
        profile = _observed(plan, first_day, last_day)
        if new:
            text = empty_plan(surroundings, business_timezone(), profile.first_date)
            plan = _unvalidated(text, target)
        write(target, drafted(text, plan, profile, mode, run_clock().date()))
        valid = _plan(target)
        doubts = target.read_text(encoding="utf-8").lower().count("doubtful:")
        console.print(
            f"Wrote {target}: {len(valid.events)} events, from {profile.first_date} to "
            f"{profile.last_date}. {doubts} places are marked as doubtful."
        )
        console.print(
            f"Read it, correct it, then put it in force as {home.root / 'measurement_plan.yml'}"
        )


@plan_app.command("export")
def export(
    path: PlanFile = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder; by default reports/plan in CXW_HOME.")
    ] = None,
) -> None:
    """Write the plan as a readable page and as CSV files for spreadsheets."""
    from expectations.plan_export import export_plan

    with user_errors():
        home = Home.from_environment()
        folder = out or home.reports / "plan"
        written = export_plan(_plan(path or home.plan_file), folder)
        console.print(f"{written[0]} and {len(written) - 1} CSV files beside it.")


@audit_app.command("accept")
def accept(
    check_id: Annotated[str, typer.Argument(metavar="CHECK", help="For instance COL06.")],
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day of the exception.")
    ],
    why: Annotated[str, typer.Option(help="The reason, for whoever reads the report.")],
    scope: Annotated[
        str | None,
        typer.Option(help="Only findings of this source, platform, event, page or parameter."),
    ] = None,
) -> None:
    """Live with a check's findings until a day: written into the plan, shown in the report."""
    from expectations.catalogue import load_catalogue
    from expectations.plan_draft import with_acceptance, write

    with user_errors():
        home = Home.from_environment().prepare()
        known = load_catalogue().by_id
        if check_id not in known:
            raise WarehouseError(
                f"There is no check {check_id}.", names_like(check_id.upper(), known)
            )
        if not why.strip():
            raise WarehouseError("--why is empty.", "Say why the finding is acceptable.")
        if until.date() < run_clock().date():
            raise WarehouseError(
                f"{until.date()} has passed.", "Give a day on which the exception still holds."
            )
        plan = _plan(home.plan_file)
        text = plan.path.read_text(encoding="utf-8")
        own = home.root / SHIPPED_PLAN.name
        if not own.exists():
            console.print(f"Copied the plan that is in force to {own}: it is yours now.")
        write(own, with_acceptance(text, check_id, until.date(), why.strip(), scope))
        _plan(own)
        where = f" at {scope}" if scope else ""
        console.print(f"{check_id}{where} is accepted until {until.date()}. Next: cxw run")


# -- shared ---------------------------------------------------------------------------------------


def _unread_sources(plan: Plan, home: Home) -> list[str]:
    """Return what a plan of one's own expects deliveries of, and no source delivers."""
    from orchestration.ingestion.sources import load_sources

    if plan.path == SHIPPED_PLAN or not home.sources_file.exists():
        return []
    try:
        read = {source.name for source in load_sources(home.sources_file).sources}
    except WarehouseError:
        # `cxw doctor` says what is wrong with it.
        return []
    return [entry["name"] for entry in plan.rows("sources") if entry["name"] not in read]


def _plan(path: Path) -> Plan:
    from expectations.plan import PlanError, load_plan

    try:
        return load_plan(path)
    except PlanError as error:
        error_console.print(str(error), markup=False)
        raise typer.Exit(EXIT_FAILED) from None


def _unvalidated(text: str, path: Path) -> Plan:
    """A plan that is still to get its events, which validation asks for."""
    import yaml

    from expectations.plan import Plan

    return Plan(data=yaml.safe_load(text), path=path)


def _warehouse(home: Home) -> Path:
    if engine() != "duckdb":
        raise WarehouseError(
            "A plan is compared with events on DuckDB only.",
            "Unset CXW_TARGET and run once: cxw run",
        )
    if not home.warehouse.exists():
        raise WarehouseError(
            f"There is no warehouse in {home.root} yet.", "Load your data first: cxw run"
        )
    return home.warehouse


def _observed(plan: Plan, first_day: datetime | None, last_day: datetime | None) -> Profile:
    from expectations.profile import NothingObserved, observe
    from orchestration.run_lock import only_run

    home = Home.from_environment()
    warehouse = _warehouse(home)
    first = first_day.date() if first_day else None
    last = last_day.date() if last_day else None
    if first and last and first > last:
        raise WarehouseError(
            f"The days from {first} to {last} are none.",
            "Write the earlier day after --from and the later one after --to.",
        )
    try:
        # A run writes the warehouse, and who writes lets nobody read.
        with only_run(home, error_console.print):
            return observe(warehouse, plan, first, last)
    except NothingObserved as error:
        raise WarehouseError(
            str(error), "Choose other days, or check the plan's streams (property.streams)."
        ) from error


def _write_csv(found: list[Difference]) -> None:
    from expectations.plan_diff import Difference

    names = [field.name for field in fields(Difference)]
    writer = csv.writer(sys.stdout)
    writer.writerow(names)
    writer.writerows([getattr(each, name) for name in names] for each in found)


def _show(plan: Plan, profile: Profile, found: list[Difference], covered: Coverage) -> None:
    from expectations.plan_diff import KINDS

    console.print(
        f"Plan {plan.version} against {profile.event_count:,} events from {profile.first_date} to "
        f"{profile.last_date}\n"
    )
    for kind in KINDS:
        of_kind = [each for each in found if each.kind == kind]
        if not of_kind:
            continue
        console.print(f"[bold]{kind.capitalize()}[/bold] ({len(of_kind)})")
        for each in of_kind[:_SHOWN]:
            console.print(f"  {each.entity} ({each.platform}): {_told(each)}", markup=False)
            console.print(f"      {each.hint}", markup=False, style="dim")
        if len(of_kind) > _SHOWN:
            console.print(f"  … and {len(of_kind) - _SHOWN} more: cxw plan diff --csv")
        console.print()
    if not found:
        console.print("Nothing differs.\n")
    points = covered.data_points
    console.print("[bold]Coverage[/bold]")
    console.print(
        f"  planned data points observed   {points.observed} of {points.planned}"
        + ("" if points.share is None else f" ({points.share:.0%})")
    )
    console.print(
        f"  observed events planned        {covered.events_planned:,} of "
        f"{covered.events_observed:,} ({covered.volume_share or 0:.1%})"
    )
    for place in (*covered.personas, *covered.goals, *covered.touchpoints):
        missing = f"; missing {', '.join(place.missing)}" if place.missing else ""
        console.print(
            f"  {place.kind:<10} {place.name:<22} {place.observed} of {place.planned}{missing}",
            markup=False,
        )


def _told(each: Difference) -> str:
    """One difference in words: what came, what was planned, how much of it, and when."""
    parts = [each.observed + (f", planned: {each.planned}" if each.planned else "")]
    if each.count:
        share = "" if each.share is None else f" ({each.share:.1%})"
        parts.append(f"{each.count:,}{share}")
    if each.first_date:
        parts.append(f"{each.first_date} to {each.last_date}")
    return "; ".join(parts)
