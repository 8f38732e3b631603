"""A file lands once, whole or not at all, and what it says of itself adds up."""

import codecs
import csv
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.ingestion import file_landing, landing, new_files, readers
from orchestration.ingestion.hashing import hash_values
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import PendingFile, clock_behind, discover
from orchestration.ingestion.raw_files import RawWriter
from orchestration.ingestion.raw_zone import (
    LandedBatch,
    ensure_raw_schemas,
    raw_row_counts,
    write_manifest,
)
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.sources import load_sources
from orchestration.ingestion.specs import Column, FileRule, match_columns
from orchestration.ingestion.staged_rows import STAGED, ColumnMapping, stage
from orchestration.ingestion.suppression import suppress

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCES = """
version: 1
sources:
  - name: shop
    vendor: generic
    tables:
      - table: orders
        path: in/orders*.csv
        timezone: Europe/Helsinki
        columns:
          order_id: id
          ordered_at: at
          total_amount: replace(total, ',', '.')
          email: mail
        keep_extra: true
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CXW_HASH_KEY", "a key for tests")
    (tmp_path / "in").mkdir()
    (tmp_path / "sources.yml").write_text(SOURCES)
    return tmp_path


def put(home: Path, name: str, text: str, modified: int = 1_750_000_000) -> None:
    path = home / "in" / name
    path.write_text(text)
    os.utime(path, (modified, modified))


def land_all(home: Path, run_id: str = "run", now: datetime = NOW):
    sources = load_sources(home / "sources.yml")
    return land(discover(sources, home / "raw"), sources, home / "raw", run_id, now)


def orders(home: Path, columns: str = "*") -> list[tuple]:
    return duckdb.execute(
        f"select {columns} from read_parquet(?, hive_partitioning = true, union_by_name = true) "
        "where order_id is not null order by dt, order_id, _source_file",
        [str(home / "raw/generic/orders/dt=*/*.parquet")],
    ).fetchall()


def test_rows_land_by_their_day_with_hash_place_and_extra_columns(home):
    put(home, "orders.csv", "id;at;total;mail;x\n1;2026-01-02 10:00;5,50;Aino@Posti.example;y\n")
    (batch,) = land_all(home)
    (row,) = orders(
        home,
        "order_id, total_amount, email, email__hash, timezone, _extra, _batch_id, _loaded_at, "
        "_source, _source_file, _row, cast(dt as date)",
    )
    assert row[:3] == ("1", "5.50", "Aino@Posti.example")
    assert (
        row[3]
        == hash_values(["aino@posti.example"], "email", b"a key for tests", "FI").popitem()[1]
    )
    assert json.loads(row[5]) == {"x": "y"}
    assert row[4] == "Europe/Helsinki"
    assert row[6] == batch.batch_id
    assert row[7] == NOW.replace(tzinfo=None)
    assert row[8:] == ("shop", "orders.csv", 2, datetime(2026, 1, 2).date())


def test_the_second_landing_finds_nothing_new(home):
    put(home, "orders.csv", "id,at,total,mail\n1,2026-01-02,5,\n")
    assert len(land_all(home)) == 1
    assert land_all(home) == []
    os.utime(home / "in" / "orders.csv")  # touched, not changed
    assert land_all(home) == []
    (home / "raw" / "_seen.json").unlink()  # only a cache
    assert land_all(home) == []
    assert len(orders(home)) == 1


def test_a_file_that_is_written_anew_while_it_is_read_is_landed_next_time(home):
    names = [f"orders_{number:02}.csv" for number in range(30)]
    for name in names:
        put(home, name, f"id,at,total,mail\n{name}-1,2026-01-02,5,\n{name}-2,2026-01-02,5,\n")
    whole = (home / "in" / names[-1]).read_bytes()

    def rewrite(batch):
        # An exporter has begun to write the last file again; landing knows the hash of the first.
        if batch.source_file == names[0]:
            (home / "in" / names[-1]).write_bytes(whole[: len(whole) // 2])

    sources = load_sources(home / "sources.yml")
    pending = discover(sources, home / "raw")
    batches = land(pending, sources, home / "raw", "run-1", NOW, rewrite)
    failed = [batch for batch in batches if batch.status == "failed"]
    assert [batch.source_file for batch in failed] == [names[-1]]
    assert "changed while it was read" in failed[0].error
    assert len(orders(home)) == 2 * (len(names) - 1)
    (home / "in" / names[-1]).write_bytes(whole)
    (batch,) = land_all(home)
    assert (batch.status, batch.rows_landed) == ("loaded", 2)
    assert land_all(home) == []


@pytest.mark.parametrize(
    "moment", ["0001-01-01 00:00:00", "0001-01-01", "99999-01-01", "01.01.0001", "1.1.10000 12:00"]
)
def test_a_day_that_no_calendar_of_ours_has_is_set_aside(home, moment):
    put(home, "orders.csv", f"id,at,total,mail\n1,{moment},5,\n2,1899-12-30,5,\n3,9999-12-31,5,\n")
    (batch,) = land_all(home)
    assert (batch.rows_landed, batch.rows_quarantined) == (2, 1)
    (row,) = duckdb.execute(
        "select reason from read_parquet(?)", [str(home / "raw" / "_quarantine" / "*-*.parquet")]
    ).fetchall()
    assert row == ("The value is smaller or larger than any that can be meant.",)


def test_a_clock_behind_the_last_landing_is_told(home):
    assert clock_behind(home / "raw", NOW) is None, "nothing is landed yet"
    put(home, "orders.csv", "id,at,total,mail\n1,2026-01-02,5,\n")
    land_all(home)
    assert clock_behind(home / "raw", NOW) is None
    warning = clock_behind(home / "raw", NOW - timedelta(days=3))
    assert warning
    assert f"{NOW:%Y-%m-%d}" in warning
    assert f"{NOW - timedelta(days=3):%Y-%m-%d}" in warning


def test_a_redelivered_row_keeps_its_row_id_and_an_equal_second_row_gets_its_own(home):
    line = "1,2026-01-02,5,\n"
    put(home, "orders_1.csv", "id,at,total,mail\n" + line)
    put(home, "orders_2.csv", "id,at,total,mail\n9,2026-01-02,5,\n" + line + line)
    land_all(home)
    ids = [row[0] for row in orders(home, "_row_id") if row]
    repeated = [row for row in orders(home, "_source_file, order_id, _row_id") if row[1] == "1"]
    first = {row[2] for row in repeated if row[0] == "orders_1.csv"}
    second = {row[2] for row in repeated if row[0] == "orders_2.csv"}
    assert len(set(ids)) == 3
    assert first < second


@pytest.mark.parametrize("days", [1, 3, 9])
@pytest.mark.parametrize(
    ("suffix", "last_line", "readings"),
    [
        ("csv", "", [True]),
        # a row too short: nothing that was read before it counts
        ("csv", "1,2\n", [True, False]),
        ("csv", "\n", [True, False]),
        ("jsonl", "", [True]),
        # told by the first look at so small a file
        ("jsonl", "{broken\n", [False]),
        # a key that none of the records had that were sampled
        (
            "jsonl",
            '{"id": "7", "created_at": "2026-01-01", "total_price": 1, "late": 2}\n',
            [True, True],
        ),
    ],
)
def test_a_file_read_at_one_go_lands_like_one_read_line_by_line(
    tmp_path, monkeypatch, suffix, last_line, readings, days
):
    names = ["id", "email", "created_at", "total_price", "gift"]
    values = [
        (
            str(row % 40),
            f"Asiakas{row % 30}@posti.example" if row % 7 else "",
            f"2026-01-{1 + row % days:02}T10:00:00Z",
            "x" if row % 50 == 49 else "5.00",
            "joo",
        )
        for row in range(200)
    ]
    if suffix == "csv":
        text = "".join(",".join(line) + "\n" for line in [names, *values])
    else:
        text = "".join(
            json.dumps({n: v or None for n, v in zip(names, line, strict=True)}) + "\n"
            for line in values
        )
    monkeypatch.setenv("CXW_HASH_KEY", "a key for tests")
    is_csv = suffix == "csv"
    (tmp_path / "in").mkdir()
    put(tmp_path, "order.csv" if is_csv else "orders.jsonl", text + last_line)
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: shop, vendor: shopify, path: in, "
        f"format: {'fivetran' if is_csv else 'native'}}}\n"
    )

    def landed(raw: Path) -> list:
        sources = load_sources(tmp_path / "sources.yml")
        batches = land(discover(sources, raw), sources, raw, "run", NOW)
        rows = [
            duckdb.execute(
                f"select {columns} from read_parquet(?, union_by_name = true) order by {place}",
                [str(raw / files)],
            ).fetchall()
            # that identities told late are the same: test_row_identity.py
            for files, columns, place in (
                ("shopify/orders/dt=2026-01-*/*.parquet", "* exclude (_row_id)", "_row"),
                ("_quarantine/*.parquet", "*", "line"),
            )
        ]
        return [batches, *rows]

    ways = []

    def read_and_tell(connection, request):
        content = readers.read_file(connection, request)
        ways.append(content.is_streamed)
        return content

    monkeypatch.setattr(file_landing, "read_file", read_and_tell)
    monkeypatch.setattr(readers, "_SAMPLED_RECORDS", 1)
    at_one_go = landed(tmp_path / "raw")
    monkeypatch.setattr(readers, "_is_clean_csv", lambda *_: False)
    monkeypatch.setattr(readers, "_clean_json_paths", lambda *_: None)
    monkeypatch.setattr(readers, "_typed_json", lambda *_: None)
    line_by_line = landed(tmp_path / "other")
    assert ways == [*readings, False]
    assert at_one_go == line_by_line
    is_late, is_rejected = "late" in last_line, last_line in ("1,2\n", "{broken\n")
    assert (len(at_one_go[1]), len(at_one_go[2])) == (196 + is_late, 4 + is_rejected)


def ways_to_land(text: bytes, suffix: str) -> list[list]:
    """What is told of a file of orders and its rows, as it lands and as if read line by line."""
    found = []
    careful = {"_is_clean_csv": False, "_clean_json_paths": None, "_typed_json": None}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        (home / "in").mkdir()
        path = home / "in" / ("order.csv" if suffix == "csv" else "orders.jsonl")
        path.write_bytes(text)
        (home / "sources.yml").write_text(
            "version: 1\nsources:\n  - {name: shop, vendor: shopify, path: in, "
            f"format: {'fivetran' if suffix == 'csv' else 'native'}}}\n"
        )
        stack.enter_context(patch.dict(os.environ, CXW_HASH_KEY="a key for tests"))
        for raw, replaced in ((home / "at_once" / "raw", {}), (home / "careful" / "raw", careful)):
            for name, answer in replaced.items():
                stack.enter_context(patch.object(readers, name, return_value=answer))
            sources = load_sources(home / "sources.yml")
            batches = land(discover(sources, raw), sources, raw, "run", NOW)
            found.append([batches])
            for files, columns, place in (
                # that identities told late are the same: test_row_identity.py
                (
                    "shopify/orders/dt=*/*.parquet",
                    "* exclude (_row_id) replace (coalesce(_row, file_row_number + 1) as _row)",
                    "_row",
                ),
                ("_quarantine/*.parquet", "*", "line"),
            ):
                rows = duckdb.execute(
                    f"select {columns} from read_parquet(?, union_by_name = true) order by {place}",
                    [str(raw / files)],
                )
                found[-1].append(rows.fetchall())
    return found


_MAILBOXES = ["a@posti.example", "A.B@GMAIL.com", " Ä@posti.example", "", " ", "nobody", None]
_order = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", 3, "x"]),
        "email": st.sampled_from(_MAILBOXES),
        "created_at": st.just("2026-01-01T10:00:00Z"),
        "total_price": st.sampled_from(["5.00", 5, 12.50, "1 200,50"]),
    },
    optional={
        "order_number": st.sampled_from([1, "2.0", None]),
        "test": st.sampled_from([True, "False", "no"]),
        "phone": st.sampled_from(["+358 40 1234567", "040 1234567", "-", None]),
        "customer": st.sampled_from([{"id": 1, "ä": ["x"]}, None, '{"id": 2}', [], 5]),
        "lisätieto": st.text(st.characters(exclude_categories=("Cs",)), max_size=3),
    },
)
# Each makes a file be read otherwise, or a row be set aside.
_odd_values = st.sampled_from(
    [
        {"created_at": "2026-01-02T00:00:00Z"},
        {"created_at": "yesterday"},
        {"id": None},
        {"id": " "},
        {"total_price": "much"},
        {"order_number": 1.5},
        {"test": "perhaps"},
        {"customer": "{broken"},
        {"Late": 1},
    ]
)
_odd_lines = st.sampled_from(
    ["", "{broken", "null", "{}", '1,"a"b', "1,2", "[]", '{"id":1,"id":2}']
)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["csv", "jsonl", "jsonl"]),
    st.lists(_order, min_size=1, max_size=6),
    st.one_of(st.just([]), st.lists(_odd_values, min_size=1, max_size=2)),
    st.one_of(st.just([]), st.lists(_odd_lines, min_size=1, max_size=2)),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([b"", codecs.BOM_UTF8]),
)
def test_whichever_way_a_file_lands_its_rows_and_what_is_set_aside_are_the_same(
    suffix, orders, odd_values, odd_lines, newline, mark
):
    records = [*orders, *({**orders[0], **odd} for odd in odd_values)]
    if suffix == "jsonl":
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
    else:
        names = list(dict.fromkeys(name for record in records for name in record))
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {n: v if isinstance(v, str | None) else json.dumps(v) for n, v in record.items()}
            for record in records
        )
        lines = buffer.getvalue().splitlines()
    text = mark + newline.join([*lines, *odd_lines, ""]).encode()
    as_it_lands, line_by_line = ways_to_land(text, suffix)
    assert as_it_lands == line_by_line


@pytest.mark.parametrize(
    ("more", "is_late", "is_at_once"),
    [
        ({"id": "last"}, True, True),
        ({"id": "last"}, False, True),
        ({"id": "last", "total_price": "x"}, True, False),
        ({"id": "last", "created_at": "2026-01-02T10:00:00Z"}, True, False),
        # equal to the first: identities of rows that stand twice are numbered
        ({"id": 0}, True, True),
        ({"id": 0}, False, False),
    ],
)
def test_records_of_one_day_that_are_all_good_are_written_as_they_are_read(
    monkeypatch, more, is_late, is_at_once
):
    records = [
        {"id": row, "email": mail, "created_at": "2026-01-01T10:00:00Z", "total_price": 5}
        for row, mail in enumerate(_MAILBOXES * 9)
    ]
    text = "".join(json.dumps(record) + "\n" for record in [*records, {**records[0], **more}])
    days = []

    def write_and_tell(*arguments):
        days.append(write(*arguments))
        return days[-1]

    write = RawWriter.write_at_once
    monkeypatch.setattr(file_landing._FileLanding, "_is_late", lambda *_: is_late)
    with patch.object(RawWriter, "write_at_once", write_and_tell):
        as_it_lands, line_by_line = ways_to_land(text.encode(), "jsonl")
    assert [day is not None for day in days] == [is_at_once]
    assert as_it_lands == line_by_line


def test_rows_that_several_threads_write_are_in_the_order_of_their_lines(tmp_path):
    """Their place in the raw file is all that tells the line: nothing else is written of it."""
    # every column that has a test, so that no test of a value costs the order
    record = {"order_number": 1, "test": "no", "email": "a@posti.example", "phone": "040 1234567"}
    record |= {"created_at": "2026-01-01T10:00:00Z", "total_price": "5,00", "note": "x" * 200}
    rest = json.dumps(record)[1:]
    (tmp_path / "in").mkdir()
    # more than two of the pieces that DuckDB's reader shares out
    count = 250_000
    with (tmp_path / "in" / "orders.jsonl").open("w") as file:
        file.writelines(f'{{"id": {number}, {rest}\n' for number in range(count))
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: shop, vendor: shopify, path: in}\n"
    )
    raw = tmp_path / "raw"
    sources = load_sources(tmp_path / "sources.yml")
    land(discover(sources, raw), sources, raw, "run", NOW)
    found = duckdb.execute(
        """
        select count(*), count(_row), count(*) filter (where id = file_row_number::varchar)
        from read_parquet(?, file_row_number = true)
        """,
        [str(raw / "shopify" / "orders" / "dt=2026-01-01" / "*.parquet")],
    ).fetchone()
    assert found == (count, 0, count)


def land_log(folder: Path) -> tuple[Path, LandedBatch]:
    """Land the send log in the folder's `in`."""
    (folder / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: log, vendor: email_campaigns, path: in}\n"
    )
    raw = folder / "raw"
    sources = load_sources(folder / "sources.yml")
    (batch,) = land(discover(sources, raw), sources, raw, "run", NOW)
    return raw, batch


