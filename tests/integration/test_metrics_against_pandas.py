"""The metric mart against a second computation: pandas and numpy over the published facts.

Nothing here reads the models that the mart is made of; only the facts, the personas and the
definitions in docs/metrics.md are shared.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

Z = stats.norm.ppf(0.975)
FREQUENCIES = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q"}
DIMENSIONS = ["journey_stage", "channel", "touchpoint_id", "persona_id"]
# Dimensions that every record of the facts names by itself; the rest of the cell is `all`.
BREAKDOWNS: dict[str, list[list[str]]] = {
    "scores": [[], ["journey_stage"], ["persona_id"], ["journey_stage", "persona_id"]],
    "sessions": [[], ["channel"], ["persona_id"], ["channel", "persona_id"]],
    "orders": [[], ["channel"], ["persona_id"], ["channel", "persona_id"]],
}

Estimate = Callable[[pd.DataFrame], tuple[int, float, float, float]]
# pandas types what is in a frame too widely to compare it
Query = Callable[[str], Any]


def design_effect(values: np.ndarray, customers: pd.Series) -> float:
    """Variance of customers' summed deviations over that of independent records, at least 1."""
    deviations = values - values.mean()
    if np.allclose(deviations, 0):
        sizes = customers.value_counts().to_numpy()
        return float((sizes**2).sum() / sizes.sum())
    by_customer = pd.Series(deviations).groupby(customers.to_numpy()).sum()
    return max(1.0, float((by_customer**2).sum() / (deviations**2).sum()))


def share(records: pd.DataFrame) -> tuple[int, float, float, float]:
    values = records["value"].to_numpy(dtype=float)
    n = len(values) / design_effect(values, records["customer"])
    p = values.mean()
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return len(values), p, max(0, middle - half), min(1, middle + half)


def share_of_customers(records: pd.DataFrame) -> tuple[int, float, float, float]:
    return share(records.groupby("customer", as_index=False).agg(value=("value", "max")))


def net(records: pd.DataFrame) -> tuple[int, float, float, float]:
    values = records["value"].to_numpy(dtype=float)
    n = len(values) / design_effect(values, records["customer"])
    promoters, detractors = (values > 0).mean() * n, (values < 0).mean() * n
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    half = Z * np.sqrt((p + d - (p - d) ** 2) / (n + 3))
    low, high = max(-1, p - d - half), min(1, p - d + half)
    return len(values), 100 * values.mean(), 100 * low, 100 * high


def mean(records: pd.DataFrame) -> tuple[int, float, float, float]:
    values = records["value"].to_numpy(dtype=float)
    customers = records["customer"].nunique()
    if customers < 2:
        return len(values), values.mean(), np.nan, np.nan
    error = np.sqrt(values.var(ddof=1) / len(values) * design_effect(values, records["customer"]))
    half = stats.t.ppf(0.975, customers - 1) * error
    return len(values), values.mean(), values.mean() - half, values.mean() + half


def customers_mean_of_sums(records: pd.DataFrame) -> tuple[int, float, float, float]:
    return mean(records.groupby("customer", as_index=False).agg(value=("value", "sum")))


def total(records: pd.DataFrame) -> tuple[int, float, float, float]:
    by_customer = records.groupby("customer")["value"].sum()
    half = Z * np.sqrt((by_customer**2).sum())
    # what comes back without a receipt lowers the sum, and is no order
    n = int(records["is_counted"].sum())
    return n, by_customer.sum(), by_customer.sum() - half, by_customer.sum() + half


def ratio(records: pd.DataFrame) -> tuple[int, float, float, float]:
    """Linearised: the variance of x − m·b over records, widened for customers who come again."""
    n, base = len(records), records["base"].to_numpy(dtype=float)
    value = records["value"].sum() / base.sum()
    residuals = records["value"].to_numpy() - value * base
    by_customer = pd.Series(residuals).groupby(records["customer"].to_numpy()).sum()
    if n < 2 or len(by_customer) < 2:
        return n, value, np.nan, np.nan
    squares = (residuals**2).sum()
    effect = max(1.0, (by_customer**2).sum() / squares) if squares > 0 else 1.0
    error = np.sqrt(effect * squares / base.sum() ** 2 * n / (n - 1))
    half = stats.t.ppf(0.975, len(by_customer) - 1) * error
    return n, value, value - half, value + half


@pytest.fixture(scope="module")
def warehouse(demo_run: Any) -> Path:
    return Path(demo_run.home) / "warehouse.duckdb"


@pytest.fixture(scope="module")
def query(warehouse: Path) -> Query:
    connection = duckdb.connect(str(warehouse), read_only=True)
    return lambda sql: connection.execute(sql).df()


