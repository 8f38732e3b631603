"""Where scored pairs and decisions lie in a home, and how they come about.

`state/probabilistic` holds keys and scores, never a name: `pairs.parquet` and `duplicates.parquet`,
which the models read, and `model.json`. Decisions are the users' own: `identity_decisions.csv`
beside `sources.yml`. Personal data is read from the vault of the warehouse file and from nowhere
else; who may read that file has the grant.
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.memory import workplace
from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.probabilistic.grouping import CUSTOMER_PAIRS_SCHEMA, GROUPED_SCHEMA, grouped
from orchestration.probabilistic.matching import PAIRS_SCHEMA, Scored, scored_pairs
from orchestration.probabilistic.settings import (
    SHIPPED_SETTINGS,
    Settings,
    decisions_file,
    settings_file,
)


@dataclass(frozen=True)
class Decision:
    """What a reviewer said of two records, and thereby of whoever they belong to."""

    first_record_key: str
    second_record_key: str
    decision: str
    decided_at: str
    decided_by: str
    why: str


_DECISION_COLUMNS = tuple(Decision.__annotations__)
_DECISIONS_SCHEMA = pa.schema([(name, pa.string()) for name in _DECISION_COLUMNS])


@dataclass(frozen=True)
class Found:
    """What one run found."""

    records: int
    pairs: int
    statuses: dict[str, int]
    model_version: str | None
    rules_left_out: dict[str, int]


def pairs_file(home: Home) -> Path:
    """Pairs of records with their scores."""
    return _folder(home) / "pairs.parquet"


def duplicates_file(home: Home) -> Path:
    """Pairs of customers with status and group."""
    return _folder(home) / "duplicates.parquet"


def show_none(home: Home) -> None:
    """Write both tables without rows, as they are while the option is off."""
    _write(pairs_file(home), PAIRS_SCHEMA.empty_table())
    _write(duplicates_file(home), GROUPED_SCHEMA.empty_table())
    (_folder(home) / "model.json").unlink(missing_ok=True)


def find(home: Home, settings: Settings) -> Found:
    """Score the vault's records, apply the decisions, and replace both tables.

    Raises:
        WarehouseError: The vault cannot be read, or the records cannot be compared.
    """
    with workplace(home.root) as connection:
        read_vault(connection, home)
        scored = scored_pairs(connection, settings)
        duplicates = _duplicates(connection, scored, decisions(home), settings)
    _folder(home).mkdir(parents=True, exist_ok=True)
    model = _folder(home) / "model.json"
    model.with_suffix(".tmp").write_text(json.dumps(scored.model, indent=1))
    model.with_suffix(".tmp").replace(model)
    _write(pairs_file(home), scored.pairs)
    _write(duplicates_file(home), duplicates)
    return Found(
        records=scored.records,
        pairs=scored.pairs.num_rows,
        statuses=dict(Counter(str(status) for status in duplicates["status"].to_pylist())),
        model_version=scored.model.get("version"),
        rules_left_out=dict(scored.rules_left_out),
    )


def duplicates(home: Home) -> pa.Table:
    """The pairs of customers that the last run found.

    Raises:
        WarehouseError: No run has looked for them.
    """
    if not (_folder(home) / "model.json").exists():
        raise WarehouseError(
            "No run has looked for probable links here.",
            "Switch them on and run: CXW_IDENTITY_PROBABILISTIC=show cxw run",
        )
    return pq.read_table(duplicates_file(home))


def decisions(home: Home) -> list[Decision]:
    """The reviewers' decisions, in the order in which they were made.

    Raises:
        WarehouseError: The file was edited into something else.
    """
    path = decisions_file(home)
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _DECISION_COLUMNS:
            raise WarehouseError(
                f"{path} has other columns than {', '.join(_DECISION_COLUMNS)}.",
                "Give it these; cxw identity accept and reject write them.",
            )
        read = []
        for row in reader:
            try:
                datetime.fromisoformat(row["decided_at"])
                if row["decision"] not in ("accepted", "rejected"):
                    raise ValueError
            except (TypeError, ValueError):
                raise WarehouseError(
                    f"{path}, line {reader.line_num}: decision is accepted or rejected, and "
                    "decided_at a time like 2026-11-24T10:00:00.",
                    "Mend the line.",
                ) from None
            read.append(Decision(**row))
    return read


def decide(home: Home, decision: Decision) -> None:
    """Write a decision down; a later one about the same records goes before an earlier."""
    with decisions_file(home).open("a", newline="", encoding="utf-8") as file:
        # one reviewer after the other: nobody's line is lost, and the first writes the header
        fcntl.flock(file, fcntl.LOCK_EX)
        writer = csv.DictWriter(file, _DECISION_COLUMNS)
        if file.seek(0, os.SEEK_END) == 0:
            writer.writeheader()
        writer.writerow(asdict(decision))


def forget_records(home: Home, record_keys: Iterable[str]) -> int:
    """Take everything about records out of pairs and decisions, as when a person is erased.

    Args:
        home: The home.
        record_keys: `personal_details_key` of the vault.

    Returns:
        The number of rows that are gone; the tables of the warehouse follow in the next run.
    """
    keys = set(record_keys)
    gone = 0
    for path in (pairs_file(home), duplicates_file(home)):
        if path.exists():
            table = pq.read_table(path)
            chosen = pa.array(sorted(keys), pa.string())
            named = [
                pc.is_in(table[column], chosen)
                for column in ("first_record_key", "second_record_key")
            ]
            kept = table.filter(pc.invert(pc.or_(*named)))
            gone += table.num_rows - kept.num_rows
            _write(path, kept)
    told = decisions(home)
    kept_decisions = [
        row for row in told if not {row.first_record_key, row.second_record_key} & keys
    ]
    if len(kept_decisions) < len(told):
        _write_decisions(home, kept_decisions)
    return gone + len(told) - len(kept_decisions)


def carry_over(home: Home, past: Home, clock: datetime) -> None:
    """Give a past state the settings of now and the decisions that had been made by then."""
    if settings_file(home) != SHIPPED_SETTINGS:
        (past.root / SHIPPED_SETTINGS.name).write_bytes(settings_file(home).read_bytes())
    made = [row for row in decisions(home) if datetime.fromisoformat(row.decided_at) <= clock]
    if made:
        _write_decisions(past, made)


def personal_details(home: Home, customer_ids: Iterable[str]) -> dict[str, list[str]]:
    """What the vault's records of customers say, for a reviewer with the grant; by customer.

    Raises:
        WarehouseError: The vault cannot be read.
    """
    with workplace(home.root) as connection:
        read_vault(connection, home)
        chosen = pa.table({"customer_id": pa.array(sorted(customer_ids), pa.string())})
        connection.register("chosen", chosen)
        found = connection.sql(
            """
            select
                customer_id,
                list(distinct concat_ws(
                    ', ', first_name, last_name, street, postal_code, city, birth_year
                )) as told
            from records
            inner join chosen using (customer_id)
            group by customer_id
            """
        ).fetchall()
    return {customer_id: sorted(told) for customer_id, told in found}


_RECORDS = """
create table records as
with resolved as (
    from warehouse.intermediate.int_identifiers_resolved
),

