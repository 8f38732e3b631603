"""`cxw customer …`: one customer, for whoever serves them."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.terminal import console, user_errors

customer_app = typer.Typer(help="One customer's encounters.", no_args_is_help=True)


@customer_app.callback()
def customer() -> None:
    """One customer's encounters."""


@customer_app.command("show")
def show(
    customer_id: Annotated[
        str, typer.Argument(metavar="ID", help="A customer id, also one of an old report.")
    ],
    with_vault: Annotated[
        bool,
        typer.Option(
            "--with-vault",
            help="Add names and addresses; needs the right to read the warehouse file.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page; by default reports/customers.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything for machines, write no page.")
    ] = False,
) -> None:
    """Write a page with everything that is published about a customer."""
    from orchestration.customer_page import customer_view, write_customer_page

    with user_errors():
        if not re.fullmatch(r"c_[0-9a-f]{20}", customer_id):
            # not repeated: people type addresses and names where an id belongs
            raise WarehouseError(
                "That is no customer id: c_ and 20 characters.",
                "Take an id of dim_customers; personal data is no key to a customer here.",
            )
        home = Home.from_environment()
        view = customer_view(home, customer_id, with_vault=with_vault)
        if as_json:
            sys.stdout.write(json.dumps(view, default=str, ensure_ascii=False, indent=1) + "\n")
            return
        current = view["customer"]["customer_id"]
        path = out or home.reports / "customers" / f"{current}.html"
        write_customer_page(view, path, datetime.now(UTC))
        console.print(f"{current}: {len(view['timeline']):,} encounters. Open {path}", markup=False)