@pytest.fixture(scope="module")
def mart(query: Query) -> pd.DataFrame:
    frame = query("select * from marts.mart_journey_metrics")
    frame["period_start"] = pd.to_datetime(frame["period_start"])
    return frame


@pytest.fixture(scope="module")
def facts(query: Query) -> dict[str, pd.DataFrame]:
    """One row per counted record and fact, with date, dimensions, customer and persona."""
    with_persona = """
        select facts.*, coalesce(customers.persona_id, 'unknown') as persona_id,
            coalesce(facts.customer_id, facts.record_key) as customer
        from ({}) as facts
        left join marts.dim_customers as customers on facts.customer_id = customers.customer_id
    """
    frames = {
        "scores": query(
            with_persona.format(
                "select survey_answer_key as record_key, metric_id as question, scale_min,"
                " scale_max, high_is_good, score, submitted_date as date,"
                " coalesce(journey_stage, 'unknown') as journey_stage, customer_id"
                " from marts.fct_survey_answers where is_valid_score"
            )
        ),
        "sessions": query(
            with_persona.format(
                "select session_key as record_key, session_date as date, platform as channel,"
                " has_purchase, has_error, has_lead, coalesce(item_viewed_at, cart_added_at,"
                " checkout_begun_at, purchased_at) is not null as is_shopping,"
                " customer_id from marts.fct_sessions"
                " where not coalesce(is_internal, false)"
            )
        ),
        "orders": query(
            with_persona.format(
                "select order_key as record_key, order_date as date, channel, ordered_at,"
                " net_amount_eur, unit_count, customer_id from marts.fct_orders where is_counted"
            )
        ),
        "returns": query(
            with_persona.format(
                "select refund_key as record_key, refunded_date as date, channel,"
                " -refund_amount_eur as net_amount_eur, customer_id"
                " from marts.fct_refunds where order_key is null"
            )
        ),
    }
    for frame in frames.values():
        frame["date"] = pd.to_datetime(frame["date"])
    return frames


def scored(facts: dict[str, pd.DataFrame], question: str, low: int, high: int) -> pd.DataFrame:
    answers = facts["scores"].query(
        "question == @question and scale_min == @low and scale_max == @high"
    )
    good = np.where(answers["high_is_good"], answers["score"], low + high - answers["score"])
    return answers.assign(score=good)


def observations(metric_id: str, facts: dict[str, pd.DataFrame]) -> tuple[str, pd.DataFrame]:
    """The records that a metric counts, with their value, written down a second time."""
    sessions, orders = facts["sessions"], facts["orders"]
    match metric_id:
        case "nps":
            answers = scored(facts, "nps", 0, 10)
            value = np.select([answers["score"] >= 9, answers["score"] <= 6], [1, -1], 0)
            return "scores", answers.assign(value=value)
        case "ces":
            answers = scored(facts, "ces", 1, 7)
            return "scores", answers.assign(value=answers["score"] >= 5)
        case "ces_mean":
            answers = scored(facts, "ces", 1, 7)
            return "scores", answers.assign(value=answers["score"])
        case "csat":
            answers = scored(facts, "csat", 1, 5)
            return "scores", answers.assign(value=answers["score"] >= 4)
        case "csat_good_bad":
            answers = scored(facts, "csat", 0, 1)
            return "scores", answers.assign(value=answers["score"])
        case "conversion" | "conversion_rate":
            return "sessions", sessions.assign(value=sessions["has_purchase"])
        case "conversion_newsletter":
            return "sessions", sessions.assign(value=sessions["has_lead"])
        case "exit_rate":
            shopping = sessions[sessions["is_shopping"]]
            return "sessions", shopping.assign(value=~shopping["has_purchase"])
        case "error_rate":
            return "sessions", sessions.assign(value=sessions["has_error"])
        case "average_order_value":
            valued = orders.dropna(subset="net_amount_eur")
            return "orders", valued.assign(value=valued["net_amount_eur"].astype(float))
        case "revenue":
            sold = pd.concat(
                [orders.assign(is_counted=True), facts["returns"].assign(is_counted=False)]
            )
            return "orders", sold.assign(value=sold["net_amount_eur"].astype(float))
        case "average_price":
            counted = orders[orders["unit_count"] > 0]
            amounts, units = counted["net_amount_eur"].astype(float), counted["unit_count"]
            return "orders", counted.assign(value=amounts, base=units.astype(float))
        case "purchase_frequency":
            return "orders", orders.dropna(subset="customer_id").assign(value=1)
        case _:
            known = orders.dropna(subset="customer_id").sort_values(["ordered_at", "record_key"])
            earlier = known.groupby("customer_id").cumcount() > 0
            return "orders", known.assign(value=earlier)


