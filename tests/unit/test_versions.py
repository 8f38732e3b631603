"""Publication is atomic, versioned, checked, and readable by the drivers that BI tools ship."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.compaction import GROUP_ROWS
from orchestration.errors import PublicationError
from orchestration.versions import Mart, current_version, publish

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
MART = Mart(
    "dim_customers", "marts", "One row per customer.", {"customer_id": "The key; it's md5."}
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    write_customers(path, 100)
    return path


def write_customers(path: Path, customers: int, text: str = "helsinki") -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create or replace table marts.dim_customers as "
            f"select 'c_' || i as customer_id, '{text}' as city from range({customers}) as t(i)"
        )


def test_a_version_holds_every_mart_with_its_description(warehouse: Path, tmp_path: Path) -> None:
    version = publish(warehouse, tmp_path / "published", [MART], NOW)
    assert version.version == "20260301T060000Z"
    database = tmp_path / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select count(*) from dim_customers").fetchone() == (100,)
        assert connection.execute(
            "select comment from duckdb_tables() where table_name = 'dim_customers'"
        ).fetchone() == ("One row per customer.",)
        assert connection.execute(
            "select comment from duckdb_columns() where column_name = 'customer_id'"
        ).fetchone() == ("The key; it's md5.",)
    parquet = tmp_path / "published" / "current" / "parquet" / "dim_customers.parquet"
    assert duckdb.execute(f"select count(*) from '{parquet}'").fetchone() == (100,)
    assert current_version(tmp_path / "published") == version


def test_publication_takes_no_more_memory_than_it_may(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_customers(warehouse, 100_000)
    monkeypatch.setenv("CXW_MEMORY_LIMIT", "1MB")
    with pytest.raises(duckdb.OutOfMemoryException):
        publish(warehouse, tmp_path / "published", [MART], NOW)
    monkeypatch.setenv("CXW_MEMORY_LIMIT", "64MB")
    publish(warehouse, tmp_path / "published", [MART], NOW)
    folder = tmp_path / "published" / "current"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("marts.duckdb", "parquet", "version.json")
    ]


def test_an_open_reader_keeps_its_version_while_the_next_is_published(
    warehouse: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, [MART], NOW)
    reader = duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True)
    write_customers(warehouse, 200)
    publish(warehouse, published, [MART], NOW)
    assert reader.execute("select count(*) from dim_customers").fetchone() == (100,)
    reader.close()
    with duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True) as fresh:
        assert fresh.execute("select count(*) from dim_customers").fetchone() == (200,)


@pytest.mark.parametrize("leak", ["matti.meikalainen@example.fi", "131052-308T"])
def test_personal_data_in_a_mart_stops_publication_and_the_previous_version_stays(
    warehouse: Path, tmp_path: Path, leak: str
) -> None:
    published = tmp_path / "published"
    first = publish(warehouse, published, [MART], NOW)
    write_customers(warehouse, 3, text=leak)
    with pytest.raises(PublicationError, match="column city of the mart dim_customers") as raised:
        publish(warehouse, published, [MART], NOW)
    assert leak not in str(raised.value)
    assert current_version(published) == first
    assert [p.name for p in published.iterdir() if p.name.startswith(".")] == []


def test_a_missing_mart_is_named_with_its_remedy(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match=r"mart_gone is not in the warehouse.*Run the whole"):
        publish(warehouse, tmp_path / "published", [Mart("mart_gone", "marts", "", {})], NOW)


def test_only_the_last_versions_stay(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    for hour in range(6, 12):
        publish(warehouse, published, [MART], NOW.replace(hour=hour), versions_kept=3)
    names = sorted(p.name for p in published.iterdir() if not p.is_symlink())
    assert names == ["20260301T090000Z", "20260301T100000Z", "20260301T110000Z"]
    assert os.readlink(published / "current") == "20260301T110000Z"


def publish_and_die(warehouse: Path, published: Path, moment: str) -> None:
    """Run in a process of its own: dies as a killed machine does, without clean-up."""
    import orchestration.versions as versions

    def die(*_: object) -> None:
        os._exit(9)

    if moment == "before the check":
        versions._check = die  # type: ignore[assignment]
    else:
        versions.point_current_at = die
    publish(warehouse, published, [MART], NOW, built="one")


@pytest.mark.parametrize("moment", ["before the check", "before the switch"])
def test_a_kill_in_between_leaves_the_previous_version_and_the_next_run_cleans_up(
    warehouse: Path, tmp_path: Path, moment: str
) -> None:
    published = tmp_path / "published"
    first = publish(warehouse, published, [MART], NOW, built="one")
    write_customers(warehouse, 7)
    process = multiprocessing.get_context("fork").Process(
        target=publish_and_die, args=(warehouse, published, moment)
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    assert current_version(published) == first
    assert len(rows_of(published / "current")[0]) == len(rows_of(published / "current")[1]) == 101
    publish(warehouse, published, [MART], NOW, built="one")
    with duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True) as fresh:
        assert fresh.execute("select count(*) from dim_customers").fetchone() == (7,)
    assert not list(published.glob(".building-*"))


def rows_of(folder: Path) -> list[list[tuple[object, ...]]]:
    """The names of a version's columns and its customers, as DuckDB and as Parquet say them."""
    parquet = folder / "parquet" / "dim_customers.parquet"
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        found = []
        for table in ("dim_customers", f"read_parquet('{parquet}')"):
            rows = connection.execute(f"from {table} order by all")
            names = tuple(column[0] for column in rows.description)
            found.append([names, *rows.fetchall()])
        return found


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("use marts")
        for statement in statements:
            connection.execute(statement)


