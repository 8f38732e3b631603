"""Who was erased must not come back with the next delivery of the same records.

The list in ``state/erasures`` holds keyed digests and the time of the erasure, nothing else. A row
that carries a listed identifier is left out at landing where it tells of the time before; what a
person does afterwards is a new customer's, and lands. The ids of erased records (an order, a case)
are left out for good: such a record is of the time before whenever it is delivered.

A row's time is the earliest of its own times: when a contact was created, not when it was changed.
A row without a time (a line of an order) is judged by the record it belongs to. Web exports that
carry no times but their day count by the day, the day of the erasure included.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.ingestion.hashing import hash_key, hash_values, hashed_table
from orchestration.ingestion.places import EVERYWHERE, PERSONS, Place, identifying
from orchestration.ingestion.readers import REJECTED, sql_name, sql_text
from orchestration.ingestion.specs import HASH_SUFFIX, TableSpec

#: Types of identifier that a customer's id is made of.
_IDENTITY = sorted(EVERYWHERE | {"customer_ref"})

_FILE = "suppressed.parquet"
_TOKENS = re.compile(r"[^\s,;|\"'<>{}\[\]]+")

RETURNED_SCHEMA: tuple[tuple[str, str], ...] = (
    ("identifier_type", "VARCHAR"),
    ("identifier_value", "VARCHAR"),
    ("erased_at", "TIMESTAMP"),
)


@dataclass(frozen=True)
class Suppressed:
    """One entry of the list."""

    can_return: bool
    erased_at: datetime


def folder(state: Path) -> Path:
    """Where erasures leave what must be known of them."""
    return state / "erasures"


def pending_file(state: Path) -> Path:
    """Where an erasure that is going on keeps what it needs; gone once it is whole."""
    return folder(state) / "pending.json"


def is_pending(state: Path) -> bool:
    """Whether an erasure was begun that is not whole yet."""
    return pending_file(state).exists()


def digest_of(kind: str, value: str, key: bytes) -> str:
    """The digest by which a value is known to the list; no identifier's hash equals it."""
    return hmac.new(key, f"erased:{kind}:{value}".encode(), hashlib.sha256).hexdigest()


def suppress(state: Path, values: Mapping[str, Iterable[str]], now: datetime) -> int:
    """Add identifiers and ids of records to the list.

    Args:
        state: The state folder.
        values: By kind; ids that are their source's own with the source before them.
        now: When they are erased.

    Returns:
        The length of the list.
    """
    key = hash_key(state)
    moment = now.astimezone(UTC).replace(tzinfo=None)
    entries = {
        digest_of(kind, value, key): Suppressed(kind in PERSONS, moment)
        for kind, found in values.items()
        for value in found
    }
    known = {**suppressed(state), **entries}
    place = folder(state) / _FILE
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{_FILE}.{os.getpid()}")
    # Arrow is imported late: most landings need none of it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"digest": digest, "can_return": entry.can_return, "erased_at": entry.erased_at}
        for digest, entry in sorted(known.items())
    ]
    fields: list[tuple[str, pa.DataType]] = [
        ("digest", pa.string()),
        ("can_return", pa.bool_()),
        ("erased_at", pa.timestamp("us")),
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), draft)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    os.replace(draft, place)
    return len(known)


def suppressed(state: Path) -> dict[str, Suppressed]:
    """The list, by digest."""
    place = folder(state) / _FILE
    if not place.exists():
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select digest, can_return, erased_at from read_parquet(?)", [str(place)]
        ).fetchall()
    return {digest: Suppressed(can_return, at) for digest, can_return, at in rows}


