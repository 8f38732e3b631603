"""The scenarios of scenarios.yml, each in the order of the file and in the reverse order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

SCENARIOS = yaml.safe_load((Path(__file__).parent / "scenarios.yml").read_text(encoding="utf-8"))

# A customer's id, as SQL, from the key of the identifier that founded it.
NAMED_BY = "'c_' || md5(replace(cast({key} as varchar), '-', ''))[:20]"

COLUMNS = {
    "contact": "contact_id",
    "user": "user_id",
    "card": "loyalty_id",
    "shop": "customer_ref",
    "email": "email_hash",
    "phone": "phone_hash",
    "browser": "client_id",
}


def unfolded(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Records with `times` as so many records, {n} counted."""
    for record in records:
        for number in range(1, record.get("times", 1) + 1):
            yield {
                name: value.replace("{n}", str(number)) if isinstance(value, str) else value
                for name, value in record.items()
            }


def member(identifier: str) -> str:
    kind, value = identifier.split(":", 1)
    return f"{COLUMNS[kind]}:{value}"


def resolved(identity: Any, scenario: dict[str, Any], is_reversed: bool) -> list[tuple[Any, ...]]:
    """Build the scenario; returns its records' identifiers in the order of the file."""
    records = list(unfolded(scenario["records"]))
    rows = []
    for record in records:
        identifiers = {COLUMNS[k]: v for k, v in record.items() if k in COLUMNS}
        rows.append((record["day"], record.get("kind", "order"), identifiers))
    for day, kind, identifiers in reversed(rows) if is_reversed else rows:
        identity.add_record(day, kind=kind, **identifiers)
    for surviving, merged, day, *undone in scenario.get("merges", []):
        identity.connection.execute(
            "insert into int_crm_merges_unioned values ('crm', ?, ?,"
            " timestamp '2024-01-01' + to_days(?), timestamp '2024-01-01' + to_days(?))",
            [surviving, merged, day, undone[0] if undone else None],
        )
    for kind, day, *identifiers in scenario.get("separations", []):
        named = [part for each in identifiers for part in member(each).split(":", 1)]
        identity.connection.execute(
            "insert into identity_separations select ?, ?, ?, ?, ?,"
            " date '2024-01-01' + to_days(?), 'asked for'",
            [kind, *named, *[None] * (4 - len(named)), day],
        )
    for address in scenario.get("bad_addresses", []):
        identity.connection.execute(
            "insert into int_crm_contacts_unioned values ('k', ?, false, false)", [address]
        )
    identity.resolve()
    return rows


def customer_of(identity: Any, row: tuple[Any, ...]) -> str:
    """The customer to whom a record falls."""
    day, kind, identifiers = row
    conditions = " and ".join(
        f"records.{name} is not distinct from {value!r}" if value else f"records.{name} is null"
        for name, value in ((column, identifiers.get(column)) for column in COLUMNS.values())
    )
    found = identity.rows(
        "select resolved.customer_id from int_identity_records_collected as records"
        " join int_identity_records_resolved as resolved using (identity_record_key)"
        f" where {conditions} and record_kind = '{kind}'"
        f" and first_seen_at = timestamp '2024-01-01' + to_days({day})"
    )
    assert len(found) == 1
    return str(found[0][0])


def test_there_are_thirty_scenarios_and_none_stands_twice() -> None:
    names = [scenario["name"] for scenario in SCENARIOS]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("is_reversed", [False, True], ids=["in order", "reversed"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[s["name"] for s in SCENARIOS])
def test_scenario(identity: Any, scenario: dict[str, Any], is_reversed: bool) -> None:
    rows = resolved(identity, scenario, is_reversed)
    found = identity.customers()
    expected = {
        frozenset(member(each) for each in customer) for customer in scenario.get("customers", [])
    }
    if "alone" in scenario:
        assert expected <= found
        assert len(found) == scenario["alone"]
        assert all(len(customer) == 1 for customer in found)
    elif "groups" in scenario:
        assert len(found) == scenario["groups"]
    else:
        assert found == expected
    for one, other in scenario.get("same", []):
        assert customer_of(identity, rows[one - 1]) == customer_of(identity, rows[other - 1])
    for one, other in scenario.get("different", []):
        assert customer_of(identity, rows[one - 1]) != customer_of(identity, rows[other - 1])
    for identifier, naming, first_day, last_day in scenario.get("was", []):
        spans = identity.rows(
            f"""
            select
                date_diff('day', timestamp '2024-01-01', dated.valid_from),
                date_diff('day', timestamp '2024-01-01', dated.valid_to)
            from int_identifiers_dated as dated
            inner join int_identifiers_observed as named
                on dated.customer_id = {NAMED_BY.format(key="named.identifier_key")}
            where
                dated.identifier_type || ':' || dated.identifier_value = '{member(identifier)}'
                and named.identifier_type || ':' || named.identifier_value = '{member(naming)}'
            """
        )
        assert (first_day, last_day) in spans
    if "retired" in scenario:
        retired = identity.rows(
            "select identifiers.identifier_type || ':' || identifiers.identifier_value,"
            " date_diff('day', timestamp '2024-01-01', retired.valid_to)"
            " from int_customer_ids_retired as retired"
            " join int_identifiers_resolved as identifiers"
            f" on retired.retired_customer_id = {NAMED_BY.format(key='identifiers.identifier_key')}"
        )
        assert dict(retired) == {member(k): day for k, day in scenario["retired"].items()}
