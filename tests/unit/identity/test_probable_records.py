"""How records are made comparable, before any model sees them; needs no splink."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from orchestration.probabilistic.matching import RECORD_COLUMNS, Scored, scored_pairs
from orchestration.probabilistic.settings import SHIPPED_SETTINGS, read_settings

RECORDS = [
    ("r1", "c1", "Päivi-Maija", " VIRTANEN", "Hämeentie 12 B 34", "00 500", "Helsinki", 1980),
    ("r2", "c1", "paivi maija", "Virtanen", None, None, None, None),
    ("r3", "c2", "Päivi Maija", "Virtanen", "12 Hämeentie", "00500", "HELSINKI", 12),
    ("r4", "c3", "Päivi Maija", "Virtanen", "Hämeentie", "SW1A 1AA", "", None),
    ("r5", "c4", "Пётр", None, None, None, None, None),
]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "create table records (record_key varchar, customer_id varchar, first_name varchar,"
            " last_name varchar, street varchar, postal_code varchar, city varchar,"
            " birth_year integer)"
        )
        connection.executemany(
            f"insert into records values ({', '.join('?' * len(RECORD_COLUMNS))})", RECORDS
        )
        yield connection


def compared(connection: duckdb.DuckDBPyConnection) -> Scored:
    settings = read_settings(SHIPPED_SETTINGS)
    return scored_pairs(connection, settings.model_copy(update={"most_pairs_per_rule": 0}))


def test_values_are_compared_without_case_accents_and_ornament(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    compared(connection)
    rows = connection.sql("from prepared order by record_key").fetchall()
    name, place = ("paivimaija", "virtanen"), ("hameentie", "12", "00500", "helsinki")
    address = "hameentie 12 00500"
    nothing = (None,) * 4
    assert [row[2:] for row in rows] == [
        (*name, *place, "1980", address),
        (*name, *nothing, None, None),
        (*name, *place, None, address),
        (*name, "hameentie", None, "SW1A1AA", None, None, None),
        ("петр", None, *nothing, None, None),
    ]


def test_what_a_customers_records_say_together_is_compared_once(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    compared(connection)
    rows = connection.sql("select record_key, birth_year from candidates order by all").fetchall()
    assert rows == [("r1", "1980"), ("r3", None), ("r4", None), ("r5", None)]


def test_a_rule_that_would_compare_too_many_pairs_is_left_out_and_told(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = compared(connection)
    assert found.pairs.num_rows == 0
    assert found.records == 4
    assert found.rules_left_out["first_name, last_name"] == 3
    assert found.rules_left_out["street_name, postal_code"] == 1
    assert "first_name, birth_year" not in found.rules_left_out
