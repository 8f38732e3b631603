"""The review list: `cxw identity review`, `accept`, `reject`, and other thresholds on trial."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.errors import WarehouseError
from orchestration.home import Home, run_clock
from orchestration.terminal import EXIT_FAILED, console, user_errors

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 20

First = Annotated[str, typer.Argument(metavar="CUSTOMER", help="One of the two.")]
Second = Annotated[str, typer.Argument(metavar="OTHER", help="The other.")]
Why = Annotated[str, typer.Option(help="Why; without personal data.")]
By = Annotated[str | None, typer.Option(help="Who decides; by default the user.")]


@dataclass(frozen=True)
class ThresholdDiff:
    """What other thresholds would show.

    Attributes:
        linked: Pairs of customers that would be linked and are not.
        unlinked: Pairs that are linked and would not be.
        to_review: Pairs that would come onto the review list.
        off_review: Pairs that would leave it.
        groups_before, groups_after: Number of groups of customers.
    """

    linked: tuple[dict[str, Any], ...]
    unlinked: tuple[dict[str, Any], ...]
    to_review: tuple[dict[str, Any], ...]
    off_review: tuple[dict[str, Any], ...]
    groups_before: int
    groups_after: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be shown otherwise."""
        return not (self.linked or self.unlinked or self.to_review or self.off_review)


def review(
    with_vault: Annotated[
        bool,
        typer.Option(
            "--with-vault",
            help="Add names and addresses; needs the right to read the warehouse file.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for machines.")] = False,
) -> None:
    """Show the pairs of customers that wait for a decision, the likeliest first."""
    from orchestration.probabilistic.store import duplicates, personal_details

    with user_errors():
        home = Home.from_environment()
        found = duplicates(home)
        waiting = _rows(found, "review")
        waiting.sort(key=lambda row: (-(row["match_probability"] or 0), row["first_customer_id"]))
        if with_vault:
            details = personal_details(
                home,
                {
                    row[end]
                    for row in waiting
                    for end in ("first_customer_id", "second_customer_id")
                },
            )
            for row in waiting:
                row["first_records"] = details.get(row["first_customer_id"], [])
                row["second_records"] = details.get(row["second_customer_id"], [])
        if as_json:
            told = json.dumps(waiting, default=str, ensure_ascii=False, indent=1)
            sys.stdout.write(told + "\n")
            return
        linked = found.filter(found["probable_customer_id"].is_valid()).num_rows
        console.print(
            f"{len(waiting):,} pairs wait for review; {linked:,} are shown as probably one person"
        )
        for row in waiting[:_SHOWN]:
            console.print(f"  {_told(row)}", markup=False)
            for end in ("first_records", "second_records"):
                for record in row.get(end, []):
                    console.print(f"      {record}", markup=False)
        if len(waiting) > _SHOWN:
            console.print(f"  … and {len(waiting) - _SHOWN} more: cxw identity review --json")
        if waiting:
            console.print("Decide with: cxw identity accept|reject CUSTOMER OTHER --why …")


def accept(first: First, second: Second, why: Why, by: By = None) -> None:
    """Say that two customers are one person; shown so from the next run on, and never merged."""
    _decide(first, second, "accepted", why, by)


def reject(first: First, second: Second, why: Why, by: By = None) -> None:
    """Say that two customers are two people; they come up no more."""
    _decide(first, second, "rejected", why, by)


def show_threshold_diff(
    home: Home, link: float | None, review: float | None, as_json: bool, exit_code: bool
) -> None:
    """Print what other thresholds would show."""
    found = threshold_diff(home, link, review)
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), default=str, indent=1) + "\n")
    else:
        console.print(
            f"{found.groups_before:,} groups of probable duplicates would become "
            f"{found.groups_after:,}: {len(found.linked):,} pairs newly linked, "
            f"{len(found.unlinked):,} no longer; {len(found.to_review):,} newly to review, "
            f"{len(found.off_review):,} no longer"
        )
        shown = [("link", row) for row in found.linked] + [
            ("unlink", row) for row in found.unlinked
        ]
        for what, row in shown[:_SHOWN]:
            console.print(f"  {what}: {_told(row)}", markup=False)
        if len(shown) > _SHOWN:
            console.print(f"  … and {len(shown) - _SHOWN} more: --json")
    if exit_code and not found.is_empty:
        raise typer.Exit(EXIT_FAILED)


