"""The switch, and what records are compared by: one YAML file, checked before anything is read.

Nothing here opens a database or imports splink.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.errors import WarehouseError
from orchestration.home import PROJECT_ROOT, Home, engine

SWITCH = "CXW_IDENTITY_PROBABILISTIC"
SHIPPED_SETTINGS = PROJECT_ROOT / "seeds" / "probabilistic_links.yml"

Column = Literal[
    "first_name", "last_name", "street_name", "house_number", "postal_code", "city", "birth_year"
]
COLUMNS: tuple[Column, ...] = (
    "first_name",
    "last_name",
    "street_name",
    "house_number",
    "postal_code",
    "city",
    "birth_year",
)

Share = Annotated[float, Field(gt=0, lt=1)]
Rule = Annotated[tuple[Column, ...], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Thresholds(_Strict):
    """Scores (0 to 1) at which a pair is linked, reviewed, or written down at all."""

    link: Share
    review: Share
    keep: Share

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.keep <= self.review <= self.link:
            raise ValueError("keep, review and link must not fall")
        return self


class Level(_Strict):
    """One degree of agreement of a column."""

    agrees: Literal["exact", "swapped", "jaro_winkler", "edits", "otherwise"]
    share_of_matches: Share | None = None
    by_frequency: bool = False
    other: Column | None = Field(default=None, alias="with")
    told_by: Column | None = None
    at_least: Share | None = None
    at_most: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {"swapped": self.other, "jaro_winkler": self.at_least, "edits": self.at_most}
        if self.agrees in needs and needs[self.agrees] is None:
            asked = {"swapped": "with", "jaro_winkler": "at_least", "edits": "at_most"}
            raise ValueError(f"{self.agrees} needs {asked[self.agrees]}")
        if self.by_frequency and self.agrees != "exact":
            raise ValueError("by_frequency belongs to exact")
        if (self.share_of_matches is None) != (self.told_by is not None):
            raise ValueError("a level has share_of_matches, or told_by another comparison")
        return self

    @property
    def name(self) -> str:
        """How the level is called where a score is explained."""
        limit = self.at_least if self.at_most is None else self.at_most
        return self.agrees if limit is None else f"{self.agrees} {limit:g}"


class Comparison(_Strict):
    """How the values of one column are compared, the best level first."""

    column: Column
    levels: tuple[Level, ...]

    @model_validator(mode="after")
    def _ends_with_the_rest(self) -> Self:
        rests = [level.agrees == "otherwise" for level in self.levels]
        if len(rests) < 2 or rests != [False] * (len(rests) - 1) + [True]:
            raise ValueError("levels begin with an agreement and end with otherwise")
        total = sum(level.share_of_matches or 0 for level in self.levels)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"share_of_matches of {self.column} must add up to 1, not {total:g}")
        return self


class Training(_Strict):
    """What the weights of the comparisons are learnt from."""

    seed: int
    random_pairs: int = Field(ge=1000)
    rounds: tuple[Rule, ...]
    sure_when_equal: tuple[Rule, ...] = Field(min_length=1)
    sure_share: Share
    weight_of_given_shares: float = Field(gt=0)


class Settings(_Strict):
    """The file `probabilistic_links.yml`."""

    version: Literal[1]
    thresholds: Thresholds
    largest_group: int = Field(ge=2)
    most_pairs_per_rule: int = Field(ge=1)
    blocking: tuple[Rule, ...] = Field(min_length=1)
    training: Training
    comparisons: tuple[Comparison, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _compares_each_column_once(self) -> Self:
        columns = [comparison.column for comparison in self.comparisons]
        if len(set(columns)) < len(columns):
            raise ValueError("a column is compared twice")
        return self

    @property
    def fingerprint(self) -> str:
        """A hash over all that decides a score; thresholds do not."""
        decisive = self.model_dump_json(exclude={"thresholds": {"link", "review"}})
        return hashlib.sha256(decisive.encode()).hexdigest()[:8]


def is_switched_on() -> bool:
    """Whether probable links are asked for (``CXW_IDENTITY_PROBABILISTIC``)."""
    return os.environ.get(SWITCH, "").strip().lower() == "show"


def check_switch() -> None:
    """Check that what the switch asks for can be done here.

    Raises:
        WarehouseError: The value is unknown, splink is missing, or the engine is Spark.
    """
    value = os.environ.get(SWITCH, "").strip().lower()
    if value not in {"", "off", "show"}:
        raise WarehouseError(
            f"{SWITCH}={os.environ[SWITCH]} is no setting.",
            "Write show, or off. Probable links are shown beside the certain ones and never merged "
            "into them: what is surely one person, merge in the CRM.",
        )
    if value != "show":
        return
    if engine() != "duckdb":
        raise WarehouseError(
            f"{SWITCH}=show works on DuckDB only.", f"Unset CXW_TARGET, or {SWITCH}."
        )
    if importlib.util.find_spec("splink") is None:
        raise WarehouseError(
            f"{SWITCH}=show needs splink, which is not installed.",
            "Install it into the environment of cxw: make probabilistic "
            "(or: pip install 'cx-warehouse[probabilistic]').",
        )


def settings_file(home: Home) -> Path:
    """The file in force: this home's own, or the shipped one."""
    own = home.root / SHIPPED_SETTINGS.name
    return own if own.exists() else SHIPPED_SETTINGS


def load_settings(home: Home) -> Settings:
    """The settings in force.

    Raises:
        WarehouseError: The file cannot be read or says something that cannot be.
    """
    return read_settings(settings_file(home))


def read_settings(path: Path) -> Settings:
    """The settings of a file.

    Raises:
        WarehouseError: The file cannot be read or says something that cannot be.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Settings.model_validate(content)
    except (OSError, yaml.YAMLError) as error:
        raise WarehouseError(f"{path} cannot be read: {error}.", "Mend the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise WarehouseError(
            f"{path}: {place}: {first['msg']}.", f"See {SHIPPED_SETTINGS} for what is meant."
        ) from error
