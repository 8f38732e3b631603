"""The switch, and what records are compared by: one YAML file, checked before anything is read.

Nothing here opens a database or imports splink.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.errors import WarehouseError
from orchestration.home import PROBABILISTIC_SWITCH as SWITCH
from orchestration.home import PROJECT_ROOT, Home, engine

SHIPPED_SETTINGS = PROJECT_ROOT / "seeds" / "probabilistic_links.yml"

Column = Literal[
    "first_name",
    "last_name",
    "street_name",
    "house_number",
    "postal_code",
    "city",
    "address",
    "birth_year",
]
COLUMNS: tuple[Column, ...] = get_args(Column)

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
    """One degree of agreement: how every one of these columns must agree, or whatever is left.

    `exact`; `jaro_winkler 0.92` (similar, 1 is equal); `edits 1` (letters or digits changed, added,
    missing or exchanged); `swapped last_name 0.92` (the two columns hold each other's value, or one
    so similar).
    """

    when: dict[Column, str] = Field(default_factory=dict)
    otherwise: Literal[True] | None = None
    by_frequency: Column | None = None
    share_of_matches: Share

    @model_validator(mode="after")
    def _can_be_said(self) -> Self:
        if bool(self.when) == bool(self.otherwise):
            raise ValueError("a level says when, or otherwise")
        for column, how in self.when.items():
            agreement(column, how)
        return self

    @property
    def condition(self) -> str:
        """SQL over the two records of a pair."""
        agreements = [agreement(column, how) for column, how in self.when.items()]
        return " and ".join(agreements) or "ELSE"

    @property
    def name(self) -> str:
        """How the level is called where a score is explained."""
        return ", ".join(f"{column} {how}" for column, how in self.when.items()) or "otherwise"


class Comparison(_Strict):
    """What is compared at one go, the best level first: what goes together is counted once."""

    name: Annotated[str, Field(pattern="^[a-z_]+$")]
    levels: tuple[Level, ...]
    passed_over_when: dict[Column, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ends_with_the_rest(self) -> Self:
        rests = [level.otherwise is not None for level in self.levels]
        if len(rests) < 2 or rests != [False] * (len(rests) - 1) + [True]:
            raise ValueError("levels begin with an agreement and end with otherwise")
        total = sum(level.share_of_matches for level in self.levels)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"share_of_matches of {self.name} must add up to 1, not {total:g}")
        for column, how in self.passed_over_when.items():
            agreement(column, how)
        return self

    @property
    def is_absent(self) -> str:
        """SQL for pairs of which the comparison says nothing: all columns lack a value."""
        columns = dict.fromkeys(column for level in self.levels for column in level.when)
        absent = " and ".join(
            f'("{column}_l" is null or "{column}_r" is null)' for column in columns
        )
        passed_over = [agreement(column, how) for column, how in self.passed_over_when.items()]
        return " or ".join([f"({absent})", *passed_over])


def agreement(column: Column, how: str) -> str:
    """SQL for one column's agreement.

    Raises:
        ValueError: There is no such agreement.
    """
    one, two = f'"{column}_l"', f'"{column}_r"'
    match how.split():
        case ["exact"]:
            return f"{one} = {two}"
        case ["jaro_winkler", least] if 0 < float(least) < 1:
            return f"jaro_winkler_similarity({one}, {two}) >= {float(least)}"
        case ["edits", most] if int(most) > 0:
            return f"damerau_levenshtein({one}, {two}) <= {int(most)}"
        case ["swapped", other, least] if other in COLUMNS and 0 < float(least) < 1:
            return (
                f'(jaro_winkler_similarity({one}, "{other}_r") >= {float(least)}'
                f' and jaro_winkler_similarity("{other}_l", {two}) >= {float(least)})'
            )
    raise ValueError(
        f"{column}: {how} is no agreement: write exact, jaro_winkler 0.92, edits 1 or "
        "swapped last_name 0.92"
    )


class Training(_Strict):
    """What the weights of the comparisons are learnt from."""

    seed: int
    random_pairs: int = Field(ge=1000)
    rounds: tuple[Rule, ...]
    sure_when_equal: tuple[Rule, ...] = Field(min_length=1)
    sure_share: Share
    weight_of_given_shares: float = Field(gt=0)
    most_certain_links: int = Field(ge=0)


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
    def _names_each_comparison_once(self) -> Self:
        names = [comparison.name for comparison in self.comparisons]
        if len(set(names)) < len(names):
            raise ValueError("two comparisons have one name")
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


def decisions_file(home: Home) -> Path:
    """The reviewers' decisions."""
    return home.root / "identity_decisions.csv"


def rule_files(home: Home) -> list[Path]:
    """What decides, besides code and data, which pairs are shown."""
    return [settings_file(home), decisions_file(home)]


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