def leave_out(
    connection: duckdb.DuckDBPyConnection,
    table: TableSpec,
    source: str,
    state: Path,
    relations: tuple[str, str],
) -> int:
    """Take the rows of the erased out of what is about to be landed.

    Makes the table ``returned_identifiers``: those by which somebody erased has returned.

    Args:
        connection: Landing's connection, with the staged and the judged rows.
        table: The raw table.
        source: Name in sources.yml.
        state: The state folder.
        relations: The staged rows, and the table of judgements that they are made of.

    Returns:
        The number of rows that are left out.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in RETURNED_SCHEMA)
    connection.execute(f"create or replace temp table returned_identifiers ({columns})")
    listed = suppressed(state)
    if not listed:
        return 0
    staged, judgements = relations
    key = hash_key(state)
    moment = _row_time(table)
    connection.execute(
        "create or replace temp table carried_by_erased (_place bigint, identifier_type varchar, "
        "identifier_value varchar, can_return boolean, erased_at timestamp)"
    )
    for place in identifying(table):
        values, rows = _values(place, table, source, staged)
        distinct = connection.execute(f"select distinct unnest({values}) from {rows}").fetchall()
        found = [
            (kind, value, listed[digest])
            for (value,) in distinct
            if value
            for kind in place.kinds
            if (digest := digest_of(kind, value, key)) in listed
        ]
        if not found:
            continue
        import pyarrow as pa

        connection.register(
            "listed_values",
            pa.table(
                {
                    "kind": [kind for kind, _, _ in found],
                    "value": [value for _, value, _ in found],
                    "can_return": [entry.can_return for _, _, entry in found],
                    "erased_at": pa.array([e.erased_at for _, _, e in found], pa.timestamp("us")),
                }
            ),
        )
        connection.execute(
            f"""
            insert into carried_by_erased
            select distinct carried._place, listed.kind, listed.value, listed.can_return,
                listed.erased_at
            from (select _place, unnest({values}) as value from {rows}) as carried
            inner join listed_values as listed on carried.value = listed.value
            """
        )
        connection.unregister("listed_values")
    connection.execute(
        f"""
        create or replace temp table rows_of_erased as
        select distinct carried._place
        from carried_by_erased as carried
        inner join {staged} as staged on carried._place = staged._place
        where not carried.can_return or coalesce({moment}, carried.erased_at) <= carried.erased_at
        """
    )
    connection.execute(
        """
        insert into returned_identifiers
        select identifier_type, identifier_value, max(erased_at)
        from carried_by_erased
        where list_contains(?, identifier_type) and _place not in (from rows_of_erased)
        group by all
        """,
        [_IDENTITY],
    )
    count = connection.execute("select count(*) from rows_of_erased").fetchone()
    connection.execute(
        f"delete from {judgements} where coalesce(_place, rowid) in (from rows_of_erased)"
    )
    return int(count[0] if count else 0)


def leave_out_unread(
    connection: duckdb.DuckDBPyConnection, table: TableSpec, source: str, state: Path, region: str
) -> int:
    """Take the unreadable records of the erased out of what is about to be quarantined.

    Args:
        connection: Landing's connection, with the rejected records.
        table: The raw table.
        source: Name in sources.yml.
        state: The state folder.
        region: Country of telephone numbers without a country code.

    Returns:
        The number of records that are left out.
    """
    listed = suppressed(state)
    if not listed:
        return 0
    key = hash_key(state)
    kinds = {kind for place in identifying(table) for kind in place.kinds}
    gone = [
        place
        for place, record in connection.execute(
            f"select rowid, record from {REJECTED} where record is not null"
        ).fetchall()
        if any(
            digest_of(kind, value, key) in listed
            for kind, value in _spelt(record, kinds, source, key, region)
        )
    ]
    for place in gone:
        connection.execute(f"delete from {REJECTED} where rowid = ?", [place])
    return len(gone)


def _spelt(
    record: str, kinds: set[str], source: str, key: bytes, region: str
) -> Iterable[tuple[str, str]]:
    tokens = set(_TOKENS.findall(record))
    yield from (("email_hash", h) for h in hash_values(tokens, "email", key, region).values() if h)
    numbers = {token for token in tokens if sum(c.isdigit() for c in token) >= 6}
    yield from (("phone_hash", h) for h in hash_values(numbers, "phone", key, region).values() if h)
    for token in tokens:
        for kind in kinds:
            yield kind, token
            yield kind, f"{source}:{token}"


def _values(place: Place, table: TableSpec, source: str, staged: str) -> tuple[str, str]:
    """SQL of the list of values at a place, and of the staged rows that it is evaluated on."""
    if place.column.endswith(HASH_SUFFIX):
        column = place.column.removesuffix(HASH_SUFFIX)
        kind = next(c.identifier for c in table.columns if c.name == column and c.identifier)
        return (
            "[hashed.hash]",
            f"{staged} inner join {hashed_table(kind)} as hashed "
            f"on hashed.value = {staged}.{sql_name(column)}",
        )
    return place.sql(sql_text(source)), staged


def _row_time(table: TableSpec) -> str:
    """SQL of the earliest time that a row tells of; null where it tells none."""
    times = [
        f"cast(try_cast(staged.{sql_name(column.name)} as timestamptz) as timestamp)"
        for column in table.columns
        if column.kind == "timestamp" and not column.name.startswith("_")
    ]
    day = "cast(staged._dt as timestamp)" if table.dt else "cast(null as timestamp)"
    return f"coalesce(least({', '.join(times)}), {day})" if times else day
