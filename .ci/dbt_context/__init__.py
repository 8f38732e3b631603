"""What dbt supplies to macros from outside, for the SQL linter's templater.

The linter renders the project's own macros (dbt_project/macros), so that models are checked as the
engine will see them; only dbt's objects are stood in for here. sqlfluff's own stand-ins serve for
`ref`, `source`, `config` and `return`.
"""

import functools
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2.runtime import Context

# Parsed SQL is millions of small objects that live as long as their file: looking for cycles among
# them again and again takes a fifth of the linter's time.
gc.set_threshold(200_000, 50, 50)

PROJECT_FILE = Path(__file__).resolve().parents[2] / "dbt_project" / "dbt_project.yml"

# The run phase, in which macros may ask the graph. Here nothing has been built that it could name.
execute = False
# dbt's name of the run.
invocation_id = "linted"


class target:
    """The profile's target."""

    type = "duckdb"


class adapter:
    """dbt's adapter, as far as the macros use it."""

    @staticmethod
    @jinja2.pass_context
    def dispatch(context: Context, macro_name: str) -> Callable[..., Any]:
        """Return DuckDB's implementation of a macro."""
        return context[f"duckdb__{macro_name}"]


@functools.cache
def _variables() -> dict[str, Any]:
    return yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8"))["vars"]


def var(name: str) -> Any:
    """Return a variable of the project file."""
    value = _variables()[name]
    if isinstance(value, str):
        return jinja2.Template(value).render(env_var=os.environ.get)
    return value


def env_var(name: str, default: str | None = None) -> str:
    """Return a variable of the environment; the linter needs none of them."""
    return os.environ.get(name, default or "")


def type_string() -> str:
    """Return DuckDB's type for text."""
    return "varchar"
