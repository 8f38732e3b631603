"""Keyed hashes of personal identifiers, made at landing and nowhere else.

The key never stands in SQL, nor in a parameter of it, where manifests, logs and query plans would
keep it: of a file's many values DuckDB makes the hashes from a registered relation, which plans
know by name alone. It also tells addresses that are in their final form already; only the others
are handed over to be normalised. The same person's address gets the same hash from every vendor,
because it is normalised first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

import duckdb
from duckdb.func import FunctionNullHandling
from duckdb.sqltypes import VARCHAR

from orchestration.ingestion.email_rules import EmailRules, email_rules, one_spelling
from orchestration.ingestion.specs import IdentifierKind

KEY_VARIABLE = "CXW_HASH_KEY"
KEY_FILE = "hash_key"
HASH_LENGTH = 32
#: The relation that the key is taken from (``hashes_in_place``).
PADS = "hash_pads"
# Texts of one file whose final form is kept while it is read.
_REMEMBERED = 1 << 20
_BLOCK_BYTES = hashlib.sha256().block_size

_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
# An address that is in its final form already, as nearly all are.
_PLAIN_EMAIL = re.compile(r"[a-z0-9][a-z0-9._%+-]*@[a-z0-9.-]*[a-z0-9]")
_HEX_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_BASE64_DIGEST = re.compile(r"[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=")
#: The digests of an empty text: a loader that digests blank fields would make one person of them.
_NOTHING = frozenset(
    spelling
    for digest in (hashlib.md5(b""), hashlib.sha1(b""), hashlib.sha256(b""))
    for spelling in (digest.hexdigest(), base64.b64encode(digest.digest()).decode())
)
_HAS_DIGIT = re.compile(r"\d")


def normalise_email(value: str, rules: EmailRules | None = None) -> str | None:
    """Bring an e-mail address to the form under which it is compared.

    Args:
        value: The text as it came.
        rules: Which spellings are one mailbox, by domain; by default the shipped ones.

    Returns:
        The bare address in lower case, in the spelling that stands for its mailbox; None where the
        text holds no address. Dots and tags before the @ are kept but for domains that a rule
        names: only the mailbox's provider knows whether they matter. A digest in place of
        the address (a loader that pseudonymises: MD5, SHA-1 or SHA-256, in hex or Base64) still
        tells people apart and is kept as it is.
    """
    known = email_rules() if rules is None else rules
    if _PLAIN_EMAIL.fullmatch(value):
        return one_spelling(value, known)
    plain = unicodedata.normalize("NFKC", value).strip()
    text = plain.casefold().removeprefix("mailto:")
    found = _EMAIL.search(text)
    if found:
        address = found.group().strip(".,;:'\"()")
        if address.startswith("@") or address.endswith("@"):
            return None
        return one_spelling(address, known)
    if _HEX_DIGEST.fullmatch(text) and text not in _NOTHING:
        return text
    return plain if _BASE64_DIGEST.fullmatch(plain) and plain not in _NOTHING else None


def normalise_phone(value: str, region: str) -> str | None:
    """Bring a telephone number to E.164.

    Args:
        value: The text as it came.
        region: ISO country that a number without a country code belongs to.

    Returns:
        The number as +<country><number>; None where the text holds no possible number.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    if not _HAS_DIGIT.search(text):
        return None
    # Imported late: its metadata takes a moment, and most tables have no telephone numbers.
    import phonenumbers

    # Spreadsheets turn +358… into 358…, which would otherwise be read as a national number.
    candidates = (text,) if text.startswith(("+", "0")) else (text, f"+{text}")
    for candidate in candidates:
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number) or (
            candidate is text and text.startswith("+") and phonenumbers.is_possible_number(number)
        ):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return None


def hash_values(
    values: Iterable[str],
    kind: IdentifierKind,
    key: bytes,
    region: str,
    rules: EmailRules | None = None,
) -> dict[str, str | None]:
    """Hash distinct raw values.

    Args:
        values: The values as they came.
        kind: What they are, which decides how they are normalised.
        key: The secret key.
        region: Default country of telephone numbers.
        rules: Which spellings of an address are one mailbox; by default the shipped ones.

    Returns:
        The hash of each value, 32 hex characters; None where it holds no identifier.
    """
    hashes: dict[str, str | None] = {}
    # What depends on the key and the kind alone is digested once.
    begun = hmac.new(key, f"{kind}:".encode(), hashlib.sha256)
    for value in values:
        plain = normalise_email(value, rules) if kind == "email" else normalise_phone(value, region)
        if plain is None:
            hashes[value] = None
            continue
        digest = begun.copy()
        digest.update(plain.encode("utf-8"))
        hashes[value] = digest.hexdigest()[:HASH_LENGTH]
    return hashes