def test_rows_that_several_threads_stage_are_told_by_the_lines_of_their_file(tmp_path):
    """Of two days, so that no place in a raw file tells the line."""
    (tmp_path / "in").mkdir()
    # more than two of the pieces that DuckDB's reader shares out
    count, padding = 250_000, "x" * 300
    with (tmp_path / "in" / "events.csv").open("w") as file:
        file.write("campaign_id,message_id,event,occurred_at,campaign_name\n")
        file.writelines(
            f"C1,{number},{'sent' if number % 1000 else ''},2026-01-0{1 + number % 2},{padding}\n"
            for number in range(count)
        )
    raw, batch = land_log(tmp_path)
    assert (batch.rows_landed, batch.rows_quarantined) == (count - 250, 250)
    landed = duckdb.execute(
        """
        select count(*), count(*) filter (where _row = message_id::bigint + 2)
        from read_parquet(?)
        """,
        [str(raw / "email_campaigns" / "events" / "dt=2026-*" / "*.parquet")],
    ).fetchone()
    quarantined = duckdb.execute(
        "select count(*) filter (where line = (record ->> 'message_id')::bigint + 2) "
        "from read_parquet(?)",
        [str(raw / "_quarantine" / f"{batch.batch_id}.parquet")],
    ).fetchone()
    assert (landed, quarantined) == ((count - 250, count - 250), (250,))


