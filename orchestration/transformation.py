"""The dbt models as Dagster assets: one native asset per model, one asset check per data test.

The project is built in two invocations, because the audit and the probable links stand between
them: first everything that reads neither, then what does (findings, trust, and the marts that show
trust). Which is which follows from the lineage, not from a list.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings
from dagster_dbt import dbt_assets as dbt_assets_decorator

from expectations.plan import plan_fingerprint
from orchestration.dbt_build import build, load_project
from orchestration.home import DBT_PROJECT_DIR, PROJECT_ROOT, Home, engine
from orchestration.ingestion.registry import VENDORS
from orchestration.replay import served
from orchestration.run_lock import LOCK_RESOURCE, WAREHOUSE_POOL
from orchestration.spark import write_views

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# What is made between the two halves of the project, out of the first: findings, probable links.
_MADE_BETWEEN = "source:audit+ source:probabilistic+"

# With which rules the warehouse was last built whole; it lies beside the database and goes with it.
_BUILT_WITH = ".rules"
_BEING_BUILT_WITH = ".rules_next"

_FAILED_STATUSES = {"error", "fail", "runtime error"}

translator = DagsterDbtTranslator(
    settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)
)


def project_fingerprint(folders: tuple[Path, ...]) -> str:
    """A hash over the names and contents of all files that dbt reads."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".sql", ".yml", ".csv", ".md"} and "target" not in path.parts:
                digest.update(str(path.relative_to(PROJECT_ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def project_fingerprint_of() -> str:
    """A hash over the models, the macros and the reference tables."""
    return project_fingerprint((DBT_PROJECT_DIR, PROJECT_ROOT / "seeds" / "reference"))


def ready_manifest(home: Home) -> Path:
    """The project's manifest, parsed anew only when a file of the project has changed.

    Raises:
        TransformationError: dbt cannot parse the project.
    """
    manifest = home.dbt_target / "manifest.json"
    stamp = home.dbt_target / "fingerprint"
    fingerprint = project_fingerprint_of()
    if manifest.exists() and stamp.exists() and stamp.read_text() == fingerprint:
        return manifest
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    os.environ.update(home.environment())
    load_project(home.dbt_target, fingerprint)
    stamp.write_text(fingerprint)
    return manifest


def rules_in_force(home: Home) -> str:
    """A hash over all that decides a table's rows besides the data."""
    fingerprint = project_fingerprint_of()
    plan = plan_fingerprint(home.plan_file)
    return f"{fingerprint} {plan} {os.environ.get('CXW_TIMEZONE', '')}".strip()


def is_built_with(home: Home, rules: str) -> bool:
    """Whether every table of the warehouse was computed by these rules.

    An incremental model keeps old rows, which other rules may have made: after a change of a model,
    a reference table or the plan everything is computed anew, once.
    """
    stamp = home.warehouse.with_suffix(_BUILT_WITH)
    return home.warehouse.exists() and stamp.exists() and stamp.read_text() == rules


def changed_raw_tables(home: Home) -> set[tuple[str, str]]:
    """Vendor and table of every raw file that came, went or changed since the last whole run."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        committed = connection.execute(
            "select file_path, size_bytes from intermediate.int_raw_files_committed"
        ).fetchall()
    present = {
        (str(path), path.stat().st_size)
        for path in home.raw.glob("*/*/dt=*/*.parquet")
        if not path.name.endswith("schema.parquet")
    }
    return {
        (Path(path).parts[-4], Path(path).parts[-3])
        for path, _ in present.symmetric_difference(committed)
    }


def unchanged_models(home: Home, manifest: Mapping[str, Any], rules: str) -> list[str]:
    """Staging models that cannot come out otherwise than they stand in the warehouse.

    They were built by the rules in force, and of the raw tables that they come from no file has
    changed. A shop with four vendors need not build and test the models of fourteen others every
    morning.
    """
    if not is_built_with(home, rules) or os.environ.get("CXW_REPLAY_FROM"):
        return []
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        built = {
            (schema, name)
            for schema, name in connection.execute(
                "select schema_name, table_name from duckdb_tables() union all "
                "select schema_name, view_name from duckdb_views()"
            ).fetchall()
        }
    if ("intermediate", "int_raw_files_committed") not in built:
        return []
    changed = changed_raw_tables(home)
    nodes, sources, parents = manifest["nodes"], manifest["sources"], manifest["parent_map"]

    @cache
    def is_unchanged(unique_id: str) -> bool:
        if unique_id in sources:
            source = sources[unique_id]
            name = source["source_name"]
            return name == "plan" or (name in VENDORS and (name, source["name"]) not in changed)
        node = nodes[unique_id]
        if node["resource_type"] == "seed":
            return True
        return bool(parents[unique_id]) and all(map(is_unchanged, parents[unique_id]))

    def is_skippable(unique_id: str, node: Mapping[str, Any]) -> bool:
        return (
            node["resource_type"] == "model"
            and node["fqn"][1] == "staging"
            and (node["schema"], node["alias"]) in built
            and is_unchanged(unique_id)
        )

    return sorted(node["name"] for key, node in nodes.items() if is_skippable(key, node))


@cache
def load_manifest(home: Home) -> dict[str, Any]:
    """The parsed manifest; read once a process."""
    return dict(json.loads(ready_manifest(home).read_text()))


def build_dbt_assets(home: Home) -> list[dg.AssetsDefinition]:
    """The two halves of the project as Dagster assets: before and after the audit."""
    manifest = load_manifest(home)

    def _build(context: dg.AssetExecutionContext, rules: str, excluded: list[str]) -> Iterator[Any]:
        # One target folder for all invocations: partial parsing is kept and nothing piles up.
        # Unit tests judge code, not data: `make test` runs them.
        target = home.dbt_target
        result = yield from build(
            context=context,
            manifest=manifest,
            translator=translator,
            project=load_project(target, rules.split()[0]),
            arguments=[
                *([] if is_built_with(home, rules) else ["--full-refresh"]),
                *("--exclude-resource-type", "unit_test"),
            ],
            excluded=excluded,
            target=target,
        )
        if not result.success:
            raise _failure(result)
        if engine() == "spark":
            write_views(home.spark_tables, home.warehouse)

    @dbt_assets_decorator(
        manifest=manifest,
        exclude=_MADE_BETWEEN,
        name="warehouse_models",
        dagster_dbt_translator=translator,
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def warehouse_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Staging, identity, facts, audit metrics and metrics."""
        # Who asks for chosen assets gets them.
        rules = rules_in_force(home)
        if context.is_subset:
            yield from _build(context, rules, [])
            return
        with served(home):
            excluded = unchanged_models(home, manifest, rules)
            if excluded:
                context.log.info(
                    f"{len(excluded)} staging models are as they were: nothing new came"
                )
            yield from _build(context, rules, excluded)
        home.warehouse.with_suffix(_BEING_BUILT_WITH).write_text(rules)

    @dbt_assets_decorator(
        manifest=manifest,
        select=_MADE_BETWEEN,
        name="trusted_marts",
        dagster_dbt_translator=translator,
        required_resource_keys={LOCK_RESOURCE},
        pool=WAREHOUSE_POOL,
    )
    def trusted_marts(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """What reads findings and probable links: trust grades and the marts that show them."""
        # A rule may have changed since the first half was built: what it was built with counts.
        stamp = home.warehouse.with_suffix(_BEING_BUILT_WITH)
        rules = stamp.read_text() if stamp.exists() else rules_in_force(home)
        yield from _build(context, rules, [])
        if not context.is_subset and stamp.exists():
            stamp.replace(home.warehouse.with_suffix(_BUILT_WITH))

    return [warehouse_models, trusted_marts]


def _failure(result: "dbtRunnerResult") -> dg.Failure:
    """The failed nodes of an invocation, in dbt's words."""
    failed = [
        row for row in getattr(result.result, "results", []) if str(row.status) in _FAILED_STATUSES
    ]
    lines = [
        f"{row.node.unique_id.split('.', 2)[-1]}: {(row.message or row.status).strip()}"
        for row in failed[:10]
    ] or [str(result.exception)]
    more = f"\n… and {len(failed) - 10} more" if len(failed) > 10 else ""
    return dg.Failure(
        description=(
            "dbt could not build or verify these models; the previous version stays published:\n"
            + "\n".join(lines)
            + more
            + "\nMend the model or the data and run again: what is loaded stays loaded."
        ),
        allow_retries=False,
    )
