"""The dbt models as Dagster assets: one native asset per model, one asset check per data test.

The project is built in two invocations, because the audit and the probable links stand between
them: first everything that reads neither, then what does (findings, trust, and the marts that show
trust). Which is which follows from the lineage, not from a list.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings
from dagster_dbt import dbt_assets as dbt_assets_decorator

from expectations.plan import plan_fingerprint
from orchestration.dbt_build import build, is_parsed, load_project, macro_lines
from orchestration.home import DBT_PROJECT_DIR, PROJECT_ROOT, Home, engine, files_fingerprint
from orchestration.ingestion.registry import VENDORS
from orchestration.replay import served
from orchestration.run_lock import LOCK_RESOURCE, WAREHOUSE_POOL
from orchestration.spark import remove_unknown_tables, write_views

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# What is made between the two halves of the project, out of the first: findings, probable links.
_MADE_BETWEEN = "source:audit+ source:probabilistic+"

# With which rules the warehouse was last built whole; it lies beside the database and goes with it.
_BUILT_WITH = ".rules"
_BEING_BUILT_WITH = ".rules_next"
# Names the warehouse as it is since it was last built whole: another beginning, another name.
_BUILT = ".built"
# Beside it while the last run was whole, its tests included: what failed a test must meet it again.
# It says which books of landing that run read.
_WHOLE = ".whole"
_BEING_WHOLE = ".whole_next"
# Beside it until a build of everything is whole: what it is made of, and the nodes that are made.
_MADE = ".made"
_MADE_DRAFT = ".made_draft"

# Of each model that failed; dbt's own messages are shorter, the longest of DuckDB's too.
_MESSAGE_LINES = 25
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
    fingerprint = project_fingerprint_of()
    os.environ.update(home.environment())
    if not (manifest.exists() and is_parsed(home.dbt_target, fingerprint)):
        home.dbt_target.mkdir(parents=True, exist_ok=True)
        load_project(home.dbt_target, fingerprint)
    return manifest


def rules_in_force(home: Home) -> str:
    """A hash over all that decides a table's rows besides the data."""
    fingerprint = project_fingerprint_of()
    plan = plan_fingerprint(home.plan_file)
    # Each of Spark's targets may have a metastore of its own, which alone knows what it has built.
    metastore = os.environ["CXW_TARGET"] if engine() == "spark" else ""
    return f"{fingerprint} {plan} {os.environ.get('CXW_TIMEZONE', '')} {metastore}".strip()


def is_built_with(home: Home, rules: str) -> bool:
    """Whether every table of the warehouse was computed by these rules.

    An incremental model keeps old rows, which other rules may have made: after a change of a model,
    a reference table or the plan everything is computed anew, once.
    """
    stamp = home.warehouse.with_suffix(_BUILT_WITH)
    return home.warehouse.exists() and stamp.exists() and stamp.read_text() == rules


def begins_anew(home: Home, rules: str) -> bool:
    """Whether a build by these rules computes everything; what other rules made is claimed no more.

    A build that fails leaves tables of two kinds. Were the claim of the rules before to stay, the
    tables of the failed build would pass for theirs once the edit is taken back.
    """
    if is_built_with(home, rules):
        return False
    home.warehouse.with_suffix(_BUILT_WITH).unlink(missing_ok=True)
    home.warehouse.with_suffix(_BUILT).write_text(uuid.uuid4().hex)
    return True


def notes_beside(home: Home) -> list[Path]:
    """What may lie beside the database and says what is built in it."""
    kinds = (_BUILT_WITH, _BEING_BUILT_WITH, _BUILT, _WHOLE, _BEING_WHOLE, _MADE, _MADE_DRAFT)
    return [home.warehouse.with_suffix(kind) for kind in kinds]


def warehouse_built(home: Home) -> str:
    """Names the warehouse since it was last built whole; empty where nothing names it."""
    name = home.warehouse.with_suffix(_BUILT)
    return name.read_text() if name.exists() else ""


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


def landing_books(home: Home) -> str:
    """A hash over names and sizes of landing's manifests and of what it put in quarantine."""
    books = (home.raw / folder for folder in ("_manifest", "_quarantine"))
    return files_fingerprint(home.raw, (path for book in books for path in book.glob("*.parquet")))