-- the record's own number in CRM or shop tells whose it is; the vault knows by address or number
owned as (
    select
        vault.*,
        coalesce(by_record.customer_id, vault.customer_id) as owner_id
    from warehouse.vault.personal_data_vault as vault
    left join resolved as by_record
        on by_record.identifier_type = case vault.entity
            when 'contact' then 'contact_id' when 'customer' then 'customer_ref'
        end
        and by_record.identifier_value = case vault.entity
            when 'contact' then trim(vault.record_id)
            else vault.source || ':' || trim(vault.record_id)
        end
),

-- who asked not to be linked is not compared either
opted_out as (
    select distinct resolved.customer_id
    from warehouse.intermediate.int_identity_separations as separations
    inner join resolved on separations.from_key = resolved.identifier_key
    where separations.separation_kind = 'opt_out'
)

select
    owned.personal_details_key as record_key,
    owned.owner_id as customer_id,
    owned.first_name,
    owned.last_name,
    owned.street,
    owned.postal_code,
    owned.city,
    contacts.birth_year
from owned
left join (
    select source, contact_id, max(birth_year) as birth_year
    from warehouse.intermediate.int_crm_contacts_unioned
    group by source, contact_id
) as contacts
    on owned.entity = 'contact'
    and owned.source = contacts.source
    and owned.record_id = contacts.contact_id
where
    owned.owner_id is not null
    and owned.owner_id not in (from opted_out)
order by record_key
"""

_CUSTOMERS = """
create table customers as
select
    customer_id,
    coalesce(min(first_seen_at), timestamp '1970-01-01') as customer_since
from warehouse.intermediate.int_identifiers_resolved
group by customer_id
"""

# Identifiers that must not be one customer, as pairs of the customers that have them now.
_APART = """
create table apart as
select distinct
    least(one.customer_id, other.customer_id) as one_id,
    greatest(one.customer_id, other.customer_id) as other_id,
    separations.separated_at
from warehouse.intermediate.int_identity_separations as separations
inner join warehouse.intermediate.int_identifiers_resolved as one
    on separations.from_key = one.identifier_key
