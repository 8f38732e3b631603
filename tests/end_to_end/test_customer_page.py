"""`cxw customer show`: a page of one customer, without personal data unless the vault is asked."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from conftest import FinishedRun

Cxw = Callable[..., subprocess.CompletedProcess[str]]


def test_a_customers_page_holds_every_encounter_and_no_personal_data_without_the_vault(
    demo_run: FinishedRun, cxw: Cxw
) -> None:
    with duckdb.connect(str(demo_run.marts.resolve()), read_only=True) as marts:
        customer, encounters = marts.execute(
            "select customer_id, count(*) from mart_customer_timeline group by 1"
            " having count(distinct encounter_kind) >= 4 order by count(*) desc, 1 limit 1"
        ).fetchall()[0]
    with duckdb.connect(str(demo_run.home / "warehouse.duckdb"), read_only=True) as warehouse:
        address = warehouse.execute(
            "select min(email) from vault.personal_data_vault where customer_id = ?", [customer]
        ).fetchall()[0][0]
    page = demo_run.home / "customer" / "page.html"

    shown = cxw(demo_run.home, "customer", "show", customer, "--out", str(page))
    assert shown.returncode == 0, shown.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count('<tr><td class="n">') == encounters
    assert 'lang="fi"' in text
    assert 'lang="en"' in text
    assert not re.search(r"""(?:src|href)=["']?https?://|<script""", text)
    assert not re.search(r"[\w.+-]+@[\w-]+\.[a-z]+", text)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600

    granted = cxw(demo_run.home, "customer", "show", customer, "--with-vault", "--out", str(page))
    assert granted.returncode == 0, granted.stderr
    assert address in page.read_text(encoding="utf-8")

    told = json.loads(cxw(demo_run.home, "customer", "show", customer, "--json").stdout)
    assert len(told["timeline"]) == encounters
    assert told["personal_details"] == []


def test_an_address_is_no_key_and_is_not_repeated(demo_run: FinishedRun, cxw: Cxw) -> None:
    for key in ("aino@posti.example", "c_00000000000000000000"):
        refused = cxw(demo_run.home, "customer", "show", key)
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        assert "aino@posti.example" not in refused.stdout + refused.stderr
