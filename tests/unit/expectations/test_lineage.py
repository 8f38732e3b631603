"""Column lineage by SQL: what a value shows, what it only reads, and of which rows."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from expectations.lineage import ANY, ROWS, Dep, Lineage

EVENTS = "int_web_events_landed"
READS = f"select event_name, visitor, visit, amount, page, is_internal from {EVENTS}"


def followed(
    models: Mapping[str, str], column: str, model: str = "figure", dialect: str = "duckdb"
) -> dict[str, set[tuple[frozenset[str] | None, str]]]:
    """By column of the records: names of rows, and whether it is shown or only read."""
    lineage = Lineage(models, dialect, {EVENTS: "events", "int_orders": "orders"}, {"goals"})
    relation = lineage.model(model)
    deps = relation.rows if column == ROWS else relation.columns[column]
    found: dict[str, set[tuple[frozenset[str] | None, str]]] = {}
    for dep in lineage.followed(deps):
        kind = "read" if dep.is_soft else "shown"
        found.setdefault(f"{dep.table}.{dep.column}", set()).add((dep.names, kind))
    return found


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_a_value_is_followed_through_models_and_steps_to_the_records(dialect: str) -> None:
    models = {
        "events": READS,
        "figure": "with a as (select * from events), b as (select visitor, 2 * amount as twice"
        " from a) select twice as value from b",
    }
    assert followed(models, "value", dialect=dialect) == {"events.amount": {(None, "shown")}}


def test_what_chooses_rows_is_read_and_not_shown() -> None:
    models = {"figure": f"select amount as value from ({READS}) as e where not is_internal"}
    assert followed(models, "value") == {"events.amount": {(None, "shown")}}
    assert followed(models, ROWS) == {
        "events.*": {(None, "shown")},
        "events.is_internal": {(None, "read")},
    }


def test_of_rows_told_apart_by_name_only_those_asked_for_count() -> None:
    models = {
        "figure": f"with s as (select * from ({READS}) as e where event_name in ('a', 'b'))"
        " select amount as value from s where event_name = 'a' and page is not null"
    }
    assert followed(models, "value") == {"events.amount": {(frozenset("a"), "shown")}}
    assert followed(models, ROWS)["events.*"] == {(frozenset("a"), "shown")}


def test_a_condition_of_a_value_names_the_rows_that_it_is_taken_from() -> None:
    models = {
        "figure": "select visit, sum(case when event_name = 'buy' then amount end) as bought,"
        " min(amount) filter (where event_name = 'view') as seen,"
        " max(case when event_name = 'buy' then 1 else 0 end) as has_bought"
        f" from ({READS}) as e group by visit"
    }
    buy = frozenset({"buy"})
    assert (buy, "shown") in followed(models, "bought")["events.amount"]
    assert followed(models, "bought")["events.event_name"] == {(buy, "read")}
    assert (frozenset({"view"}), "shown") in followed(models, "seen")["events.amount"]
    # among constants the condition is the value
    assert followed(models, "has_bought")["events.event_name"] == {(buy, "shown")}


def test_of_grouped_rows_any_will_do_but_their_count_needs_all() -> None:
    models = {"figure": f"select visit, count(*) as n from ({READS}) as e group by visit"}
    assert followed(models, ROWS) == {
        "events.*": {(ANY, "shown")},
        "events.visit": {(ANY, "read")},
    }
    assert followed(models, "n") == {"events.*": {(None, "shown")}}


def test_what_is_looked_up_depends_on_the_key_and_the_rows_looked_in() -> None:
    models = {
        "figure": "select e.amount, o.paid as value from"
        f" ({READS}) as e left join int_orders as o on e.visit = o.visit_ref"
    }
    assert set(followed(models, "value")) == {
        "orders.paid", "orders.*", "orders.visit_ref", "events.visit",
    }  # fmt: skip
    # what is beside it does not
    assert set(followed(models, "amount")) == {"events.amount"}
    assert set(followed(models, ROWS)) == {"events.*"}


def test_members_of_a_union_stay_apart_by_the_text_in_them() -> None:
    models = {
        "figure": "with u as ("
        f" select 'one' as metric_id, amount as value from ({READS}) as e"
        f" union all select 'two', page from ({READS}) as e"
        ") select * from u"
    }
    lineage = Lineage(models, "duckdb", {EVENTS: "events"})
    part = lineage.where("figure", "metric_id", "two")
    assert part is not None
    (dep,) = lineage.followed(part.columns["value"])
    assert (dep.table, dep.column) == ("events", "page")
    assert lineage.where("figure", "metric_id", "three") is None


def test_names_that_a_reference_table_lists_are_told_by_its_column() -> None:
    listed = frozenset({"$goals.goal_event"})
    for condition in (
        "join goals as g on e.event_name = g.goal_event",
        "where e.event_name in (select goal_event from goals)",
    ):
        models = {"figure": f"select e.amount as value from ({READS}) as e {condition}"}
        assert followed(models, "value") == {"events.amount": {(listed, "shown")}}, condition


def test_fields_of_a_record_are_told_apart() -> None:
    models = {
        "figure": "with r as (select visit, min_by({'page': page, 'amount': amount}, visitor)"
        f" as first from ({READS}) as e group by visit) select first.page as value from r"
    }
    assert "shown" in {kind for _, kind in followed(models, "value")["events.page"]}
    assert "events.amount" not in followed(models, "value")


@pytest.mark.parametrize(
    ("dialect", "expression"),
    [
        ("duckdb", "texts[list_position(keys, 'value')]"),
        ("spark", "texts[nullif(cast(array_position(keys, 'value') as int), 0) - 1]"),
    ],
)
def test_parameters_are_known_by_the_key_that_staging_looks_up(
    dialect: str, expression: str
) -> None:
    lineage = Lineage({"stg": f"select {expression} as amount from raw"}, dialect, {})
    deps = lineage.followed(lineage.model("stg").columns["amount"])
    assert Dep("parameters", "value") in deps


def test_the_way_is_the_shortest_and_ends_at_the_records() -> None:
    models = {
        "events": READS,
        "visits": "select visit, sum(amount) as amount from events group by visit",
        "figure": "select v.amount as value from visits as v join events as e using (visit)",
    }
    lineage = Lineage(models, "duckdb", {EVENTS: "web_events"})
    paths = lineage.paths({Dep("figure", "value")})
    assert paths["web_events", "amount"] == ("figure", "visits", "events", EVENTS)


def test_a_model_may_read_itself() -> None:
    models = {
        "kept": f"with new as ({READS}) select visit, amount from new where visit in"
        " (select k.visit from kept as k) union all select visit, amount from kept",
        "figure": "select amount as value from kept",
    }
    assert followed(models, "value") == {"events.amount": {(None, "shown")}}


@pytest.mark.parametrize(
    "written",
    [
        "(values ('a', 1)) as w (page, rank)",
        "(select 'a' as page, 1 as rank) as w",
        "(select * from read_parquet('plan')) as w",
    ],
)
def test_what_is_found_among_written_values_depends_on_what_it_is_looked_up_by(
    written: str,
) -> None:
    models = {
        "figure": f"select e.amount, w.rank is not null as value from ({READS}) as e"
        f" left join {written} on e.page = w.page"
    }
    found = followed(models, "value")
    assert {name for name in found if name.startswith("events.")} == {"events.page"}
    assert found["events.page"] == {(None, "shown")}
