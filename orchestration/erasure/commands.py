"""`cxw erase`: takes a person out of the home, and proves it.

No address, number or name is ever read from the command line, which shells keep and every user of
the machine can see, and none is ever printed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.terminal import EXIT_FAILED, console, error_console, user_errors

if TYPE_CHECKING:
    from orchestration.erasure.erase import Erased, Journal

_SHOWN = 20


class Kind(StrEnum):
    """What a person may be found by."""

    email = "email"
    phone = "phone"
    loyalty = "loyalty"
    contact = "contact"
    user = "user"
    client = "client"


def erase_command(
    customer_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CUSTOMER_ID]...", help="Ids of dim_customers, also old ones."),
    ] = None,
    by: Annotated[
        Kind | None,
        typer.Option(
            "--by",
            help="Find the person by an identifier instead: it is read from standard input, or "
            "asked for, and never given on the command line.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be erased; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to go on.")] = False,
    why: Annotated[
        str, typer.Option(help="The reason, for the certificate; no personal data.")
    ] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an erasure that was stopped.")
    ] = False,
) -> None:
    """Erase a person from the raw zone, warehouse, published versions and reports, and prove it.

    What is left of their records has no name, address, free text or id of theirs, so that totals
    stay as they were. Several people at once cost no more than one: the warehouse is built anew.
    May be stopped at any moment; run again, or the next cxw run, it is completed.
    """
    from orchestration.erasure.erase import erase, plan
    from orchestration.ingestion.suppression import is_pending
    from orchestration.run_lock import only_run

    with user_errors():
        home = Home.from_environment().prepare()
        with only_run(home, console.print):
            if is_pending(home.state) and not dry_run:
                finish_pending(home)
                if resume or not (customer_ids or by):
                    return
            elif resume:
                raise WarehouseError("No erasure was begun here.", "Begin one: cxw erase ID")
            journal = plan(home, _asked_for(home, customer_ids or [], by), why)
            _show(journal)
            if dry_run:
                console.print("Nothing was changed.")
                return
            if not yes and not (
                sys.stdin.isatty() and typer.confirm("Erase? This cannot be undone.")
            ):
                raise WarehouseError(
                    "Nothing was erased.", "Say yes when asked, or give --yes where nobody can."
                )
            _finish(erase(home, journal, console))


def finish_pending(home: Home) -> None:
    """Complete an erasure that was stopped, before anything else is done in the home."""
    from orchestration.ingestion.suppression import is_pending

    if is_pending(home.state):
        from orchestration.erasure.erase import check_engine, resume

        check_engine("cxw erase --resume")
        console.print("Going on with the erasure that was begun")
        _finish(resume(home, console))


def _asked_for(home: Home, customer_ids: Sequence[str], by: Kind | None) -> list[str]:
    from orchestration.erasure.person import customer_of

    if by is None:
        if not customer_ids:
            raise WarehouseError(
                "Nobody is named.",
                "Give a customer's id, or --by email and the address when asked.",
            )
        return list(customer_ids)
    if customer_ids:
        raise WarehouseError(
            "Both an id and --by were given.", "What --by asks for comes from standard input."
        )
    if sys.stdin.isatty():
        values = [typer.prompt(f"The person's {by.value}", hide_input=True)]
    else:
        values = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if not values:
        raise WarehouseError(f"No {by.value} was given.", "Write one to standard input.")
    return [customer_of(home, by.value, value) for value in values]


def _show(journal: Journal) -> None:
    from orchestration.erasure.erase import quarantined_of

    console.print(
        f"{journal.customers:,} customer(s), "
        f"{sum(map(len, journal.identifiers.values())):,} identifiers"
    )
    for table, rows in journal.anonymised.items():
        console.print(f"  {table:<40} {rows:>9,} rows", markup=False)
    if quarantined_of(journal):
        console.print(f"  {'quarantine':<40} {quarantined_of(journal):>9,} records", markup=False)


def _finish(erased: Erased) -> None:
    console.print(
        f"Searched {erased.proof.files:,} files and {erased.proof.tables:,} tables for "
        f"{erased.proof.terms:,} values: {len(erased.proof.hits):,} hits"
    )
    if erased.namesakes:
        console.print(
            f"{erased.namesakes:,} names or streets stand in records of others too; they were "
            "left there and not searched for."
        )
    if erased.exports:
        console.print(
            f"[yellow]{len(erased.exports):,} vendor file(s) still hold the person[/yellow]; they "
            "are not the warehouse's. Erase there too; what they bring again is not let in:"
        )
        for file in erased.exports[:_SHOWN]:
            console.print(f"  {file}", markup=False)
    if erased.proof.hits:
        error_console.print("Still found in:")
        for hit in erased.proof.hits[:_SHOWN]:
            error_console.print(f"  {hit}", markup=False)
        error_console.print("Close what has these files open and run: cxw erase --resume")
        raise typer.Exit(EXIT_FAILED)
    console.print(
        f"Erased; {erased.versions:,} older version(s) withdrawn. "
        f"Certificate: {erased.certificate}",
        markup=False,
    )
