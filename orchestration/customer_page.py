"""One customer as a page: what is published about them, and, under a grant, what the vault holds.

The page is one file without scripts or addresses of other places: it opens offline and prints.
The marts hold no personal data, so that the page holds none either. Names and addresses lie in the
vault of the warehouse file alone; who may read that file has the grant.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from expectations.memory import limited
from orchestration.errors import WarehouseError
from orchestration.home import Home
from orchestration.versions import DATABASE_NAME

_TEMPLATE = "customer_page.html.jinja"
_STYLE = Path(__file__).resolve().parent.parent / "expectations" / "report" / "report.css"

_TIMELINE = """
select
    timeline.*,
    touchpoints.name_fi as touchpoint_fi,
    touchpoints.name_en as touchpoint_en
from mart_customer_timeline as timeline
left join dim_touchpoints as touchpoints
    on timeline.touchpoint_id = touchpoints.touchpoint_id
where timeline.customer_id = ?
order by timeline.encounter_number desc
"""

_VAULT = """
select distinct source, entity, first_name, last_name, email, phone, street, postal_code, city
from vault.personal_data_vault
where customer_id = ?
order by all
"""


def customer_view(home: Home, customer_id: str, *, with_vault: bool = False) -> dict[str, Any]:
    """What is known of a customer.

    Args:
        home: The installation; its published version is read.
        customer_id: An id that is or was in use.
        with_vault: Also read the personal details, from the warehouse file.

    Returns:
        The customer's row of dim_customers, the encounters from the newest, and the personal
        details (none without `with_vault`).

    Raises:
        WarehouseError: Nothing is published, nobody has the id, or the vault cannot be read.
    """
    published = home.published / "current" / DATABASE_NAME
    if not published.exists():
        raise WarehouseError(
            f"Nothing is published in {home.root} yet.", "Load your data first: cxw run"
        )
    with limited(duckdb.connect(str(published), read_only=True)) as marts:
        found = marts.execute(
            "select current_customer_id from customer_id_history where customer_id = ?",
            [customer_id],
        ).fetchone()
        if found is None:
            raise WarehouseError(
                f"No customer has or had the id {customer_id}.",
                "Take an id of dim_customers; ids begin with c_.",
            )
        (current_id,) = found
        customers = _rows(marts, "select * from dim_customers where customer_id = ?", current_id)
        timeline = _rows(marts, _TIMELINE, current_id)
    return {
        "asked_id": customer_id,
        "customer": customers[0],
        "timeline": timeline,
        "personal_details": _personal_details(home, current_id) if with_vault else [],
    }


def write_customer_page(view: dict[str, Any], path: Path, now: dt.datetime) -> Path:
    """Write the view as a page that only its owner can read, and return its path."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    environment.globals["t"] = lambda en, fi: Markup(
        '<span class="en" lang="en">{}</span><span class="fi" lang="fi">{}</span>'
    ).format(en, fi)
    page = environment.get_template(_TEMPLATE).render(
        **view, now=now, style=Markup(_STYLE.read_text(encoding="utf-8"))
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(page, encoding="utf-8")
    temporary.replace(path)
    return path


def _personal_details(home: Home, customer_id: str) -> list[dict[str, Any]]:
    try:
        with limited(duckdb.connect(str(home.warehouse), read_only=True)) as warehouse:
            return _rows(warehouse, _VAULT, customer_id)
    except duckdb.Error as error:
        # the engine's words may hold values; its kind says enough
        raise WarehouseError(
            f"The vault cannot be read ({type(error).__name__}).",
            f"It needs the right to read {home.warehouse}, and no run that goes on.",
        ) from None


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, customer_id: str
) -> list[dict[str, Any]]:
    found = connection.execute(sql, [customer_id])
    columns = [column[0] for column in found.description]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