inner join warehouse.intermediate.int_identifiers_resolved as other
    on separations.to_key = other.identifier_key
where
    separations.from_key <> separations.to_key
    and one.customer_id <> other.customer_id
"""

# A decision names two records, and means whoever they belong to today.
_DUPLICATES = """
with record_pairs as (
    select
        *,
        least(first_customer_id, second_customer_id) as one_id,
        greatest(first_customer_id, second_customer_id) as other_id
    from pairs
),

scored as (
    select
        one_id,
        other_id,
        count(*) as record_pair_count,
        max_by(
            record_pairs,
            {'w': match_weight, 'one': first_record_key, 'other': second_record_key}
        ) as best
    from record_pairs
    group by one_id, other_id
),

decided as (
    select
        least(one.customer_id, other.customer_id) as one_id,
        greatest(one.customer_id, other.customer_id) as other_id,
        decided.decision,
        cast(decided.decided_at as timestamp) as decided_at,
        decided.first_record_key,
        decided.second_record_key
    from decided
    inner join records as one on decided.first_record_key = one.record_key
    inner join records as other on decided.second_record_key = other.record_key
    where one.customer_id <> other.customer_id
    qualify row_number() over (
        partition by one_id, other_id
        order by decided_at desc, decided.place desc
    ) = 1
),

kept_apart as (
    select
        one_id,
        other_id,
        min(separated_at) as separated_at
    from apart
    group by one_id, other_id
),

united as (
    select
        coalesce(scored.one_id, decided.one_id) as one_id,
        coalesce(scored.other_id, decided.other_id) as other_id,
        scored.record_pair_count,
        scored.best,
        decided.decision,
        decided.decided_at,
        decided.first_record_key,
        decided.second_record_key
    from scored
    full join decided using (one_id, other_id)
)

select
    if(one_is_older, united.one_id, united.other_id) as first_customer_id,
    if(one_is_older, united.other_id, united.one_id) as second_customer_id,
    if(one_is_older, one.customer_since, other.customer_since) as first_customer_since,
    if(one_is_older, other.customer_since, one.customer_since) as second_customer_since,
    coalesce(united.best.first_record_key, united.first_record_key) as first_record_key,
    coalesce(united.best.second_record_key, united.second_record_key) as second_record_key,
    coalesce(united.record_pair_count, 0) as record_pair_count,
    united.best.match_probability as match_probability,
    united.best.match_weight as match_weight,
    united.best.comparison_weights as comparison_weights,
    -- a rule of the identity graph goes before a reviewer
    if(kept_apart.one_id is null, united.decision, 'kept_apart') as decision,
    if(kept_apart.one_id is null, united.decided_at, kept_apart.separated_at) as decided_at,
    united.best.model_version as model_version
from united
inner join customers as one on united.one_id = one.customer_id
inner join customers as other on united.other_id = other.customer_id
left join kept_apart using (one_id, other_id)
cross join lateral (
    select (one.customer_since, one.customer_id) <= (other.customer_since, other.customer_id)
        as one_is_older
)
order by first_customer_id, second_customer_id
"""


def read_vault(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Copy what is compared into a connection: `records`, `customers`, and who is kept `apart`.

    Raises:
        WarehouseError: The vault cannot be read.
    """
    try:
        connection.execute(f"attach '{_quoted(home.warehouse)}' as warehouse (read_only)")
        for query in (_RECORDS, _CUSTOMERS, _APART):
            connection.execute(query)
        connection.execute("detach warehouse")
    except duckdb.Error as error:
        # the engine's words may hold values; its kind says enough
        raise WarehouseError(
            f"The vault cannot be read ({type(error).__name__}).",
            f"It needs the right to read {home.warehouse}, and no run that goes on.",
        ) from None


def _duplicates(
    connection: duckdb.DuckDBPyConnection,
    scored: Scored,
    decided: list[Decision],
    settings: Settings,
) -> pa.Table:
    rows = [{**asdict(decision), "place": place} for place, decision in enumerate(decided)]
    schema = _DECISIONS_SCHEMA.append(pa.field("place", pa.int64()))
    connection.register("pairs", scored.pairs)
    connection.register("decided", pa.Table.from_pylist(rows, schema=schema))
    found: pa.Table = connection.sql(_DUPLICATES).to_arrow_table().cast(CUSTOMER_PAIRS_SCHEMA)
    return grouped(found, settings.thresholds, settings.largest_group)


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary)
    temporary.replace(path)


def _write_decisions(home: Home, rows: list[Decision]) -> None:
    path = decisions_file(home)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _DECISION_COLUMNS)
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    temporary.replace(path)


def _folder(home: Home) -> Path:
    return home.state / "probabilistic"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