def test_rows_beside_those_of_the_erased_keep_their_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("CXW_HASH_KEY", "a key for tests")
    suppress(tmp_path / "state", {"message_id": ["2", "5"], "contact_id": ["K5"]}, NOW)
    (tmp_path / "in").mkdir()
    rows = [f"C1,{number},sent,2026-01-01,K{number}\n" for number in range(8)]
    rows[3] = "C1,3,,2026-01-01,K3\n"
    header = "campaign_id,message_id,event,occurred_at,contact_id\n"
    (tmp_path / "in" / "events.csv").write_text(header + "".join(rows))
    raw, batch = land_log(tmp_path)
    assert (batch.rows_landed, batch.rows_quarantined, batch.rows_erased) == (6, 1, 1)
    landed = duckdb.execute(
        "select message_id, _row from read_parquet(?) order by all",
        [str(raw / "email_campaigns" / "events" / "dt=2026-01-01" / "*.parquet")],
    ).fetchall()
    assert landed == [(str(number), number + 2) for number in (0, 1, 2, 4, 6, 7)]
    quarantined = duckdb.execute(
        "select line from read_parquet(?)", [str(raw / "_quarantine" / f"{batch.batch_id}.parquet")]
    ).fetchall()
    assert quarantined == [(5,)]


def test_rows_keep_their_places_when_most_of_a_table_is_deleted(tmp_path):
    """The line of a row that is kept is told by its place: no checkpoint may give it another."""
    with closing(landing._connect(tmp_path)) as connection:
        connection.execute("create temp table text_rows as select n from range(3000000) as r(n)")
        connection.execute("delete from text_rows where n % 1000000 < 900000")
        moved = "select count(*), count(*) filter (where n <> rowid) from text_rows"
        assert connection.execute(moved).fetchall() == [(300_000, 0)]


