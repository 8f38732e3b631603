"""What moved a metric between any two periods: mart_metric_change over a pair of one's own.

The mart's SQL, as dbt compiled it, is run over the warehouse with the asked pair in the place of
the declared ones; nothing is written. So there is one definition of mix, rate and significance, and
what the mart withholds stays withheld. Significance is adjusted over all that can be compared
between the two periods, as in the mart: choosing one metric afterwards makes nothing more certain.
"""

from __future__ import annotations

import os
import re
from typing import Any

import duckdb

from expectations.memory import workplace
from orchestration.dbt_build import compile_models
from orchestration.errors import WarehouseError, names_like
from orchestration.home import Home
from orchestration.lineage import compiled_file
from orchestration.periods import Period
from orchestration.transformation import load_manifest, project_fingerprint_of

MART = "mart_metric_change"
_PAIRS = "int_metric_periods_compared"
_ASKED = "asked"

_ONLY_REBUILD = "Build it anew: cxw run --force"


def pair_of(before: str, after: str) -> tuple[Period, Period]:
    """Read two periods that can stand beside each other.

    Raises:
        WarehouseError: one is none, they are of two kinds, or one and the same.
    """
    one, other = Period.parse(before), Period.parse(after)
    if one.kind != other.kind:
        raise WarehouseError(
            f"{before} is a {one.kind} and {after} a {other.kind}.",
            "Compare two periods of one kind.",
        )
    if one == other:
        raise WarehouseError(f"{before} and {after} are one period.", "Name two.")
    return one, other


def metric_change(
    home: Home, metric: str, before: Period, after: Period, dimension: str | None = None
) -> list[dict[str, Any]]:
    """Take the move of a metric from one period to another apart.

    Args:
        home: The home whose warehouse is read; nobody may be writing it.
        metric: The metric, or funnel_step_through.
        before: The period that is compared with; it may be the later one.
        after: The period whose figure is explained.
        dimension: Of this dimension's parts alone, beside their wholes.

    Returns:
        Rows of mart_metric_change, the wholes before their parts.

    Raises:
        WarehouseError: the metric, a period or the dimension has no figures.
        TransformationError: the mart was never compiled and dbt cannot do it.
    """
    sql = _mart_sql(home)
    with workplace(home.root) as connection:
        place = str(home.warehouse).replace("'", "''")
        connection.execute(f"attach '{place}' as warehouse (read_only)")
        _check_is_known(connection, metric, before, after)
        connection.execute(
            f"""
            create temp table {_ASKED} as
            select
                $kind as period_type, 'asked' as basis, cast($later as date) as period_start,
                cast($earlier as date) as compared_start
            """,
            {"kind": after.kind, "later": after.start, "earlier": before.start},
        )
        cursor = connection.execute(
            f"""
            select * exclude (basis) from ({sql})
            where metric_id = ?
            order by
                journey_id, step_number, journey_stage <> 'all', journey_stage,
                touchpoint_id <> 'all', touchpoint_id, dimension <> 'all', dimension,
                segment = 'overlap', segment = 'other', abs(contribution) desc nulls last, segment
            """,
            [metric],
        )
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not rows:
        raise WarehouseError(
            f"{metric} has no published figure in both {before} and {after}.",
            "Fewer records than may be shown are withheld: compare longer periods.",
        )
    dimensions = sorted({row["dimension"] for row in rows} - {"all"})
    if dimension is not None:
        if dimension not in dimensions:
            raise WarehouseError(
                f"{metric} is not broken down by {dimension} between these periods.",
                f"It is by {', '.join(dimensions)}." if dimensions else "It has no parts there.",
            )
        rows = [row for row in rows if row["dimension"] in ("all", dimension)]
    return rows


def _mart_sql(home: Home) -> str:
    """Return the mart's SQL with the asked pair in the place of the declared ones."""
    path = compiled_file(home, load_manifest(home), MART)
    if not path.exists():
        os.environ.update(home.environment())
        compile_models(home.dbt_target, project_fingerprint_of(), [MART])
    sql = path.read_text(encoding="utf-8")
    declared = re.compile(rf'"\w+"\."\w+"\."{_PAIRS}"')
    if not declared.search(sql):
        raise WarehouseError(
            f"The warehouse in {home.root} was built before periods could be chosen.",
            _ONLY_REBUILD,
        )
    return declared.sub(_ASKED, sql)


def _check_is_known(
    connection: duckdb.DuckDBPyConnection, metric: str, before: Period, after: Period
) -> None:
    """Raise an error that names what there is, where a metric or a period has no figures."""
    figures = """
        select metric_id, period_type, period_start
        from warehouse.intermediate.int_journey_metrics_computed
        union
        select 'funnel_step_through', period_type, period_start
        from warehouse.marts.mart_journey_funnels
        union
        select metric_id, period_type, period_start from warehouse.marts.mart_service_performance
        where metric_id = 'top_requests'
    """
    try:
        known = connection.execute(
            f"select distinct metric_id from ({figures}) order by all"
        ).fetchall()
        starts = connection.execute(
            f"select distinct period_start from ({figures})"
            " where metric_id = ? and period_type = ? order by all",
            [metric, after.kind],
        ).fetchall()
        absent = connection.execute(
            "select status, reason from warehouse.marts.mart_metric_coverage where metric_id = ?",
            [metric],
        ).fetchone()
    except duckdb.CatalogException as error:
        raise WarehouseError("The warehouse has no metrics yet.", _ONLY_REBUILD) from error
    if (metric,) not in known:
        if absent is not None:
            raise WarehouseError(
                f"{metric} has no figures: {absent[1] or absent[0]}.",
                "mart_metric_coverage says which metrics have, and what the others need.",
            )
        raise WarehouseError(
            f"There is no metric {metric}.", names_like(metric, (name for (name,) in known))
        )
    periods = [Period(after.kind, start) for (start,) in starts]
    for asked in (before, after):
        if asked not in periods:
            there = (
                f"There are {len(periods)} from {periods[0]} to {periods[-1]}."
                if periods
                else f"It is not published by {after.kind}."
            )
            raise WarehouseError(f"{metric} has no figures in {asked}.", there)
