"""Errors that a user can mend: what is wrong, where, and what to do about it."""

from __future__ import annotations


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
