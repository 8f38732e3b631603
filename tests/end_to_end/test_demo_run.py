"""The README's first command on a small demo retailer: from vendor exports to published marts."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
import yaml

from expectations.catalogue import load_catalogue
from orchestration.home import Home
from orchestration.lineage import project_lineage
from orchestration.run import nothing_new
from orchestration.transformation import load_manifest

if TYPE_CHECKING:
    from conftest import FinishedRun

ROOT = Path(__file__).resolve().parents[2]

Cxw = Callable[..., subprocess.CompletedProcess[str]]


def unbalanced(marts: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """Batches of a layer where what came in is not what went out, by whatever way."""
    return marts.execute(
        """
        select layer, vendor, table_name, source, batch_id
        from mart_row_ledger
        group by all
        having
            coalesce(sum(row_count) filter (where fate = 'in'), 0)
            <> coalesce(sum(row_count) filter (where fate <> 'in'), 0)
        """
    ).fetchall()


@pytest.fixture
def marts(demo_run: FinishedRun) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo_run.marts), read_only=True) as connection:
        yield connection


def test_the_run_succeeds_and_says_what_it_did(demo_run: FinishedRun) -> None:
    assert demo_run.exit_code == 0, demo_run.output
    for word in ("Loaded", "quarantined", "Audit", "Published", "Where to look"):
        assert word in demo_run.output


def test_a_second_run_with_nothing_new_says_so(demo_run: FinishedRun, cxw: Cxw) -> None:
    again = cxw(demo_run.home, "run", CXW_NOW=noon_of_the_run(demo_run.home))
    assert again.returncode == 0
    assert "Nothing new since version" in again.stdout
    versions = [p for p in (demo_run.home / "published").iterdir() if not p.is_symlink()]
    assert len(versions) == 1


def noon_of_the_run(home: Path) -> str:
    """A clock that shows the day of the last run, whenever the tests run."""
    ran_on = json.loads((home / "state" / "last_run.json").read_text())["business_date"]
    return f"{ran_on}T12:00:00+02:00"


def test_another_day_zone_or_target_and_what_a_run_left_undone_are_something_new(
    demo_run: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(demo_run.home)
    noon = noon_of_the_run(demo_run.home)
    monkeypatch.setenv("CXW_NOW", noon)
    assert nothing_new(home)
    for name, value in (
        ("CXW_NOW", (datetime.fromisoformat(noon) + timedelta(days=1)).isoformat()),
        ("CXW_TIMEZONE", "America/New_York"),
        ("CXW_TARGET", "spark"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            assert nothing_new(home) is None, name
    # A warehouse that is gone; a build, in Dagster too, that was not whole.
    for lost in (home.warehouse, home.warehouse.with_suffix(".whole")):
        hidden = lost.with_name(f"{lost.name}.hidden")
        lost.rename(hidden)
        try:
            assert nothing_new(home) is None, lost.name
        finally:
            hidden.rename(lost)
    # What killed landings left in their books, and a run that was killed before it published.
    book = next((home.raw / "_manifest").glob("*-*.parquet"))
    for left in (book.with_name("killed.parquet"), home.state / "run_unfinished"):
        shutil.copy(book, left)
        try:
            assert nothing_new(home) is None, left.name
        finally:
            left.unlink()
    assert nothing_new(home)


def test_every_mart_is_published_as_table_and_as_parquet(
    demo_run: FinishedRun, marts: duckdb.DuckDBPyConnection
) -> None:
    models = {path.stem for path in (ROOT / "dbt_project/models/marts").rglob("*.sql")}
    tables = {row[0] for row in marts.execute("select table_name from duckdb_tables()").fetchall()}
    files = {path.stem for path in (demo_run.marts.parent / "parquet").glob("*.parquet")}
    assert models == tables == files


def test_the_documented_columns_are_the_built_columns(marts: duckdb.DuckDBPyConnection) -> None:
    """Documentation that lies is a defect: names, order aside, and a description for each."""
    wrong = {}
    for path in (ROOT / "dbt_project/models/marts").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            documented = {column["name"]: column for column in model["columns"]}
            built = {row[0] for row in marts.execute(f"describe {model['name']}").fetchall()}
            undescribed = {name for name, c in documented.items() if not c.get("description")}
            if set(documented) != built or undescribed or not model.get("description"):
                wrong[model["name"]] = (set(documented) ^ built) | undescribed
            assert model["config"]["contract"]["enforced"] is True, model["name"]
    assert wrong == {}


@pytest.mark.parametrize(
    "view", ["int_web_event_params_unioned", "int_web_event_param_values_unioned"]
)
def test_the_audit_finds_a_days_parameters_in_the_files_of_that_day(
    demo_run: FinishedRun, view: str
) -> None:
    """A condition on the vendor's day, as the audit's models have it, keeps other files closed."""
    files = list((demo_run.home / "raw" / "ga4" / "events").glob("dt=*/*.parquet"))
    days = sorted({file.parent.name.removeprefix("dt=") for file in files})
    day = days[-2]
    of_day = [file for file in files if file.parent.name == f"dt={day}"]
    read = f"select param_key, count(*) from intermediate.{view} {{}} group by 1"
    opened = {}
    with duckdb.connect(str(demo_run.home / "warehouse.duckdb"), read_only=True) as connection:
        for name, condition in (("all", ""), ("day", f"where partition_date in (date '{day}')")):
            plan = connection.execute(
                "explain (analyze, format json) " + read.format(condition)
            ).fetchall()[0][1]
            opened[name] = sum(map(int, re.findall(r'"Total Files Read": "?([0-9]+)', plan)))
    # The plan's files are read for either.
    assert opened["all"] - opened["day"] == len(files) - len(of_day) > 0
    assert len(of_day) < len(files)


def test_the_row_ledger_adds_up(marts: duckdb.DuckDBPyConnection) -> None:
    layers = {
        row[0]
        for row in marts.execute(
            "select distinct layer from mart_row_ledger where row_count > 0"
        ).fetchall()
    }
    assert {"landing", "staging", "conforming"} <= layers
    assert unbalanced(marts) == []


def test_what_was_broken_on_purpose_is_in_quarantine_with_its_reason(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    rows = marts.execute("select source_file, line, reason from mart_quarantine").fetchall()
    assert len(rows) >= 3
    assert all(file and reason for file, _, reason in rows)


def test_every_customer_mart_row_has_a_known_customer(marts: duckdb.DuckDBPyConnection) -> None:
    strangers = marts.execute(
        """
        select count(*) from fct_orders
        anti join dim_customers using (customer_id)
        where fct_orders.customer_id is not null
        """
    ).fetchone()
    assert strangers == (0,)
    customers = marts.execute("select count(*), count(distinct customer_id) from dim_customers")
    total, distinct = customers.fetchone() or (0, 0)
    assert total == distinct > 100


def test_every_metric_has_n_interval_and_suppression(marts: duckdb.DuckDBPyConnection) -> None:
    metrics = {
        row[0]
        for row in marts.execute("select distinct metric_id from mart_journey_metrics").fetchall()
    }
    wanted = {
        "nps",
        "ces",
        "csat",
        "conversion_rate",
        "average_order_value",
        "repeat_purchase_rate",
        "cart_abandonment",
        "task_duration_seconds",
        "error_rate",
    }
    assert wanted <= metrics
    assert marts.execute(
        "select distinct period_type from mart_journey_metrics order by 1"
    ).fetchall() == [
        ("day",),
        ("month",),
        ("quarter",),
        ("week",),
    ]
    assert marts.execute(
        "select count(*) from mart_journey_metrics where is_suppressed and value is not null"
    ).fetchone() == (0,)
    assert marts.execute(
        "select count(*) from mart_journey_metrics where n < 5 and not is_suppressed"
    ).fetchone() == (0,)
    assert marts.execute(
        """
        select count(*) from mart_journey_metrics
        where not is_suppressed and not (ci_low <= value and value <= ci_high)
        """
    ).fetchone() == (0,)


def test_the_audit_finds_what_was_planted_and_grades_the_metrics(
    demo_run: FinishedRun, marts: duckdb.DuckDBPyConnection
) -> None:
    found = {
        row[0]
        for row in marts.execute("select distinct check_id from fct_audit_findings").fetchall()
    }
    assert len(found) >= 10
    # In so small a demo not every defect is proven; all of those of reviews and readings are.
    planted = {
        row[0]
        for row in marts.execute(
            "select distinct check_id from read_parquet(?) where check_id like 'OTH%'",
            [str(demo_run.home / "truth" / "defects.parquet")],
        ).fetchall()
    }
    assert len(planted) >= 7
    assert planted <= found
    grades = {
        row[0]
        for row in marts.execute("select distinct trust_grade from mart_journey_metrics").fetchall()
    }
    assert len(grades - {"U"}) >= 2
    report = (demo_run.home / "reports" / "audit" / "index.html").read_text(encoding="utf-8")
    assert all(check in report for check in found)
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?://", report)
    assert (demo_run.home / "reports" / "data_docs" / "index.html").exists()


def test_no_personal_data_of_the_exports_reaches_marts_report_or_log(demo_run: FinishedRun) -> None:
    """Every e-mail address of the CRM export is looked for in everything that people read."""
    addresses = {
        address.lower()
        for line in (demo_run.home / "exports/hubspot/contacts.jsonl").read_text().splitlines()
        for address in re.findall(r"[\w.+-]+@[\w-]+\.[a-z]+", line)
    }
    assert len(addresses) > 100
    places = [
        *(demo_run.home / "reports").rglob("*.html"),
        *(demo_run.home / "reports").rglob("*.json"),
        *(demo_run.home / "logs").rglob("*.log"),
        *(demo_run.home / "state").rglob("*.json"),
    ]
    assert places
    leaks = [
        (place.name, address)
        for place in places
        for address in set(re.findall(r"[\w.+-]+@[\w-]+\.[a-z]+", place.read_text().lower()))
        if address in addresses
    ]
    assert leaks == []


def test_dagster_kept_the_run_its_checks_and_its_metadata(demo_run: FinishedRun) -> None:
    runs = demo_run.home / "dagster" / "history" / "runs.db"
    with sqlite3.connect(runs) as connection:
        rows = connection.execute("select pipeline_name, status from runs").fetchall()
    assert rows == [("refresh_warehouse", "SUCCESS")]
    script = """
