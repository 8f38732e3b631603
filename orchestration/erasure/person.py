"""Who is to be erased: a customer's identifiers, and how one is found without typing any.

The warehouse says which identifiers are one customer's. What several people share (a tablet, a
family's number) and what names nobody (a blocked value) is nobody's, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from expectations.memory import limited
from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.ingestion.email_rules import email_rules
from orchestration.ingestion.hashing import hash_key, hash_values
from orchestration.ingestion.sources import load_sources

CUSTOMER_ID = re.compile(r"c_[0-9a-f]{20}")

# How a person is called when asked for; the identity type that it is looked up as.
IDENTIFIERS = {
    "email": "email_hash",
    "phone": "phone_hash",
    "loyalty": "loyalty_id",
    "contact": "contact_id",
    "user": "user_id",
    "client": "client_id",
}

_REMEDY = "Take an id of dim_customers, or give an identifier of theirs: cxw erase --by email."

# A number that changed hands (int_identifier_tenures) is, as a value, not one person's alone.
_OF_SEVERAL = """
(
    is_shared or identifier_type = 'phone_hash' and split_part(identifier_value, '@', 1) in (
        select split_part(identifier_value, '@', 1) from intermediate.int_identifiers_resolved
        where identifier_type = 'phone_hash' and contains(identifier_value, '@')
    )
)
"""

# Keys of the vault's rows, of the identifiers and of the combinations of them on records: whatever
# the marts and the models name the person by.
_KEYS = """
select personal_details_key from vault.personal_data_vault where customer_id in (select * from ids)
union
select replace(cast(identifier_key as varchar), '-', '')
from intermediate.int_identifiers_resolved
where customer_id in (select * from ids) and not is_shared
union
select identity_record_key from intermediate.int_identity_records_resolved
where customer_id in (select * from ids)
"""


@dataclass(frozen=True)
class Person:
    """A customer who is to be erased.

    Attributes:
        customer_ids: The id in use and those that were merged into it.
        identifiers: Values by type; a shop's customer number with its source before it.
        keys: The warehouse's own keys of these.
        vault_keys: Those of them that are keys of the vault.
    """

    customer_ids: tuple[str, ...]
    identifiers: dict[str, set[str]]
    keys: frozenset[str]
    vault_keys: frozenset[str]


def open_warehouse(home: Home) -> duckdb.DuckDBPyConnection:
    """The warehouse, to be read.

    Raises:
        WarehouseError: There is none, or it cannot be read.
    """
    if not home.warehouse.exists():
        raise WarehouseError(
            f"There is no warehouse in {home.root}: nobody can be told apart.",
            "Build it first: cxw run",
        )
    try:
        return limited(duckdb.connect(str(home.warehouse), read_only=True))
    except duckdb.Error as error:
        raise WarehouseError(
            f"The warehouse cannot be read ({type(error).__name__}).",
            "Close what has the file open, or build it anew: cxw run --force",
        ) from None


def customer_of(home: Home, kind: str, value: str) -> str:
    """The customer to whom an identifier belongs.

    Args:
        home: The installation.
        kind: One of `IDENTIFIERS`.
        value: The identifier as a person writes it.

    Returns:
        The customer's id.

    Raises:
        WarehouseError: It is no identifier, or nobody's. The message does not repeat it.
    """
    wanted: str | None = value.strip()
    if kind in {"email", "phone"}:
        hashes = hash_values(
            [value.strip()],
            "email" if kind == "email" else "phone",
            hash_key(home.state),
            load_sources(home.sources_file).phone_region,
            email_rules(home.root),
        )
        wanted = hashes[value.strip()]
    if not wanted:
        raise WarehouseError(f"What was given is no {kind}.", "Check its spelling.")
    with open_warehouse(home) as warehouse:
        found = warehouse.execute(
            f"""
            select customer_id, {_OF_SEVERAL} from intermediate.int_identifiers_resolved
            where identifier_type = ? and identifier_value = ?
            """,
            [IDENTIFIERS[kind], wanted],
        ).fetchone()
    if found is None:
        raise WarehouseError(f"No customer has this {kind}.", "Nothing needs to be erased.")
    if found[1]:
        raise WarehouseError(
            f"Several people share this {kind}: it is nobody's in particular.",
            "Give an identifier of the person's own, or the customer's id.",
        )
    return str(found[0])


def person_of(home: Home, customer_id: str) -> Person:
    """What is known of a customer's identifiers.

    Raises:
        WarehouseError: Nobody has or had the id, or it is that of a shared thing.
    """
    if not CUSTOMER_ID.fullmatch(customer_id):
        # not repeated: people type addresses and names where an id belongs
        raise WarehouseError("That is no customer id: c_ and 20 characters.", _REMEDY)
    with open_warehouse(home) as warehouse:
        current = warehouse.execute(
            "select current_customer_id from marts.customer_id_history where customer_id = ?",
            [customer_id],
        ).fetchone()
        if current is None:
            raise WarehouseError(f"No customer has or had the id {customer_id}.", _REMEDY)
        ids = [
            row[0]
            for row in warehouse.execute(
                "select distinct customer_id from marts.customer_id_history "
                "where current_customer_id = ? order by 1",
                [current[0]],
            ).fetchall()
        ]
        identifiers: dict[str, set[str]] = {}
        for kind, value in warehouse.execute(
            "select identifier_type, identifier_value from intermediate.int_identifiers_resolved "
            f"where customer_id = ? and not {_OF_SEVERAL}",
            [current[0]],
        ).fetchall():
            identifiers.setdefault(kind, set()).add(value)
        if not identifiers:
            raise WarehouseError(
                f"{customer_id} is a thing that several people share, not a person.",
                "Erase those who used it; what is on it alone names nobody.",
            )
        warehouse.execute("create temp table ids as select unnest(?)", [ids])
        keys = {row[0] for row in warehouse.execute(_KEYS).fetchall()}
        vault = {row[0] for row in warehouse.execute(_KEYS.split("union")[0]).fetchall()}
    return Person(tuple(ids), identifiers, frozenset(keys), frozenset(vault))


def together(persons: Sequence[Person]) -> Person:
    """Several people who are erased at once."""
    identifiers: dict[str, set[str]] = {}
    for person in persons:
        for kind, values in person.identifiers.items():
            identifiers.setdefault(kind, set()).update(values)
    return Person(
        tuple(dict.fromkeys(each for person in persons for each in person.customer_ids)),
        identifiers,
        frozenset().union(*(person.keys for person in persons)),
        frozenset().union(*(person.vault_keys for person in persons)),
    )


def of_others(
    warehouse: duckdb.DuckDBPyConnection, person: Person, asked: Iterable[tuple[str, str]]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Which identifiers are another customer's, and which are at least not the person's alone.

    Args:
        warehouse: The warehouse as it was before.
        person: Who is erased.
        asked: Types and values.

    Returns:
        Those that name another customer; those, besides, that several people share.
    """
    pairs = sorted(set(asked))
    if not pairs:
        return set(), set()
    found = warehouse.execute(
        f"""
        with asked as (select unnest(?) as identifier_type, unnest(?) as identifier_value)
        select identifier_type, identifier_value, {_OF_SEVERAL}
        from intermediate.int_identifiers_resolved
        semi join asked using (identifier_type, identifier_value)
        where {_OF_SEVERAL} or not list_contains(?, customer_id)
        """,
        [
            [kind for kind, _ in pairs],
            [value for _, value in pairs],
            list(person.customer_ids),
        ],
    ).fetchall()
    return (
        {(kind, value) for kind, value, is_shared in found if not is_shared},
        {(kind, value) for kind, value, is_shared in found if is_shared},
    )
