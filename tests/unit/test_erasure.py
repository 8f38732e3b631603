"""A person leaves the raw zone and whatever was made of it; neighbours stay row for row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.erasure import erase as erasing
from orchestration.erasure.erase import erase, find_left, plan, resume
from orchestration.erasure.person import customer_of, person_of
from orchestration.erasure.pseudonyms import Pseudonyms
from orchestration.erasure.raw_rows import find
from orchestration.erasure.search import Terms, files_of, search
from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.ingestion.hashing import hash_key, hash_values
from orchestration.ingestion.landing import land
from orchestration.ingestion.new_files import discover
from orchestration.ingestion.places import EVERYWHERE
from orchestration.ingestion.raw_zone import LandedBatch
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.sources import load_sources
from orchestration.ingestion.suppression import pending_file
from orchestration.run import Outcome
from orchestration.terminal import console

ERASED_AT = datetime(2026, 11, 1, 6, tzinfo=UTC)
ANNA, BERT, TABLET = ("c_" + letter * 20 for letter in "abc")
ANNAS_BROWSER, TABLETS_BROWSER = "1111111111.2222222222", "3333333333.4444444444"

SOURCES = """\
version: 1
sources:
  - name: shop
    vendor: generic
    tables:
      - {table: orders, path: exports/orders.csv, columns: {order_id: order_id, ordered_at: at,
         currency: "'EUR'", total_amount: amount, email: email, client_id: browser, status: status,
         payment_method: paid_by}}
      - {table: order_lines, path: exports/lines.csv, columns: {order_id: order_id,
         line_number: line, product_id: product, quantity: n, unit_price: price}}
      - {table: web_events, path: exports/events.csv, columns: {event_name: name, occurred_at: at,
         client_id: browser, user_id: login, page_url: url}}
      - {table: survey_answers, path: exports/answers.csv, columns: {survey_id: survey,
         response_id: response, question_id: question, answer_text: answer}}
      - {table: survey_responses, path: exports/responses.csv, columns: {survey_id: survey,
         response_id: response, contact_id: contact, submitted_at: at}}
  - {name: crm, vendor: hubspot, path: exports/hubspot}