def unchanged_tables(home: Home, manifest: Mapping[str, Any], rules: str) -> list[str]:
    """Models and reference tables that cannot come out otherwise than they stand in the warehouse.

    They were built by the rules in force, and of the raw tables that they come from no file has
    changed. A shop with four vendors need not build and test the models of fourteen others every
    morning, nor the families and facts that come from those alone, nor what reference tables and
    the plan decide. Where landing has brought nothing at all (a run after one whose publication a
    finding blocked), what reads its books, or every raw table, stays as well.
    """
    if not is_built_with(home, rules) or os.environ.get("CXW_REPLAY_FROM"):
        return []
    whole = home.warehouse.with_suffix(_WHOLE)
    if not whole.exists():
        return []
    built = _tables_of(home)
    if ("intermediate", "int_raw_files_committed") not in built:
        return []
    changed = changed_raw_tables(home)
    is_quiet = not changed and whole.read_text() == landing_books(home)
    nodes, sources, parents = manifest["nodes"], manifest["sources"], manifest["parent_map"]

    def stays(unique_id: str) -> bool:
        if unique_id in sources:
            source = sources[unique_id]
            name = source["source_name"]
            if name == "landing":
                return is_quiet
            return name == "plan" or (name in VENDORS and (name, source["name"]) not in changed)
        node = nodes[unique_id]
        # Models without parents list the raw zone, or all that was staged from it.
        comes_of_the_raw_zone = node["resource_type"] != "seed" and not parents[unique_id]
        return (node["schema"], node["alias"]) in built and (is_quiet or not comes_of_the_raw_zone)

    return _with_all_above(manifest, stays)


def _with_all_above(manifest: Mapping[str, Any], stays: Callable[[str], bool]) -> list[str]:
    """Models and reference tables that stay themselves, as does all that they come from."""
    nodes, parents = manifest["nodes"], manifest["parent_map"]

    @cache
    def all_stay(unique_id: str) -> bool:
        return stays(unique_id) and all(map(all_stay, parents.get(unique_id, ())))

    return sorted(
        node["name"]
        for key, node in nodes.items()
        if node["resource_type"] in ("model", "seed")
        and node["config"]["materialized"] != "ephemeral"
        and all_stay(key)
    )


