"""The identity models themselves, rendered without dbt and run in DuckDB over made-up records."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import jinja2
import pytest

PROJECT = Path(__file__).parents[3] / "dbt_project"
SEEDS = PROJECT.parent / "seeds" / "reference"
MODELS = PROJECT / "models" / "intermediate" / "identity"
MACRO = re.compile(r"\{%-?\s*macro (\w+)\(.*?endmacro\s*-?%\}", re.DOTALL)
IDENTIFIERS = (
    "contact_id",
    "user_id",
    "loyalty_id",
    "customer_ref",
    "email_hash",
    "phone_hash",
    "client_id",
)
#: The models from the collected records to the customers, in the order in which dbt builds them.
CHAIN = (
    "int_touched_collected_records",
    "int_identifier_tenures",
    "int_identity_records_tenured",
    "int_touched_identity_inputs",
    "int_touched_identifiers",
    "int_identifiers_observed",
    "int_identity_separations",
    "int_identity_edges",
    "int_identity_edges_named",
    "int_touched_customer_identifiers",
    "int_identity_groups_joined",
    "int_identity_components",
    "int_identity_groups_skipped",
    "int_identifiers_resolved",
    "int_identity_records_resolved",
    "int_identifiers_moved",
    "int_customer_ids_retired",
    "int_identifiers_dated",
    "int_identity_inputs_applied",
)
#: What tells of one run and not of the customers.
OF_THE_RUN = tuple(model for model in CHAIN if model.startswith("int_touched_"))


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class _Config:
    """What a model says of itself: the last one rendered."""

    def __init__(self) -> None:
        self.stated: dict[str, Any] = {}

    def __call__(self, **stated: Any) -> str:
        self.stated = stated
        return ""

    def get(self, name: str) -> Any:
        return self.stated[name]


class _Warehouse:
    """The tables upon which a batch is built; none while all is built from scratch.

    Macros look their names up once, so that they are given these methods and not what answers them.
    """

    def __init__(self) -> None:
        self.connection: duckdb.DuckDBPyConnection | None = None
        self.tables: set[str] = set()
        self.is_incremental = False

    def built_before(self, name: str, **_: Any) -> str | None:
        return name if name in self.tables else None

    def queried(self, sql: str) -> list[tuple[Any, ...]]:
        assert self.connection
        return self.connection.execute(sql).fetchall()

    def returned(self) -> str | None:
        if not self.connection:
            return None
        found = self.queried("select 1 from duckdb_tables() where table_name = 'returned'")
        return "returned" if found else None

    def drop(self, relation: str) -> None:
        self.tables.discard(relation)
        self.queried(f"drop table {relation}")


WAREHOUSE = _Warehouse()


def _environment() -> jinja2.Environment:
    """Jinja with the project's macros, and of dbt what these models use."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])

    def returned(value: Any) -> None:
        raise _Returned(value)

    def macro(name: str, text: str) -> Callable[..., Any]:
        compiled = environment.from_string(text)

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return getattr(compiled.module, name)(*arguments, **named)
            except _Returned as answer:
                return answer.value

        return call

    environment.globals.update(
        {
            "return": returned,
            "ref": lambda name: name,
            "config": _Config(),
            "execute": True,
            "target": SimpleNamespace(type="duckdb"),
            "flags": SimpleNamespace(FULL_REFRESH=False, WHICH="run"),
            "is_incremental": lambda: WAREHOUSE.is_incremental,
            "run_query": WAREHOUSE.queried,
            "var": {"business_timezone": "Europe/Helsinki"}.__getitem__,
            "adapter": SimpleNamespace(
                dispatch=lambda name: environment.globals[f"duckdb__{name}"],
                drop_relation=WAREHOUSE.drop,
            ),
        }
    )
    for folder in ("engine", "identity", "touched"):
        for path in sorted((PROJECT / "macros" / folder).glob("*.sql")):
            for found in MACRO.finditer(path.read_text()):
                environment.globals[found[1]] = macro(found[1], found[0])
    environment.globals["relation_built_before"] = WAREHOUSE.built_before
    # instead of the raw zone's files, a table that a test may make
    environment.globals["returned_files"] = WAREHOUSE.returned
    return environment


ENVIRONMENT = _environment()
GLOBALS = cast("dict[str, Any]", ENVIRONMENT.globals)


def call_macro(name: str, *arguments: Any) -> str:
    """The SQL that a macro writes."""
    return str(GLOBALS[name](*arguments))


