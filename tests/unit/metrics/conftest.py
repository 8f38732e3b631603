"""The interval macros, rendered without dbt and run in DuckDB: SQL is tested as SQL."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
import pytest

MACROS = Path(__file__).parents[3] / "dbt_project" / "macros"
_RENDERED = ("engine/numbers", "metrics/moments", "metrics/intervals")


@pytest.fixture(scope="session")
def macros() -> SimpleNamespace:
    """Every macro of these files as a function from SQL text to SQL text."""
    environment = jinja2.Environment()
    text = "\n".join((MACROS / f"{name}.sql").read_text() for name in _RENDERED)
    module = environment.from_string(text).module
    return SimpleNamespace(
        **{name: member for name, member in vars(module).items() if not name.startswith("_")}
    )


@pytest.fixture
def value_of() -> Callable[..., float]:
    """Evaluate one SQL expression, optionally over a relation given as SQL."""
    connection = duckdb.connect()

    def run(expression: str, relation: str = "(select 1)") -> float:
        row = connection.execute(f"select {expression} from {relation}").fetchone()
        assert row is not None
        return row[0]

    return run
