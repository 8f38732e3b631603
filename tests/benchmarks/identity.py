"""Identity at scale: ``python -m tests.benchmarks.identity --millions 10``.

Records of so many identifiers are generated (about 1.6 edges each) with what the safeguards are
for: kiosks, shared tablets and numbers, shared mailboxes, spellings of nothing, addresses that the
CRM calls invalid, chains over a limit, merges of contacts. Then, each in a process of its own:

- bare: connected components over all edges, nothing else, as the project's own query;
- full: dbt builds the project's identity models from the records, safeguards included;
- batch: records with 1 % as many edges come on top, and dbt runs again.

Printed are seconds, the ratio to bare and the peak of memory. The models' seconds are those of
dbt's own clock from the first model's start to the last one's end; starting dbt is given beside
them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.home import DBT_PROJECT_DIR, Home
from tests.benchmarks.measure import Measured, measure
from tests.unit.identity.conftest import call_macro

_COLUMNS = (
    "contact_id",
    "user_id",
    "loyalty_id",
    "customer_ref",
    "email_hash",
    "phone_hash",
    "client_id",
)
#: Persons for a million identifiers.
_PERSONS = 136_000
_COLLECTED = "int_identity_records_collected"


def chance(salt: str, share: float) -> str:
    """SQL that is true for a share of the persons: the same ones in every run."""
    return f"hash(person, '{salt}') % 1000000 < {share * 1_000_000:.0f}"


def records_sql(first: int, last: int) -> str:
    """The records of persons ``first`` to ``last``, one row per combination of identifiers."""
    return f"""
    with persons as (
        select
            person,
            'k' || person as contact,
            case when {chance("user", 0.6)} then 'u' || person end as login,
            case when {chance("card", 0.5)} then 'l' || person end as card,
            'shop:' || person as customer,
            md5('e' || person) as address,
            -- one in thirty has the number of a relative, one in ten none
            case
                when {chance("family", 0.03)} then md5('p' || (person + 1))
                when {chance("phone", 0.9)} then md5('p' || person)
            end as number
        from range({first}, {last}) as persons (person)
    ),

    records as (
        select 'crm_contact' as kind, person, contact, login, card, null as customer,
            address, number, null as client
        from persons where {chance("contact", 0.8)}
        union all
        select 'web_event', person, null, login, null, null, null, null, 'b' || person || '-' || n
        from persons, range(1, 4) as browsers (n) where login is not null
        union all
        -- a browser that nobody logged in on
        select 'web_event', person, null, null, null, null, null, null, 'a' || person
        from persons where {chance("visitor", 0.5)}
        union all
        select 'order', person, null, null, card, customer, address, number, 'b' || person || '-1'
        from persons where {chance("buyer", 0.7)}
        union all
        select 'order', person, null, null, card, customer, address, null, 'b' || person || '-2'
        from persons where {chance("again", 0.4)}
        union all
        -- a tablet that two share
        select 'web_event', person, null, login, null, null, null, null, 't' || (person // 2)
        from persons where login is not null and {chance("tablet", 0.05)}
        union all
        -- a kiosk in a shop
        select 'web_event', person, null, login, null, null, null, null,
            'kiosk' || (person % (1 + {last} // 20000))
        from persons where login is not null and {chance("kiosk", 0.01)}
        union all
        select 'web_event', person, null, 'null', null, null, null, null, 'b' || person || '-3'
        from persons where {chance("nobody", 0.01)}
        union all
        -- an office's mailbox
        select 'order', person, null, null, null, customer, md5('office' || (person // 1000)),
            null, null
        from persons where {chance("office", 0.01)}
        union all
        -- a customer record and a new address at every other order: a chain over the limits
        select 'order', person, null, null, null, customer || '-' || n,
            md5('e' || person || '-' || ((n + m) // 2)), null, null
        from persons, range(1, 15) as orders (n), range(0, 2) as sides (m)
        where {chance("chain", 0.0005)}
        union all
        select 'crm_merge', person, contact, null, null, null, null, null, null
        from persons where {chance("merged", 0.01)}
        union all
        select 'crm_merge', person, 'k' || (person + 1), null, null, null, null, null, null
        from persons where {chance("merged", 0.01)}
    )

    select
        md5(concat_ws('|', kind, coalesce(contact, '-'), coalesce(login, '-'),
            coalesce(card, '-'), coalesce(customer, '-'), coalesce(address, '-'),
            coalesce(number, '-'), coalesce(client, '-'))) as identity_record_key,
        'generated' as source,
        kind as record_kind,
        contact as contact_id, login as user_id, card as loyalty_id, customer as customer_ref,
        address as email_hash, number as phone_hash, client as client_id,
        (contact is not null)::integer + (login is not null)::integer
            + (card is not null)::integer + (customer is not null)::integer
            + (address is not null)::integer + (number is not null)::integer
            + (client is not null)::integer as identifier_count,
        min(timestamp '2025-01-01' + to_days((hash(person, kind) % 365)::integer)) as first_seen_at,
        max(timestamp '2025-01-01' + to_days((hash(person, kind) % 365)::integer)) as last_seen_at,
        count(*) as record_count
    from records
    group by all
    """


def generate(home: Path, persons: int) -> None:
    """Write what the identity models read to the home's database."""
    database = Home(home).warehouse
    with duckdb.connect(str(database)) as connection:
        connection.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
        connection.execute("create schema intermediate; create schema reference")
        seeds = DBT_PROJECT_DIR.parent / "seeds" / "reference"
        for seed in ("identity_rules", "blocked_identifiers", "identity_separations"):
            connection.execute(
                f"create table reference.{seed} as from read_csv('{seeds / seed}.csv')"
            )
        connection.execute(
            f"""
            create table intermediate.int_crm_contacts_unioned as
            select
                'k' || person as contact_id,
                md5('e' || person) as email_hash,
                not {chance("invalid", 0.001)} as is_email_valid,
                false as is_test_address
            from range({persons}) as persons (person)
            where {chance("contact", 0.8)}
            """
        )
        connection.execute(
            f"""
            create table intermediate.int_crm_merges_unioned as
            select
                'generated' as source,
                'k' || person as surviving_contact_id,
                'k' || (person + 1) as merged_contact_id,
                timestamp '2025-12-31' as merged_at,
                null::timestamp as unmerged_at
            from range({persons}) as persons (person)
            where {chance("merged", 0.01)}
            """
        )
        connection.execute(f"create table intermediate.{_COLLECTED} as {records_sql(0, persons)}")


def add_batch(home: Path, persons: int, share: float) -> None:
    """One day more: new people, known people in new browsers, and known records once again."""
    new = int(persons * share / 2)
    with duckdb.connect(str(Home(home).warehouse)) as connection:
        connection.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
        connection.execute(
            f"insert into intermediate.{_COLLECTED} {records_sql(persons, persons + new)}"
        )
        connection.execute(
            f"""
            insert into intermediate.{_COLLECTED}
            select
                md5('returned' || person), 'generated', 'order', null, null, null,
                'shop:' || person, md5('e' || person), null, 'n' || person, 3,
                timestamp '2026-01-01', timestamp '2026-01-01', 1
            from range({persons}) as persons (person)
            where {chance("returned", share)}
            """
        )
        connection.execute(
            f"""
            update intermediate.{_COLLECTED}
            set last_seen_at = timestamp '2026-01-01', record_count = record_count + 1
            where hash(identity_record_key, 'seen') % 1000000 < {share / 2 * 1_000_000:.0f}
            """
        )


def bare(home: Path) -> None:
    """Connected components over all edges, and nothing else."""
    with duckdb.connect(str(Home(home).warehouse)) as connection:
        connection.execute("set memory_limit = '5GB'; set preserve_insertion_order = false")
        edges = "intermediate.int_identity_edges"
        started = time.perf_counter()
        connection.execute(
            f"create table bare_labels as {call_macro('connected_components', edges)}"
        )
        print(time.perf_counter() - started)


def _resolve(home: Path) -> tuple[Measured, float, dict[str, float]]:
    """Build the identity models; the process, the seconds from first to last model, and of each."""
    place = Home(home)
    measured = measure(
        [
            *(str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "run"),
            *("--no-version-check", "--select", "path:models/intermediate/identity"),
            *("--exclude", _COLLECTED),
        ],
        DBT_PROJECT_DIR=str(DBT_PROJECT_DIR),
        **{name: text for name, text in place.environment().items() if name != "DBT_PROJECT_DIR"},
    )
    results = json.loads((place.dbt_target / "run_results.json").read_text())["results"]
    spans = {
        result["unique_id"].split(".")[-1]: [
            datetime.fromisoformat(timing[edge])
            for timing in result["timing"]
            for edge in ("started_at", "completed_at")
        ]
        for result in results
    }
    moments = [moment for span in spans.values() for moment in span]
    return (
        measured,
        (max(moments) - min(moments)).total_seconds(),
        {name: (max(span) - min(span)).total_seconds() for name, span in spans.items()},
    )


def _number(home: Path, sql: str) -> int:
    with duckdb.connect(str(Home(home).warehouse), read_only=True) as connection:
        row = connection.execute(sql).fetchone()
    assert row
    return int(row[0])


def prepare(millions: float, home: Path) -> int:
    """Write the records to an empty home; returns the number of persons."""
    shutil.rmtree(home, ignore_errors=True)
    Home(home).state.mkdir(parents=True)
    persons = int(millions * _PERSONS)
    _step("generate", home, str(persons))
    return persons


def run(millions: float, share: float, work: Path) -> dict[str, Any]:
    """Measure everything at one size.

    Args:
        millions: Identifiers, in millions.
        share: The batch's edges, as a share of all.
        work: Where the databases lie.

    Returns:
        The figures by name.
    """
    home = work / f"identity_{millions:g}"
    persons = prepare(millions, home)
    # The first dbt parses the project, which is not what is measured.
    full, full_seconds, full_models = _resolve(home)
    identifiers = _number(home, "select count(*) from intermediate.int_identifiers_observed")
    edges = _number(home, "select count(*) from intermediate.int_identity_edges")
    skipped = _number(home, "select count(*) from intermediate.int_identity_groups_skipped")
    alone = _step("bare", home)
    bare_seconds = float(alone.output)
    _step("batch", home, str(persons), str(share))
    batch, batch_seconds, batch_models = _resolve(home)
    more = _number(home, "select count(*) from intermediate.int_identity_edges") - edges
    return {
        "identifiers": identifiers,
        "edges": edges,
        "skipped": skipped,
        "bare_seconds": bare_seconds,
        "bare_peak_gb": alone.peak_bytes / 1e9,
        "full_seconds": full_seconds,
        "full_process_seconds": full.seconds,
        "full_peak_gb": full.peak_bytes / 1e9,
        "full_models": full_models,
        "ratio_to_bare": full_seconds / bare_seconds,
        "batch_edges": more,
        "batch_seconds": batch_seconds,
        "batch_process_seconds": batch.seconds,
        "batch_peak_gb": batch.peak_bytes / 1e9,
        "batch_models": batch_models,
        "batch_share_of_full": batch_seconds / full_seconds,
    }


def _step(name: str, home: Path, *arguments: str) -> Measured:
    return measure([sys.executable, "-m", "tests.benchmarks.identity", name, str(home), *arguments])


def main() -> None:
    """Measure, or do one step of it in a process of its own."""
    if sys.argv[1:2] == ["generate"]:
        generate(Path(sys.argv[2]), int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["bare"]:
        bare(Path(sys.argv[2]))
        return
    if sys.argv[1:2] == ["batch"]:
        add_batch(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
        return
    name = "python -m tests.benchmarks.identity"
    parser = argparse.ArgumentParser(prog=name, description=__doc__)
    parser.add_argument("--millions", nargs="*", type=float, default=[1], help="identifiers")
    parser.add_argument("--share", type=float, default=0.01, help="of the edges, in the batch")
    parser.add_argument("--work", type=Path, help="where databases are built, and then removed")
    options = parser.parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    for millions in options.millions:
        with tempfile.TemporaryDirectory(dir=options.work) as folder:
            print(json.dumps(run(millions, options.share, Path(folder)), indent=2), flush=True)


if __name__ == "__main__":
    main()
