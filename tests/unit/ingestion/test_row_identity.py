"""A row that comes again is known again, whether landing wrote down what it is told by or not."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest
import yaml

from orchestration.erasure.raw_rows import identified_rows, rewrite
from orchestration.home import DBT_PROJECT_DIR
from orchestration.ingestion.file_landing import _FileLanding
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.row_identity import late_row_ids

STAGING = DBT_PROJECT_DIR / "models" / "staging"
MACROS = DBT_PROJECT_DIR / "macros" / "current_rows.sql"
LATE = [(v.name, t) for v in VENDORS.values() for t in v.tables if t.identifies_late]
# Versions of a record are what is hard about it.
ORDERS = VENDORS["shopify"].table("orders")


def row_content(vendor: str, table: str) -> list[str] | None:
    declared = yaml.safe_load((STAGING / vendor / f"_{vendor}__sources.yml").read_text())
    tables = {entry["name"]: entry for entry in declared["sources"][0]["tables"]}
    found: list[str] | None = tables[table]["config"]["meta"].get("row_content")
    return found


def test_staging_knows_the_content_of_the_tables_that_land_without_identity_and_of_no_other():
    for vendor in VENDORS.values():
        for table in vendor.tables:
            names = [column.name for column in table.columns] if table.identifies_late else None
            assert row_content(vendor.name, table.name) == names, table.name


@pytest.mark.parametrize(("vendor", "table"), LATE, ids=lambda v: getattr(v, "name", v))
def test_staging_tells_rows_of_such_tables_apart_by_their_natural_key_alone(vendor, table):
    using = [
        model
        for model in STAGING.glob("*/*.sql")
        if re.search(rf"source\('{vendor}', '{table.name}'\)", model.read_text())
    ]
    assert using
    assert [model.name for model in using if "_row_id" in model.read_text()] == []


def order(number: int, total: str, **more: Any) -> str:
    record = {"id": number, "created_at": "2026-01-02T10:00:00Z", "total_price": total, **more}
    return json.dumps({"updated_at": f"2026-01-0{2 + number % 2}T11:00:00Z", "note": None} | record)


# Late ones: equal rows in a file, rows that come again, versions of one record, an own column; and
# a file with a broken line, of which landing writes the identities down.
FILES = {
    "orders_1.jsonl": [order(1, "5"), order(2, "6"), order(2, "6"), order(3, "7", gift="joo")],
    "orders_2.jsonl": [order(2, "6"), order(1, "8"), order(1, "5"), order(4, "9"), order(5, "1")],
    "orders_3.jsonl": [order(1, "5"), "{broken", order(3, "7", gift="joo"), order(5, "2")],
    "orders_4.jsonl": [order(1, "8"), order(5, "1"), order(5, "1"), order(5, "3", email="a@b.fi")],
}


def land_orders(land_files, folder: str) -> Path:
    raw = None
    for name, lines in FILES.items():
        raw = land_files("shopify", {name: "\n".join(lines) + "\n"})
    assert raw is not None
    shutil.rmtree(raw.root.parent / "exports")
    return raw.root.rename(raw.root.with_name(folder))


@pytest.fixture(params=["as it is", "never told before"])
def zones(request, land_files, monkeypatch) -> tuple[Path, Path]:
    """The same deliveries, landed as they are and with every identity written down."""
    if request.param == "never told before":
        monkeypatch.setattr(_FileLanding, "_has_come_before", lambda *_: False)
    late = land_orders(land_files, "late")
    monkeypatch.setattr(_FileLanding, "_is_late", lambda *_: False)
    return late, land_orders(land_files, "written")


def rows_of(raw: Path) -> str:
    # as the models read it: macros/engine/sources.sql
    return (
        "(select * replace (coalesce(_row, file_row_number + 1) as _row) "
        f"from read_parquet('{raw}/shopify/orders/dt=*/*.parquet', hive_partitioning = true, "
        "hive_types_autocast = false, union_by_name = true))"
    )


def test_of_records_that_come_again_all_deliveries_but_the_first_have_their_identities(land_files):
    raw = land_orders(land_files, "raw")
    found = duckdb.execute(
        f"select _source_file, count(*), count(_row_id) from {rows_of(raw)} "
        "where _batch_id is not null group by all order by all"
    ).fetchall()
    counts = {name: (rows, identified) for name, rows, identified in found}
    assert counts["orders_1.jsonl"] == (4, 0)
    assert {name for name, (rows, identified) in counts.items() if rows == identified} == {
        "orders_2.jsonl",
        "orders_3.jsonl",
        "orders_4.jsonl",
    }


def test_a_row_without_identity_has_the_one_that_would_have_been_written(zones):
    late, written = zones
    found = {}
    for file in sorted(late.glob("shopify/orders/dt=2026*/*.parquet")):
        with duckdb.connect() as connection:
            count = connection.execute("select count(*) from read_parquet(?)", [str(file)])
            ids = late_row_ids(ORDERS, file, range(count.fetchone()[0]))
            rows = connection.execute(
                "select file_row_number, _batch_id, coalesce(_row, file_row_number + 1), _row_id "
                "from read_parquet(?, file_row_number = true)",
                [str(file)],
            ).fetchall()
        assert {number for number, *_, own in rows if own is None} == set(ids)
        found |= {(batch, line): own or ids[number] for number, batch, line, own in rows}
    expected = duckdb.execute(f"select _batch_id, _row, _row_id from {rows_of(written)}").fetchall()
    assert found == {(batch, line): row_id for batch, line, row_id in expected}
    assert len(set(found.values())) < len(found)


def test_rows_that_an_erasure_changes_keep_their_identities_and_so_do_the_others(zones):
    late, written = zones
    for file in late.glob("shopify/orders/dt=2026*/*.parquet"):
        rows = identified_rows(ORDERS, file, [1, 2])
        rewrite(file, {number: row | {"name": "changed"} for number, row in rows.items()})
    again = macros(is_late=True).rows_delivered_again(rows_of(late), ["id"])
    keys = "with repeated_keys as (select 'shopify' as repeated_source, id as repeated_key_1 "
    told = duckdb.execute(
        f"{keys} from (select distinct id from {rows_of(late)})) "
        f"select _batch_id, _row, _row_id from ({again}) order by all"
    ).fetchall()
    assert (
        told
        == duckdb.execute(
            f"select _batch_id, _row, _row_id from {rows_of(written)} order by all"
        ).fetchall()
    )


def macros(is_late: bool) -> Any:
    content = [*(column.name for column in ORDERS.columns), "_extra"] if is_late else []
    environment = jinja2.Environment(autoescape=False)
    environment.globals |= {
        "row_content": lambda _: content,
        "all_columns_but": lambda columns: f"* exclude ({', '.join(columns)})",
        "adapter": SimpleNamespace(quote=lambda name: f'"{name}"'),
        "text_to_timestamp": lambda column: f"try_cast({column} as timestamp)",
    }
    return environment.from_string(MACROS.read_text()).module


@pytest.mark.parametrize("updated_at", [None, "updated_at"])
def test_staging_takes_the_same_rows_whether_identities_are_written_or_told_late(zones, updated_at):
    late, written = zones
    shown = "id, total_price, _batch_id, _row, first_loaded_at"
    current = []
    for raw, is_late in ((late, True), (written, False)):
        query = macros(is_late).current_rows(rows_of(raw), ["id"], updated_at)
        current.append(duckdb.execute(f"select {shown} from ({query}) order by id").fetchall())
    # what the macro promises, of all rows at once
    promised = duckdb.execute(
        f"""
        select {shown}
        from (
            select *, min(_loaded_at) over (partition by _source, _row_id) as first_loaded_at
            from {rows_of(written)}
        )
        qualify {macros(is_late=False).current_rank(["id"], updated_at)} = 1
        order by id
        """
    ).fetchall()
    assert current == [promised, promised]
    assert [row[0] for row in promised] == ["1", "2", "3", "4", "5"]


def test_what_comes_again_has_the_same_identity_in_staging(zones):
    late, written = zones
    again = macros(is_late=True)
    relation = rows_of(late)
    told = duckdb.execute(
        f"""
        with repeated_keys as ({again.keys_delivered_again(relation, ["id"])})
        select _batch_id, _row, _row_id from ({again.rows_delivered_again(relation, ["id"])})
        order by all
        """
    ).fetchall()
    assert (
        told
        == duckdb.execute(
            f"select _batch_id, _row, _row_id from {rows_of(written)} where id <> '4' order by all"
        ).fetchall()
    )