@pytest.mark.parametrize("is_clean", [True, False])
def test_a_column_that_is_called_like_landings_own_keeps_its_values(tmp_path, is_clean):
    """Fivetran's files have a `_line`."""
    (tmp_path / "in").mkdir()
    rows = ["C1,1,sent,2026-01-01,100", "C1,2,sent,2026-01-01,200", *([] if is_clean else ["C1"])]
    header = "campaign_id,message_id,event,occurred_at,_line"
    (tmp_path / "in" / "events.csv").write_text("\n".join([header, *rows]) + "\n")
    raw, _ = land_log(tmp_path)
    landed = duckdb.execute(
        "select message_id, _row, _extra ->> '_line' from read_parquet(?) order by 1",
        [str(raw / "email_campaigns" / "events" / "dt=2026-01-01" / "*.parquet")],
    ).fetchall()
    assert landed == [("1", 2, "100"), ("2", 3, "200")]


class _Explained:
    """A connection that tells the plan of each file that it writes, or of each table of rows."""

    def __init__(self, connection, plans, watched="copy"):
        self._connection, self._plans, self._watched = connection, plans, watched

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, query, *parameters):
        if query.lstrip().startswith(self._watched):
            self._plans.append(str(self._connection.execute(f"explain {query}").fetchall()))
        return self._connection.execute(query, *parameters)


def _value_of(column):
    if column.identifier:
        return {"email": "a@posti.example", "phone": "040 1234567"}[column.identifier]
    kinds = {"timestamp": "2026-01-01T10:00:00Z", "boolean": "no", "json": {"a": 1}, "text": "x"}
    return kinds.get(column.kind, "5")


@pytest.mark.parametrize(
    ("vendor", "table", "record"),
    [
        ("shopify", "orders", {"created_at": "2026-01-01T10:00:00Z"}),
        ("hubspot", "email_events", {"created": "1767261600000", "sentBy": {"id": "1"}}),
    ],
)
def test_what_is_written_without_lines_is_written_in_their_order(
    monkeypatch, tmp_path, vendor, table, record
):
    """Whatever is tested of its columns: DuckDB says by the name of the step that it keeps it."""
    spec = next(spec for spec in VENDORS[vendor].tables if spec.name == table)
    columns = [column for column in spec.columns if not column.path]
    record = {**{column.name: _value_of(column) for column in columns}, **record}
    (tmp_path / "in").mkdir()
    lines = [json.dumps({**record, "id": number}) + "\n" for number in range(3)]
    (tmp_path / "in" / f"{table}.jsonl").write_text("".join(lines))
    (tmp_path / "sources.yml").write_text(
        f"version: 1\nsources:\n  - {{name: shop, vendor: {vendor}, path: in}}\n"
    )
    raw, plans = tmp_path / "raw", []
    write = RawWriter.write_at_once
    monkeypatch.setattr(
        RawWriter,
        "write_at_once",
        lambda writer, *rest: write(
            replace(writer, connection=_Explained(writer.connection, plans)), *rest
        ),
    )
    sources = load_sources(tmp_path / "sources.yml")
    (batch,) = land(discover(sources, raw), sources, raw, "run", NOW)
    assert (batch.rows_landed, len(plans)) == (3, 1), batch
    assert "Batch Copy To File" in plans[0], plans[0]
    files = str(raw / vendor / table / "dt=2026-01-01" / "*.parquet")
    assert duckdb.execute("select count(_row) from read_parquet(?)", [files]).fetchall() == [(0,)]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("vendor", list(VENDORS))