METRICS: dict[str, Estimate] = {
    "nps": net,
    "ces": share,
    "ces_mean": mean,
    "csat": share,
    "csat_good_bad": share,
    "conversion": share,
    "conversion_rate": share_of_customers,
    "error_rate": share,
    "average_order_value": mean,
    "repeat_purchase_rate": share_of_customers,
    "conversion_newsletter": share,
    "exit_rate": share,
    "revenue": total,
    "average_price": ratio,
    "purchase_frequency": customers_mean_of_sums,
}


@pytest.mark.parametrize("period_type", FREQUENCIES)
@pytest.mark.parametrize("metric_id", METRICS)
def test_mart_equals_a_second_computation(
    metric_id: str, period_type: str, mart: Any, facts: dict[str, pd.DataFrame]
) -> None:
    fact, records = observations(metric_id, facts)
    records = records.assign(value=records["value"].astype(float))
    starts = records["date"].dt.to_period(FREQUENCIES[period_type]).dt.start_time
    records = records.assign(period_start=starts)
    compared = 0
    for breakdown in BREAKDOWNS[fact]:
        published = mart.query("metric_id == @metric_id and period_type == @period_type")
        for dimension in DIMENSIONS:
            is_total = published[dimension] == "all"
            published = published[~is_total if dimension in breakdown else is_total]
        published = published.set_index(["period_start", *breakdown]).sort_index()
        cells = {
            key if isinstance(key, tuple) else (key,): METRICS[metric_id](cell)
            for key, cell in records.groupby(["period_start", *breakdown])
            if cell.get("is_counted", pd.Series([True])).any()
        }
        found = [key if isinstance(key, tuple) else (key,) for key in published.index]
        assert sorted(found) == sorted(cells), breakdown
        for key, row in zip(found, published.itertuples(), strict=True):
            n, value, low, high = cells[key]
            assert row.n == n, (breakdown, key)
            assert row.is_small_sample == (n < 30)
            if n < 5:
                assert row.is_suppressed
            if row.is_suppressed:
                assert pd.isna(row.value)
                assert pd.isna(row.ci_low)
                assert pd.isna(row.ci_high)
                continue
            compared += 1
            if metric_id == "ces_mean":
                low, high = max(low, 1), min(high, 7)
            # the t quantile is tabulated above 100 degrees of freedom, a little to the safe side
            uses_t = METRICS[metric_id] in (mean, ratio, customers_mean_of_sums)
            tolerance = 2e-3 * (high - low) if uses_t else 1e-6
            # totals are published in cents
            is_total = METRICS[metric_id] is total
            tolerance = 0.006 if is_total else tolerance
            assert row.value == pytest.approx(value, abs=0.006 if is_total else 1e-6)
            assert row.ci_low == pytest.approx(low, abs=max(tolerance, 1e-6))
            assert row.ci_high == pytest.approx(high, abs=max(tolerance, 1e-6))
    # days and weeks of a small retailer may all be too small to publish
    assert compared > 0 or period_type in ("day", "week")


def kaplan_meier(
    times: np.ndarray, finished: np.ndarray, quantile: float, weights: np.ndarray | None = None
) -> float:
    """Time at which the share still unfinished falls to 1 − quantile."""
    weights = np.ones(len(times)) if weights is None else weights
    unfinished, steps = 1.0, []
    for time in np.unique(times[finished]):
        exposed = weights[times >= time].sum()
        unfinished *= 1 - weights[finished & (times == time)].sum() / exposed
        steps.append((time, unfinished))
    for (time, left), following in zip(steps, [*steps[1:], (np.nan, 0)], strict=True):
        if np.isclose(left, 1 - quantile):
            return (time + following[0]) / 2
        if left < 1 - quantile:
            return time
    return np.nan


def test_task_durations_count_unfinished_tasks_until_they_were_last_seen(
    mart: Any, query: Query
) -> None:
    tasks = query(
        "select tasks.observed_seconds, tasks.is_censored, sessions.session_date"
        " from intermediate.int_session_tasks_timed as tasks"
        " inner join marts.fct_sessions as sessions using (session_key)"
        " where tasks.task_id = 'checkout' and not coalesce(sessions.is_internal, false)"
    )
    months = pd.to_datetime(tasks["session_date"]).dt.to_period("M").dt.start_time
    published = mart.query(
        "period_type == 'month' and touchpoint_id == 'checkout' and channel == 'all'"
        " and persona_id == 'all'"
    ).set_index(["metric_id", "period_start"])
    for month, cell in tasks.groupby(months):
        times = cell["observed_seconds"].to_numpy()
        finished = ~cell["is_censored"].to_numpy()
        for metric_id, quantile in [
            ("task_duration_seconds", 0.5),
            ("task_duration_seconds_p90", 0.9),
        ]:
            row = published.loc[(metric_id, month)]
            expected = kaplan_meier(times, finished, quantile)
            assert row["n"] == len(cell)
            assert row["value"] == pytest.approx(expected, nan_ok=True)
        abandonment = published.loc[("task_abandonment", month)]
        if not abandonment["is_suppressed"]:
            assert abandonment["value"] == pytest.approx(1 - finished.mean())