import json, dagster as dg
with dg.DagsterInstance.get() as instance:
    run = instance.get_runs()[0]
    records = instance.all_logs(run.run_id)
checks, row_counts = {}, {}
for record in records:
    event = record.dagster_event
    if event is None: continue
    if event.event_type_value == 'ASSET_CHECK_EVALUATION':
        data = event.asset_check_evaluation_data
        checks[f'{data.asset_key.to_user_string()}:{data.check_name}'] = data.passed
    elif event.event_type_value == 'ASSET_MATERIALIZATION':
        metadata = event.materialization.metadata
        if 'dagster/row_count' in metadata:
            row_counts[event.asset_key.to_user_string()] = metadata['dagster/row_count'].value
print(json.dumps([checks, row_counts]))
"""
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "DAGSTER_HOME": str(demo_run.home / "dagster")},
        capture_output=True,
        text=True,
        check=True,
    )
    checks, row_counts = json.loads(answer.stdout.splitlines()[-1])
    audit = {name for name in checks if re.search(r":[a-z]{3}\d{2}", name, re.IGNORECASE)}
    assert len(audit) >= 20
    assert any(not passed for name, passed in checks.items() if name in audit)
    assert row_counts["ga4/events"] > 1_000
    assert row_counts["published/marts"] > 1_000


def test_a_metrics_grade_is_explained_by_the_findings_that_made_it(
    demo_run: FinishedRun, marts: duckdb.DuckDBPyConnection, cxw: Cxw
) -> None:
    graded = marts.execute(
        """
        select metric_id, period_start::varchar, trust_grade, critical_count, warning_count
        from mart_metric_trust
        where period_type = 'month' and channel = 'all'
        qualify period_start = max(period_start) over (partition by metric_id)
        order by critical_count desc, metric_id
        """
    ).fetchall()
    worst, best = graded[0], graded[-1]
    assert worst[3] > best[3]
    for metric, month, grade, critical, warnings in (worst, best):
        answer = cxw(demo_run.home, "trust", "explain", metric, "--all", "--json")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        explained = json.loads(answer.stdout)
        assert (explained["trust_grade"], explained["period_start"]) == (grade, month)
        open_findings = [f for f in explained["findings"] if f["finding_state"] != "accepted"]
        for severity, count in (("critical", critical), ("warning", warnings)):
            assert sum(f["severity"] == severity for f in open_findings) == count
        # every one of them names a way to the metric: check, column, models
        for finding in explained["findings"]:
            guard = finding["guard"]
            assert set(guard["shared_columns"]) <= set(finding["failing_columns"])
            assert guard["model_path"][-1].startswith("int_")
    unknown = cxw(demo_run.home, "trust", "explain", "nosuch")
    assert unknown.returncode == 1
    assert worst[0] in unknown.stderr


def test_files_are_booked_as_built_after_all_that_is_computed_by_what_they_touched(
    demo_run: FinishedRun,
) -> None:
    """Where such a model fails, the next run has to find the same days and sessions touched."""
    manifest = load_manifest(Home(demo_run.home))
    names = {key: node["name"] for key, node in manifest["nodes"].items()}
    above, open_ends = set(), ["model.cx_warehouse.int_raw_files_committed"]
    while open_ends:
        for parent in manifest["parent_map"].get(open_ends.pop(), ()):
            if parent not in above:
                above.add(parent)
                open_ends.append(parent)
    # lists that follow the files; others follow what was kept of the models that they are for
    lists = {
        *("int_raw_files_changed", "int_touched_web_days", "int_touched_sessions"),
        *("int_touched_touchpoints", "stg_ga4__touched_days"),
    }
    kept = {
        key
        for key, node in manifest["nodes"].items()
        if node["config"].get("meta", {}).get("touched") in lists
    }
    assert len(kept) > 20
    assert {names[key] for key in kept - above} == set()


def test_trust_follows_from_the_columns_that_metrics_and_checks_share(
    demo_run: FinishedRun, marts: duckdb.DuckDBPyConnection
) -> None:
    """The lineage of the real project: whole, and as the project's own words would have it."""
    home = Home(demo_run.home)
    lineage = project_lineage(home)
    nodes = load_manifest(home)["nodes"].values()
    conformed = {
        f"{family}.{column}"
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][2] == "conformed"
        for family in [re.sub("^int_|_unioned$|_landed$", "", node["name"])]
        for column in (*node["columns"], "*")
    }
    metrics = {row[0] for row in marts.execute("select metric_id from dim_metrics").fetchall()}
    assert set(lineage.reads) == metrics
    for metric, reads in lineage.reads.items():
        assert {f"{dep.table}.{dep.column}" for dep in reads} <= conformed, metric
        assert any(dep.column == "*" for dep in reads), metric
    columns = {
        metric: {f"{dep.table}.{dep.column}" for dep in reads}
        for metric, reads in lineage.reads.items()
    }
    # metrics of one model tell their columns apart
    assert "web_events.scroll_share" in columns["scroll_depth"]
    assert "web_events.scroll_share" not in columns["video_watched_share"]
    assert "orders.total_amount" in columns["revenue"]
    assert not any(name.startswith("orders.") for name in columns["nps"])
    # and checks by the names of rows
    names = {dep.names for dep in lineage.reads["uptime"] if dep.table == "readings"}
    assert names == {frozenset({"uptime_checks"})}
    catalogue = load_catalogue()
    for check in catalogue.checks:
        named = check.examines.columns if check.examines else ()
        assert {name.split("@")[0] for name in named} <= conformed, check.id
        # a check examines something that SQL or the catalogue shows, or the catalogue says why not
        assert lineage.shows.get(check.id) or check.examines or check.narrowed_by, check.id

    # every metric is guarded by more than that its files came, and none is left ungraded
    guarded = marts.execute(
        "select distinct metric_id from mart_metric_guards"
        " where check_id not in ('STR01', 'STR02', 'VOL07')"
    ).fetchall()
    assert {row[0] for row in guarded} == metrics
    ungraded = marts.execute(
        "select distinct metric_id from mart_metric_trust where trust_grade = 'U'"
    ).fetchall()
    assert ungraded == []

    # an open critical finding is about columns that its metrics read, and leaves none of them an A
    shown = {
        finding_id: set(columns.split(", "))
        for finding_id, columns in marts.execute(
            """
            select finding_id, failing_columns from fct_audit_findings
            where severity = 'critical' and is_open and failing_columns is not null
            """
        ).fetchall()
    }
    endangered = dict(
        marts.execute("select finding_id, endangered_metrics from fct_audit_findings").fetchall()
    )
    assert any(endangered[finding_id] for finding_id in shown)
    for finding_id, failing in shown.items():
        for metric in (endangered[finding_id] or "").split(","):
            assert not metric or columns[metric] & failing, (finding_id, metric)
    (graded_a,) = marts.execute(
        """
        select count(*)
        from mart_metric_trust as trust
        inner join fct_audit_findings as findings
            on list_contains(string_split(findings.endangered_metrics, ','), trust.metric_id)
        where
            findings.severity = 'critical' and findings.is_open and trust.channel = 'all'
            and trust.period_type = 'day' and trust.trust_grade = 'A'
            and trust.period_start between findings.first_failed_date and findings.last_failed_date
        """
    ).fetchone() or (None,)
    assert graded_a == 0