"""

ORDERS = f"""\
order_id,at,amount,email,browser,status,paid_by
1001,2026-10-02 10:00:00,20.50,Anna.Aho@mail.example,{ANNAS_BROWSER},paid,card
1002,2026-10-02 11:00:00,30.00,bert@mail.example,,paid,card
1003,2026-10-03 12:00:00,40.00,anna.aho@mail.example,{TABLETS_BROWSER},paid,voucher
"""
LINES = """\
order_id,line,product,n,price
1001,1,P1,1,20.50
1002,1,P2,1,30.00
1003,1,P1,2,20.00
"""
EVENTS = f"""\
name,at,browser,login,url
view,2026-10-02 09:00:00,{ANNAS_BROWSER},u70001,https://shop.example/shoes?q=red
view,2026-10-02 09:01:00,7777777777.8888888888,u70002,https://shop.example/shoes?q=blue
view,2026-10-02 09:02:00,{TABLETS_BROWSER},,https://shop.example/shoes
view,2026-10-02 09:03:00,9999999999.8888888888,,https://shop.example/mail?to=anna.aho%40mail.example
"""
RESPONSES = """\
survey,response,contact,at
nps,1,70001,2026-10-04 10:00:00
csat,1,70002,2026-10-04 11:00:00
"""
ANSWERS = """\
survey,response,question,answer
nps,1,score,9
nps,1,why,Ask for Anna at the desk
csat,1,score,4
csat,1,why,Slow
"""
CONTACTS = [
    {
        "id": "70001",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-10-01T00:00:00Z",
        "properties": {
            "email": "anna.aho@mail.example",
            "phone": "+358 40 123 4567",
            "firstname": "Anna",
            "lastname": "Aho",
            "address": "Harbour street 7 B",
            "web_user_id": "u70001",
            "persona": "family",
        },
    },
    {
        "id": "70002",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-10-01T00:00:00Z",
        "properties": {
            "email": "bert@mail.example",
            "firstname": "Bert",
            "lastname": "Berg",
            "persona": "family",
        },
    },
    {"id": "", "properties": {"email": "anna.aho@mail.example", "firstname": "Anna"}},
    {"id": "", "properties": {"email": "carl@mail.example", "firstname": "Carl"}},
]


def write_exports(home: Home, contacts: list[dict[str, Any]], orders: str = ORDERS) -> None:
    folder = home.root / "exports"
    (folder / "hubspot").mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("orders", orders),
        ("lines", LINES),
        ("events", EVENTS),
        ("responses", RESPONSES),
        ("answers", ANSWERS),
    ):
        (folder / f"{name}.csv").write_text(text)
    (folder / "hubspot" / "contacts.jsonl").write_text(
        "".join(json.dumps(contact) + "\n" for contact in contacts)
    )


def land_all(home: Home, day: int) -> list[LandedBatch]:
    sources = load_sources(home.sources_file)
    now = datetime(2026, 11, day, 5, tzinfo=UTC)
    batches = land(discover(sources, home.raw), sources, home.raw, f"run-{day}", now)
    assert [batch.error for batch in batches if batch.error] == []
    return batches


def hash_of(home: Home, value: str) -> str | None:
    return hash_values([value], "email", hash_key(home.state), "FI")[value]


def make_warehouse(home: Home, *, with_anna: bool = True) -> None:
    """What erasure reads of the warehouse, as identity would have it."""
    home.warehouse.unlink(missing_ok=True)
    rows = [
        ("contact_id", "70002", BERT, False),
        ("user_id", "u70002", BERT, False),
        ("email_hash", hash_of(home, "bert@mail.example"), BERT, False),
        ("client_id", "7777777777.8888888888", BERT, False),
        ("client_id", TABLETS_BROWSER, TABLET, True),
    ]
    if with_anna:
        rows += [
            ("contact_id", "70001", ANNA, False),
            ("user_id", "u70001", ANNA, False),
            ("email_hash", hash_of(home, "anna.aho@mail.example"), ANNA, False),
            ("client_id", ANNAS_BROWSER, ANNA, False),
        ]
    with duckdb.connect(str(home.warehouse)) as warehouse:
        warehouse.execute(
            """
            create schema marts; create schema intermediate; create schema vault;
            create table marts.customer_id_history
                (customer_id varchar, current_customer_id varchar);
            create table intermediate.int_identifiers_resolved (identifier_key uuid,
                identifier_type varchar, identifier_value varchar, customer_id varchar,
                is_shared boolean);
            create table intermediate.int_identity_records_resolved
                (identity_record_key varchar, customer_id varchar);
            create table vault.personal_data_vault
                (personal_details_key varchar, customer_id varchar);
            create table intermediate.int_raw_files_committed
                (file_path varchar, size_bytes bigint);
            """
        )
        for customer in sorted({row[2] for row in rows}):
            warehouse.execute("insert into marts.customer_id_history values (?, ?)", [customer] * 2)
        warehouse.executemany(
            "insert into intermediate.int_identifiers_resolved "
            "select md5(concat('key of ', $1, $2)), $1, $2, $3, $4",
            [list(row) for row in rows],
        )
        for path in home.raw.glob("*/*/dt=*/*.parquet"):
            if path.name != "0_schema.parquet":
                warehouse.execute(
                    "insert into intermediate.int_raw_files_committed values (?, ?)",
                    [str(path), path.stat().st_size],
                )


def publish(home: Home, version: str, text: str) -> None:
    folder = home.published / version
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "marts.duckdb")) as marts:
        marts.execute("create table dim_customers as select ? as customer_id", [text])
    link = home.published / "next"
    link.symlink_to(version)
    link.replace(home.published / "current")


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw zone of two customers and the tablet that both use."""
    home = Home(tmp_path_factory.mktemp("landed")).prepare()
    home.sources_file.write_text(SOURCES)
    write_exports(home, CONTACTS)
    land_all(home, 1)
    return home.root


