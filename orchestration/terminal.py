"""What all commands share: the two consoles, the exit codes, and how a mistake is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from orchestration.errors import WarehouseError

# Without emoji: a mistake on line 100 (`:100:`) would lose its place.
console = Console(soft_wrap=True, highlight=False, emoji=False)
error_console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)

EXIT_FAILED = 1
EXIT_USAGE = 2


@contextmanager
def user_errors() -> Iterator[None]:
    """Print what the user can mend; let everything else show its traceback."""
    try:
        yield
    except WarehouseError as error:
        error_console.print(f"Error: {error.message}", markup=False)
        error_console.print(error.remedy, markup=False)
        raise typer.Exit(EXIT_FAILED) from None