@pytest.mark.parametrize("subject", ["team_id", "channel", "topic"])
@pytest.mark.parametrize("quantile", [0.5, 0.9])
@pytest.mark.parametrize("times", ["response", "solution"])
def test_service_times_are_compared_with_all_cases_of_the_same_mix(
    query: Query, subject: str, quantile: float, times: str
) -> None:
    cases = query(
        f"""
        select
            {times}_open_seconds as seconds, is_{times}_pending as waits, team_id, channel,
            coalesce(topic, 'unknown') as topic, contact_date
        from intermediate.int_service_contacts_judged where response_open_seconds is not null
        qualify row_number() over (
            partition by service_case_key order by contact_date, contact_key
        ) = 1
        """
    )
    cases["mix"] = (
        pd.to_datetime(cases["contact_date"]).dt.to_period("Q").astype(str)
        + cases["channel"]
        + cases["topic"]
    )
    starts = pd.to_datetime(cases["contact_date"]).dt.to_period("Q").dt.start_time
    metric = "first_response_time" if times == "response" else "resolution_time"
    published = query(
        f"""
        select subject_id, period_start, n, value, expected_value, difference, is_suppressed
        from marts.mart_service_performance
        where
            metric_id = '{metric}{"_p90" if quantile == 0.9 else ""}'
            and period_type = 'quarter' and subject_kind = '{subject.removesuffix("_id")}'
        """
    ).set_index(["subject_id", "period_start"])
    cells = dict(list(cases.groupby([cases[subject], starts])))
    assert set(published.index) == set(cells)
    assert not published["is_suppressed"].all()
    for key, row in published.iterrows():
        own = cells[key]
        assert row["n"] == len(own)
        if row["is_suppressed"]:
            assert pd.isna(row["value"])
            continue
        value = kaplan_meier(own["seconds"].to_numpy(), ~own["waits"].to_numpy(), quantile)
        alike = cases[cases["mix"].isin(own["mix"])]
        weights = own["mix"].value_counts() / cases["mix"].value_counts()
        expected = kaplan_meier(
            alike["seconds"].to_numpy(),
            ~alike["waits"].to_numpy(),
            quantile,
            alike["mix"].map(weights).to_numpy(),
        )
        assert row["value"] == pytest.approx(value, nan_ok=True)
        assert row["expected_value"] == pytest.approx(expected, nan_ok=True)
        assert row["difference"] == pytest.approx(value - expected, nan_ok=True)


def test_alpha_is_cronbachs(mart: Any, query: Query) -> None:
    items = query(
        "select survey_response_key, question_id, submitted_date, score"
        " from marts.fct_survey_answers where metric_id = 'exq' and is_valid_score"
    )
    months = pd.to_datetime(items["submitted_date"]).dt.to_period("Q").dt.start_time
    published = mart.query(
        "metric_id == 'exq_alpha' and period_type == 'quarter' and journey_stage == 'all'"
        " and channel == 'all' and touchpoint_id == 'all' and persona_id == 'all'"
    ).set_index("period_start")
    assert len(published) > 0
    for quarter, cell in items.groupby(months):
        answers = cell.pivot(
            index="survey_response_key", columns="question_id", values="score"
        ).dropna()
        row = published.loc[quarter]
        assert row["n"] == len(answers)
        if row["is_suppressed"]:
            continue
        k = answers.shape[1]
        alpha = k / (k - 1) * (1 - answers.var().sum() / answers.sum(axis=1).var())
        assert row["value"] == pytest.approx(alpha)


def test_a_metric_without_a_source_is_absent_with_the_reason(mart: Any, query: Query) -> None:
    coverage = query("select * from marts.mart_metric_coverage").set_index("metric_id")
    published = coverage["status"] == "published"
    service = query("select distinct metric_id from marts.mart_service_performance")
    assert set(coverage.index[published]) == set(mart["metric_id"]) | set(service["metric_id"])
    # sections, clicks in vain and load times are sent by scripts of the shop
    assert (
        coverage.loc[["section_interest", "cursor_interaction", "page_speed_lcp"], "status"]
        == "published"
    ).all()
    # answers are there, but not the year of orders that must follow them
    assert coverage.loc["spend_after_promoter", "status"] == "no_records"
    assert coverage["reason"].str.len().min() > 0
    # nobody is asked on 1–10 in the demo
    assert coverage.loc["nps_1_10", "status"] == "no_records"
