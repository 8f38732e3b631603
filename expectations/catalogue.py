"""The catalogue of checks: what is asked, when it fails, what it means and how it is mended.

The texts and thresholds are data (``catalogue.yml``); here is their shape. How a check is measured
is SQL (dbt_project/models/intermediate/audit), how it is judged is ``suites``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from expectations.yaml_loader import Loader

CATALOGUE = Path(__file__).with_name("catalogue.yml")

Severity = Literal["critical", "warning", "info"]
Family = Literal[
    "structure",
    "collection",
    "sessions",
    "schema",
    "goals",
    "attribution",
    "privacy",
    "volume",
    "reconciliation",
    "surveys",
    "crm",
    "other",
]
Period = Literal["day", "week", "all"]
#: What a finding's subject names (of `parameter` and `field` its detail, of `source` its source).
Place = Literal["event", "parameter", "survey", "records", "field", "kind", "source"]

_COLUMN = r"^[a-z_]+\.(\*|[a-z_0-9]+)(@[A-Za-z_,]+)?$"

FAMILIES: tuple[Family, ...] = (
    "structure",
    "collection",
    "sessions",
    "schema",
    "goals",
    "attribution",
    "privacy",
    "volume",
    "reconciliation",
    "surveys",
    "crm",
    "other",
)

SEVERITY_WEIGHT: Mapping[str, int] = {"critical": 10, "warning": 4, "info": 1}


class CatalogueError(Exception):
    """The catalogue file is not usable."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Entry):
    """A sentence in the report's two languages."""

    en: str
    fi: str


class Steps(_Entry):
    """Steps of a repair in the report's two languages."""

    en: tuple[str, ...] = Field(min_length=1)
    fi: tuple[str, ...] = Field(min_length=1)


class Threshold(_Entry):
    """When a check fails: by share of rows, by age, by the plan's own figure, or by any row."""

    max_share: float | None = None
    min_failing: int = 1
    min_examined: int = 1
    periods: tuple[Period, ...] = ("day", "week", "all")
    max_age_hours: float | None = None
    plan_schedule: bool = False
    max_fall_short: bool = False
    max_rows: int | None = None

    @property
    def fields_in_use(self) -> tuple[str, ...]:
        """Return the numbers by which the check is judged: those that a plan may set."""
        if self.max_rows is not None:
            return ("max_rows",)
        if self.max_age_hours is not None:
            return ("max_age_hours",)
        if self.plan_schedule:
            return ()
        counts = ("min_failing", "min_examined")
        return counts if self.max_fall_short else ("max_share", *counts)


class Examined(_Entry):
    """Columns of records that a check examines and its SQL does not show, and why it does not.

    A column is `table.column`, or `table.*` for the rows themselves, of all rows or of those with
    one of the names after `@` (`web_events.*@purchase,refund`). `instead`: of what its SQL shows,
    nothing counts.
    """

    columns: tuple[Annotated[str, Field(pattern=_COLUMN)], ...] = ()
    instead: bool = False
    because: str


class Check(_Entry):
    """One check of the audit."""

    id: str = Field(pattern=r"^[A-Z]{3}[0-9]{2}$")
    family: Family
    question: Text
    rule: str
    severity: Severity
    threshold: Threshold
    likely_cause: Text
    fix: Steps
    examines: Examined | None = None
    narrowed_by: tuple[Place, ...] = ()
    scope: str
    measured_by: str
    effort: Literal["small", "medium", "large"]
    blocks_publication: bool = False

    @property
    def asset_key(self) -> tuple[str, ...]:
        """Dagster key of the model that measures the check (dbt gives its schema and name)."""
        return ("intermediate", self.measured_by)


class Catalogue(_Entry):
    """All checks, in the order of the file."""

    checks: tuple[Check, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Check]:
        """Return the checks by id."""
        return {check.id: check for check in self.checks}

    def with_thresholds(self, thresholds: Mapping[str, Mapping[str, float]]) -> Catalogue:
        """Return the catalogue with the fields of thresholds that a plan sets, by check."""
        return Catalogue(
            checks=tuple(
                check.model_copy(
                    update={"threshold": check.threshold.model_copy(update=thresholds[check.id])}
                )
                if check.id in thresholds
                else check
                for check in self.checks
            )
        )


def load_catalogue(path: Path | str = CATALOGUE) -> Catalogue:
    """Read the catalogue.

    Raises:
        CatalogueError: with the check and field that are wrong.
    """
    path = Path(path)
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    try:
        catalogue = Catalogue.model_validate(data)
    except ValidationError as error:
        checks = (data or {}).get("checks") or []
        lines = []
        for problem in error.errors():
            where = [str(part) for part in problem["loc"]]
            if len(where) > 1 and where[1].isdigit():
                where[1] = str(checks[int(where[1])].get("id", where[1]))
            lines.append(f"{path.name}: {'.'.join(where)}: {problem['msg']}")
        raise CatalogueError("\n".join(lines)) from error
    seen: set[str] = set()
    for check in catalogue.checks:
        if check.id in seen:
            raise CatalogueError(f"{path.name}: {check.id} stands twice; keep one")
        seen.add(check.id)
    return catalogue