def test_what_is_staged_without_lines_is_staged_in_their_order(tmp_path, vendor, suffix):
    """Whatever is tested of its columns, looked through before or not."""
    for table in VENDORS[vendor].tables:
        if table.is_nested:
            continue
        records = [
            {**{c.name: _value_of(c) for c in table.columns}, "more": "m", "line": str(line)}
            for line in range(1, 4)
        ]
        file = tmp_path / f"{table.name}.{suffix}"
        with file.open("w") as handle:
            if suffix == "csv":
                texts = [
                    {k: v if isinstance(v, str) else json.dumps(v) for k, v in record.items()}
                    for record in records
                ]
                writer = csv.DictWriter(handle, list(records[0]))
                writer.writeheader()
                writer.writerows(texts)
            else:
                handle.writelines(json.dumps(record) + "\n" for record in records)
        mapping = ColumnMapping({c.name: c.name for c in table.columns}, {}, ("line",))
        for looks_through in (True, False):
            plans = []
            with duckdb.connect() as connection:
                request = readers.ReadRequest(
                    file,
                    FileRule("native", (), suffix),
                    [replace(column, path=None) for column in table.columns],
                    tmp_path,
                    looks_through=looks_through,
                )
                content = readers.read_file(connection, request)
                assert content.is_streamed
                stage(
                    _Explained(connection, plans, "create or replace temp table text_rows"),
                    table,
                    content,
                    mapping,
                    NOW.date(),
                    is_digested=True,
                )
                lines = connection.execute(
                    f"select _line, (_extra ->> 'line')::bigint from {STAGED}"
                ).fetchall()
            header = content.first_row_line - 1
            assert lines == [(line + header, line) for line in range(1, 4)]
            assert len(plans) == 1
            assert "Batch Create Table As" in plans[0], (table.name, plans[0])


def test_files_land_in_the_order_of_their_delivery(home):
    put(home, "orders_a.csv", "id,at,total,mail\n1,2026-01-02,5,\n", modified=2_000)
    put(home, "orders_b.csv", "id,at,total,mail\n2,2026-01-02,5,\n", modified=1_000)
    assert [batch.source_file for batch in land_all(home)] == ["orders_b.csv", "orders_a.csv"]


def test_of_two_versions_found_at_once_the_one_delivered_later_is_the_newer(home):
    header = "id,at,total,mail\n"
    put(home, "orders_b.csv", f"{header}1,2026-02-01,5,\n", modified=1_750_000_000)
    put(home, "orders_a.csv", f"{header}1,2026-02-01,6,\n", modified=1_750_000_100)
    land_all(home)
    put(home, "orders_0.csv", f"{header}1,2026-02-01,7,\n", modified=1_750_000_200)
    land_all(home)  # by the same clock: a run may be repeated with a fixed one
    files = "select _source_file from read_parquet(?) where order_id = '1' order by _loaded_at"
    raw = str(home / "raw/generic/orders/dt=2026-02-01/*.parquet")
    assert [row[0] for row in duckdb.execute(files, [raw]).fetchall()] == [
        "orders_b.csv",
        "orders_a.csv",
        "orders_0.csv",
    ]
    distinct = duckdb.execute("select count(distinct _loaded_at) from read_parquet(?)", [raw])
    assert distinct.fetchone() == (3,)


def test_a_row_that_breaks_a_rule_is_quarantined_with_line_column_and_reason(home):
    put(
        home,
        "orders.csv",
        "id,at,total,mail\n1,2026-01-02,5,\n,2026-01-02,5,\n3,yesterday,5,\n4,2026-01-02,nan,\n"
        "5,2026-01-02\n6,31.12.2025 10:30,1 200.50,\n",
    )
    (batch,) = land_all(home)
    assert (batch.rows_read, batch.rows_landed, batch.rows_quarantined) == (6, 2, 4)
    found = duckdb.execute(
        "select line, column_name, reason_code, source_file, record "
        "from read_parquet(?, union_by_name = true) where line is not null order by line",
        [str(home / "raw/_quarantine/*.parquet")],
    ).fetchall()
    assert [row[:4] for row in found] == [
        (3, "order_id", "blank_value", "orders.csv"),
        (4, "ordered_at", "not_a_timestamp", "orders.csv"),
        (5, "total_amount", "not_a_number", "orders.csv"),
        (6, None, "too_few_fields", "orders.csv"),
    ]
    assert json.loads(found[1][4])["ordered_at"] == "yesterday"
    assert found[3][4] == "5,2026-01-02"


def test_a_file_without_a_column_that_the_mapping_needs_fails_alone_and_by_name(home):
    put(home, "orders_1.csv", "id,when\n1,2026-01-02\n")
    put(home, "orders_2.csv", "id,at,total,mail\n1,2026-01-02,5,\n")
    put(home, "orders_3.csv", "")
    batches = {batch.source_file: batch for batch in land_all(home)}
    assert [batches[name].status for name in sorted(batches)] == ["failed", "loaded", "failed"]
    assert "orders_1.csv" in batches["orders_1.csv"].error
    assert "orders_3.csv is empty" in batches["orders_3.csv"].error
    assert raw_row_counts(home / "raw", "generic") == {"orders": 1}


def test_a_failed_file_is_tried_again_once_it_or_its_mapping_has_changed(home):
    put(home, "orders.csv", "id,when,total,mail\n1,2026-01-02,5,\n")
    assert [batch.status for batch in land_all(home)] == ["failed"]
    assert land_all(home) == []
    text = (home / "sources.yml").read_text()
    (home / "sources.yml").write_text(text.replace("ordered_at: at", "ordered_at: when"))
    assert [batch.status for batch in land_all(home)] == ["loaded"]


def test_an_expression_that_fails_on_some_rows_costs_only_those(home):
    text = (home / "sources.yml").read_text()
    (home / "sources.yml").write_text(
        text.replace("ordered_at: at", "ordered_at: strptime(\"at\", '%d/%m/%y')")
    )
    put(home, "orders.csv", "id,at,total,mail\n1,02/01/26,5,\n2,soon,5,\n")
    (batch,) = land_all(home)
    assert (batch.rows_landed, batch.rows_quarantined) == (1, 1)
    assert orders(home, "cast(dt as date)") == [(datetime(2026, 1, 2).date(),)]


