"""What memory failed is built again, and what is left out: a real dbt on a real database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration import dbt_build, dbt_savings
from orchestration.errors import TransformationError
from orchestration.transformation import left_alone

# As DuckDB says it when another model holds what this one needs, and only while two may run.
LACK = "Out of Memory Error: could not allocate block of size 256.0 KiB"
HUNGRY = """
{% if invocation_args_dict.get('threads') == 1 %}
select number from {{ ref('inlined') }}
{% else %}
select error('LACK') as number
from {{ ref('inlined') }}
{% endif %}
""".replace("LACK", LACK)
# Its statement becomes part of what reads it, each time that that is compiled.
INLINED = "{{ config(materialized='ephemeral') }} select 1 as number"
MODELS = {
    "light": "select 1 as number",
    "hungry": HUNGRY,
    "follower": "select number + 1 as number from {{ ref('hungry') }}",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of three models, one more that they inline, and their tests."""
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: small\nprofile: small\nmodels: {small: {+materialized: table}}\n"
    )
    (folder / "profiles.yml").write_text(
        "small: {target: duckdb, outputs: {duckdb: {type: duckdb, threads: 2,"
        f" path: '{tmp_path / 'small.duckdb'}'}}}}}}\n"
    )
    (folder / "models" / "inlined.sql").write_text(INLINED)
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    (folder / "models" / "models.yml").write_text(
        json.dumps(
            {
                "models": [
                    {"name": name, "columns": [{"name": "number", "data_tests": ["not_null"]}]}
                    for name in MODELS
                ]
            }
        )
    )
    monkeypatch.setattr(dbt_build, "DBT_PROJECT_DIR", folder)
    monkeypatch.delenv("CXW_TARGET", raising=False)
    return folder


def built(project: Path, *excluded: str) -> dg.ExecuteInProcessResult:
    target = project / "target"
    parsed = dbt_build.load_project(target, str(project))
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())

    @dbt_assets(manifest=manifest)
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from left_alone(manifest, list(excluded))
        result = yield from dbt_build.build(
            context, manifest, DagsterDbtTranslator(), parsed, [], excluded, target
        )
        if not result.success:
            raise dg.Failure("not built")

    @dg.asset(deps=[dg.AssetKey(name) for name in MODELS])
    def waiting() -> None:
        """What a later step makes of all models."""

    return dg.materialize([models, waiting], raise_on_error=False)


def made_by(result: dg.ExecuteInProcessResult) -> list[str]:
    """Tables that a run told: built, or left alone, and what waits for them."""
    events = result.get_asset_materialization_events()
    return sorted(event.asset_key.path[-1] for event in events if event.asset_key)


def parsed_at(project: Path, fingerprint: str) -> int:
    """When dbt wrote what a process that knows nothing yet takes for the parsed project."""
    dbt_build._parsed.clear()
    dbt_build.load_project(project / "target", fingerprint)
    return (project / "target" / "manifest.json").stat().st_mtime_ns


def test_a_project_is_parsed_once_for_all_processes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = parsed_at(project, "one")
    assert parsed_at(project, "one") == first
    other = parsed_at(project, "two")
    assert other > first
    monkeypatch.setenv("CXW_TIMEZONE", "Europe/Stockholm")
    zoned = parsed_at(project, "two")
    assert zoned > other
    kept = project / "target" / "partial_parse.msgpack"
    kept.write_bytes(kept.read_bytes()[:-100])
    assert parsed_at(project, "two") > zoned


def test_what_cannot_be_parsed_is_named_and_parsed_once_it_is_mended(project: Path) -> None:
    described = project / "models" / "models.yml"
    mended = described.read_text()
    parsed_at(project, "one")
    described.write_text("models: [{name: light, columns: 7}]")
    with pytest.raises(TransformationError, match=r"models\.yml"):
        parsed_at(project, "two")
    described.write_text(mended)
    assert parsed_at(project, "three")


def test_a_project_parsed_by_another_process_is_built(project: Path) -> None:
    parsed_at(project, str(project))
    dbt_build._parsed.clear()
    result = built(project)
    assert result.success
    assert made_by(result) == ["follower", "hungry", "light", "waiting"]


@pytest.mark.parametrize(
    "lack",
    [
        "Out of Memory Error: could not allocate block of size 256.0 KiB",
        'IO Error: Could not write file "a.tmp": No space left on device',
    ],
)
def test_what_memory_or_disk_failed_runs_alone_with_what_follows_it(
    project: Path, lack: str
) -> None:
    (project / "models" / "hungry.sql").write_text(HUNGRY.replace(LACK, lack))
    result = built(project)
    assert result.success
    assert made_by(result) == ["follower", "hungry", "light", "waiting"]
    checks = result.get_asset_check_evaluations()
    assert len(checks) == 3
    assert all(check.passed for check in checks)
    with duckdb.connect(str(project.parent / "small.duckdb"), read_only=True) as connection:
        assert connection.execute("select number from follower").fetchall() == [(2,)]


def test_a_model_that_is_wrong_is_not_tried_again(project: Path) -> None:
    (project / "models" / "light.sql").write_text("select no_such_column as number")
    result = built(project)
    assert not result.success
    assert made_by(result) == []


def test_a_test_that_could_not_be_run_is_told_as_failed(project: Path) -> None:
    (project / "models" / "hungry.sql").write_text("select 1 as number")
    (project / "tests").mkdir()
    (project / "tests" / "broken.sql").write_text("select no_such_column from {{ ref('light') }}")
    result = built(project)
    assert not result.success
    failed = [
        check.check_name for check in result.get_asset_check_evaluations() if not check.passed
    ]
    assert failed == ["broken"]


