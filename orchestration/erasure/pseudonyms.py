"""What stands in the place of an erased person's identifiers.

Every value gets another one that occurs nowhere else: the same in all tables, so that an order
keeps its lines and a visit its events, and of the same look, so that the models read it alike. It
is derived from a secret of the one erasure, which is destroyed when the erasure is done: from then
on nobody can tell which value it was.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import string

from orchestration.ingestion.hashing import HASH_LENGTH
from orchestration.ingestion.places import core

# Long enough to be nobody else's, short enough for a whole number of any engine and of JSON.
_DIGITS = 15
_LETTERS = 20

# A longer beginning may be a name.
_NUMBERED = re.compile(r"([^0-9]{0,2})([0-9]+)")
_HEX = re.compile(r"[0-9a-f-]{16,}")


class Pseudonyms:
    """Other values for the identifiers of one erasure.

    Args:
        secret: The secret of the erasure.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, value: str) -> str:
        """The value that stands in the place of an identifier, with what is around it.

        Args:
            value: The identifier as a record has it.

        Returns:
            Another value of the same look; the same for the same identifier.
        """
        bare = core(value)
        if not bare:
            return value
        start = value.index(bare)
        return value[:start] + self._of_core(bare) + value[start + len(bare) :]

    def hash_of(self, value: str) -> str:
        """The keyed hash that stands in the place of another."""
        return hmac.new(self._secret, value.encode(), hashlib.sha256).hexdigest()[:HASH_LENGTH]

    def _of_core(self, bare: str) -> str:
        numbered = _NUMBERED.fullmatch(bare)
        if numbered:
            prefix, digits = numbered.groups()
            return prefix + self._drawn(bare, "9" + "0" * (max(_DIGITS, len(digits)) - 1))
        if _HEX.fullmatch(bare):
            return self._drawn(bare, bare.replace("-", "f"), string.hexdigits[:16], bare)
        letters = [c for c in bare if c.isalnum()]
        return self._drawn(bare, bare + "a" * max(0, _LETTERS - len(letters)))

    def _drawn(self, bare: str, look: str, letters: str = "", like: str = "") -> str:
        stream = int.from_bytes(
            b"".join(
                hmac.new(self._secret, f"{number}|{bare}".encode(), hashlib.sha256).digest()
                for number in range(1 + len(look) // 16)
            )
        )
        drawn = []
        for position, sign in enumerate(look):
            alphabet = letters or self._alphabet(sign, is_first=position == 0)
            if like and like[position] == "-":
                alphabet = "-"
            stream, index = divmod(stream, len(alphabet))
            drawn.append(alphabet[index])
        return "".join(drawn)

    @staticmethod
    def _alphabet(sign: str, *, is_first: bool) -> str:
        if sign.isdigit():
            return "123456789" if is_first else string.digits
        if sign.isalpha():
            return string.ascii_uppercase if sign.isupper() else string.ascii_lowercase
        return sign
