"""A finding endangers the metrics that read what failed, where it failed, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.catalogue import Catalogue, Check, load_catalogue
from expectations.guards import Guards
from expectations.lineage import ANY, ROWS, Dep
from expectations.plan import Plan, load_plan
from expectations.project_lineage import ProjectLineage

CATALOGUE = load_catalogue()
PLAN = load_plan()
SCOPE = ("COL06", "ga4", "web", "", "")


def guards_of(
    shown: frozenset[Dep], reads: frozenset[Dep], check_id: str = "COL06", **changes: object
) -> Guards:
    """One check that shows these columns, and one metric that reads those."""
    check: Check = CATALOGUE.by_id[check_id].model_copy(
        update={"examines": None, "narrowed_by": (), **changes}
    )
    lineage = ProjectLineage(
        reads={"figure": reads},
        shows={check_id: shown},
        parameters={"percent_scrolled": ["scroll_share"], "value": ["event_value"]},
        fed={"shopify.orders": ["orders"], "shopify.refunds": ["refunds"]},
        asked={"purchase": ["nps", "csat"], "purchase/q1": ["nps"]},
    )
    delivered = {"shop": {"shopify.orders", "shopify.refunds"}}
    return Guards(Catalogue(checks=(check,)), PLAN, lineage, delivered)


_NAMES = st.none() | st.frozensets(st.sampled_from("abc"), min_size=1)
_DEPS = st.frozensets(
    st.builds(
        Dep,
        st.sampled_from(["web_events", "orders"]),
        st.sampled_from([ROWS, "amount", "day"]),
        _NAMES,
        st.booleans(),
    ),
    max_size=4,
)


@given(shown=_DEPS, reads=_DEPS)
def test_they_meet_where_a_column_of_the_same_rows_is_shown_and_read(
    shown: frozenset[Dep], reads: frozenset[Dep]
) -> None:
    guards = guards_of(shown, reads)
    meet = any(
        (one.table, one.column) == (other.table, other.column)
        and (one.names is None or other.names is None or one.names & other.names)
        and not (other.column == ROWS and other.is_soft)
        for one in shown
        for other in reads
    )
    assert guards.endangered(SCOPE) == (["figure"] if meet else [])
    # what a finding endangers is guarded by its check
    assert {guard.metric_id for guard in guards.listed} == ({"figure"} if meet else set())


def test_of_rows_of_which_any_will_do_only_the_loss_of_all_counts() -> None:
    reads = frozenset({Dep("web_events", ROWS, ANY)})
    assert guards_of(frozenset({Dep("web_events", ROWS)}), reads).endangered(SCOPE)
    some = frozenset({Dep("web_events", ROWS, frozenset({"scroll"}))})
    assert not guards_of(some, reads).endangered(SCOPE)


@pytest.mark.parametrize(
    ("place", "subject", "detail", "dep", "is_endangered"),
    [
        ("event", "scroll", "", Dep("web_events", ROWS, frozenset({"scroll"})), True),
        ("event", "purchase", "", Dep("web_events", ROWS, frozenset({"scroll"})), False),
        # another spelling of a planned event is missing under the planned one
        ("event", "add-to-cart", "", Dep("web_events", ROWS, frozenset({"add_to_cart"})), True),
        # with the event goes what it alone carries
        ("event", "scroll", "", Dep("web_events", "scroll_share"), True),
        ("event", "purchase", "", Dep("web_events", "scroll_share"), False),
        ("parameter", "scroll", "percent_scrolled", Dep("web_events", "scroll_share"), True),
        ("parameter", "scroll", "value", Dep("web_events", "scroll_share"), False),
        ("parameter", "scroll", "unheard_of", Dep("web_events", "scroll_share"), False),
        ("source", "", "", Dep("refunds", ROWS), True),
        ("source", "orders", "", Dep("refunds", ROWS), False),
        ("source", "", "", Dep("carts", ROWS), False),
    ],
)
def test_a_finding_endangers_what_reads_its_place(
    place: str, subject: str, detail: str, dep: Dep, is_endangered: bool
) -> None:
    guards = guards_of(frozenset({Dep("web_events", ROWS)}), frozenset({dep}), narrowed_by=(place,))
    found = guards.endangered(("COL06", "shop", "", subject, detail))
    assert bool(found) is is_endangered


@pytest.mark.parametrize(
    ("subject", "detail", "metric", "is_endangered"),
    [
        ("purchase", "", "csat", True),
        ("purchase", "q1", "csat", False),
        ("purchase", "q1", "nps", True),
        ("purchase", "", "exq", False),
        # a survey that no list of questions knows may ask for anything
        ("other", "", "exq", True),
    ],
)
def test_a_finding_in_a_survey_endangers_what_it_asks_for(
    subject: str, detail: str, metric: str, is_endangered: bool
) -> None:
    reads = frozenset({Dep("survey_answers", "answer_number", frozenset({metric}))})
    shown = frozenset({Dep("survey_answers", "answer_number")})
    guards = guards_of(shown, reads, narrowed_by=("survey",))
    assert bool(guards.endangered(("COL06", "q", "", subject, detail))) is is_endangered


def test_what_the_catalogue_names_says_why_and_can_stand_instead() -> None:
    examines = {"columns": ["orders.total"], "because": "It is so."}
    shown = frozenset({Dep("web_events", "amount")})
    for instead in (False, True):
        check = Check.model_validate(
            CATALOGUE.by_id["COL06"].model_dump() | {"examines": examines | {"instead": instead}}
        )
        guards = guards_of(shown, frozenset({Dep("orders", "total")}), examines=check.examines)
        (guard,) = guards.listed
        assert (guard.columns, guard.because) == (("orders.total",), "It is so.")
        by_sql = guards_of(shown, frozenset({Dep("web_events", "amount")}), examines=check.examines)
        assert bool(by_sql.listed) is not instead


def test_lineage_survives_being_written() -> None:
    lineage = guards_of(
        frozenset({Dep("a", "b", frozenset({"x"}), True), Dep("a", "b")}), frozenset()
    ).lineage
    assert ProjectLineage.from_json(lineage.to_json()) == lineage


def test_without_lineage_nothing_is_said_to_guard_anything(
    plan: Plan, catalogue: Catalogue
) -> None:
    guards = Guards(catalogue, replace(plan))
    assert guards.listed == []
    assert guards.endangered(SCOPE) == []
