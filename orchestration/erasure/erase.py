"""The erasure from beginning to end: it may be killed at any moment and is taken up where it was.

What has to be known to go on lies in ``state/erasures/pending.json``, readable by its owner only,
until the erasure is whole: the person's identifiers, the secret of the pseudonyms, and what the
books will say. Every step may be done twice. Then the file is destroyed, and with it the last that
could tell a pseudonym from the value it stands for; a certificate without personal data stays.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from expectations.memory import remove_spilled
from orchestration.erasure.person import Person, person_of, together
from orchestration.erasure.pseudonyms import Pseudonyms
from orchestration.erasure.raw_rows import (
    Found,
    drop_rows,
    find,
    note_spellings,
    replace_groups,
    scrub,
    sweep,
    unread_of,
)
from orchestration.erasure.search import Proof, Terms, exports_with, files_of, search
from orchestration.errors import WarehouseError
from orchestration.home import Home, engine, run_clock
from orchestration.ingestion.landing import remove_unfinished
from orchestration.ingestion.places import walked
from orchestration.ingestion.suppression import folder, pending_file, suppress
from orchestration.probabilistic.store import forget_records
from orchestration.run import refresh
from orchestration.run_lock import only_run


@dataclass
class Journal:
    """What an erasure must know to go on after it was stopped.

    Attributes:
        erased_at: The time of the erasure: what happens later is a new customer's.
        by: Who asked for it.
        why: The reason, in words without personal data.
        secret: Key of the pseudonyms, in hex.
        customers: How many people.
        customer_ids: Their ids, those in use and those that were merged.
        identifiers: Their identifiers by type.
        keys: The warehouse's keys of them.
        vault_keys: Those of the vault.
        values: Identifiers and ids of their records by kind.
        raw_values: Addresses and numbers as they came.
        names: Names and streets as they came.
        anonymised: Rows by raw table.
        books: By batch and table what the manifest will say: anonymised, erased, quarantined.
        is_raw_done: Whether the raw zone holds nothing of them any more.
    """

    erased_at: str
    by: str
    why: str
    secret: str
    customers: int
    customer_ids: list[str]
    identifiers: dict[str, list[str]]
    keys: list[str]
    vault_keys: list[str]
    values: dict[str, list[str]]
    raw_values: list[str]
    names: list[str]
    anonymised: dict[str, int]
    books: dict[str, list[int]] = field(default_factory=dict)
    is_raw_done: bool = False

    @property
    def person(self) -> Person:
        """Who is erased."""
        return Person(
            tuple(self.customer_ids),
            {kind: set(values) for kind, values in self.identifiers.items()},
            frozenset(self.keys),
            frozenset(self.vault_keys),
        )

    @property
    def found(self) -> Found:
        """What the person is named by, without the rows."""
        return Found(
            {kind: set(values) for kind, values in self.values.items()},
            raw_values=set(self.raw_values),
            names=set(self.names),
        )

    def terms(self, *, with_names: bool) -> Terms:
        """What the home is searched for."""
        found = self.found
        names = found.names if with_names else set()
        return Terms({*found.telling, *found.raw_values, *names, *self.keys, *self.customer_ids})


@dataclass(frozen=True)
class Erased:
    """What an erasure did.

    Attributes:
        proof: What the search found; nothing, if it is whole.
        anonymised: Rows by raw table that were left without a name.
        quarantined: Records in quarantine that were removed.
        versions: Published versions that were withdrawn.
        exports: The vendors' own files that still hold the person.
        namesakes: Names and streets that records of others have too, which were not searched for.
        certificate: Where it is written down; None where something was found.
    """

    proof: Proof
    anonymised: dict[str, int]
    quarantined: int
    versions: int
    exports: list[Path]
    namesakes: int
    certificate: Path | None


Tell = Callable[[str], object]


def plan(home: Home, customer_ids: Sequence[str], why: str) -> Journal:
    """Find out what is the person's; changes nothing.

    Args:
        home: The installation.
        customer_ids: Who is erased.
        why: The reason, for the certificate.

    Returns:
        All that the erasure needs to know.

    Raises:
        WarehouseError: Somebody is unknown, the warehouse is behind the raw zone, the reason names
            the person, or the engine is another.
    """
    check_engine()
    person = together([person_of(home, each) for each in dict.fromkeys(customer_ids)])
    _check_up_to_date(home)
    found = find(home, person)
    note_spellings(home, found)
    counted: Counter[str] = Counter()
    batches: Counter[str] = Counter()
    for file, rows in found.rows.items():
        own = sum(rows.values())
        vendor, table = file.parts[-4], file.parts[-3]
        counted[f"{vendor}.{table}"] += own
        batches[f"{_batch_of(file)}|{table}"] += own
    journal = Journal(
        erased_at=run_clock().astimezone(UTC).isoformat(),
        by=getpass.getuser(),
        why=why,
        secret=secrets.token_hex(32),
        customers=len(set(customer_ids)),
        customer_ids=list(person.customer_ids),
        identifiers=_sorted(person.identifiers),
        keys=sorted(person.keys),
        vault_keys=sorted(person.vault_keys),
        values=_sorted(found.values),
        raw_values=sorted(found.raw_values),
        names=sorted(found.names),
        anonymised=dict(sorted((t, n) for t, n in counted.items() if n)),
    )
    unread = unread_of(home, journal.found, _hard_terms(journal))
    quarantined: Counter[str] = Counter()
    for file, numbers in unread.items():
        content = pq.read_table(file, columns=["batch_id", "table_name"]).to_pylist()
        for number in numbers:
            row = content[number]
            quarantined[f"{row['batch_id']}|{row['table_name']}"] += 1
    journal.books = _books(home, batches, quarantined)
    if _names_one(why, journal):
        raise WarehouseError(
            "The reason names the person.", "Write it without personal data: it is kept."
        )
    return journal


def check_engine(command: str = "cxw erase") -> None:
    """Whoever is erased is told apart, and proved to be gone, in DuckDB's tables alone.

    Args:
        command: What to run on DuckDB instead.

    Raises:
        WarehouseError: The engine is Spark.
    """
    if engine() == "spark":
        raise WarehouseError(
            "Erasure works with the DuckDB warehouse, not on Spark.",
            f"Unset CXW_TARGET and run {command}: it also removes Spark's tables, which the next "
            "run with CXW_TARGET=spark builds anew from what is left.",
        )


def quarantined_of(journal: Journal) -> int:
    """How many records in quarantine an erasure removes."""
    return sum(erased for _, erased in journal.books.values())


def erase(home: Home, journal: Journal, console: Console) -> Erased:
    """Erase, and prove it by search.

    Args:
        home: The installation.
        journal: What `plan` found.
        console: Where progress is shown.

    Returns:
        What was done and found.
    """
    with only_run(home, console.print):
        _write(home, journal)
        return resume(home, console, lands=False)


def resume(home: Home, console: Console, *, lands: bool = True) -> Erased:
    """Go on with the erasure that was begun.

    Args:
        home: The installation.
        console: Where progress is shown.
        lands: Whether what waits is landed too: it may be what publication waits for.

    Returns:
        What was done and found.

    Raises:
        WarehouseError: The marts could not be published without the person, or the engine is
            another.
    """
    check_engine("cxw erase --resume")
    with only_run(home, console.print):
        journal = _read(home)
        tell = console.print
        if not journal.is_raw_done:
            _erase_from_raw(home, journal, tell)
            journal.is_raw_done = True
            _write(home, journal)
        tell("Building the warehouse anew from what is left")
        _remove_built(home, journal)
        outcome = refresh(home, console, lands=lands)
        if not outcome.success:
            outcome.show(console)
            raise WarehouseError(
                "The raw zone holds nothing of the person any more, but nothing new was published: "
                "the versions that readers see still hold the person.",
                "Mend what is said above and run: cxw erase --resume",
            )
        versions = _withdraw_old_versions(home)
        tell("Searching the home for what is left")
        return _prove(home, journal, versions)


def _erase_from_raw(home: Home, journal: Journal, tell: Tell) -> None:
    suppress(home.state, journal.values, datetime.fromisoformat(journal.erased_at))
    remove_unfinished(home.raw)
    # Past states share their files with the raw zone; they can be built again at any time.
    shutil.rmtree(home.root / "as_of", ignore_errors=True)
    for draft in home.raw.glob("**/*.erasing"):
        draft.unlink()
    pseudonyms = Pseudonyms(bytes.fromhex(journal.secret))
    found = find(home, journal.person, journal.values)
    found.raw_values, found.names = set(journal.raw_values), set(journal.names)
    files = 0
    for _ in scrub(home, found, journal.person, pseudonyms):
        files += 1
    tell(f"Raw zone: {found.own_rows:,} rows in {files:,} files are left without a name")
    terms = _hard_terms(journal)
    swept = sweep(home, found, pseudonyms, terms)
    if swept:
        tell(f"Raw zone: {swept:,} rows of others named the person, and do not any more")
    for file, numbers in unread_of(home, found, terms).items():
        drop_rows(file, numbers)
    _write_books(home, journal)


def _remove_built(home: Home, journal: Journal) -> None:
    """Remove whatever is made from the raw zone and is no version that readers see."""
    from orchestration.transformation import notes_beside

    terms = journal.terms(with_names=True)
    forget_records(home, journal.vault_keys)
    remove_spilled(home.root)
    # A deleted row leaves its bytes in a database: only a new file is surely without them.
    # What a kill left of its spilled rows lies beside it, and so do the notes of what is built.
    for beside in (*home.root.glob("warehouse.duckdb*"), *notes_beside(home)):
        if beside.is_dir():
            shutil.rmtree(beside)
        else:
            beside.unlink(missing_ok=True)
    shutil.rmtree(home.root / "spark", ignore_errors=True)
    shutil.rmtree(home.state / "audit", ignore_errors=True)
    shutil.rmtree(home.raw / "_cache", ignore_errors=True)
    made = {home.reports, home.dagster, home.dbt_target, home.root / "logs"}
    for file in files_of(home):
        within = set(file.parents)
        # What users wrote is theirs to change: the search names it.
        if not (made & within or home.state in within) or folder(home.state) in within:
            continue
        if file.suffix == ".parquet":
            if file.parent == home.state / "findings":
                _without_examples(file)
            if terms.rows_of(file):
                _without_terms(file, terms)
        elif file.suffix == ".duckdb" or terms.in_file(file):
            file.unlink()


def _without_examples(file: Path) -> None:
    """Take the keys of failing rows out of past findings: a key can be made from a record's id."""

    def cleaned(_: int, part: pa.Table) -> pa.Table:
        if "example_keys" not in part.column_names:
            return part
        place = part.column_names.index("example_keys")
        nothing = pa.nulls(part.num_rows, part.schema.field(place).type)
        return part.set_column(place, part.schema.field(place), nothing)

    if pq.read_metadata(file).num_rows:
        replace_groups(file, cleaned)


