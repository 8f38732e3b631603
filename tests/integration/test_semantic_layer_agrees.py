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
    metrics = sorted(set(published["metric_id"]) & named)
    assert len(metrics) >= 20

    differing = []
    compared = 0
    for start in range(0, len(metrics), AT_ONCE):
        asked = metrics[start : start + AT_ONCE]
        plan = engine.explain(
            MetricFlowQueryRequest.create(
                metric_names=asked,
                group_by_names=[
                    f"metric_time__{period_type}",
                    *(f"observation__{dimension}" for dimension in broken_down_by),
                ],
            )
        )
        answer = warehouse.execute(plan.sql_statement.sql).df()
        answer.columns = [
            column.removeprefix("observation__").replace(
                f"metric_time__{period_type}", "period_start"
            )
            for column in answer.columns
        ]
        long = answer.melt(
            id_vars=["period_start", *broken_down_by],
            value_vars=asked,
            var_name="metric_id",
            value_name="queried",
        )
        both = published[published["metric_id"].isin(asked)].merge(
            long, how="left", on=["metric_id", "period_start", *broken_down_by]
        )
        compared += len(both)
        apart = (both["value"] - both["queried"].astype(float)).abs() > 1e-6 * both[
            "value"
        ].abs().clip(lower=1)
        differing.append(both[apart | both["queried"].isna()])
    assert compared >= len(metrics)
    rest = pd.concat(differing)
    assert rest.empty, rest.head(20).to_string()