def stored_rows(folder: Path) -> dict[str, int]:
    """Rows that lie in the tables of a version, deleted ones included."""
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        return dict(
            connection.execute("select table_name, estimated_size from duckdb_tables()").fetchall()
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update dim_customers set city = 'turku' where customer_id = 'c_7'",
        "delete from dim_customers where customer_id in ('c_1', 'c_99')",
        "insert into dim_customers values ('c_100', 'oulu'), ('c_101', null)",
        "insert into dim_customers select * from dim_customers where customer_id = 'c_3'",
        "update dim_customers set city = null where customer_id = 'c_5'",
        "delete from dim_customers",
        "alter table dim_customers add column country varchar",
        "alter table dim_customers rename column city to town",
    ],
)
def test_a_version_that_begins_as_the_one_before_holds_what_a_new_one_would(
    warehouse: Path, tmp_path: Path, statement: str
) -> None:
    publish(warehouse, tmp_path / "day", [MART], NOW, built="one")
    first = rows_of(tmp_path / "day" / "current")
    change(warehouse, statement)
    publish(warehouse, tmp_path / "day", [MART], NOW, built="one")
    publish(warehouse, tmp_path / "anew", [MART], NOW)
    wanted = rows_of(tmp_path / "anew" / "current")
    assert rows_of(tmp_path / "day" / "current") == wanted
    assert rows_of(tmp_path / "day" / "20260301T060000Z") == first != wanted


def test_rows_of_which_there_are_several_keep_their_number(warehouse: Path, tmp_path: Path) -> None:
    change(warehouse, "insert into dim_customers values ('c_1', 'helsinki')")
    publish(warehouse, tmp_path / "day", [MART], NOW, built="one")
    change(
        warehouse,
        "create or replace table dim_customers as select distinct * from dim_customers",
        "insert into dim_customers values ('c_2', 'helsinki')",
    )
    publish(warehouse, tmp_path / "day", [MART], NOW, built="one")
    publish(warehouse, tmp_path / "anew", [MART], NOW)
    assert rows_of(tmp_path / "day" / "current") == rows_of(tmp_path / "anew" / "current")


