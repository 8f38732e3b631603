"""What ``cxw identity diff`` tells of numbers that change hands."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from orchestration.identity_diff import IdentityDiff, compared

RULE = "new_owner_after_days = if(identifier_type = 'phone_hash', 90, null)"
NO_RULE = "new_owner_after_days = null"
TABLES = ("int_identifiers_resolved", "int_identifiers_observed")


def changed(identity_class: Any, before: str, after: str) -> IdentityDiff:
    """One number with two owners, one after the other, under two rules."""
    with duckdb.connect() as connection:
        for name, limits in (("warehouse", before), ("trial", after)):
            identity = identity_class(limits)
            for day, owner in ((1, "k1"), (400, "k2")):
                identity.add_record(day, contact_id=owner, phone_hash="p1")
            identity.resolve()
            connection.execute(f"attach ':memory:' as {name}")
            connection.execute(f"create schema {name}.intermediate")
            for table in TABLES:
                rows = identity.connection.sql(f"from {table}").to_arrow_table()
                connection.register("rows", rows)
                connection.execute(f"create table {name}.intermediate.{table} as from rows")
        return compared(connection)


@pytest.mark.parametrize(
    ("before", "after", "customers"), [(NO_RULE, RULE, (3, 2)), (RULE, NO_RULE, (2, 3))]
)
def test_a_number_that_gets_or_loses_a_next_owner_concerns_both(
    identity_class: Any, before: str, after: str, customers: tuple[int, int]
) -> None:
    diff = changed(identity_class, before, after)
    assert (diff.customers_before, diff.customers_after) == customers
    (change,) = diff.changes
    assert (len(change.before), len(change.after)) == customers
    assert change.kind == "rearranged"


def test_the_same_rule_changes_nobody(identity_class: Any) -> None:
    assert changed(identity_class, RULE, RULE).changes == ()
