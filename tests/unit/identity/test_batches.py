"""A batch upon the last run's tables ends where all records at once do, row for row."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

CERTAIN = ("contact_id", "user_id", "loyalty_id", "customer_ref", "email_hash")
SUPPORTING = ("phone_hash", "client_id")
#: So few limits are reached by few records; six more users than a wall needs share the kiosk.
LIMITS = (
    "max_per_customer = 4, max_linked = greatest(max_linked - 2, 1),"
    " new_owner_after_days = if(identifier_type = 'phone_hash', 31, null)"
)
#: Long enough for a number to rest and to be given to somebody else, more than once.
DAYS = 150
USERS = 16


def differing(one: Any, other: Any) -> list[str]:
    """Tables that are not the same, as multisets of rows."""
    from tests.unit.identity.conftest import CHAIN, OF_THE_RUN

    names = [name for name in CHAIN if name not in OF_THE_RUN]
    return [
        name
        for name in names
        if sorted(map(str, one.rows(f"from {name}")))
        != sorted(map(str, other.rows(f"from {name}")))
    ]


class World:
    """Records, merges and addresses as they change from day to day."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.records: dict[tuple[Any, ...], int] = {}
        self.merges: dict[tuple[str, str], tuple[int, int | None]] = {}
        self.bad_addresses: set[str] = set()
        self.separations = [
            ("keep_apart", "email_hash", "v2", "user_id", "v3"),
            ("opt_out", "contact_id", "v4", None, None),
        ]
        for user in range(USERS):
            self.records["web_event", (("user_id", f"k{user}"), ("client_id", "kiosk"))] = user
            self.records["web_event", (("user_id", f"k{user}"), ("client_id", f"o{user}"))] = user

    def some_identifiers(self) -> tuple[tuple[str, str], ...]:
        types = self.chance.sample(CERTAIN + SUPPORTING, self.chance.randint(1, 3))
        return tuple(
            (name, f"v{self.chance.randint(1, 5)}")
            if self.chance.random() < 0.8
            else ("client_id", "kiosk")
            for name in types
        )

    def pass_a_day(self, changes: int) -> None:
        """So many things happen: most of them records, old ones among them."""
        for _ in range(changes):
            kind = self.chance.choices(
                ("record", "seen", "withdrawn", "merge", "unmerge", "address", "kiosk"),
                (10, 3, 4, 2, 2, 1, 2),
            )[0]
            day = self.chance.randint(0, DAYS)
            if kind == "record":
                record_kind = self.chance.choice(("order", "crm_contact"))
                self.records[record_kind, tuple(dict(self.some_identifiers()).items())] = day
            elif kind == "seen" and self.records:
                self.records[self.chance.choice(list(self.records))] = day
            elif kind == "withdrawn" and self.records:
                del self.records[self.chance.choice(list(self.records))]
            elif kind == "merge":
                one, other = self.chance.sample(range(1, 6), 2)
                self.merges[f"v{one}", f"v{other}"] = (day, None)
            elif kind == "unmerge" and self.merges:
                pair = self.chance.choice(list(self.merges))
                self.merges[pair] = (self.merges[pair][0], DAYS + 1)
            elif kind == "address":
                self.bad_addresses ^= {f"v{self.chance.randint(1, 5)}"}
            elif kind == "kiosk":
                # everybody who used it is one person after all, or somebody is gone
                user = f"k{self.chance.randrange(USERS)}"
                self.records["order", (("user_id", user), ("email_hash", "v1"))] = day

    def tell(self, identity: Any) -> Any:
        """Put the state of the world in the tables that identity reads."""
        for table in ("int_identity_records_collected", "int_crm_merges_unioned"):
            identity.connection.execute(f"delete from {table}")
        identity.connection.execute("delete from int_crm_contacts_unioned")
        identity.connection.execute("delete from identity_separations")
        merged = {
            ("crm_merge", (("contact_id", contact),)): day
            for pair, (day, _) in self.merges.items()
            for contact in pair
        }
        for (kind, identifiers), day in [*self.records.items(), *merged.items()]:
            identity.add_record(0, kind=kind, **dict(identifiers))
            identity.connection.execute(
                "update int_identity_records_collected set first_seen_at = first_seen_at"
                " + to_days(?), last_seen_at = last_seen_at + to_days(?)"
                " where first_seen_at = timestamp '2024-01-01'",
                [day + 1, day + 1],
            )
        for (one, other), (day, undone) in self.merges.items():
            identity.connection.execute(
                "insert into int_crm_merges_unioned values ('crm', ?, ?,"
                " timestamp '2024-01-01' + to_days(?), timestamp '2024-01-01' + to_days(?))",
                [one, other, day, undone],
            )
        for address in self.bad_addresses:
            identity.connection.execute(
                "insert into int_crm_contacts_unioned values ('k', ?, false, false)", [address]
            )
        for separation in self.separations:
            identity.connection.execute(
                "insert into identity_separations select ?, ?, ?, ?, ?, date '2024-02-20', 'asked'",
                separation,
            )
        return identity


