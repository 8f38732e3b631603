"""What thresholds and reviewers make of scored pairs, and what a settings file may say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.errors import WarehouseError
from orchestration.home import PROBABILISTIC_SWITCH, Home
from orchestration.probabilistic.commands import threshold_diff
from orchestration.probabilistic.grouping import CUSTOMER_PAIRS_SCHEMA, grouped
from orchestration.probabilistic.settings import (
    SHIPPED_SETTINGS,
    Thresholds,
    check_switch,
    load_settings,
    read_settings,
)
from orchestration.probabilistic.store import (
    Decision,
    carry_over,
    decide,
    decisions,
    duplicates_file,
    forget_records,
    pairs_file,
    read_vault,
    show_none,
)

THRESHOLDS = Thresholds(link=0.9, review=0.5, keep=0.1)


def pairs_of(*rows: tuple[str, str, float | None, str | None]) -> pa.Table:
    """Pairs of customers, the name of a customer telling its age: a before b."""
    return pa.Table.from_pylist(
        [
            {
                "first_customer_id": first,
                "second_customer_id": second,
                "first_customer_since": dt.datetime(2026, 1, ord(first[0]) - 96),
                "second_customer_since": dt.datetime(2026, 1, ord(second[0]) - 96),
                "first_record_key": f"record {first}",
                "second_record_key": f"record {second}",
                "record_pair_count": 1,
                "match_probability": score,
                "match_weight": 0.0,
                "comparison_weights": '{"first_name": {"level": "exact", "weight": 7.0}}',
                "decision": decision,
                "model_version": "1",
            }
            for first, second, score, decision in rows
        ],
        schema=CUSTOMER_PAIRS_SCHEMA,
    )


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param(
            [("a", "b", 0.95, None), ("c", "d", 0.6, None), ("e", "f", 0.2, None)],
            [("probable", None, "a"), ("review", None, None), ("unlikely", None, None)],
            id="the score decides where nobody has",
        ),
        pytest.param(
            [
                ("a", "b", 0.2, "accepted"),
                ("c", "d", 0.99, "rejected"),
                ("e", "f", None, "accepted"),
            ],
            [("accepted", None, "a"), ("rejected", None, None), ("accepted", None, "e")],
            id="a decision goes before the score",
        ),
        pytest.param(
            [("b", "c", 0.95, None), ("a", "c", 0.95, None), ("x", "y", 0.95, None)],
            [("probable", None, "a"), ("probable", None, "a"), ("probable", None, "x")],
            id="a chain is one group, named by its oldest customer",
        ),
        pytest.param(
            [("a", "b", 0.95, None), ("b", "c", 0.1, "accepted"), ("a", "c", 0.3, "rejected")],
            [("review", "kept_apart", None), ("accepted", None, "b"), ("rejected", None, None)],
            id="what nobody decided gives way to two who are two people",
        ),
        pytest.param(
            [
                ("a", "b", 0.95, "accepted"),
                ("b", "c", 0.9, "accepted"),
                ("a", "c", 1, "kept_apart"),
            ],
            [
                ("review", "kept_apart", None),
                ("review", "kept_apart", None),
                ("rejected", None, None),
            ],
            id="decisions that contradict each other wait",
        ),
        pytest.param(
            [("a", "b", 0.95, None), ("b", "c", 0.95, None), ("c", "d", 0.95, "accepted")],
            [("review", "too_many", None), ("review", "too_many", None), ("accepted", None, "c")],
            id="more than can be one person wait",
        ),
        pytest.param(
            [("a", "b", 0, "accepted"), ("b", "c", 0, "accepted"), ("c", "d", 0, "accepted")],
            [("accepted", None, "a")] * 3,
            id="unless a reviewer says that they are",
        ),
    ],
)
def test_pairs_become_groups(rows: list[Any], told: list[Any]) -> None:
    for order in (1, -1):
        found = grouped(pairs_of(*rows[::order]), THRESHOLDS, largest_group=3).to_pylist()
        assert [
            (row["status"], row["held_back"], row["probable_customer_id"]) for row in found[::order]
        ] == told


def test_no_pairs_become_no_groups() -> None:
    assert grouped(pairs_of(), THRESHOLDS, largest_group=3).num_rows == 0


def test_other_thresholds_are_tried_on_what_was_found(tmp_path: Path) -> None:
    home = Home(tmp_path)
    settings = load_settings(home)
    table = grouped(
        pairs_of(("a", "b", 0.99, None), ("c", "d", 0.9, None), ("e", "f", 0.1, None)),
        settings.thresholds,
        settings.largest_group,
    )
    duplicates_file(home).parent.mkdir(parents=True)
    pq.write_table(table, duplicates_file(home))
    with pytest.raises(WarehouseError, match="No run has looked"):
        threshold_diff(home, 0.85, None)
    (duplicates_file(home).parent / "model.json").write_text("{}")

    lower = threshold_diff(home, link=0.85, review=0.05)
    assert [row["first_customer_id"] for row in lower.linked] == ["c"]
    assert [row["first_customer_id"] for row in lower.to_review] == ["e"]
    assert [row["first_customer_id"] for row in lower.off_review] == ["c"]
    assert (lower.groups_before, lower.groups_after) == (1, 2)
    higher = threshold_diff(home, link=0.995, review=None)
    assert [row["first_customer_id"] for row in higher.unlinked] == ["a"]
    assert threshold_diff(home, settings.thresholds.link, None).is_empty
    with pytest.raises(WarehouseError, match="cannot be thresholds"):
        threshold_diff(home, link=0.5, review=0.001)


def test_decisions_are_kept_with_who_when_and_why_and_an_erased_record_takes_its_own_along(
    tmp_path: Path,
) -> None:
    home, past = Home(tmp_path / "now"), Home(tmp_path / "past")
    home.root.mkdir()
    past.root.mkdir()
    first = Decision("r1", "r2", "accepted", "2026-10-01T10:00:00", "ann", "same street, said so")
    second = Decision("r2", "r3", "rejected", "2026-10-03T10:00:00", "bo", 'father, "junior"')
    decide(home, first)
    decide(home, second)
    assert decisions(home) == [first, second]

    carry_over(home, past, dt.datetime(2026, 10, 2))
    assert decisions(past) == [first]

    show_none(home)
    pq.write_table(grouped(pairs_of(("a", "b", 1, None)), THRESHOLDS, 3), duplicates_file(home))
    assert forget_records(home, ["r1", "record b"]) == 2
    assert decisions(home) == [second]
    assert pq.read_table(duplicates_file(home)).num_rows == 0
    assert pq.read_table(pairs_file(home)).num_rows == 0

    (home.root / "identity_decisions.csv").write_text("first,second\n")
    with pytest.raises(WarehouseError, match="other columns"):
        decisions(home)


def test_who_opted_out_is_not_compared_and_a_record_belongs_to_whom_its_number_names(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    with duckdb.connect(str(home.warehouse)) as warehouse:
        warehouse.execute(
            """
            create schema vault;
            create schema intermediate;
            create table vault.personal_data_vault as
            select
                'key ' || record_id as personal_details_key, 'crm' as source, 'contact' as entity,
                record_id, customer_id, 'Ann' as first_name, 'Lee' as last_name,
                'Elm St 1' as street, '00100' as postal_code, 'Oslo' as city
            from (
                values ('1', 'by mail'), ('2', null), ('3', 'c3'), ('9', null)
            ) as told (record_id, customer_id);
            create table intermediate.int_identifiers_resolved as
            select
                'contact ' || number as identifier_key, 'contact_id' as identifier_type,
                number as identifier_value, 'c' || number as customer_id,
                timestamp '2026-01-01' as first_seen_at
            from (values ('1'), ('2'), ('3')) as told (number);
            create table intermediate.int_identity_separations as
            select *, timestamp '2026-02-01' as separated_at
            from (
                values
                    ('opt_out', 'contact 3', 'contact 3'),
                    ('keep_apart', 'contact 1', 'contact 2')
            ) as told (separation_kind, from_key, to_key);
            create table intermediate.int_crm_contacts_unioned as
            select 'crm' as source, '2' as contact_id, 1980 as birth_year;
            """
        )
    with duckdb.connect() as connection:
        read_vault(connection, home)
        assert connection.sql(
            "select record_key, customer_id, birth_year from records"
        ).fetchall() == [
            ("key 1", "c1", None),
            ("key 2", "c2", 1980),
        ]
        assert connection.sql("select one_id, other_id from apart").fetchall() == [("c1", "c2")]


def test_a_vault_that_cannot_be_read_is_told_without_its_values(tmp_path: Path) -> None:
    with duckdb.connect() as connection, pytest.raises(WarehouseError, match="cannot be read"):
        read_vault(connection, Home(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("link: 0.95", "link: 0.1", "must not fall"),
        ("{first_name: jaro_winkler 0.92}", "{first_name: sounds_like}", "is no agreement"),
        ("share_of_matches: 0.82", "share_of_matches: 0.5", "add up to 1"),
        ("[first_name, last_name]", "[first_name, shoe_size]", "blocking.0.1"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / SHIPPED_SETTINGS.name
    path.write_text(SHIPPED_SETTINGS.read_text().replace(old, new, 1))
    with pytest.raises(WarehouseError, match=told):
        load_settings(Home(tmp_path))


def test_thresholds_do_not_change_the_model() -> None:
    settings = read_settings(SHIPPED_SETTINGS)
    other = settings.model_copy(
        update={"thresholds": Thresholds(link=0.8, review=0.7, keep=settings.thresholds.keep)}
    )
    assert other.fingerprint == settings.fingerprint


def test_the_switch_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROBABILISTIC_SWITCH, "merge")
    with pytest.raises(WarehouseError, match="never merged"):
        check_switch()
    monkeypatch.setenv(PROBABILISTIC_SWITCH, "show")
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(WarehouseError, match="make probabilistic"):
            check_switch()
    monkeypatch.setenv("CXW_TARGET", "spark")
    with pytest.raises(WarehouseError, match="DuckDB only"):
        check_switch()
    monkeypatch.setenv(PROBABILISTIC_SWITCH, "off")
    check_switch()
