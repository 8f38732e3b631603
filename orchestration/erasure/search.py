"""The proof: every byte of the home is searched for what the person was named by.

Parquet files and tables of DuckDB are read value by value, every other file as it lies on the disk.
The vendors' own exports are not the warehouse's to change; they are looked through apart, so that
whoever keeps them can be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pyarrow.parquet as pq

from expectations.memory import in_memory
from orchestration.home import Home
from orchestration.ingestion.readers import sql_name, sql_text
from orchestration.ingestion.sources import files_of as local_files
from orchestration.ingestion.sources import load_sources

# The demo's own truth, which no part of the warehouse reads.
_NOT_OURS = ("truth",)

# A surrogate key as text; tables of identity hold it as `uuid` (compact_key in dbt_project/macros).
_KEY = re.compile(r"[0-9a-f]{32}")

_PARQUET = {".parquet"}
_DUCKDB = {".duckdb"}
_CHUNK = 1 << 24


@dataclass
class Proof:
    """What was searched and what was found.

    Attributes:
        files: Files that were searched.
        tables: Tables of databases among them.
        terms: What was searched for: how many values.
        hits: Places that hold one, as paths from the home; of a database with the table.
    """

    files: int = 0
    tables: int = 0
    terms: int = 0
    hits: list[str] = field(default_factory=list)


class Terms:
    """What a person is searched by.

    Args:
        values: Identifiers, keys, addresses, numbers and names, as they are spelt.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self.values = sorted({spelling for v in values if v for spelling in spellings(v)})
        escaped = "|".join(re.escape(v) for v in sorted(self.values, key=len, reverse=True))
        # RE2, which DuckDB searches with, knows no look-around.
        self.sql_pattern = f"(?i)(^|[^0-9A-Za-z])({escaped})($|[^0-9A-Za-z])"
        self._bytes = re.compile(
            rb"(?<![0-9A-Za-z])("
            + b"|".join(re.escape(v.encode()) for v in sorted(self.values, key=len, reverse=True))
            + rb")(?![0-9A-Za-z])",
            re.IGNORECASE,
        )
        self._plain = [v.encode().lower() for v in self.values]
        self._longest = max((len(v) for v in self._plain), default=0)
        self._connection = in_memory()

    def __bool__(self) -> bool:
        return bool(self.values)

    def without(self, text: str) -> str:
        """A text with every term in it replaced."""
        if not self.values:
            return text
        return self._bytes.sub(b"erased", text.encode()).decode()

    def in_file(self, file: Path) -> bool:
        """Whether the bytes of a file hold a term."""
        rest = b""
        with file.open("rb") as handle:
            while chunk := handle.read(_CHUNK):
                text = (rest + chunk).lower()
                if any(term in text for term in self._plain) and self._bytes.search(text):
                    return True
                rest = chunk[-self._longest - 1 :]
        return False

    def rows_of(self, file: Path) -> list[int]:
        """The numbers of the rows of a Parquet file that hold a term."""
        if not self.values or not pq.read_metadata(file).num_rows:
            return []
        found = self._connection.execute(
            f"""
            select file_row_number
            from (
                select file_row_number, cast(to_json(landed) as varchar) as content
                from read_parquet({sql_text(str(file))}, file_row_number = true,
                    hive_partitioning = false) as landed
            )
            where regexp_matches(content, ?)
            order by 1
            """,
            [self.sql_pattern],
        )
        return [row[0] for row in found.fetchall()]

    def tables_of(self, file: Path) -> tuple[int, list[str]]:
        """How many tables a database has, and which of them hold a term."""
        found = []
        with in_memory() as connection:
            connection.execute(f"attach {sql_text(str(file))} as searched (read_only)")
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() "
                "where database_name = 'searched' order by all"
            ).fetchall()
            for schema, table in tables:
                name = f"searched.{sql_name(schema)}.{sql_name(table)}"
                hit = connection.execute(
                    f"""
                    select 1 from (select cast(to_json(t) as varchar) as content from {name} as t)
                    where regexp_matches(content, ?) limit 1
                    """,
                    [self.sql_pattern],
                ).fetchone()
                if hit:
                    found.append(f"{schema}.{table}")
        return len(tables), found


def spellings(value: str) -> Iterator[str]:
    """How a value may be spelt: as it is, as a web address has it, and a key as `uuid` shows it."""
    yield value
    if _KEY.fullmatch(value):
        yield str(UUID(value))
    if "@" in value or "+" in value:
        yield quote(value, safe="")


def files_of(home: Home, leave_out: Iterable[Path] = ()) -> list[Path]:
    """Every file of the home that the warehouse wrote."""
    skipped = {home.root / name for name in _NOT_OURS} | set(leave_out) | set(exports_of(home))
    return [
        path
        for path in sorted(home.root.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path not in skipped
        and not skipped & set(path.parents)
    ]


def exports_of(home: Home) -> list[Path]:
    """The files and folders that sources.yml reads, and the copies of those that lie elsewhere.

    A folder that the warehouse itself lies in is not taken as one: of it only the files that are
    read.
    """
    sources = load_sources(home.sources_file)
    cache = home.raw / "_cache"
    found = {cache} if cache.exists() else set()
    for source in sources.sources:
        # A remote file would be fetched to be listed.
        if any("://" in path for path in (source.path or "", *(t.path for t in source.tables))):
            continue
        folder = (sources.folder / (source.path or ".")).resolve()
        if folder not in {home.root, *home.root.parents}:
            found.add(folder)
        found.update(file.path for file in local_files(source, sources.folder, cache))
    return sorted(found)


def search(home: Home, terms: Terms, leave_out: Iterable[Path] = ()) -> Proof:
    """Search the home.

    Args:
        home: The installation.
        terms: What to search for.
        leave_out: Files that are about to go.

    Returns:
        What was found; nothing, if the erasure is whole.
    """
    proof = Proof(terms=len(terms.values))
    for file in files_of(home, leave_out):
        proof.files += 1
        name = str(file.relative_to(home.root))
        if file.suffix in _PARQUET:
            if terms.rows_of(file):
                proof.hits.append(name)
        elif file.suffix in _DUCKDB:
            tables, found = terms.tables_of(file)
            proof.tables += tables
            proof.hits.extend(f"{name}: {table}" for table in found)
        if file.suffix not in _PARQUET and terms.in_file(file):
            proof.hits.append(name)
    return proof


def exports_with(home: Home, terms: Terms) -> list[Path]:
    """The vendors' own files that still hold the person: theirs, not the warehouse's, to change."""
    found = []
    for place in exports_of(home):
        files = [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]
        for file in files:
            holds = terms.rows_of(file) if file.suffix in _PARQUET else terms.in_file(file)
            if holds:
                found.append(file)
    return sorted(set(found))
