"""Where the warehouse keeps its data, and what time it is there.

Everything that depends on the environment is read here, once: the paths under ``CXW_HOME``, the
environment that dbt, Dagster and Great Expectations inherit, and the run clock. Nothing here
opens a file or a database.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from orchestration.errors import WarehouseError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
SHIPPED_PLAN = PROJECT_ROOT / "seeds" / "measurement_plan.yml"
DEFAULT_TIMEZONE = "Europe/Helsinki"

# Asks for probable links beside the certain ones.
PROBABILISTIC_SWITCH = "CXW_IDENTITY_PROBABILISTIC"

_MEMORY = re.compile(r"\d+(\.\d+)?\s*[KMGT]i?B", re.IGNORECASE)

# Targets of dbt's profile, with the engine that each of them is.
ENGINES = {"duckdb": "duckdb", "spark": "spark", "spark_cluster": "spark"}

_TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}


def files_fingerprint(root: Path, paths: Iterable[Path]) -> str:
    """A hash over names (below a root) and sizes of files: it tells what came, went or changed."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(root)} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Home:
    """The folders of one installation (``CXW_HOME``)."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home named by ``CXW_HOME``, by default ``data`` beside the code."""
        return cls(Path(os.environ.get("CXW_HOME") or PROJECT_ROOT / "data").expanduser().resolve())

    @property
    def sources_file(self) -> Path:
        """The user's list of sources."""
        return self.root / "sources.yml"

    @property
    def plan_file(self) -> Path:
        """The measurement plan in force: this home's own, or the demo retailer's."""
        own = self.root / SHIPPED_PLAN.name
        return own if own.exists() else SHIPPED_PLAN

    @property
    def raw(self) -> Path:
        """The raw zone."""
        return self.root / "raw"

    @property
    def warehouse(self) -> Path:
        """What holds every table after the build: only the pipeline opens it.

        On DuckDB it is dbt's working database, on Spark a file of views over Spark's tables.
        """
        if engine() == "spark":
            return self.root / "spark" / "tables.duckdb"
        return self.root / "warehouse.duckdb"

    @property
    def spark_tables(self) -> Path:
        """Where Spark keeps its tables, on a path that all its workers see."""
        return self.root / "spark" / "warehouse"

    @property
    def state(self) -> Path:
        """What depends on arrival by nature: findings' history, run log, generated key."""
        return self.root / "state"

    @property
    def published(self) -> Path:
        """Versions that BI reads; ``current`` points at the newest."""
        return self.root / "published"

    @property
    def reports(self) -> Path:
        """The static reports."""
        return self.root / "reports"

    @property
    def dagster(self) -> Path:
        """The Dagster instance."""
        return self.root / "dagster"

    @property
    def dbt_target(self) -> Path:
        """dbt's artifacts: the manifest, partial parsing, compiled SQL; one folder per target."""
        return self.root / ("dbt_target" if target() == "duckdb" else f"dbt_target_{target()}")

    def log_of(self, run_id: str) -> Path:
        """What the engines printed during one run."""
        return self.root / "logs" / f"{run_id}.log"

    def prepare(self) -> Home:
        """Create the folders and export the environment that the engines inherit; idempotent.

        Raises:
            WarehouseError: A setting of the environment cannot be used.
        """
        check_settings()
        folders = [self.root, self.raw, self.state, self.published, self.reports, self.dagster]
        if engine() == "spark":
            folders.append(self.spark_tables)
        for folder in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise WarehouseError(
                    f"{folder} cannot be created: {error.strerror}.",
                    "Set CXW_HOME to a folder that this user may write to.",
                ) from error
        os.environ.update(self.environment())
        return self

    def environment(self) -> dict[str, str]:
        """The environment of every dbt, Dagster and Great Expectations process of this home.

        The same strings whoever starts dbt: partial parsing is lost when a path differs.
        """
        return {
            **_TELEMETRY_OFF,
            "CXW_HOME": str(self.root),
            "CXW_RAW": str(self.raw),
            "CXW_STATE": str(self.state),
            "DAGSTER_HOME": str(self.dagster),
            "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR),
            "DBT_PROJECT_DIR": str(DBT_PROJECT_DIR),
            "DBT_TARGET_PATH": str(self.dbt_target),
            # Writing every step of every model to dbt.log took a tenth of a run; what fails is said
            # at any level.
            "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        }


@contextmanager
def settings_of(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment for what this process does within the block."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def target() -> str:
    """The target of dbt's profile (``CXW_TARGET``): where the models are built."""
    return os.environ.get("CXW_TARGET") or "duckdb"


def engine() -> str:
    """The engine of the target: ``duckdb`` or ``spark``."""
    return ENGINES.get(target(), "duckdb")


def check_settings() -> None:
    """Check the settings that the environment gives, before an engine trips over one.

    Raises:
        WarehouseError: One cannot be used; the message names it.
    """
    run_clock()
    if target() not in ENGINES:
        raise WarehouseError(
            f"CXW_TARGET={target()} is no target.", f"Write one of {', '.join(ENGINES)}."
        )
    if engine() == "spark":
        from orchestration.spark import check_installation

        check_installation()
    if PROBABILISTIC_SWITCH in os.environ:
        from orchestration.probabilistic.settings import check_switch

        check_switch()
    zone = os.environ.get("CXW_TIMEZONE")
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise WarehouseError(
                f"CXW_TIMEZONE={zone} is no known time zone.", "Write one like Europe/Helsinki."
            ) from error
    threads = os.environ.get("CXW_THREADS")
    if threads is not None and not re.fullmatch(r"[1-9]\d?", threads):
        raise WarehouseError(
            f"CXW_THREADS={threads} is no number of models to build at a time.",
            "Write one from 1 to 99, or unset it.",
        )
    limit = os.environ.get("CXW_MEMORY_LIMIT")
    if limit is not None and not _MEMORY.fullmatch(limit):
        raise WarehouseError(
            f"CXW_MEMORY_LIMIT={limit} is no amount of memory.", "Write one like 4GB or 512MB."
        )


def business_timezone() -> str:
    """The time zone of business days (``CXW_TIMEZONE``)."""
    return os.environ.get("CXW_TIMEZONE") or DEFAULT_TIMEZONE


def run_clock() -> datetime:
    """The time of this run, UTC: ``CXW_NOW`` (ISO 8601) where set, so that runs can be repeated."""
    fixed = os.environ.get("CXW_NOW")
    if not fixed:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(fixed)
    except ValueError as error:
        raise WarehouseError(
            f"CXW_NOW={fixed} is no time.", "Write one like 2026-11-01T06:00:00Z, or unset it."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
