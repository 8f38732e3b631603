"""Free text loses its personal data, and keeps what it says."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

TEXTS = [
    ("Vastatkaa aino.makela@posti.example pian", "Vastatkaa redacted:email pian"),
    ("a@b.fi,c@d.fi", "redacted:email,redacted:email"),
    ("matti.mäki (at) posti.example", "redacted:email"),
    ("Soita 040 123 4567!", "Soita redacted:phone!"),
    ("Soita 0401234567 0509876543", "Soita redacted:phone"),
    ("(09) 123 4567, 045-1234567", "redacted:phone, redacted:phone"),
    ("+358 40 123 4567 tai +358 (0)40 1234567", "redacted:phone tai redacted:phone"),
    ("00358401234567, 358401234567", "redacted:phone, redacted:phone"),
    ("ring +46 70-123 45 67", "ring redacted:phone"),
    ("puh.+4915112345678", "puh.redacted:phone"),
    ("hetu 131052-308T.", "hetu redacted:personal_id."),
    ("hetu 010203A123b", "hetu redacted:personal_id"),
    ("tilille FI21 1234 5600 0007 85 kiitos", "tilille redacted:iban kiitos"),
    ("fi2112345600000785", "redacted:iban"),
    ("kortti 4111 1111 1111 1111", "kortti redacted:card"),
    ("4111-1111-1111-1111", "redacted:card"),
    ("Tilaus 100234 maksoi 45,90 euroa", "Tilaus 100234 maksoi 45,90 euroa"),
    ("Odotin 20 min 01.02.2026 klo 12.30", "Odotin 20 min 01.02.2026 klo 12.30"),
    ("Toimitus 2026-01-02, 10/10!", "Toimitus 2026-01-02, 10/10!"),
    ("", ""),
    (None, None),
]


@pytest.mark.parametrize(("text", "masked"), TEXTS)
def test_personal_data_is_masked_and_the_rest_is_not(
    call_macro: Callable[..., str], text: str | None, masked: str | None
) -> None:
    sql = call_macro("masked_text", "said")
    row = duckdb.execute(f"select {sql} from (select ?::varchar as said)", [text]).fetchone()
    assert row == (masked,)


@pytest.mark.parametrize(
    ("names", "text", "masked"),
    [
        ("Aino, Mäkelä", "Aino Mäkelän tilaus", "redacted:name redacted:name tilaus"),
        ("Aino, Mäkelä", "terv. aino MÄKELÄ", "terv. redacted:name redacted:name"),
        ("Aino", "Kainon lasku", "Kainon lasku"),
        ("O.Brien*(, Åsa", "Åsa OBrien", "redacted:name redacted:name"),
        (None, "Aino", "Aino"),
        ("***", "Aino", "Aino"),
    ],
)
def test_the_customers_own_names_are_masked(
    call_macro: Callable[..., str], names: str | None, text: str, masked: str
) -> None:
    sql = call_macro("masked_names", "said", call_macro("names_pattern", "names"))
    row = duckdb.execute(
        f"select {sql} from (select ?::varchar as said, ?::varchar as names)", [text, names]
    ).fetchone()
    assert row == (masked,)
