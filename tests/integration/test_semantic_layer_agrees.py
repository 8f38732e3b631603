"""The semantic layer and the marts say the same of every metric.

The queries are planned by MetricFlow, the engine behind `mf query` (locked with dbt-core), from the
manifest that the run wrote, and are run on the warehouse as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pandas as pd
import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import (
    parse_manifest_from_dbt_generated_manifest,
)
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

DIMENSIONS = ["journey_stage", "channel", "touchpoint_id", "persona_id"]
# By what it is asked: a metric that has no total has cells by stage and touchpoint.
GROUPINGS = [
    ("month", []),
    ("week", ["channel"]),
    ("month", ["journey_stage", "touchpoint_id"]),
    ("quarter", ["persona_id"]),
]
# The grain that metric_grains calls each of them.
GRAINS = ["total", "channel", "stage_touchpoint", "persona"]
# One plan for many metrics joins a query for each: more than so many take longer than two plans.
AT_ONCE = 10


class Dialect:
    """What MetricFlow must know of the warehouse in order to plan: how its SQL is written."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@pytest.fixture(scope="module")
def manifest(demo_run: Any) -> Any:
    text = (demo_run.home / "dbt_target" / "semantic_manifest.json").read_text()
    return parse_manifest_from_dbt_generated_manifest(text)


@pytest.fixture(scope="module")
def engine(manifest: Any) -> MetricFlowEngine:
    dialect: Any = Dialect()
    return MetricFlowEngine(SemanticManifestLookup(manifest), dialect)


@pytest.fixture(scope="module")
def warehouse(demo_run: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo_run.home / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def asked(
    engine: MetricFlowEngine,
    warehouse: duckdb.DuckDBPyConnection,
    metrics: list[str],
    group_by: list[str],
    where: dict[str, str] | None = None,
) -> pd.DataFrame:
    """What `mf query` answers, by the names of the mart's columns."""
    plan = engine.explain(
        MetricFlowQueryRequest.create(
            metric_names=metrics,
            group_by_names=group_by,
            where_constraints=[
                f"{{{{ Dimension('{dimension}') }}}} = '{value}'"
                for dimension, value in (where or {}).items()
            ],
        )
    )
    answer = warehouse.execute(plan.sql_statement.sql).df()
    answer.columns = [
        "period_start" if column.startswith("metric_time") else column.rpartition("__")[2]
        for column in answer.columns
    ]
    return answer


def cells_only(manifest: Any) -> set[str]:
    """The metrics that are read from the marts' cells (metric_figures)."""
    return {
        metric.name.removesuffix("_figure")
        for metric in manifest.metrics
        if metric.name.endswith("_figure")
    }


def in_cell(broken_down_by: list[str]) -> str:
    return " and ".join(
        f"{dimension} {'<>' if dimension in broken_down_by else '='} 'all'"
        for dimension in DIMENSIONS
    )


def test_every_metric_that_it_names_and_that_has_a_figure_is_compared(
    manifest: Any, warehouse: duckdb.DuckDBPyConnection
) -> None:
    cells = " or ".join(
        f"(period_type = '{period_type}' and {in_cell(broken_down_by)})"
        for period_type, broken_down_by in GROUPINGS
    )
    found = warehouse.execute(
        f"""
        select metric_id, bool_or({cells}) as is_compared
        from marts.mart_journey_metrics where value is not null
        group by metric_id
        """
    ).fetchall()
    named = {metric.name for metric in manifest.metrics}
    compared = {metric for metric, is_compared in found if is_compared and metric in named}
    assert {metric for metric, _ in found if metric in named} == compared
    assert len(compared) > 60


@pytest.mark.parametrize(("period_type", "broken_down_by"), GROUPINGS)
def test_every_metric_is_the_same_in_the_semantic_layer(
    manifest: Any,
    engine: MetricFlowEngine,
    warehouse: duckdb.DuckDBPyConnection,
    period_type: str,
    broken_down_by: list[str],
) -> None:
    published = warehouse.execute(
        f"""
        select metric_id, period_start, {", ".join(broken_down_by or ["'all' as total"])}, value
        from marts.mart_journey_metrics
        where
            period_type = ?
            and value is not null
            and {in_cell(broken_down_by)}
        """,
        [period_type],
    ).df()
    named = {metric.name for metric in manifest.metrics}
    of_records = sorted(set(published["metric_id"]) & named - cells_only(manifest))
    of_cells = sorted(set(published["metric_id"]) & cells_only(manifest))
    assert len(of_records) >= 20
    assert of_cells or broken_down_by == ["channel"]
    grain = {
        "figure__grain_id": GRAINS[GROUPINGS.index((period_type, broken_down_by))],
        "figure__period_type": period_type,
    }

    differing = []
    compared = 0
    for entity, metrics, where in (
        ("observation", of_records, None),
        ("figure", of_cells, grain),
    ):
        for start in range(0, len(metrics), AT_ONCE):
            chosen = metrics[start : start + AT_ONCE]
            group_by = [
                f"metric_time__{period_type}",
                *(f"{entity}__{dimension}" for dimension in broken_down_by),
            ]
            long = asked(engine, warehouse, chosen, group_by, where).melt(
                id_vars=["period_start", *broken_down_by],
                value_vars=chosen,
                var_name="metric_id",
                value_name="queried",
            )
            both = published[published["metric_id"].isin(chosen)].merge(
                long, how="left", on=["metric_id", "period_start", *broken_down_by]
            )
            compared += len(both)
            apart = (both["value"] - both["queried"].astype(float)).abs() > 1e-6 * both[
                "value"
            ].abs().clip(lower=1)
            differing.append(both[apart | both["queried"].isna()])
    assert compared >= len(of_records) + len(of_cells)
    rest = pd.concat(differing)
    assert rest.empty, rest.head(20).to_string()


def test_requests_have_the_shares_of_the_mart(
    engine: MetricFlowEngine, warehouse: duckdb.DuckDBPyConnection
) -> None:
    published = warehouse.execute(
        """
        select period_start, subject_id, value from marts.mart_service_performance
        where metric_id = 'top_requests' and period_type = 'month' and subject_kind = 'topic'
        """
    ).df()
    answer = asked(
        engine,
        warehouse,
        ["top_requests"],
        ["metric_time__month", "service_figure__subject_id"],
        {"service_figure__period_type": "month", "service_figure__subject_kind": "topic"},
    )
    both = published.merge(answer, how="outer", on=["period_start", "subject_id"], indicator=True)
    assert (both["_merge"] == "both").all()
    assert published["value"].notna().any()
    assert both["value"].fillna(-1).tolist() == both["top_requests"].fillna(-1).tolist()


def test_figures_of_several_cells_are_never_put_together(
    manifest: Any, engine: MetricFlowEngine, warehouse: duckdb.DuckDBPyConnection
) -> None:
    metrics = sorted(cells_only(manifest) - {"top_requests"})
    months = asked(
        engine, warehouse, metrics, ["metric_time__month"], {"figure__period_type": "month"}
    )
    assert len(months) > 0
    assert months[metrics].isna().all().all()