def test_what_has_not_changed_is_one_file_for_all_versions(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    other = Mart("dim_cities", "marts", "", {})
    change(warehouse, "create table dim_cities as select 'helsinki' as city")
    for hour in (6, 7, 8):
        publish(
            warehouse,
            published,
            [other, MART],
            NOW.replace(hour=hour),
            versions_kept=2,
            built="one",
        )
        change(warehouse, f"insert into dim_customers values ('c_new', '{hour}')")
    old, new = (published / f"20260301T0{hour}0000Z" / "parquet" for hour in (7, 8))
    assert (old / "dim_cities.parquet").samefile(new / "dim_cities.parquet")
    assert not (old / "dim_customers.parquet").samefile(new / "dim_customers.parquet")
    assert not (published / "20260301T060000Z").exists()
    assert duckdb.execute(f"from '{new}/dim_cities.parquet'").fetchall() == [("helsinki",)]
    assert stored_rows(published / "current") == {"dim_cities": 1, "dim_customers": 102}


def test_a_mart_that_is_no_more_leaves_the_next_version(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    change(warehouse, "create table dim_cities as select 'helsinki' as city")
    publish(warehouse, published, [Mart("dim_cities", "marts", "", {}), MART], NOW, built="one")
    described = Mart("dim_customers", "marts", "One row.", {"city": "Where they live."})
    publish(warehouse, published, [described], NOW, built="one")
    with duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True) as marts:
        assert marts.execute("select table_name, comment from duckdb_tables()").fetchall() == [
            ("dim_customers", "One row.")
        ]
        assert marts.execute(
            "select comment from duckdb_columns() where column_name = 'city'"
        ).fetchall() == [("Where they live.",)]
    assert not (published / "current" / "parquet" / "dim_cities.parquet").exists()


@pytest.mark.parametrize("leak", ["matti.meikalainen@example.fi", "131052-308T"])
def test_personal_data_in_a_row_that_is_new_stops_publication(
    warehouse: Path, tmp_path: Path, leak: str
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, [MART], NOW, built="one")
    change(warehouse, f"insert into dim_customers values ('c_new', 'asks {leak}')")
    with pytest.raises(PublicationError, match="column city of the mart dim_customers") as raised:
        publish(warehouse, published, [MART], NOW, built="one")
    assert leak not in str(raised.value)
    assert [path.name for path in published.iterdir() if path.name.startswith(".")] == []


def test_rows_are_searched_again_when_other_patterns_are_searched_for(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, [MART], NOW, built="one")
    monkeypatch.setattr("orchestration.versions._PERSONAL_DATA_PATTERNS", {"a town": "helsinki"})
    with pytest.raises(PublicationError, match="holds a town"):
        publish(warehouse, published, [MART], NOW, built="one")


def test_what_somebody_wrote_into_a_version_does_not_come_into_the_next(
    warehouse: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, [MART], NOW, built="one")
    with duckdb.connect(str(published / "current" / "marts.duckdb")) as marts:
        marts.execute("create view my_customers as from dim_customers")
    publish(warehouse, published, [MART], NOW, built="one")
    with duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True) as marts:
        assert (
            marts.execute("select view_name from duckdb_views() where not internal").fetchall()
            == []
        )


@pytest.mark.parametrize("harm", ["overwritten", "deleted", "database cut off"])
def test_what_was_harmed_in_a_version_is_written_anew_in_the_next(
    warehouse: Path, tmp_path: Path, harm: str
) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, [MART], NOW, built="one")
    file = published / "current" / "parquet" / "dim_customers.parquet"
    database = published / "current" / "marts.duckdb"
    sound = duckdb.execute(f"from '{file}' order by all").fetchall()
    if harm == "overwritten":
        duckdb.execute(f"copy (select 'c_x' as customer_id, 'x' as city) to '{file}'")
    elif harm == "deleted":
        file.unlink()
    else:
        moment = database.stat().st_mtime_ns
        database.write_bytes(database.read_bytes()[:100])
        os.utime(database, ns=(moment, moment))
    told: list[str] = []
    publish(warehouse, published, [MART], NOW, built="one", on_whole=told.append)
    # What was touched is seen beforehand; what only turns out while it is read is told.
    assert len(told) == (harm == "database cut off")
    assert all("(IOException)" in reason for reason in told)
    assert duckdb.execute(f"from '{file}' order by all").fetchall() == sound
    with duckdb.connect(str(database), read_only=True) as marts:
        assert marts.execute("from dim_customers order by all").fetchall() == sound