def test_the_quarantined_record_keeps_the_value_that_did_not_fit(home, tmp_path):
    put(home, "orders_1.csv", "id,at,total,mail\n1,2026-02-01,abc,\n2,2026-02-01,5,\n")
    text = (home / "sources.yml").read_text()
    (home / "sources.yml").write_text(
        text.replace("replace(total, ',', '.')", "cast(total as double)")
    )
    events = tmp_path / "events"
    write_events(events / "events_20260201.parquet", "event_timestamp::varchar", "'abc'")
    (home / "sources.yml").write_text(
        (home / "sources.yml").read_text() + f"  - {{name: web, vendor: ga4, path: {events}}}\n"
    )
    land_all(home)
    kept = dict(
        duckdb.execute(
            "select reason_code, record from read_parquet(?, union_by_name = true) "
            "where line is not null",
            [str(home / "raw/_quarantine/*.parquet")],
        ).fetchall()
    )
    assert json.loads(kept["mapping_failed"])["total"] == "abc"
    assert json.loads(kept["not_convertible"])["event_timestamp"] == "abc"


def write_events(path: Path, time: str, first: str, mangled: bool = False) -> None:
    """Five events of a GA4 export; ``first`` is the time of the first."""
    path.parent.mkdir(exist_ok=True)
    duckdb.execute(
        f"""
        copy (
            select
                '20260201' as event_date,
                case when i = 0 then {first} else {time} end as event_timestamp,
                'page_view' as event_name
            from (select i, 1769900000000000 + i as event_timestamp from range(5) as r(i))
        ) to '{path}' (format parquet)
        """
    )
    if mangled:
        content = path.read_bytes()
        path.write_bytes(content[:60] + bytes(200) + content[260:])


def test_a_time_that_no_timestamp_can_hold_goes_to_quarantine(tmp_path):
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: web, vendor: ga4, path: events}\n"
    )
    folder = tmp_path / "events"
    write_events(folder / "events_20260201.parquet", "event_timestamp", "9223372036854775807")
    (batch,) = land_all(tmp_path)
    assert (batch.rows_landed, batch.rows_quarantined) == (4, 1)


def test_the_day_of_a_web_event_may_come_as_a_date(tmp_path):
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: web, vendor: ga4, path: events}\n"
    )
    (tmp_path / "events").mkdir()
    duckdb.execute(
        f"""
        copy (
            select date '2026-02-01' as event_date, 1769900000000000 as event_timestamp,
                'page_view' as event_name
        ) to '{tmp_path / "events/events_20260201.parquet"}' (format parquet)
        """
    )
    write_events(tmp_path / "events/events_20260202.parquet", "event_timestamp", "1769900000000000")
    (tmp_path / "events/events_20260203.jsonl").write_text(
        '{"event_date": "soon", "event_timestamp": 1769900000000000, "event_name": "page_view"}\n'
    )
    batches = {batch.source_file: batch for batch in land_all(tmp_path)}
    assert str(batches["events_20260201.parquet"].min_dt) == "2026-02-01"
    assert batches["events_20260203.jsonl"].rows_quarantined == 1


def test_a_parquet_file_damaged_inside_fails_alone(tmp_path):
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: web, vendor: ga4, path: events}\n"
    )
    folder = tmp_path / "events"
    write_events(folder / "events_20260201.parquet", "event_timestamp", "0", mangled=True)
    write_events(folder / "events_20260202.parquet", "event_timestamp", "1769900000000000")
    batches = {batch.source_file: batch for batch in land_all(tmp_path)}
    assert batches["events_20260201.parquet"].status == "failed"
    assert "events_20260201.parquet" in (batches["events_20260201.parquet"].error or "")
    assert batches["events_20260202.parquet"].rows_landed == 5


def test_a_file_that_may_not_be_read_fails_alone_and_is_tried_again(home, monkeypatch):
    put(home, "orders_1.csv", "id,at,total,mail\n1,2026-02-01,5,\n")
    put(home, "orders_2.csv", "id,at,total,mail\n2,2026-02-01,5,\n")
    readable = new_files.content_sha256

    def refused(path: Path) -> str:
        if path.name == "orders_1.csv":
            raise PermissionError(13, "Permission denied")
        return readable(path)

    def refused_file(connection, request):
        if request.path.name == "orders_1.csv":
            raise PermissionError(13, "Permission denied")
        return read(connection, request)

    read = file_landing.read_file
    with monkeypatch.context() as denied:
        denied.setattr(new_files, "content_sha256", refused)
        denied.setattr(file_landing, "read_file", refused_file)
        batches = {batch.source_file: batch for batch in land_all(home)}
        assert batches["orders_1.csv"].status == "failed"
        assert "orders_1.csv may not be read" in (batches["orders_1.csv"].error or "")
        assert batches["orders_2.csv"].status == "loaded"
        assert land_all(home, "again") == []
    assert [batch.status for batch in land_all(home, "allowed")] == ["loaded"]
    assert [row[0] for row in orders(home, "order_id")] == ["1", "2"]


