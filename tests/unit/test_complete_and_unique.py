"""The test of keys and of columns that may not be empty finds what is wrong, however few rows."""

import duckdb
import jinja2
import pytest

from orchestration.home import PROJECT_ROOT

TEST = PROJECT_ROOT / "dbt_project" / "tests" / "generic" / "complete_and_unique.sql"
KEYS = PROJECT_ROOT / "dbt_project" / "macros" / "engine" / "keys.sql"

ROWS = 10_000


def found(*defects: str) -> list[tuple[str, str, int]]:
    """What the test says of a table of which some rows are wrong."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    # As macros, without dbt's dispatch between engines.
    text = (
        TEST.read_text().replace("{% test ", "{% macro ").replace("{% endtest %}", "{% endmacro %}")
    )
    hashing = environment.from_string(KEYS.read_text()).module
    environment.globals["row_hash"] = hashing.duckdb__row_hash  # type: ignore[attr-defined]
    module = environment.from_string(text).module
    with duckdb.connect() as connection:
        connection.execute(
            "create table visits as"
            f" select 'v' || i as key, i % 7 as day from range({ROWS}) as t(i)"
        )
        for defect in defects:
            connection.execute(defect)
        statement = module.complete_and_unique("visits", "key, day", "key")  # type: ignore[attr-defined]
        return connection.execute(statement).fetchall()


def test_a_table_of_whole_rows_with_keys_of_their_own_passes() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("defects", "told"),
    [
        (["insert into visits values ('v7', 1)"], [("key", "repeated", 2)]),
        (
            ["insert into visits values ('v7', 1), ('v7', 2), ('v8', 3)"],
            [("key", "repeated", 5)],
        ),
        (["update visits set day = null where key = 'v7'"], [("day", "missing", 1)]),
        # Two rows without a key are no repetition.
        (["insert into visits values (null, 1), (null, 2)"], [("key", "missing", 2)]),
    ],
)
def test_what_is_wrong_is_told(defects: list[str], told: list[tuple[str, str, int]]) -> None:
    assert found(*defects) == told