def test_tests_between_what_is_left_out_and_what_is_built_run(project: Path) -> None:
    (project / "models" / "hungry.sql").write_text("select 1 as number")
    properties = project / "models" / "models.yml"
    described = json.loads(properties.read_text())
    refers = {"relationships": {"arguments": {"to": "ref('light')", "field": "number"}}}
    described["models"][1]["columns"][0]["data_tests"].append(refers)
    properties.write_text(json.dumps(described))
    assert built(project).success
    result = built(project, "light")
    assert result.success
    # Dagster skips what waits for a table that nobody told.
    assert made_by(result) == ["follower", "hungry", "light", "waiting"]
    ran = {check.check_name for check in result.get_asset_check_evaluations()}
    assert ran == {
        "not_null_hungry_number",
        "not_null_follower_number",
        "relationships_hungry_number__number__ref_light_",
    }


def test_what_reads_two_models_waits_for_the_test_between_them(
    project: Path, tmp_path: Path
) -> None:
    """Also where the first model reads a source: dbt's fast test edges forget what comes of one."""
    with duckdb.connect(str(tmp_path / "small.duckdb")) as connection:
        connection.execute("create table given as select 1 as number")
    models = {
        "light": "select number from {{ source('outside', 'given') }}",
        "hungry": "select number + 1 as number from {{ ref('light') }}",
        "follower": "select number from {{ ref('hungry') }} union from {{ ref('light') }}",
    }
    for name, sql in models.items():
        (project / "models" / f"{name}.sql").write_text(sql)
    properties = project / "models" / "models.yml"
    described = json.loads(properties.read_text())
    described["sources"] = [{"name": "outside", "schema": "main", "tables": [{"name": "given"}]}]
    refers = {"relationships": {"arguments": {"to": "ref('light')", "field": "number"}}}
    described["models"][1]["columns"][0]["data_tests"].append(refers)
    properties.write_text(json.dumps(described))
    result = built(project)
    assert not result.success
    assert made_by(result) == ["hungry", "light"]


def test_only_macros_that_are_looked_up_are_made_ready(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arguments of tests are rendered too, and no test of these takes a snapshot."""
    from dbt.clients.jinja import MacroGenerator

    dbt_build.load_project(project / "target", str(project))
    made: set[str] = set()
    make = MacroGenerator.__init__

    def heard(generator: MacroGenerator, macro: Any, *others: Any, **named: Any) -> None:
        made.add(macro.name)
        make(generator, macro, *others, **named)

    monkeypatch.setattr(MacroGenerator, "__init__", heard)
    assert built(project).success
    assert {"test_not_null", "get_where_subquery"} <= made
    assert "snapshot_staging_table" not in made


def test_templates_are_compiled_once_for_all_processes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    made: set[str] = set()
    generate = MacroFuzzEnvironment._generate

    def heard(environment: MacroFuzzEnvironment, *arguments: Any, **options: Any) -> str:
        code = generate(environment, *arguments, **options)
        made.add(code)
        return code

    monkeypatch.setattr(MacroFuzzEnvironment, "_generate", heard)

    def made_by_a_new_process() -> set[str]:
        for kept_here in (dbt_savings._compiled, made):
            kept_here.clear()
        assert built(project).success
        return set(made)

    first = made_by_a_new_process()
    assert first
    # Tables that are there may need templates that nobody has needed before.
    assert not first & made_by_a_new_process()
    kept = project / "target" / dbt_savings.COMPILED_TEMPLATES
    kept.write_bytes(kept.read_bytes()[:-100])
    assert first & made_by_a_new_process()
    assert not first & made_by_a_new_process()
    monkeypatch.setattr(dbt_savings, "_compiler", lambda: (b"", "another Jinja", ""))
    assert first & made_by_a_new_process()


@pytest.mark.parametrize(
    "selector", ["light", "small", "not_null_light_number", "inl*", "small.hungry", "hun", "a.b"]
)
def test_a_name_selects_what_dbt_selects(project: Path, selector: str) -> None:
    from dbt.graph.selector_methods import QualifiedNameSelectorMethod

    folder = project / "models" / "light"
    folder.mkdir()
    (folder / "heavy.sql").write_text("select 2 as number")
    parsed = dbt_build.load_project(project / "target", str(project))
    dbt_savings.spare_dbt_work_for_nobody()
    method = QualifiedNameSelectorMethod(parsed, None, [])
    everything: set[Any] = set(parsed.nodes)
    matching = {
        name
        for name, node in method.non_source_nodes(everything)
        if method.node_is_match(selector, node.fqn, node.is_versioned)
    }
    assert set(method.search(everything, selector)) == matching
    if selector == "light":
        assert {name.split(".")[-1] for name in matching} >= {"light", "heavy"}
    few = set(sorted(matching)[:1])
    assert set(method.search(few, selector)) == few


def test_debug_events_say_what_they_say_once_they_are_asked(project: Path) -> None:
    from dbt.adapters.events.types import SQLQuery

    dbt_savings.spare_dbt_work_for_nobody()
    event = SQLQuery(conn_name="one", sql="select 1", node_info={})
    assert "pb_msg" not in vars(event)
    assert event.message() == "On one: select 1"
    assert event.conn_name == "one"


def test_events_below_info_are_neither_told_nor_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbt_common.events import event_manager

    dbt_build.load_project(project / "target", str(project))
    made: set[str] = set()
    make = event_manager.msg_from_base_event

    def heard(event: Any, *others: Any, **named: Any) -> Any:
        message = make(event, *others, **named)
        made.add(message.info.level)
        return message

    monkeypatch.setattr(event_manager, "msg_from_base_event", heard)
    assert built(project).success
    assert "info" in made
    assert not made & {"debug", "test"}
    assert "created sql table model" in (project / "target" / "dbt.log").read_text()