@pytest.fixture
def home(landed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of their own for each test, built and published."""
    monkeypatch.setenv("CXW_NOW", ERASED_AT.isoformat())
    monkeypatch.setenv("CXW_HOME", str(tmp_path / "home"))
    shutil.copytree(landed, tmp_path / "home")
    home = Home(tmp_path / "home").prepare()
    make_warehouse(home)
    publish(home, "before", ANNA)
    (home.reports / "customers").mkdir()
    (home.reports / "customers" / f"{ANNA}.html").write_text(f"<p>{ANNA}</p>")
    (home.reports / "customers" / f"{BERT}.html").write_text(f"<p>{BERT}</p>")

    def rebuilt(home: Home, _: object, lands: bool) -> Outcome:
        assert isinstance(lands, bool)
        make_warehouse(home, with_anna=False)
        publish(home, "after", BERT)
        return Outcome(success=True, run_id="again", seconds=0.0, home=str(home.root))

    monkeypatch.setattr(erasing, "refresh", rebuilt)
    return home


def rows(home: Home, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Rows of a raw table in the order of their files."""
    return duckdb.execute(
        f"select {columns} from read_parquet(?, union_by_name = true, hive_partitioning = false)"
        " order by _source_file, _row",
        [str(home.raw / table / "dt=*" / "*.parquet")],
    ).fetchall()


def everything(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    return {
        str(table.relative_to(home.raw)): rows(home, str(table.relative_to(home.raw)))
        for table in sorted(home.raw.glob("[!_]*/*"))
    }


def test_every_declared_place_is_one_of_its_table() -> None:
    for vendor in VENDORS.values():
        for table in vendor.tables:
            names = {column.name for column in table.columns}
            people = table.people
            assert people or not any(column.identifier for column in table.columns), table.name
            # in a vendor's own tables a column of that name may tell of staff
            if vendor.name == "generic":
                declared = set(people.identifies) if people else set()
                assert names & (EVERYWHERE | {"customer_ref"}) <= declared, table.name
            for place in (*people.identifies, *people.details, *people.things) if people else ():
                assert place.split("$")[0].split(".")[0] in names, (vendor.name, table.name, place)


def test_a_pseudonym_looks_like_the_value_and_is_the_same_everywhere() -> None:
    one, other = Pseudonyms(b"one"), Pseudonyms(b"other")
    for value in ("#KA100032", "50103", "914627474.1766966796", "matti.virtanen", "K7000728"):
        pseudonym = one.of(value)
        assert pseudonym == one.of(value) != other.of(value)
        assert pseudonym != value
        assert [sign for sign in pseudonym if not sign.isalnum()] == [
            sign for sign in value if not sign.isalnum()
        ]
    assert one.of("#KA100032") == "#" + one.of("KA100032")
    assert one.of("50103").isdigit()
    assert len(one.of("50103")) == 15
    assert "matti" not in one.of("matti1")
    hexadecimal = one.of("c4b5ddb93ddf3f8ba737668038fc3a10")
    assert len(hexadecimal) == 32
    int(hexadecimal, 16)


def test_what_is_found_is_the_persons_and_no_neighbours(home: Home) -> None:
    found = find(home, person_of(home, ANNA))
    own = {
        (file.parts[-3], number)
        for file, numbers in found.rows.items()
        for number, is_own in numbers.items()
        if is_own
    }
    # the response of another survey with the same number, and the tablet's own visit, are not
    assert own == {
        ("orders", 0),
        ("order_lines", 0),
        ("order_lines", 2),
        ("web_events", 0),
        ("survey_responses", 0),
        ("survey_answers", 0),
        ("survey_answers", 1),
        ("contacts", 0),
    }
    assert found.own_rows == 9  # both orders are the first of their day, and of their file
    assert found.values["order"] == {"shop:1001", "shop:1003"}


def test_erasing_leaves_neighbours_row_for_row_and_of_the_person_what_is_counted(
    home: Home,
) -> None:
    before = everything(home)
    figures = {
        "generic/orders": "ordered_at, total_amount, status, currency, _row, _batch_id, _loaded_at",
        "generic/order_lines": "line_number, product_id, quantity, unit_price, _row",
        "generic/web_events": "event_name, occurred_at, _row",
        "generic/survey_answers": "survey_id, question_id, _row",
        "hubspot/contacts": "persona, createdAt, updatedAt, _row",
    }
    counted = {table: rows(home, table, columns) for table, columns in figures.items()}
    erased = erase(home, plan(home, [ANNA], ""), console)
    assert erased.proof.hits == []
    assert {t: rows(home, t, columns) for t, columns in figures.items()} == counted
    after = everything(home)
    changed = {
        table: [
            n for n, (one, other) in enumerate(zip(was, after[table], strict=True)) if one != other
        ]
        for table, was in before.items()
    }
    assert {table: numbers for table, numbers in changed.items() if numbers} == {
        "generic/orders": [0, 2],
        "generic/order_lines": [0, 2],
        # the last is a stranger's, whose address named the person
        "generic/web_events": [0, 3],
        "generic/survey_responses": [0],
        "generic/survey_answers": [0, 1],
        "hubspot/contacts": [0],
    }
    # one person still: the order, its line, the visit and the contact hang together
    (order, mail, browser, paid_by), (_, mail_of_third, tablet, paid_by_third) = [
        row
        for row in rows(home, "generic/orders", "order_id, email__hash, client_id, payment_method")
        if row[0] != "1002"
    ]
    assert (order, *rows(home, "generic/order_lines", "order_id")[0]) == (order, order)
    assert mail == mail_of_third == rows(home, "hubspot/contacts", "email__hash")[0][0]
    assert browser == rows(home, "generic/web_events", "client_id")[0][0] != ANNAS_BROWSER
    # how it was paid is no matter of a person's, and the tablet is nobody's
    assert (tablet, paid_by, paid_by_third) == (TABLETS_BROWSER, "card", "voucher")
    # a grade stays of an answer, not its words; of an address what others asked for too
    assert rows(home, "generic/survey_answers", "answer_text")[:2] == [("9",), (None,)]
    (url,) = rows(home, "generic/web_events", "page_url")[0]
    assert url.startswith("https://shop.example/shoes?q=")
    assert not url.endswith("red")
    assert rows(home, "hubspot/contacts", "firstname, lastname, email, phone, address, persona")[
        0
    ] == (None, None, None, None, None, "family")


def test_erasing_removes_what_was_built_and_published_and_writes_a_certificate(home: Home) -> None:
    (home.root / "as_of" / "batch").mkdir(parents=True)
    (home.root / "logs").mkdir()
    (home.root / "logs" / "old.log").write_text(f"a row of {ANNAS_BROWSER}")
    (home.root / "logs" / "other.log").write_text("nothing of interest")
    # what a build that was killed leaves: spilled rows, and notes of what was made
    spilled = home.root / "warehouse.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_text(f"a row of {ANNAS_BROWSER}")
    (home.root / "warehouse.whole").write_text("of the books before")
    (home.root / "warehouse.md").write_text("what a user wrote")
    (home.state / "findings").mkdir()
    finding = home.state / "findings" / "findings_1.parquet"
    pq.write_table(pa.table({"check_id": ["COL01"], "example_keys": ["a key\nanother"]}), finding)
    journal = plan(home, [ANNA], "asked by letter")
    terms = journal.terms(with_names=True)
    assert {hit.split("/")[0] for hit in search(home, terms).hits} >= {
        *("raw", "warehouse.duckdb: intermediate.int_identifiers_resolved", "reports", "logs"),
        "published",
    }
    erased = erase(home, journal, console)
    assert search(home, terms).hits == find_left(home, journal) == []
    assert erased.proof.files > 20
    assert erased.proof.tables > 3
    assert [path.name for path in home.published.iterdir() if not path.is_symlink()] == ["after"]
    assert [path.name for path in (home.reports / "customers").iterdir()] == [f"{BERT}.html"]
    assert [path.name for path in (home.root / "logs").iterdir()] == ["other.log"]
    assert not (home.root / "as_of").exists()
    assert {path.name for path in home.root.glob("warehouse.*")} == {
        *("warehouse.duckdb", "warehouse.md")
    }
    assert pq.read_table(finding).to_pylist() == [{"check_id": "COL01", "example_keys": None}]
    assert not pending_file(home.state).exists()
    assert erased.certificate
    certificate = json.loads(erased.certificate.read_text())
    assert certificate["people"] == 1
    assert certificate["search"]["hits"] == 0
    assert certificate["raw_rows_anonymised"]["generic.orders"] == 2
    assert not terms.in_file(erased.certificate)
    # the vendors' own files are told of and left alone
    names = {path.name for path in erased.exports}
    assert {"orders.csv", "events.csv", "contacts.jsonl"} <= names
    assert (home.root / "exports" / "orders.csv").read_text() == ORDERS


def test_an_unreadable_record_of_the_person_goes_and_the_books_say_so(home: Home) -> None:
    quarantine = str(home.raw / "_quarantine" / "*.parquet")
    assert len(duckdb.execute("from read_parquet(?)", [quarantine]).fetchall()) == 2
    erase(home, plan(home, [ANNA], ""), console)
    left = duckdb.execute("select record from read_parquet(?)", [quarantine]).fetchall()
    assert ["carl" in record for (record,) in left] == [True]
    books = duckdb.execute(
        """
        select table_name, rows_read, rows_landed, rows_quarantined, rows_erased, rows_anonymised
        from read_parquet(?, union_by_name = true)
        where table_name in ('contacts', 'orders') order by 1
        """,
        [str(home.raw / "_manifest" / "*.parquet")],
    ).fetchall()
    assert books == [("contacts", 4, 2, 1, 1, 1), ("orders", 3, 3, 0, 0, 2)]


@pytest.mark.parametrize("files_done", [0, 3])
def test_an_erasure_that_was_stopped_is_completed_by_the_next(
    home: Home, monkeypatch: pytest.MonkeyPatch, files_done: int
) -> None:
    journal = plan(home, [ANNA], "")
    whole = erasing.scrub

    def stopped(*arguments: Any) -> Iterator[Path]:
        for done, file in enumerate(whole(*arguments)):
            if done == files_done:
                raise KeyboardInterrupt
            yield file

    monkeypatch.setattr(erasing, "scrub", stopped)
    with pytest.raises(KeyboardInterrupt):
        erase(home, journal, console)
    assert pending_file(home.state).stat().st_mode & 0o077 == 0
    monkeypatch.setattr(erasing, "scrub", whole)
    monkeypatch.setenv("CXW_TARGET", "spark")
    with pytest.raises(WarehouseError, match="not on Spark"):
        resume(home, console)
    monkeypatch.delenv("CXW_TARGET")
    assert resume(home, console).proof.hits == []
    assert find_left(home, journal) == []
    # tables agree although one part was done before the stop and one after it
    orders = {order for (order,) in rows(home, "generic/orders", "order_id")}
    assert orders == {order for (order,) in rows(home, "generic/order_lines", "order_id")}
    books = duckdb.execute(
        "select sum(rows_anonymised)::int from read_parquet(?, union_by_name = true)",
        [str(home.raw / "_manifest" / "*.parquet")],
    ).fetchone()
    assert books == (sum(journal.anonymised.values()),)
    with pytest.raises(WarehouseError, match="No erasure was begun"):
        resume(home, console)


def test_what_is_delivered_again_does_not_come_back_and_who_returns_is_new(home: Home) -> None:
    erase(home, plan(home, [ANNA], ""), console)
    before = everything(home)
    back_at = "2026-11-05T00:00:00Z"
    returned = {**CONTACTS[0], "id": "70009", "createdAt": back_at, "updatedAt": back_at}
    changed = {**CONTACTS[0], "updatedAt": "2026-11-03T00:00:00Z"}
    newest = f"1004,2026-11-05 10:00:00,5.00,anna.aho@mail.example,{ANNAS_BROWSER},paid,card\n"
    write_exports(home, [changed, CONTACTS[1], CONTACTS[2], returned], ORDERS + newest)
    batches = {batch.table_name: batch for batch in land_all(home, 6)}
    contacts, orders = batches["contacts"], batches["orders"]
    # the old contact, changed since, and the unreadable record stay out
    assert (contacts.rows_read, contacts.rows_landed, contacts.rows_erased) == (4, 2, 2)
    assert (orders.rows_read, orders.rows_landed, orders.rows_erased) == (4, 2, 2)
    assert contacts.rows_quarantined == 0
    after = everything(home)
    landed = {
        table: [row for row in after[table] if row not in before[table]]
        for table in ("generic/orders", "hubspot/contacts")
    }
    assert len(landed["generic/orders"]) == len(landed["hubspot/contacts"]) == 2
    assert "70009" in str(landed["hubspot/contacts"])
    assert "70001" not in str(landed["hubspot/contacts"]).replace("u70001", "")
    back = duckdb.execute(
        "select distinct identifier_type, erased_at from read_parquet(?) order by 1",
        [str(home.raw / "_returned" / "*.parquet")],
    ).fetchall()
    assert [kind for kind, _ in back] == ["client_id", "email_hash", "user_id"]
    assert {at for _, at in back} == {ERASED_AT.replace(tzinfo=None)}
    listed = (home.state / "erasures" / "suppressed.parquet").read_bytes()
    assert Terms([ANNAS_BROWSER, "anna.aho@mail.example"]).values
    assert ANNAS_BROWSER.encode() not in listed


def test_a_key_is_found_where_a_table_holds_it_in_sixteen_bytes(tmp_path: Path) -> None:
    key = md5(b"identifier|user_id|u70001", usedforsecurity=False).hexdigest()
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as warehouse:
        warehouse.execute(f"create table observed as select uuid '{key}' as identifier_key")
        warehouse.execute("create table others as select uuid() as identifier_key")
    assert Terms([key]).tables_of(tmp_path / "warehouse.duckdb") == (2, ["main.observed"])


def test_a_name_that_others_have_too_is_left_to_them(home: Home) -> None:
    namesake = {
        "id": "70003",
        "createdAt": "2026-01-01T00:00:00Z",
        "properties": {"email": "n@mail.example", "address": "Harbour street 7 B"},
    }
    write_exports(home, [*CONTACTS[:2], namesake])
    land_all(home, 2)
    make_warehouse(home)
    erased = erase(home, plan(home, [ANNA], ""), console)
    assert (erased.proof.hits, erased.namesakes) == ([], 1)
    assert ("Harbour street 7 B",) in rows(home, "hubspot/contacts", "address")


def test_what_is_left_is_found_and_no_certificate_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof can fail: a report that is written anew with the person in it."""
    again: Callable[..., Outcome] = erasing.refresh

    def leaking(*arguments: Any, **named: Any) -> Outcome:
        (home.reports / "leak.html").write_text("<p>Anna.Aho@mail.example</p>")
        return again(*arguments, **named)

    monkeypatch.setattr(erasing, "refresh", leaking)
    erased = erase(home, plan(home, [ANNA], ""), console)
    assert erased.proof.hits == ["reports/leak.html"]
    assert erased.certificate is None
    assert pending_file(home.state).exists()


def test_exports_in_the_home_itself_leave_the_rest_of_it_searched(home: Home) -> None:
    """A source whose folder is the home must not hide the warehouse from the proof."""
    home.sources_file.write_text(
        SOURCES + "  - {name: more, vendor: hubspot, path: .}\n"
        "  - {name: far, vendor: hubspot, path: 's3://elsewhere/hubspot'}\n"
    )
    searched = {file.relative_to(home.root).parts[0] for file in files_of(home)}
    assert {"raw", "state", "published", "warehouse.duckdb", "reports"} <= searched
    assert "exports" not in searched


def test_a_person_is_found_by_an_identifier_that_is_not_on_the_command_line(home: Home) -> None:
    assert customer_of(home, "email", " ANNA.AHO@mail.example ") == ANNA
    assert customer_of(home, "client", ANNAS_BROWSER) == ANNA
    with pytest.raises(WarehouseError, match="Several people share"):
        customer_of(home, "client", TABLETS_BROWSER)
    with pytest.raises(WarehouseError, match="No customer has this email"):
        customer_of(home, "email", "nobody@mail.example")
    with pytest.raises(WarehouseError, match="a thing that several people share"):
        person_of(home, TABLET)


def cxw(*arguments: str, given: str = "") -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["erase", *arguments], input=given)
    return answer.exit_code, answer.output


def test_the_command_shows_first_asks_and_says_no_personal_data(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(home)
    code, said = cxw("--by", "email", "--dry-run", given="anna.aho@mail.example\n")
    assert (code, "generic.orders" in said) == (0, True)
    assert "anna" not in said.casefold()
    code, said = cxw(ANNA)
    assert (code, "Nothing was erased" in said) == (1, True)
    code, said = cxw("anna.aho@mail.example", "--yes")
    assert (code, "That is no customer id" in said) == (1, True)
    assert "anna" not in said.casefold()
    code, said = cxw(ANNA, "--yes", "--why", "Anna Aho wrote to us")
    assert (code, "The reason names the person" in said) == (1, True)
    assert everything(home) == before
    monkeypatch.setenv("CXW_TARGET", "spark")
    monkeypatch.setattr("orchestration.spark.check_installation", lambda: None)
    code, said = cxw(ANNA, "--yes")
    assert (code, "Unset CXW_TARGET" in said) == (1, True)
    monkeypatch.delenv("CXW_TARGET")
    code, said = cxw(ANNA, "--yes")
    assert (code, "0 hits" in said) == (0, True)
    code, said = cxw(ANNA, "--yes")
    assert (code, "No customer has or had the id" in said) == (1, True)
