"""The same person has the same hash from every vendor, and nobody else has it."""

import stat

import pytest

from orchestration.ingestion.hashing import (
    hash_key,
    hash_values,
    normalise_email,
    normalise_phone,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Aino.Mäki@Posti.EXAMPLE ", "aino.mäki@posti.example"),
        ("Aino Mäki <aino@posti.example>", "aino@posti.example"),
        ("mailto:aino@posti.example", "aino@posti.example"),
        ("ａｉｎｏ@posti.example", "aino@posti.example"),
        ("n/a", None),
        ("@", None),
    ],
)
def test_addresses_are_compared_in_one_form(text, address):
    assert normalise_email(text) == address


@pytest.mark.parametrize(
    "text",
    ["040 123 4567", "+358 40 1234567", "00358401234567", "358401234567", "(040) 123-4567"],
)
def test_spellings_of_a_finnish_number_are_one_number(text):
    assert normalise_phone(text, "FI") == "+358401234567"


def test_a_number_of_another_country_needs_its_own_region_or_code():
    assert normalise_phone("(212) 555-0123", "US") == "+12125550123"
    assert normalise_phone("+46 70 123 45 67", "FI") == "+46701234567"


@pytest.mark.parametrize("text", ["", "unknown", "12", "-"])
def test_what_is_no_number_has_no_hash(text):
    assert normalise_phone(text, "FI") is None


def test_hashes_depend_on_key_and_kind_and_are_32_hex_characters():
    value = "a@b.example"
    one = hash_values([value], "email", b"one", "FI")[value]
    other = hash_values([value], "email", b"other", "FI")[value]
    assert one is not None
    assert one != other
    assert len(one) == 32
    assert int(one, 16)


def test_a_generated_key_is_kept_and_private(tmp_path, monkeypatch):
    monkeypatch.delenv("CXW_HASH_KEY", raising=False)
    key = hash_key(tmp_path / "state")
    assert key == hash_key(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state" / "hash_key").stat().st_mode) == 0o600
    monkeypatch.setenv("CXW_HASH_KEY", "given")
    assert hash_key(tmp_path / "state") == b"given"