@pytest.mark.parametrize("moment", ["renamed", "before_manifest", "after_manifest"])
def test_a_killed_landing_leaves_nothing_doubled_and_nothing_lost(home, moment):
    for number in range(3):
        put(home, f"orders_{number}.csv", f"id,at,total,mail\n{number},2026-01-02,5,\nbad\n")
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        from datetime import datetime, UTC
        from pathlib import Path
        from orchestration.ingestion import landing
        from orchestration.ingestion.new_files import discover
        from orchestration.ingestion.sources import load_sources

        def die(*_, **__):
            os.kill(os.getpid(), signal.SIGKILL)

        moment = {moment!r}
        replace = os.replace
        placed = []
        def replace_and_die(source, target):
            replace(source, target)
            if "dt=" in str(target):
                placed.append(target)
                if len(placed) == 2:
                    die()
        if moment == "renamed":
            landing.os.replace = replace_and_die
        if moment == "before_manifest":
            landing.write_manifest = die
        if moment == "after_manifest":
            landing.shutil.rmtree = lambda path, *a, **k: (
                die() if Path(path).parent.name == "_incoming" and Path(path).name != "_work"
                else None
            )
        home = Path({str(home)!r})
        sources = load_sources(home / "sources.yml")
        landing.ensure_raw_schemas(home / "raw")
        pending = discover(sources, home / "raw")
        landing.land(pending, sources, home / "raw", "killed", datetime(2026, 3, 1, tzinfo=UTC))
        """
    )
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert killed.returncode == -signal.SIGKILL
    land_all(home)
    assert [row[0] for row in orders(home, "order_id")] == ["0", "1", "2"]
    raw = home / "raw"
    manifest = duckdb.execute(
        "select count(*), count(distinct batch_id), sum(rows_quarantined) "
        "from read_parquet(?, union_by_name = true) where batch_id is not null",
        [str(raw / "_manifest/*.parquet")],
    ).fetchone()
    assert manifest == (3, 3, 3)
    assert duckdb.execute(
        "select count(*) from read_parquet(?, union_by_name = true) where line is not null",
        [str(raw / "_quarantine/*.parquet")],
    ).fetchone() == (3,)
    assert list((raw / "_incoming").glob("*")) == []


def test_every_declared_table_can_be_read_before_anything_is_landed(tmp_path):
    ensure_raw_schemas(tmp_path)
    for vendor in VENDORS.values():
        for table in vendor.tables:
            described = duckdb.execute(
                "describe select * from read_parquet(?, hive_partitioning = true)",
                [str(tmp_path / vendor.name / table.name / "dt=*/*.parquet")],
            ).fetchall()
            names = [name for name, _ in table.raw_columns]
            assert [row[0] for row in described] == [*names, "dt"], f"{vendor.name}.{table.name}"
            assert described[-1][1] == "DATE"


def test_a_look_at_a_thousand_known_files_takes_well_under_a_second(home):
    import time

    for number in range(1_000):
        put(home, f"orders_{number:04}.csv", f"id,at,total,mail\n{number},2026-01-02,5,\n")
    sources = load_sources(home / "sources.yml")
    raw = home / "raw"
    ensure_raw_schemas(raw)
    with duckdb.connect() as connection:
        (raw / "_incoming" / "_work").mkdir(parents=True)
        batches = [_pretended(item) for item in discover(sources, raw)]
        write_manifest(connection, raw, batches)
    assert discover(sources, raw) == []
    started = time.perf_counter()
    assert discover(sources, raw) == []
    assert time.perf_counter() - started < 1


def _pretended(item: PendingFile) -> LandedBatch:
    return LandedBatch(
        batch_id=f"shop-{item.source_file}",
        run_id="run",
        source=item.source,
        vendor=item.vendor,
        table_name=item.table,
        source_file=item.source_file,
        file_key=item.file_key,
        content_sha256="x",
        size_bytes=item.size,
        definition=item.file.definition,
        delivered_at=datetime.fromtimestamp(item.modified_us / 1e6, UTC).replace(tzinfo=None),
        loaded_at=NOW.replace(tzinfo=None),
        rows_read=1,
        rows_landed=1,
        rows_quarantined=0,
        min_dt=None,
        max_dt=None,
        status="loaded",
        error=None,
        warnings=None,
        is_required=False,
    )


def test_looking_for_new_files_imports_neither_dagster_nor_pandas():
    root = Path(__file__).parents[3]
    script = (
        "import sys, orchestration.ingestion.deliveries\n"
        "print([m for m in ('dagster', 'pandas', 'pyarrow', 'dbt') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_an_alias_never_takes_a_column_that_is_another_ones_by_name():
    columns = (Column("contact_id", aliases=("id",)), Column("id"), Column("E-mail"))
    assert match_columns(columns, ["ID", "e mail"]) == {"id": "ID", "E-mail": "e mail"}
    assert match_columns(columns[:1], ["ID"]) == {"contact_id": "ID"}


# --- nested exports ------------------------------------------------------------------------------


def test_nested_rows_that_differ_in_one_member_are_different_rows(tmp_path):
    def event(value=None, device=None, items=None, **changes):
        return {
            "event_date": "20260101",
            "event_timestamp": 1767258000000000,
            "event_name": "view",
            "event_params": [
                {"key": "a", "value": value or {"string_value": "1"}},
                {"key": "b", "value": {"int_value": 2}},
            ],
            "device": device or {"category": "desktop"},
            "items": items or [],
            **changes,
        }

    base = event()
    other = [
        event({"int_value": 1}),
        event({"double_value": 1.5}),
        event({"string_value": ""}),
        event({"string_value": None}),
        event(device={"operating_system": "desktop"}),
        event(device={"category": "desktop", "web_info": {"browser": "desktop"}}),
        event(items=[{"item_id": "x"}]),
        event(items=[{"item_name": "x"}]),
        event(items=[{"item_id": "x"}, {"item_id": "x"}]),
        event(items=[{"item_id": "x", "item_params": [{"key": "x"}]}]),
        event(event_params=list(reversed(base["event_params"]))),
        event(user_id="u"),
        event(user_pseudo_id="u"),
    ]
    for day, rows in (("20260101", [base, *other, base]), ("20260102", list(reversed(other)))):
        lines = [json.dumps(row) for row in rows]
        (tmp_path / f"events_{day}.jsonl").write_text("\n".join(lines) + "\n")
    # The same rows in another order, from another reader: what they are must not depend on it.
    duckdb.execute(
        "copy (select * replace (cast(event_timestamp as varchar) as event_timestamp) "
        f"from read_json('{tmp_path}/events_20260102.jsonl', map_inference_threshold = -1)) "
        f"to '{tmp_path}/events_20260103.parquet'"
    )
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: ga4, vendor: ga4, path: .}\n"
    )
    sources = load_sources(tmp_path / "sources.yml")
    raw = tmp_path / "raw"
    land(discover(sources, raw), sources, raw, "run", NOW)
    ids = dict(
        duckdb.execute(
            "select _source_file, list(_row_id order by _row) from read_parquet(?) group by all",
            [f"{raw}/ga4/events/dt=2026-01-01/*.parquet"],
        ).fetchall()
    )
    assert len(set(ids["events_20260101.jsonl"])) == len(other) + 2  # the repeated one is a row too
    assert ids["events_20260101.jsonl"][1:-1] == list(reversed(ids["events_20260102.jsonl"]))
    assert ids["events_20260102.jsonl"] == ids["events_20260103.parquet"]


def web_events(path: Path, columns: str, rows: int = 3) -> None:
    """A GA4 export in Parquet; ``columns`` are computed from the row's number ``i``."""
    path.parent.mkdir(exist_ok=True)
    duckdb.execute(f"copy (select {columns} from range({rows}) as r(i)) to '{path}'")