def test_rows_that_differ_in_a_list_alone_are_told_apart(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    change(warehouse, "alter table dim_customers add column tags varchar[]")
    for tags in ("null", "[]", "['new']"):
        change(warehouse, f"update dim_customers set tags = {tags}")
        publish(warehouse, published, [MART], NOW, built="one")
        database = published / "current" / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as marts:
            assert marts.execute(
                f"select bool_and(tags is not distinct from {tags}) from dim_customers"
            ).fetchall() == [(True,)]


def test_a_warehouse_built_anew_leaves_no_byte_of_the_version_before(
    warehouse: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    change(warehouse, "insert into dim_customers values ('c_erased', 'secretum')")
    for built, was_left in (("one", True), ("one", True), ("another", False)):
        publish(warehouse, published, [MART], NOW, built=built)
        change(warehouse, "delete from dim_customers where customer_id = 'c_erased'")
        content = (published / "current" / "marts.duckdb").read_bytes()
        assert (b"secretum" in content) == was_left


def test_a_table_in_which_much_lies_deleted_is_written_anew(
    warehouse: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"
    write_customers(warehouse, 2 * GROUP_ROWS)
    publish(warehouse, published, [MART], NOW, built="one")
    stored = []
    for fifth in range(3):
        change(
            warehouse,
            f"update dim_customers set city = 'oulu' where hash(customer_id) % 5 = {fifth}",
        )
        publish(warehouse, published, [MART], NOW, built="one")
        stored.append(stored_rows(published / "current")["dim_customers"] / (2 * GROUP_ROWS))
    # A fifth more, two fifths more, and then three fifths would be more than a third of all.
    assert [round(share, 1) for share in stored] == [1.2, 1.4, 1.0]
    assert rows_of(published / "current")[0] == rows_of(published / "current")[1]


@pytest.mark.parametrize("customers", [100, 2 * GROUP_ROWS])
def test_a_1x_driver_reads_the_published_file(
    warehouse: Path, tmp_path: Path, customers: int
) -> None:
    driver = os.environ.get("CXW_DUCKDB_1")
    if not driver:
        pytest.skip("CXW_DUCKDB_1 names no folder with a duckdb 1.x driver; `make test` sets it")
    write_customers(warehouse, customers + 1)
    publish(warehouse, tmp_path / "published", [MART], NOW, built="one")
    change(warehouse, "delete from dim_customers where customer_id = 'c_0'")
    publish(warehouse, tmp_path / "published", [MART], NOW, built="one")
    database = tmp_path / "published" / "current" / "marts.duckdb"
    script = (
        "import duckdb, sys; assert duckdb.__version__.startswith('1.'), duckdb.__version__; "
        "print(duckdb.connect(sys.argv[1], read_only=True)"
        ".execute('select count(distinct customer_id) from dim_customers').fetchone()[0])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, str(database)],
        env={**os.environ, "PYTHONPATH": driver},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == str(customers)


def test_keys_of_a_large_mart_are_written_without_trying(warehouse: Path, tmp_path: Path) -> None:
    write_customers(warehouse, 2 * GROUP_ROWS)
    publish(warehouse, tmp_path / "published", [MART], NOW)
    database = tmp_path / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        (row,) = connection.execute(
            "select sql from duckdb_tables() where table_name = 'dim_customers'"
        ).fetchall()
        found = connection.execute(
            "select count(*), count(distinct customer_id), min(city) from dim_customers"
        ).fetchone()
    assert "customer_id VARCHAR USING COMPRESSION FSST, city VARCHAR" in row[0]
    assert found == (2 * GROUP_ROWS, 2 * GROUP_ROWS, "helsinki")


def test_a_page_of_the_marts_is_published_in_the_same_rename(
    warehouse: Path, tmp_path: Path
) -> None:
    published = tmp_path / "published"

    def count(folder: Path, version: str) -> None:
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as marts:
            ((customers,),) = marts.execute("select count(*) from dim_customers").fetchall()
        (folder / "page.txt").write_text(f"{version}: {customers}")
        assert not (published / version).exists()

    publish(warehouse, published, [MART], NOW, add_page=count)
    write_customers(warehouse, 200)
    publish(warehouse, published, [MART], NOW, add_page=count)
    assert (published / "current" / "page.txt").read_text() == "20260301T060000Z-2: 200"
    assert (published / "20260301T060000Z" / "page.txt").read_text() == "20260301T060000Z: 100"


def test_a_page_that_fails_leaves_the_version_before(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    first = publish(warehouse, published, [MART], NOW)

    def fail(folder: Path, version: str) -> None:
        raise ValueError(version)

    with pytest.raises(ValueError, match="20260301T060000Z-2"):
        publish(warehouse, published, [MART], NOW, add_page=fail)
    assert current_version(published) == first
    assert {path.name for path in published.iterdir()} == {first.version, "current"}
