"""Customers from records: the models under the rules that ship, as scenarios and as properties."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

CERTAIN = ("contact_id", "user_id", "loyalty_id", "customer_ref", "email_hash")
SUPPORTING = ("phone_hash", "client_id")

records = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.dictionaries(
            st.sampled_from(CERTAIN + SUPPORTING),
            st.integers(1, 6).map(str),
            min_size=1,
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=14,
)


def test_records_of_one_customer_meet_through_their_identifiers(identity):
    identity.add_record(0, client_id="phone")
    identity.add_record(3, client_id="phone", user_id="u1")
    identity.add_record(4, kind="crm_contact", contact_id="k1", user_id="u1", email_hash="e1")
    identity.add_record(9, email_hash="e1", client_id="desktop", phone_hash="p1")
    identity.add_record(9, client_id="stranger")
    identity.resolve()
    assert identity.customers() == {
        frozenset(
            {
                "client_id:phone",
                "user_id:u1",
                "contact_id:k1",
                "email_hash:e1",
                "client_id:desktop",
                "phone_hash:p1",
            }
        ),
        frozenset({"client_id:stranger"}),
    }


def test_a_familys_tablet_belongs_to_neither_and_each_keeps_the_own_browser(identity):
    for user, browser in (("u1", "hers"), ("u2", "his")):
        identity.add_record(1, user_id=user, client_id=browser)
        identity.add_record(2, user_id=user, client_id="tablet")
    identity.resolve()
    assert identity.customers() == {
        frozenset({"user_id:u1", "client_id:hers"}),
        frozenset({"user_id:u2", "client_id:his"}),
        frozenset({"client_id:tablet"}),
    }
    resolved = dict(
        identity.rows(
            "select records.user_id, resolved.customer_id"
            " from int_identity_records_collected as records"
            " join int_identity_records_resolved as resolved using (identity_record_key)"
            " where records.client_id = 'tablet'"
        )
    )
    # what happened on the tablet is whoever's who was logged in
    assert resolved["u1"] == identity.customer_ids()["user_id:u1"]
    assert resolved["u2"] == identity.customer_ids()["user_id:u2"]
    assert identity.rows("select skip_kind from int_identity_groups_skipped") == [("shared_thing",)]


def test_a_null_spelling_joins_nobody(identity):
    identity.add_record(1, user_id="NULL", client_id="a")
    identity.add_record(1, user_id="null", client_id="b")
    identity.add_record(1, user_id="(not set)", client_id="c")
    identity.resolve()
    assert identity.customers() == {
        frozenset({f"client_id:{browser}"}) for browser in ("a", "b", "c")
    }


def test_a_placeholder_address_on_many_contacts_joins_none_of_them(identity):
    for number in range(30):
        identity.add_record(
            number, kind="crm_contact", contact_id=f"k{number}", email_hash="placeholder"
        )
    identity.resolve()
    assert len(identity.customers()) == 31
    assert ("shared_value", 30, 4) in identity.rows(
        "select skip_kind, identifier_count, limit_count from int_identity_groups_skipped"
    )


def test_contacts_that_the_crm_merged_are_one_whatever_else_they_share(identity):
    identity.add_record(1, kind="crm_contact", contact_id="k1", email_hash="e1")
    identity.add_record(5, kind="crm_contact", contact_id="k2", email_hash="e2")
    identity.connection.execute(
        "insert into int_crm_merges_unioned"
        " values ('crm', 'k1', 'k2', timestamp '2024-02-01', null)"
    )
    identity.resolve()
    assert len(identity.customers()) == 1
    assert identity.rows(
        "select joined_by, valid_to::date::varchar from int_customer_ids_retired"
    ) == [("crm_merge of crm", "2024-02-01")]


def test_the_older_of_two_customers_keeps_the_id_when_they_meet(identity):
    identity.add_record(1, loyalty_id="card")
    identity.add_record(10, client_id="browser")
    before = identity.resolve().customer_ids()
    identity.add_record(20, loyalty_id="card", client_id="browser")
    after = identity.resolve().customer_ids()
    assert after["loyalty_id:card"] == after["client_id:browser"] == before["loyalty_id:card"]
    assert identity.rows(
        "select retired_customer_id, customer_id, valid_from::date::varchar,"
        " valid_to::date::varchar from int_customer_ids_retired"
    ) == [
        (before["client_id:browser"], before["loyalty_id:card"], "2024-01-11", "2024-01-21"),
    ]


@settings(max_examples=15)
@given(records=records)
def test_without_limits_customers_of_certain_identifiers_are_scipys_components(
    identity_class, records
):
    identity = identity_class("max_per_customer = 10000, max_linked = 10000")
    nodes: dict[str, int] = {}
    ends: list[tuple[int, int]] = []
    for day, values in records:
        certain = {name: f"v{value}" for name, value in values.items() if name in CERTAIN}
        if not certain:
            continue
        identity.add_record(day, **certain)
        numbers = [nodes.setdefault(f"{n}:{v}", len(nodes)) for n, v in certain.items()]
        ends += [(numbers[0], number) for number in numbers]
    identity.resolve()
    if not nodes:
        assert identity.customers() == set()
        return
    _, label = connected_components(
        coo_array(
            ([1] * len(ends), ([a for a, _ in ends], [b for _, b in ends])),
            shape=(len(nodes), len(nodes)),
        )
    )
    groups: dict[int, set[str]] = {}
    for name, number in nodes.items():
        groups.setdefault(int(label[number]), set()).add(name)
    assert identity.customers() == {frozenset(group) for group in groups.values()}


@settings(max_examples=12)
@given(records=records, seed=st.integers(0, 1000))
def test_customers_and_their_ids_do_not_depend_on_the_order_of_arrival(
    identity_class, records, seed
):
    shuffled = records[:]
    random.Random(seed).shuffle(shuffled)
    answers = []
    for delivered in (records, shuffled):
        identity = identity_class("max_per_customer = 3, max_linked = greatest(max_linked - 3, 1)")
        for day, values in delivered:
            identity.add_record(day, **{name: f"v{value}" for name, value in values.items()})
        identity.resolve()
        answers.append(
            (
                identity.customer_ids(),
                sorted(identity.rows("from int_identity_groups_skipped")),
                sorted(identity.rows("from int_customer_ids_retired"), key=str),
            )
        )
    assert answers[0] == answers[1]


@settings(max_examples=12)
@given(records=records)
def test_no_customer_breaks_a_limit_and_every_identifier_has_one_customer(identity_class, records):
    identity = identity_class("max_per_customer = 2")
    for day, values in records:
        identity.add_record(day, **{name: f"v{value}" for name, value in values.items()})
    identity.resolve()
    assert identity.rows(
        "select count(*), count(distinct identifier_key) from int_identifiers_resolved"
    ) == identity.rows("select count(*), count(*) from int_identifiers_observed")
    crowded = identity.rows(
        "select customer_id, identifier_type, count(*) from int_identifiers_resolved"
        " group by customer_id, identifier_type having count(*) > 2"
    )
    assert crowded == []


@pytest.mark.parametrize("days", [(1, 5, 9), (9, 5, 1), (5, 1, 9)])
def test_a_chain_is_one_customer_in_any_order_of_time(identity, days):
    first, second, third = days
    identity.add_record(first, contact_id="k", email_hash="e")
    identity.add_record(second, email_hash="e", customer_ref="shop:1")
    identity.add_record(third, customer_ref="shop:1", user_id="u")
    identity.resolve()
    assert len(identity.customers()) == 1
