"""`cxw metrics change`: the mart's figures over any two periods, and none that is withheld."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.metric_change import Period, metric_change

# A share, a total, what is read off a distribution, and a funnel's steps.
METRICS = ("conversion", "revenue", "content_time_seconds", "funnel_step_through")


@pytest.fixture(scope="module")
def home(demo_run: Any) -> Home:
    return Home(Path(demo_run.home))


@pytest.fixture(scope="module")
def con(demo_run: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo_run.marts), read_only=True) as connection:
        yield connection


def rows_of(
    con: duckdb.DuckDBPyConnection, sql: str, values: object = None
) -> list[dict[str, Any]]:
    found = con.execute(sql, values)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def keyed(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    key = ("journey_id", "step_number", "journey_stage", "touchpoint_id", "dimension", "segment")
    return {tuple(row[name] for name in key): row for row in rows}


@pytest.mark.parametrize("metric", METRICS)
def test_a_declared_pair_is_told_as_the_mart_tells_it(
    home: Home, con: duckdb.DuckDBPyConnection, metric: str
) -> None:
    declared = rows_of(
        con,
        """
        select * exclude (basis) from mart_metric_change
        where metric_id = $metric and (period_type, basis, period_start) = (
            select (period_type, basis, max(period_start)) from mart_metric_change
            where metric_id = $metric and period_type = 'week' and dimension <> 'all'
            group by period_type, basis
        )
        """,
        {"metric": metric},
    )
    assert declared
    before, after = (
        Period("week", declared[0][name]) for name in ("compared_start", "period_start")
    )
    asked = metric_change(home, metric, before, after)
    # q too: it is adjusted over all that the two periods have, whichever metric is asked for
    assert keyed(asked) == keyed(declared)


def test_a_pair_of_ones_own_adds_up_to_the_published_figures(
    home: Home, con: duckdb.DuckDBPyConnection
) -> None:
    days = rows_of(
        con,
        """
        select period_start, value from mart_journey_metrics
        where metric_id = 'conversion' and period_type = 'day' and not is_suppressed
            and journey_stage = 'all' and channel = 'all' and touchpoint_id = 'all'
            and persona_id = 'all'
        order by all
        """,
    )
    first, last = days[0], days[-1]
    # the later day may stand first: whoever asks decides which explains which
    for before, after in ((first, last), (last, first)):
        rows = metric_change(
            home,
            "conversion",
            Period("day", before["period_start"]),
            Period("day", after["period_start"]),
        )
        total = [row for row in rows if row["journey_stage"] == row["touchpoint_id"] == "all"]
        (whole,) = [row for row in total if row["dimension"] == "all"]
        assert whole["value_before"] == before["value"]
        assert whole["value_after"] == after["value"]
        for dimension in {row["dimension"] for row in total} - {"all"}:
            parts = [row["contribution"] for row in total if row["dimension"] == dimension]
            assert sum(parts) == pytest.approx(whole["value_change"], abs=1e-8)


def test_a_figure_that_is_withheld_in_either_period_is_not_told(
    home: Home, con: duckdb.DuckDBPyConnection
) -> None:
    withheld = rows_of(
        con,
        """
        with days as (
            select period_start, persona_id, is_suppressed from mart_journey_metrics
            where metric_id = 'conversion' and period_type = 'day'
                and journey_stage = 'all' and channel = 'all' and touchpoint_id = 'all'
        )

        select period_start, persona_id from days
        where is_suppressed and persona_id <> 'all' and period_start in (
            select period_start from days where persona_id = 'all' and not is_suppressed
        )
        order by all
        """,
    )
    assert withheld
    day = withheld[0]["period_start"]
    hidden = {row["persona_id"] for row in withheld if row["period_start"] == day}
    other = max(row["period_start"] for row in withheld if row["period_start"] != day)
    rows = metric_change(home, "conversion", Period("day", day), Period("day", other), "persona")
    personas = {
        row["segment"]
        for row in rows
        if row["dimension"] == "persona" and row["journey_stage"] == "all"
    }
    assert "other" in personas
    assert not hidden & personas
    told = [row for row in rows if row["segment"] == "other"]
    assert all(row["value_before"] is row["value_after"] is row["q_value"] is None for row in told)


def test_the_command_tells_it_and_says_what_there_is(
    cxw: Any, home: Home, con: duckdb.DuckDBPyConnection
) -> None:
    found = con.execute(
        """
        select distinct strftime(period_start, '%Y-%m') as month from mart_journey_metrics
        where metric_id = 'conversion' and period_type = 'month' order by month
        """
    )
    months = [month for (month,) in found.fetchall()]
    arguments = ("metrics", "change", "conversion", "--from", months[0], "--to", months[1])
    answer = cxw(home.root, *arguments, "--by", "channel", "--json")
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert (told["from"], told["to"]) == (months[0], months[1])
    assert {row["dimension"] for row in told["rows"]} == {"all", "channel"}
    for metric, message in (
        ("converson", "There is no metric converson"),
        ("nps_1_10", "nps_1_10 has no figures"),
    ):
        with pytest.raises(WarehouseError, match=message):
            metric_change(home, metric, Period.parse(months[0]), Period.parse(months[1]))
    with pytest.raises(WarehouseError, match="no figures in 1999-01") as raised:
        metric_change(home, "conversion", Period.parse("1999-01"), Period.parse(months[1]))
    assert months[0] in raised.value.remedy
    with pytest.raises(WarehouseError, match="not broken down by campaign") as raised:
        metric_change(
            home, "conversion", Period.parse(months[0]), Period.parse(months[1]), "campaign"
        )
    assert "channel" in raised.value.remedy