def test_the_report_grades_the_newest_month_as_the_marts_do(
    demo_run: FinishedRun, marts: duckdb.DuckDBPyConnection
) -> None:
    folder = demo_run.home / "reports" / "audit"
    trust = json.loads((folder / "audit.json").read_text())["trust"]
    shown = {
        (one["metric_id"], one["grade"], one["critical"], one["warning"], one["assessed_checks"])
        for one in trust["metrics"]
    }
    graded = marts.execute(
        """
        select metric_id, trust_grade, critical_count, warning_count, assessed_check_count
        from mart_metric_trust
        where period_type = 'month' and channel = 'all' and period_start = cast(? as date)
        """,
        [trust["month"]],
    ).fetchall()
    assert shown == set(graded)
    assert len({grade for _, grade, *_ in shown}) > 2
    page = (folder / "index.html").read_text()
    assert all(f"<code>{metric}</code>" in page for metric, *_ in shown)


def test_findings_tell_which_rows_failed_and_how_to_mend_them(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    rows = marts.execute(
        """
        select check_id, example_keys, repair_steps from fct_audit_findings
        where failing_count > 0 and check_id not in ('STR01', 'STR02', 'VOL01', 'VOL07')
        """
    ).fetchall()
    assert len(rows) > 20
    steps = {check.id: "\n".join(check.fix.en) for check in load_catalogue().checks}
    for check_id, keys, repair in rows:
        assert 1 <= len(keys.split("\n")) <= 20, check_id
        assert repair == steps[check_id]