def _without_terms(file: Path, terms: Terms) -> None:
    """Take the terms out of the texts of a table that cannot be computed again."""

    def cleaned(_: int, part: pa.Table) -> pa.Table:
        rows = [
            walked(row, (), lambda _, leaf: terms.without(leaf) if isinstance(leaf, str) else leaf)
            for row in part.to_pylist()
        ]
        return pa.Table.from_pylist(rows, schema=part.schema)

    replace_groups(file, cleaned)


def _withdraw_old_versions(home: Home) -> int:
    """Remove every published version but the one that was just built."""
    current = os.readlink(home.published / "current")
    old = [
        path
        for path in home.published.iterdir()
        if path.is_dir() and not path.is_symlink() and path.name != current
    ]
    for path in old:
        shutil.rmtree(path)
    return len(old)


def _prove(home: Home, journal: Journal, versions: int) -> Erased:
    pending = pending_file(home.state)
    # A name alone is nobody's: where rows that are not the person's have it too it proves nothing.
    anybody = Terms(journal.names)
    raw_files = [
        file
        for file in files_of(home)
        if home.raw in file.parents and file.suffix == ".parquet" and anybody.rows_of(file)
    ]
    of_namesakes = {
        name for name in journal.names if any(Terms([name]).rows_of(file) for file in raw_files)
    }
    journal.names = sorted(set(journal.names) - of_namesakes)
    terms = journal.terms(with_names=True)
    proof = search(home, terms, leave_out=[pending])
    # Ids that are too short to be searched for stand in declared columns.
    left = find_left(home, journal)
    proof.hits.extend(str(file.relative_to(home.root)) for file in left)
    exports = exports_with(home, _hard_terms(journal))
    certificate = None
    if not proof.hits:
        certificate = _certify(home, journal, proof, versions, exports, len(of_namesakes))
        pending.unlink()
    return Erased(
        proof=proof,
        anonymised=journal.anonymised,
        quarantined=quarantined_of(journal),
        versions=versions,
        exports=exports,
        namesakes=len(of_namesakes),
        certificate=certificate,
    )