WEB_EVENT = """
    '20260201' as event_date, 1769940000000000 + i as event_timestamp, 'page_view' as event_name,
    [{'key': 'a', 'value': {'int_value': i, 'string_value': null::varchar}}] as event_params
"""


def test_a_parquet_file_that_is_as_declared_lands_byte_for_byte(tmp_path):
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: web, vendor: ga4, path: in}\n"
    )
    folder = tmp_path / "in"
    web_events(folder / "events_20260201.parquet", WEB_EVENT)
    day_of = "case when i = 1 then '20260202' else '20260201' end"
    rewritten = {
        "event_time_as_text": f"{WEB_EVENT.replace('+ i as', '+ i * 1.0 as')}",
        "event_unknown_column": f"{WEB_EVENT}, 7 as not_declared",
        "event_unknown_member": f"{WEB_EVENT}, {{'category': 'mobile', 'x': 1}} as device",
        "event_two_days": WEB_EVENT.replace("'20260201'", day_of),
        "event_bad_row": WEB_EVENT.replace("'page_view'", "case when i > 0 then 'page_view' end"),
    }
    for number, columns in enumerate(rewritten.values()):
        web_events(folder / f"events_2026021{number}.parquet", columns)
    batches = {batch.source_file: batch for batch in land_all(tmp_path)}
    assert {batch.status for batch in batches.values()} == {"loaded"}
    assert sum(batch.rows_landed for batch in batches.values()) == 17
    assert batches["events_20260214.parquet"].rows_quarantined == 1
    events = tmp_path / "raw/ga4/events"
    kept = batches["events_20260201.parquet"]
    assert (kept.rows_landed, str(kept.min_dt), str(kept.max_dt)) == (3, "2026-02-01", "2026-02-01")
    copy = events / f"dt=2026-02-01/{kept.batch_id}.parquet"
    assert copy.read_bytes() == (folder / "events_20260201.parquet").read_bytes()
    # What the others deliver is written anew, with what landing says of every row.
    for name, batch in batches.items():
        for file in events.glob(f"dt=2*/{batch.batch_id}*.parquet"):
            assert (file == copy) == (name == "events_20260201.parquet")
            said = duckdb.execute(
                "select distinct _batch_id from read_parquet(?, union_by_name = true)",
                [[str(file), str(events / "dt=1900-01-01/0_schema.parquet")]],
            ).fetchall()
            assert said == [(None if file == copy else batch.batch_id,)]


def test_ga4_columns_that_were_null_throughout_take_the_canonical_structure(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: ga4, vendor: ga4, path: in}\n"
    )
    parquet, jsonl = tmp_path / "in/events_20260101.parquet", tmp_path / "in/events_20260102.json"
    duckdb.execute(
        """
        copy (
            select '20260101' as event_date, 1767258000000000 as event_timestamp,
                'page_view' as event_name,
                [{'key': 'a', 'value': {'int_value': 1, 'new_member': 2}}] as event_params,
                cast(null as bigint) as user_properties,
                {'analytics_storage': cast(null as bigint)} as privacy_info,
                [{'item_id': 5, 'price': '9.50'}] as items,
                7 as stream_id, 'kept' as not_yet_known
        ) to '"""
        + str(parquet)
        + "'"
    )
    jsonl.write_text(
        '{"event_date": "20260102", "event_timestamp": "1767344400000000", "event_name": "x", '
        '"event_params": [{"key": "a", "value": {"int_value": "1"}}], "user_properties": []}\n'
        '{"event_date": "20260102", "event_timestamp": "soon", "event_name": "x"}\n'
    )
    sources = load_sources(tmp_path / "sources.yml")
    raw = tmp_path / "raw"
    batches = land(discover(sources, raw), sources, raw, "run", NOW)
    assert {b.file_key: (b.status, b.rows_landed, b.rows_quarantined) for b in batches} == {
        "events_20260101": ("loaded", 1, 0),
        "events_20260102": ("loaded", 1, 1),
    }
    rows = duckdb.execute(
        "select event_params[1].value.int_value, user_properties, items[1].item_id, "
        "items[1].price, stream_id, _extra, cast(dt as date) from read_parquet(?, "
        "hive_partitioning = true, union_by_name = true) order by dt",
        [f"{raw}/ga4/events/dt=*/*.parquet"],
    ).fetchall()
    assert rows[0][:5] == (1, None, "5", 9.5, "7")
    assert json.loads(rows[0][5]) == {"not_yet_known": "kept"}
    assert rows[1][:4] == (1, [], None, None)
    assert [row[6].day for row in rows] == [1, 2]


def test_snowplow_lands_the_headerless_stream_and_the_unload_alike(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "sources.yml").write_text(
        "version: 1\nsources:\n  - {name: sp, vendor: snowplow, path: in}\n"
    )
    names = [column.name for column in VENDORS["snowplow"].table("events").columns]
    assert len(names) == 131
    values = dict.fromkeys(names, "") | {
        "event_id": "e1",
        "collector_tstamp": "2026-01-02 10:00:00.000",
        "page_title": 'A "quoted" title',
        "true_tstamp": "2026-01-02 10:00:00.000",
    }
    (tmp_path / "in/part-0.tsv").write_text("\t".join(values.values()) + "\n")
    (tmp_path / "in/unload.csv").write_text(
        ",".join(names)
        + "\n"
        + ",".join('"' + value.replace('"', '""') + '"' for value in values.values())
        + "\n"
    )
    sources = load_sources(tmp_path / "sources.yml")
    raw = tmp_path / "raw"
    land(discover(sources, raw), sources, raw, "run", NOW)
    rows = duckdb.execute(
        "select event_id, page_title, true_tstamp, _row_id from read_parquet(?)",
        [f"{raw}/snowplow/events/dt=2026-01-02/*.parquet"],
    ).fetchall()
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert rows[0][1] == 'A "quoted" title'