def hash_relation(
    connection: duckdb.DuckDBPyConnection,
    values: str,
    kind: IdentifierKind,
    key: bytes,
    region: str,
    rules: EmailRules | None = None,
) -> None:
    """Hash the values of a relation of DuckDB, each as ``hash_values`` hashes it.

    Makes the temporary table ``hashed_table(kind)`` of ``value`` and ``hash``, without the values
    that hold no identifier.

    Args:
        connection: Where the relation is.
        values: The relation; its column ``value`` has distinct texts.
        kind: What they are, which decides how they are normalised.
        key: The secret key.
        region: Default country of telephone numbers.
        rules: Which spellings of an address are one mailbox; by default the shipped ones.
    """
    # numpy and not Arrow, which takes longer to import than most files take to land.
    import numpy as np

    known = email_rules() if rules is None else rules
    plain = f"plain_{kind}"
    connection.execute(
        f"create or replace temp table {plain} as "
        f"select value, value as plain, {_is_plain('value', kind, known)} as is_plain from {values}"
    )
    others = connection.execute(f"select value from {plain} where not is_plain").fetchnumpy()
    found = [
        (value, normalised)
        for value in others["value"]
        if (normalised := _normalised(value, kind, region, known)) is not None
    ]
    if found:  # of no value DuckDB knows no type
        connection.register(
            "normalised_values",
            {
                "value": np.array([value for value, _ in found], dtype=object),
                "plain": np.array([normalised for _, normalised in found], dtype=object),
            },
        )
    more = "union all select value, plain from normalised_values" if found else ""
    with _registered_pads(connection, key):
        connection.execute(
            f"""
            create or replace temp table {hashed_table(kind)} as
            select value, {_hash_of("plain", kind)} as hash
            from (select value, plain from {plain} where is_plain {more})
            cross join {PADS}
            """
        )
    if found:
        connection.unregister("normalised_values")
    connection.execute(f"drop table {plain}")


@contextmanager
def hashes_in_place(
    connection: duckdb.DuckDBPyConnection,
    kinds: Collection[IdentifierKind],
    key: bytes,
    region: str,
    rules: EmailRules | None = None,
) -> Iterator[Callable[[str, IdentifierKind], str]]:
    """Hashes within a query over rows and ``PADS``, where they cost less to make than to join.

    What is not in its final form DuckDB hands to Python, each distinct text once.

    Args:
        connection: Where the query will run.
        kinds: Of which kinds identifiers will be hashed.
        key: The secret key.
        region: Default country of telephone numbers.
        rules: Which spellings of an address are one mailbox; by default the shipped ones.

    Yields:
        What gives the SQL of a hash, from the SQL of an identifier and its kind.
    """
    known = email_rules() if rules is None else rules

    def hash_in_place(value: str, kind: IdentifierKind) -> str:
        return _hash_of(
            f"case when {value} is null or {_is_plain(value, kind, known)} then {value} "
            f"else normalised_{kind}({value}) end",
            kind,
        )

    def register(kind: IdentifierKind) -> None:
        @lru_cache(maxsize=_REMEMBERED)
        def normalised(text: str) -> str | None:
            return _normalised(text, kind, region, known)

        connection.create_function(
            f"normalised_{kind}",
            lambda text: normalised(text),
            [VARCHAR],
            VARCHAR,
            null_handling=FunctionNullHandling.SPECIAL,
        )

    with ExitStack() as stack:
        stack.enter_context(_registered_pads(connection, key))
        for kind in sorted(set(kinds)):
            register(kind)
            stack.callback(connection.remove_function, f"normalised_{kind}")
        yield hash_in_place


@contextmanager
def _registered_pads(connection: duckdb.DuckDBPyConnection, key: bytes) -> Iterator[None]:
    """While it lasts, ``PADS`` is a relation of one row: the blocks that HMAC makes of the key."""
    import numpy as np

    inner, outer = hmac_blocks(key)
    connection.register(
        PADS,
        {
            "inner_pad": np.array([inner], dtype=object),
            "outer_pad": np.array([outer], dtype=object),
        },
    )
    try:
        yield
    finally:
        connection.unregister(PADS)


def _is_plain(value: str, kind: IdentifierKind, rules: EmailRules) -> str:
    """SQL that says whether an identifier is in its final form already."""
    if kind != "email":
        return "false"
    # A plain address has one @; what a rule knows of its domain, Python applies. No list: DuckDB
    # joins with lists, and after such a join rows are in no order.
    known = "@".join(["", *rules, ""]).replace("'", "''")
    return (
        f"(regexp_full_match({value}, '{_PLAIN_EMAIL.pattern}') "
        f"and not contains('{known}', '@' || split_part({value}, '@', 2) || '@'))"
    )


def _normalised(value: str, kind: IdentifierKind, region: str, rules: EmailRules) -> str | None:
    return normalise_email(value, rules) if kind == "email" else normalise_phone(value, region)


def _hash_of(plain: str, kind: IdentifierKind) -> str:
    """SQL of the keyed hash of an identifier in its final form."""
    return (
        f"left(sha256(outer_pad || unhex(sha256(inner_pad || encode('{kind}:' || {plain})))), "
        f"{HASH_LENGTH})"
    )


def hashed_table(kind: IdentifierKind) -> str:
    """Where ``hash_relation`` puts the hashes of a kind."""
    return f"hashed_{kind}"


def hmac_blocks(key: bytes) -> tuple[bytes, bytes]:
    """The two blocks that HMAC (RFC 2104) with SHA-256 makes of a key, the inner one first."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(
        _BLOCK_BYTES, b"\0"
    )
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)


def hash_key(state_dir: Path) -> bytes:
    """Give the key of this installation.

    Args:
        state_dir: Where a generated key is kept when the environment names none.

    Returns:
        ``CXW_HASH_KEY`` where it is set; else the generated key, made at first use and readable
        by its owner only.
    """
    from_environment = os.environ.get(KEY_VARIABLE)
    if from_environment:
        return from_environment.encode("utf-8")
    return _generated_key(state_dir / KEY_FILE)


@lru_cache(maxsize=8)
def _generated_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A link of a finished file is atomic and fails where another process was first, so two first
    # landings agree on one key.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secrets.token_hex(32))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip().encode("utf-8")
