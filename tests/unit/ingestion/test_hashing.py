"""The same person has the same hash from every vendor, and nobody else has it."""

import hashlib
import json
import stat

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import WarehouseError
from orchestration.ingestion.email_rules import FILE_NAME, SHIPPED_RULES, email_rules
from orchestration.ingestion.hashing import (
    PADS,
    hash_key,
    hash_relation,
    hash_values,
    hashed_table,
    hashes_in_place,
    hmac_blocks,
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
    ("text", "address"),
    [
        ("Aino.Maki+kauppa@Gmail.com", "ainomaki@gmail.com"),
        ("ainomaki@googlemail.com", "ainomaki@gmail.com"),
        # Microsoft tells dots apart, and no rule knows what another company does
        ("aino.maki+kauppa@outlook.com", "aino.maki@outlook.com"),
        ("aino.maki+kauppa@posti.example", "aino.maki+kauppa@posti.example"),
        # a name that is nothing but a tag stays what it is
        ("+kauppa@gmail.com", "+kauppa@gmail.com"),
        ("aino@protonmail.com", "aino@proton.me"),
    ],
)
def test_spellings_that_the_provider_does_not_tell_apart_are_one_mailbox(text, address):
    assert normalise_email(text) == address


@given(
    st.text("ab.+", min_size=1, max_size=8),
    st.sampled_from([*email_rules(), "posti.example"]),
)
def test_the_spelling_of_a_mailbox_is_its_own_spelling(name, domain):
    once = normalise_email(f"{name}@{domain}")
    assert once is None or normalise_email(once) == once


def test_a_company_may_bring_rules_of_its_own(tmp_path):
    header = SHIPPED_RULES.read_text().splitlines()[0]
    (tmp_path / FILE_NAME).write_text(f"{header}\nposti.example,,true,-,our own server\n")
    rules = email_rules(tmp_path)
    assert normalise_email("a.b-list@posti.example", rules) == "ab@posti.example"
    assert normalise_email("a.b+list@gmail.com", rules) == "a.b+list@gmail.com"
    assert (
        hash_values(["a.b@posti.example"], "email", b"k", "FI", rules)["a.b@posti.example"]
        == hash_values(["ab@posti.example"], "email", b"k", "FI", rules)["ab@posti.example"]
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("Gmail.com,,true,+,x", "line 2, domain"),
        ("gmail.com,,yes,+,x", "line 2, ignores_dots"),
        ("gmail.com,,true,++,x", "line 2, tag_separator"),
        ("a.example,b.example,true,+,x", "same as b.example"),
    ],
)
def test_a_rule_that_is_none_is_named_with_its_line(tmp_path, row, told):
    header = SHIPPED_RULES.read_text().splitlines()[0]
    (tmp_path / FILE_NAME).write_text(f"{header}\n{row}\n")
    with pytest.raises(WarehouseError, match=told):
        email_rules(tmp_path)


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


def hashed_by_duckdb(values, kind, key, region="FI"):
    with duckdb.connect() as connection:
        connection.execute("create table texts as select unnest(?::varchar[]) as value", [values])
        hash_relation(connection, "texts", kind, key, region)
        return dict(connection.execute(f"from {hashed_table(kind)}").fetchall())


# shorter than a block of SHA-256, as long as one, longer
@pytest.mark.parametrize("key", [b"\x00k\xff", b"k" * 64, b"\xaa" * 131])
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (
            "email",
            [
                *("aino@posti.example", "Aino@Posti.example", "a.b+tag@gmail.com", "ÄITI@posti.fi"),
                *("nobody", "", "äiti@posti.fi", "a" * 300 + "@posti.example", "x@googlemail.com"),
                *("d41d8cd98f00b204e9800998ecf8427e", "0cc175b9c0f1b6a831c399e269772661"),
                "a@b.example\n",
            ],
        ),
        ("phone", ["+358 40 123 4567", "0401234567", "12", "unknown"]),
        ("email", ["nobody"]),
        ("email", ["aino@posti.example"]),
    ],
)
def test_duckdb_hashes_many_values_as_each_is_hashed(kind, values, key):
    alone = {v: h for v, h in hash_values(values, kind, key, "FI").items() if h is not None}
    assert hashed_by_duckdb(values, kind, key) == alone


@given(st.lists(st.one_of(st.emails(), st.text("aA.+-@_ä ", max_size=8)), unique=True, max_size=5))
def test_duckdb_normalises_whatever_stands_in_place_of_an_address(values):
    alone = {v: h for v, h in hash_values(values, "email", b"k", "FI").items() if h is not None}
    assert hashed_by_duckdb(values, "email", b"k") == alone


def test_the_blocks_of_a_key_give_the_published_digests():
    # RFC 4231, test cases 1, 2 and 6
    for key, message, digest in (
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c7"),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f",
        ),
    ):
        inner, outer = hmac_blocks(key)
        within = hashlib.sha256(inner + message).digest()
        assert hashlib.sha256(outer + within).hexdigest()[:32] == digest


def test_the_key_reaches_no_log_and_no_plan(tmp_path):
    key = b"a key that nobody may read"
    plans = tmp_path / "plans.json"
    with duckdb.connect() as connection:
        connection.execute("call enable_logging(level = 'trace')")
        connection.execute("set enable_profiling = 'json'")
        connection.execute(f"set profiling_output = '{plans}'")
        connection.execute("create table texts as select 'aino@posti.example' as value")
        hash_relation(connection, "texts", "email", key, "FI")
        written = plans.read_text()
        connection.execute("set enable_profiling = 'no_output'")
        (logged,) = connection.execute(
            "select string_agg(message, chr(10)) from duckdb_logs"
        ).fetchall()
        with hashes_in_place(connection, {"email"}, key, "FI") as hash_in_place:
            hashed = f"select {hash_in_place('value', 'email')} from texts cross join {PADS}"
            ((_, plan),) = connection.execute(f"explain (format json) {hashed}").fetchall()
        # as DuckDB shows them, and as that stands in JSON
        shown = [
            connection.execute("select cast(?::blob as varchar)", [block[: len(key)]]).fetchone()[0]
            for block in hmac_blocks(key)
        ]
    blocks = [block.decode("latin-1")[: len(key)] for block in hmac_blocks(key)]
    assert "sha256" in logged[0]
    for secret in (key.decode(), *blocks, *shown, *(json.dumps(text)[1:-1] for text in shown)):
        assert secret not in written
        assert secret not in logged[0]
        assert secret not in plan


def test_a_generated_key_is_kept_and_private(tmp_path, monkeypatch):
    monkeypatch.delenv("CXW_HASH_KEY", raising=False)
    key = hash_key(tmp_path / "state")
    assert key == hash_key(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state" / "hash_key").stat().st_mode) == 0o600
    monkeypatch.setenv("CXW_HASH_KEY", "given")
    assert hash_key(tmp_path / "state") == b"given"