@cache
def _model(name: str) -> jinja2.Template:
    return ENVIRONMENT.from_string((MODELS / f"{name}.sql").read_text())


class Identity:
    """The identity models over one set of records."""

    def __init__(self, limits: str | None = None) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("set timezone = 'UTC'")
        for seed in ("identity_rules", "blocked_identifiers", "identity_separations"):
            self.connection.execute(
                f"create table {seed} as from read_csv('{SEEDS / seed}.csv', header = true)"
            )
        if limits:
            self.connection.execute(f"update identity_rules set {limits}")
        self.connection.execute(
            "create table int_crm_contacts_unioned (contact_id varchar, email_hash varchar,"
            " is_email_valid boolean, is_test_address boolean)"
        )
        self.connection.execute(
            "create table int_crm_merges_unioned (source varchar, surviving_contact_id varchar,"
            " merged_contact_id varchar, merged_at timestamp, unmerged_at timestamp)"
        )
        self.connection.execute(
            "create table int_identity_records_collected (identity_record_key varchar,"
            f" source varchar, record_kind varchar, {' varchar, '.join(IDENTIFIERS)} varchar,"
            " identifier_count integer, first_seen_at timestamp, last_seen_at timestamp,"
            " record_count bigint)"
        )

    def add_record(self, day: int, kind: str = "order", **identifiers: str) -> None:
        """A record of a day of January 2024 (or later) that carries these identifiers."""
        row = [identifiers.get(name) for name in IDENTIFIERS]
        self.connection.execute(
            "insert into int_identity_records_collected select md5(concat_ws('|', ?, ?, "
            f"{', '.join(['?'] * 7)})), 'test', ?, {', '.join(['?'] * 7)}, ?,"
            " timestamp '2024-01-01' + to_days(?), timestamp '2024-01-01' + to_days(?), 1",
            [day, kind, *map(str, row), kind, *row, len(identifiers), day, day],
        )

    def resolve(self) -> Identity:
        """Build the chain of models from scratch."""
        WAREHOUSE.connection = self.connection
        for model in CHAIN:
            sql = _model(model).render()
            self.connection.execute(f"create or replace table {model} as {sql}")
        return self

    def resolve_batch(self, models: Sequence[str] = CHAIN) -> Identity:
        """Build the chain upon the tables of the last time, as dbt does with a day's batch.

        A run that breaks off builds the first ``models`` of it.
        """
        WAREHOUSE.connection = self.connection
        WAREHOUSE.tables = {name for (name,) in self.rows("select table_name from duckdb_tables()")}
        config = GLOBALS["config"]
        try:
            for model in models:
                config.stated = {}
                WAREHOUSE.is_incremental = model in WAREHOUSE.tables
                sql = _model(model).render(this=model)
                if not (model in WAREHOUSE.tables and "unique_key" in config.stated):
                    self.connection.execute(f"create or replace table {model} as {sql}")
                    WAREHOUSE.tables.add(model)
                    continue
                self.connection.execute(f"create or replace temp table built as {sql}")
                arguments = {
                    "unique_key": config.get("unique_key"),
                    "dest_columns": [{"quoted": row[0]} for row in self.rows("describe built")],
                    "target_relation": model,
                    "temp_relation": "built",
                }
                self.connection.execute(call_macro("get_incremental_touched_sql", arguments))
        finally:
            WAREHOUSE.tables = set()
            WAREHOUSE.is_incremental = False
        return self

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a query answers."""
        return self.connection.execute(sql).fetchall()

    def customers(self) -> set[frozenset[str]]:
        """The partition: identifiers as type:value, grouped by customer."""
        found = self.rows(
            "select list(identifier_type || ':' || identifier_value)"
            " from int_identifiers_resolved group by customer_id"
        )
        return {frozenset(members) for (members,) in found}

    def customer_ids(self) -> dict[str, str]:
        """Customer by identifier."""
        return dict(
            self.rows(
                "select identifier_type || ':' || identifier_value, customer_id"
                " from int_identifiers_resolved"
            )
        )


@pytest.fixture
def identity() -> Identity:
    """No records yet, under the rules of the reference tables."""
    return Identity()


@pytest.fixture(scope="session", name="call_macro")
def call_macro_fixture() -> Callable[..., str]:
    """Calls a macro by name; returns its SQL."""
    return call_macro


@pytest.fixture(scope="session")
def identity_class() -> type[Identity]:
    """For tests that need more than one set of records."""
    return Identity