def find_left(home: Home, journal: Journal) -> list[Path]:
    """Files of the raw zone with a declared column that still names the person."""
    return sorted(find(home, journal.person, journal.values).rows)


def _certify(
    home: Home,
    journal: Journal,
    proof: Proof,
    versions: int,
    exports: list[Path],
    namesakes: int,
) -> Path:
    finished = datetime.now(UTC).replace(microsecond=0)
    place = folder(home.state) / f"{finished:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}.json"
    certificate: dict[str, Any] = {
        "erased_at": journal.erased_at,
        "finished_at": finished.isoformat(),
        "by": journal.by,
        "why": journal.why,
        "people": journal.customers,
        "raw_rows_anonymised": journal.anonymised,
        "quarantined_records_removed": quarantined_of(journal),
        "published_versions_withdrawn": versions,
        "search": {
            "files": proof.files,
            "tables": proof.tables,
            "values": proof.terms,
            "hits": len(proof.hits),
            "names_that_others_have_too": namesakes,
        },
        "vendor_files_that_still_hold_the_person": len(exports),
    }
    place.write_text(json.dumps(certificate, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return place


# --- the books ------------------------------------------------------------------------------------


def _books(home: Home, anonymised: Counter[str], quarantined: Counter[str]) -> dict[str, list[int]]:
    """What is added to the manifest's counts of a batch and table: anonymised, erased."""
    return {
        key: [anonymised[key], quarantined[key]]
        for key in sorted(set(anonymised) | set(quarantined))
        if anonymised[key] or quarantined[key]
    }


def _write_books(home: Home, journal: Journal) -> None:
    """Say in the manifest what became of the rows; told once, however often it is tried.

    A file of the manifest carries the mark of the last erasure that changed it.
    """
    mark = hashlib.sha256(journal.secret.encode()).hexdigest().encode()
    for file in sorted((home.raw / "_manifest").glob("*.parquet")):
        table = pq.read_table(file)
        metadata = table.schema.metadata or {}
        if metadata.get(b"erasure") == mark:
            continue
        rows = table.to_pylist()
        is_changed = False
        for row in rows:
            change = journal.books.get(f"{row['batch_id']}|{row['table_name']}")
            row.setdefault("rows_erased", 0)
            row.setdefault("rows_anonymised", 0)
            if change and row["status"] == "loaded":
                is_changed = True
                row["rows_anonymised"] = (row["rows_anonymised"] or 0) + change[0]
                row["rows_erased"] = (row["rows_erased"] or 0) + change[1]
                row["rows_quarantined"] -= change[1]
        if not is_changed:
            continue
        schema = table.schema
        for name in ("rows_erased", "rows_anonymised"):
            if name not in schema.names:
                schema = schema.append(pa.field(name, pa.int64()))
        marked = pa.Table.from_pylist(rows, schema=schema).replace_schema_metadata(
            {**metadata, b"erasure": mark}
        )
        draft = file.with_suffix(".erasing")
        pq.write_table(marked, draft)
        os.replace(draft, file)


def _batch_of(file: Path) -> str:
    # <source>-<16 digits>, and a number where a batch has several files of a day
    return "-".join(file.stem.split("-")[:2])


# --- what is known --------------------------------------------------------------------------------


def _hard_terms(journal: Journal) -> Terms:
    return Terms({*journal.found.telling, *journal.raw_values})


def _names_one(why: str, journal: Journal) -> bool:
    return journal.terms(with_names=True).without(why) != why


def _sorted(values: dict[str, set[str]]) -> dict[str, list[str]]:
    return {kind: sorted(found) for kind, found in sorted(values.items())}


def _check_up_to_date(home: Home) -> None:
    from orchestration.transformation import changed_raw_tables

    if changed_raw_tables(home):
        raise WarehouseError(
            "The raw zone has files that the warehouse does not know yet.",
            "Let a run finish first: cxw run",
        )


def _read(home: Home) -> Journal:
    place = pending_file(home.state)
    if not place.exists():
        raise WarehouseError("No erasure was begun here.", "Begin one: cxw erase CUSTOMER_ID")
    return Journal(**json.loads(place.read_text(encoding="utf-8")))


def _write(home: Home, journal: Journal) -> None:
    place = pending_file(home.state)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(".draft")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(json.dumps(asdict(journal), ensure_ascii=False))
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(draft, place)
