"""Who was erased and comes back with the same identifier is a new customer, with a new id."""

from __future__ import annotations

from typing import Any


def ids(identity: Any) -> set[str]:
    found = identity.rows("select customer_id from int_identifiers_resolved")
    return {str(row[0]) for row in found}


def comes_back(identity: Any, day: int) -> None:
    """The browser is known to landing as one of somebody who was erased on a day."""
    identity.connection.execute(
        "create or replace table returned as select 'client_id' as identifier_type,"
        f" 'b1' as identifier_value, timestamp '2024-01-01' + to_days({day}) as erased_at"
    )


def test_the_same_browser_after_an_erasure_is_another_customer(identity: Any) -> None:
    identity.add_record(900, client_id="b1")
    identity.add_record(901, client_id="b1", user_id="u1")
    identity.resolve()
    (before,) = ids(identity)
    comes_back(identity, 800)
    identity.resolve()
    (after,) = ids(identity)
    assert after != before
    comes_back(identity, 850)
    identity.resolve()
    assert ids(identity).isdisjoint({before, after})


def test_nobody_else_gets_another_id(identity: Any) -> None:
    identity.add_record(1, client_id="b2", user_id="u2")
    identity.add_record(2, email_hash="e3")
    identity.resolve()
    before = ids(identity)
    assert len(before) == 2
    comes_back(identity, 800)
    identity.resolve()
    assert ids(identity) == before


def test_a_merge_names_the_returned_customer_by_the_new_id_too(identity: Any) -> None:
    """The history and the current id are made alike."""
    identity.add_record(900, client_id="b1", user_id="u1")
    identity.add_record(901, email_hash="e1")
    identity.add_record(902, email_hash="e1", user_id="u1")
    comes_back(identity, 800)
    identity.resolve()
    (current,) = ids(identity)
    spans = identity.rows(
        "select customer_id from int_identifiers_dated"
        " where identifier_type = 'email_hash' and valid_to is null"
    )
    assert spans == [(current,)]