def _tables_of(home: Home) -> set[tuple[str, str]]:
    """Schema and name of what stands in the warehouse."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select schema_name, table_name from duckdb_tables() union all "
            "select schema_name, view_name from duckdb_views()"
        ).fetchall()
    return set(rows)


def made_of(home: Home, rules: str) -> str:
    """A hash over all that a build of everything comes of, and the file that it is built in."""
    raw = files_fingerprint(home.raw, home.raw.rglob("*.parquet"))
    built_in = home.warehouse.stat().st_ino if home.warehouse.exists() else 0
    return hashlib.sha256(f"{rules} {raw} {built_in}".encode()).hexdigest()


def made_before(home: Home, manifest: Mapping[str, Any], rules: str) -> list[str]:
    """Models and reference tables that a build of everything made before it failed or was killed.

    It was one by the rules in force, of the raw rows that there are. What failed, and what a test
    failed or has not been asked of, is built again, and so is all that comes of it or of a
    published version. On Spark everything is: a table that fails there is gone.
    """
    if not home.warehouse.exists() or is_built_with(home, rules):
        return []
    # who asks for a replay wants its days looked at again
    if engine() != "duckdb" or os.environ.get("CXW_REPLAY_FROM"):
        return []
    nodes, sources, parents = manifest["nodes"], manifest["sources"], manifest["parent_map"]
    tables = {key for key, node in nodes.items() if node["resource_type"] in ("model", "seed")}
    tested = {
        key: tables.intersection(parents.get(key, ()))
        for key, node in nodes.items()
        if node["resource_type"] == "test"
    }
    done: dict[str, int] = {}
    for number, noted in enumerate(_notes(home, rules) or ()):
        # what a test said of a table that was built once more it has to say again
        for test in [test for test in tested.keys() & done if noted in tested[test]]:
            del done[test]
        done[noted] = number
    # With the last of its tables a test is asked: those before it need not be made again.
    untested = {
        max(on, key=done.__getitem__)
        for test, on in tested.items()
        if on and test not in done and on <= done.keys()
    }
    built, made = _tables_of(home), done.keys() - untested

    def stays(unique_id: str) -> bool:
        if unique_id in sources:
            return sources[unique_id]["source_name"] in {"plan", "landing", *VENDORS}
        node = nodes[unique_id]
        return node["config"]["materialized"] == "ephemeral" or (
            unique_id in made and (node["schema"], node["alias"]) in built
        )

    return _with_all_above(manifest, stays)


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
        whole = home.warehouse.with_suffix(_WHOLE)
        # A run that ended early may have left days on Spark that it had dropped and not written.
        is_torn = engine() == "spark" and not whole.exists()
        whole.unlink(missing_ok=True)
        is_anew = begins_anew(home, rules)
        result = yield from build(
            context=context,
            manifest=manifest,
            translator=translator,
            project=load_project(target, rules.split()[0]),
            arguments=[
                *(["--full-refresh"] if is_anew or is_torn else []),
                *("--exclude-resource-type", "unit_test"),
            ],
            excluded=excluded,
            target=target,
            on_done=_noting(home, rules) if is_anew else lambda _: None,
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
        # What a run that ended early left to claim is not claimed of the tables that come now.
        for claim in (_BEING_BUILT_WITH, _BEING_WHOLE):
            home.warehouse.with_suffix(claim).unlink(missing_ok=True)
        # Who asks for chosen assets gets them.
        rules = rules_in_force(home)
        if engine() == "spark":
            _forget_what_was_killed(home, rules, context.log)
        if context.is_subset:
            yield from _build(context, rules, [])
            return
        books = landing_books(home)
        with served(home):
            excluded = unchanged_tables(home, manifest, rules)
            if excluded:
                context.log.info(f"{len(excluded)} tables are as they were: nothing new came")
            elif made := made_before(home, manifest, rules):
                excluded = made
                context.log.info(f"{len(made)} tables were made before the last run ended early")
            elif not is_built_with(home, rules):
                _begin_notes(home, rules)
            yield from left_alone(manifest, excluded)
            yield from _build(context, rules, excluded)
        home.warehouse.with_suffix(_BEING_WHOLE).write_text(books)
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
        if engine() == "spark" and context.is_subset:
            _forget_what_was_killed(home, rules, context.log)
        yield from _build(context, rules, [])
        if not context.is_subset and stamp.exists():
            stamp.replace(home.warehouse.with_suffix(_BUILT_WITH))
            home.warehouse.with_suffix(_BEING_WHOLE).replace(home.warehouse.with_suffix(_WHOLE))
            home.warehouse.with_suffix(_MADE).unlink(missing_ok=True)

    return [warehouse_models, trusted_marts]


def _forget_what_was_killed(home: Home, rules: str, log: dg.DagsterLogManager) -> None:
    """Remove what a run on Spark that ended early left of tables that Spark does not know."""
    if home.warehouse.with_suffix(_WHOLE).exists() or not any(home.spark_tables.glob("*.db/*")):
        return
    place, *known = macro_lines(home.dbt_target, rules.split()[0], "tell_known_tables")
    if Path(urlparse(place).path).resolve() != home.spark_tables.resolve():
        return  # a server that keeps its tables elsewhere says nothing of these
    removed = remove_unknown_tables(home.spark_tables, known)
    if removed:
        log.info(f"Removed the folders of {', '.join(removed)}, left by a killed statement")


def _begin_notes(home: Home, rules: str) -> None:
    """Begin to note which nodes of a build of everything are made."""
    # The file that it is built in has to be there: it is known by its number.
    if engine() == "duckdb" and not home.warehouse.exists():
        duckdb.connect(str(home.warehouse)).close()
    made = home.warehouse.with_suffix(_MADE)
    draft = made.with_suffix(_MADE_DRAFT)
    draft.write_text(f"{made_of(home, rules)}\n", encoding="utf-8")
    draft.replace(made)


def _notes(home: Home, rules: str) -> list[str] | None:
    """The nodes that a build of everything has made; None unless notes are of what there is."""
    made = home.warehouse.with_suffix(_MADE)
    # a line that a kill has cut off may be another node's name
    lines = made.read_text(encoding="utf-8").split("\n")[:-1] if made.exists() else []
    return lines[1:] if lines[:1] == [made_of(home, rules)] else None


def _noting(home: Home, rules: str) -> Callable[[str], None]:
    """What notes a node that is made, where notes were begun of such a build; else they go."""
    made = home.warehouse.with_suffix(_MADE)
    if _notes(home, rules) is None:
        made.unlink(missing_ok=True)
        return lambda _: None
    os.truncate(made, made.read_bytes().rfind(b"\n") + 1)

    def note(unique_id: str) -> None:
        # Without a note the node is built again: that is no reason to stop where the disk is full.
        with suppress(OSError), made.open("a", encoding="utf-8") as file:
            file.write(f"{unique_id}\n")

    return note


def left_alone(manifest: Mapping[str, Any], names: list[str]) -> Iterator[dg.MaterializeResult]:
    """Tables that stay as they are, told all the same: Dagster skips what waits for the others.

    It wants to hear of a table after those that it comes from.
    """
    nodes, wanted = manifest["nodes"], set(names)
    parents = {
        key: manifest["parent_map"][key]
        for key, node in nodes.items()
        if node["resource_type"] in ("model", "seed") and node["name"] in wanted
    }
    for key in TopologicalSorter(parents).static_order():
        if key in parents:
            yield dg.MaterializeResult(
                asset_key=translator.get_asset_key(nodes[key]),
                metadata={"left as it was": "nothing that it comes from has changed"},
            )


def _beginning(message: str) -> str:
    """The lines of a message that say what is wrong: Spark adds the plan of its statement."""
    lines = message.splitlines()
    more = len(lines) - _MESSAGE_LINES
    return "\n".join(lines[:_MESSAGE_LINES] + ([f"… and {more} more lines"] if more > 0 else []))


def _failure(result: "dbtRunnerResult") -> dg.Failure:
    """The failed nodes of an invocation, in dbt's words."""
    failed = [
        row for row in getattr(result.result, "results", []) if str(row.status) in _FAILED_STATUSES
    ]
    lines = [
        f"{row.node.unique_id.split('.', 2)[-1]}: {_beginning((row.message or row.status).strip())}"
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