@pytest.mark.parametrize("seed", range(int(os.environ.get("CXW_BATCH_SEEDS", "4"))))
def test_batches_end_where_a_rebuild_ends(identity_class: Any, seed: int) -> None:
    world = World(seed)
    grown = identity_class(LIMITS)
    world.pass_a_day(12)
    world.tell(grown).resolve_batch()
    for day in range(5):
        world.pass_a_day(world.chance.choice((0, 1, 1, 2, 4)))
        world.tell(grown).resolve_batch()
        at_once = world.tell(identity_class(LIMITS)).resolve()
        assert differing(grown, at_once) == [], f"day {day}"
        assert not at_once.rows(
            "select identity_edge_key from int_identifiers_dated where identity_edge_key not in"
            " (select identity_edge_key from int_identity_edges_named)"
        )


@pytest.mark.parametrize("broken_after", range(1, 18))
def test_a_run_that_broke_off_leaves_nothing_behind(identity_class: Any, broken_after: int) -> None:
    """What it had read is taken back before the next run: nothing tells of it any more."""
    from tests.unit.identity.conftest import CHAIN

    def told(identity: Any, is_handed_on: bool) -> Any:
        identity.connection.execute("delete from int_identity_records_collected")
        identity.add_record(1, user_id="u1", phone_hash="p1")
        identity.add_record(2, user_id="u2", client_id="c1")
        if is_handed_on:
            identity.add_record(300, user_id="u2", phone_hash="p1")
        return identity

    grown = told(identity_class(LIMITS), is_handed_on=False).resolve_batch()
    told(grown, is_handed_on=True).resolve_batch(CHAIN[:broken_after])
    told(grown, is_handed_on=False).resolve_batch()
    assert differing(grown, told(identity_class(LIMITS), is_handed_on=False).resolve()) == []


@pytest.mark.parametrize("seed", range(4))
def test_whose_a_number_was_does_not_depend_on_the_order_of_batches(
    identity_class: Any, seed: int
) -> None:
    chance = random.Random(seed)
    records = {
        (
            chance.randint(0, 500),
            chance.choice(("p1", "p2")),
            chance.choice((None, "u1", "u2", "u3")),
        )
        for _ in range(14)
    }

    def told(identity: Any, some: Any) -> Any:
        for day, number, user in some:
            owner = {"user_id": user} if user else {}
            identity.add_record(day, kind="case", phone_hash=number, **owner)
        return identity

    at_once = told(identity_class(LIMITS), sorted(records, key=str)).resolve()
    assert at_once.rows("select 1 from int_identifier_tenures where tenure_number > 1")
    for _ in range(2):
        shuffled = chance.sample(sorted(records, key=str), len(records))
        grown = identity_class(LIMITS).resolve_batch()
        while shuffled:
            size = chance.randint(1, 6)
            told(grown, shuffled[:size]).resolve_batch()
            shuffled = shuffled[size:]
        assert differing(grown, at_once) == []


def test_a_number_that_is_shared_no_longer_names_the_records_that_carry_it(
    identity_class: Any,
) -> None:
    """Nothing that changed stands on the number's records: only its customers became one."""

    def told(identity: Any, is_merged: bool) -> Any:
        identity.connection.execute("delete from int_identity_records_collected")
        for person in ("1", "2"):
            identity.add_record(1, user_id=f"u{person}", phone_hash="p")
            identity.add_record(1, user_id=f"u{person}", email_hash=f"e{person}")
        identity.add_record(2, phone_hash="p", client_id="c")
        if is_merged:
            identity.add_record(3, email_hash="e1", loyalty_id="l")
            identity.add_record(3, email_hash="e2", loyalty_id="l")
        return identity

    grown = told(identity_class(), is_merged=False).resolve_batch()
    named = (
        "select identifier_type from int_identity_records_resolved"
        " inner join int_identity_records_collected using (identity_record_key)"
        " where client_id = 'c'"
    )
    assert grown.rows(named) == [("client_id",)]
    told(grown, is_merged=True).resolve_batch()
    assert grown.rows(named) == [("phone_hash",)]
    assert differing(grown, told(identity_class(), is_merged=True).resolve()) == []
