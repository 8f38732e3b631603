"""Errors that a user can mend: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def names_like(name: str, known: Iterable[str]) -> str:
    """Return the remedy for a name that is not known: those that look like it, else all."""
    names = list(known)
    near = get_close_matches(name, names, n=5, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}?" if near else f"Choose one of {', '.join(names)}."


class WarehouseError(Exception):
    """A mistake or a missing thing that the user can put right.

    The command line prints it without a traceback; Dagster shows it as the step's failure.

    Args:
        message: What is wrong, naming the file or object.
        remedy: What to do about it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class PublicationError(WarehouseError):
    """The new version failed its own checks; the previous one stays published."""


class TransformationError(WarehouseError):
    """dbt could not build or test a model; the previous version stays published."""
