"""The probable links on the public gold sets FEBRL 1 to 4, with the settings as they are shipped.

Names, street, postal code, suburb and year of birth are compared, as the vault has them; the full
date of birth and the social security number, which would give the answer away, are not.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import duckdb
import pytest

from orchestration.probabilistic.matching import scored_pairs
from orchestration.probabilistic.settings import SHIPPED_SETTINGS, read_settings

ROOT = Path(__file__).resolve().parents[2]
SETS = Path(os.environ.get("CXW_FEBRL_SETS") or ROOT / ".venv" / "febrl" / "sets")
LEAST_F1 = 0.97

pytestmark = [
    pytest.mark.skipif(
        not (SETS / "febrl4_links.csv").exists(),
        reason="the FEBRL gold sets are not here: make test-febrl installs and measures them",
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("splink") is None,
        reason="splink is not installed: make probabilistic",
    ),
]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_probable_links_find_the_duplicates_of_febrl(number: int) -> None:
    settings = read_settings(SHIPPED_SETTINGS)
    records = SETS / f"febrl{number}_records.csv"
    links = SETS / f"febrl{number}_links.csv"
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create table records as
            select
                rec_id as record_key,
                rec_id as customer_id,
                given_name as first_name,
                surname as last_name,
                concat_ws(' ', street_number, address_1) as street,
                postcode as postal_code,
                suburb as city,
                try_cast(date_of_birth[:4] as integer) as birth_year
            from read_csv('{records}', all_varchar = true)
            """
        )
        found = scored_pairs(connection, settings).pairs
        connection.register("found", found)
        ((correct, linked, planted),) = connection.sql(
            f"""
            with links as (
                select least(one, other) as first_key, greatest(one, other) as second_key
                from read_csv('{links}', all_varchar = true)
            ),

            linked as (
                select
                    least(first_record_key, second_record_key) as first_key,
                    greatest(first_record_key, second_record_key) as second_key
                from found
                where match_probability >= {settings.thresholds.link}
            )

            select
                (select count(*) from linked inner join links using (first_key, second_key)),
                (select count(*) from linked),
                (select count(*) from links)
            """
        ).fetchall()
    precision, recall = correct / linked, correct / planted
    f1 = 2 * precision * recall / (precision + recall)
    print(f"\nFEBRL {number}: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}")
    assert f1 >= LEAST_F1