def threshold_diff(home: Home, link: float | None, review: float | None) -> ThresholdDiff:
    """What other thresholds would show, from the scores and decisions of the last run.

    Raises:
        WarehouseError: The thresholds cannot be, or the last run wrote no pairs down that score so
            little.
    """
    import pyarrow.compute as pc

    from orchestration.probabilistic.grouping import CUSTOMER_PAIRS_SCHEMA, grouped
    from orchestration.probabilistic.settings import Thresholds, load_settings
    from orchestration.probabilistic.store import duplicates

    settings = load_settings(home)
    now = settings.thresholds
    link = now.link if link is None else link
    review = min(now.review, link) if review is None else review
    if not now.keep <= review <= link < 1:
        raise WarehouseError(
            f"--link-at {link:g} and --review-at {review:g} cannot be thresholds.",
            f"Review begins at {now.keep:g} (keep) or above and no higher than links; below 1.",
        )
    before = duplicates(home)
    after = grouped(
        before.select(CUSTOMER_PAIRS_SCHEMA.names),
        Thresholds(link=link, review=review, keep=now.keep),
        settings.largest_group,
    )

    def changed(status: tuple[str, ...], table: pa.Table, other: pa.Table) -> tuple[Any, ...]:
        is_so = pc.is_in(table["status"], _texts(status))
        was_so = pc.is_in(other["status"], _texts(status))
        return tuple(_plain(table.filter(pc.and_(is_so, pc.invert(was_so)))))

    linked = ("accepted", "probable")
    return ThresholdDiff(
        linked=changed(linked, after, before),
        unlinked=changed(linked, before, after),
        to_review=changed(("review",), after, before),
        off_review=changed(("review",), before, after),
        groups_before=len(before["probable_customer_id"].drop_null().unique()),
        groups_after=len(after["probable_customer_id"].drop_null().unique()),
    )


def _decide(first: str, second: str, verdict: str, why: str, by: str | None) -> None:
    from orchestration.probabilistic.store import Decision, decide, duplicates

    with user_errors():
        home = Home.from_environment()
        asked = {first, second}
        pair = next(
            (
                row
                for row in duplicates(home).to_pylist()
                if {row["first_customer_id"], row["second_customer_id"]} == asked
            ),
            None,
        )
        if pair is None:
            # not repeated: people type names where an id belongs
            raise WarehouseError(
                "These two are no pair that the last run found.",
                "Take the ids of a pair: cxw identity review, or mart_probable_duplicates.",
            )
        if pair["decision"] == "kept_apart":
            raise WarehouseError(
                "A rule keeps these two apart.",
                "Change identity_separations.csv, or the un-merge in the CRM.",
            )
        if not why.strip():
            raise WarehouseError("A decision needs a reason.", "Say why: --why 'same birthday'.")
        decide(
            home,
            Decision(
                first_record_key=pair["first_record_key"],
                second_record_key=pair["second_record_key"],
                decision=verdict,
                decided_at=run_clock().replace(tzinfo=None).isoformat(),
                decided_by=by or getpass.getuser(),
                why=why.strip(),
            ),
        )
        console.print(f"{verdict}: {first} {second}. Shown from the next run on: cxw run")


def _rows(table: pa.Table, status: str) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    return _plain(table.filter(pc.is_in(table["status"], _texts((status,)))))


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    shown = (
        "first_customer_id",
        "second_customer_id",
        "match_probability",
        "match_weight",
        "comparison_weights",
        "held_back",
        "status",
    )
    return [
        {**row, "comparison_weights": json.loads(row["comparison_weights"] or "{}")}
        for row in table.select(list(shown)).to_pylist()
    ]


def _texts(values: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.string())


def _told(row: dict[str, Any]) -> str:
    evidence = ", ".join(
        f"{name} {found['weight']:+.1f}"
        for name, found in row["comparison_weights"].items()
        if found["level"] != "absent"
    )
    held_back = f" held back: {row['held_back']};" if row["held_back"] else ""
    score = "decided" if row["match_probability"] is None else f"{row['match_probability']:.3f}"
    return f"{row['first_customer_id']} {row['second_customer_id']} {score};{held_back} {evidence}"
