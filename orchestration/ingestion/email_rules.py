"""Which spellings of an e-mail address are one mailbox: a table by domain, applied before hashing.

Only the provider of a mailbox knows whether dots or tags in an address matter, so that each domain
that drops them has a row in ``seeds/reference/email_rules.csv``. A file of that name in
``CXW_HOME`` goes first. Addresses are hashed once, at landing: a changed table holds for what lands
after it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from orchestration.errors import WarehouseError
from orchestration.home import PROJECT_ROOT

FILE_NAME = "email_rules.csv"
SHIPPED_RULES = PROJECT_ROOT / "seeds" / "reference" / FILE_NAME
_COLUMNS = ("domain", "same_as", "ignores_dots", "tag_separator", "reason")


@dataclass(frozen=True)
class EmailRule:
    """What the provider of a domain does not tell apart."""

    same_as: str | None
    ignores_dots: bool
    tag_separator: str | None


EmailRules = dict[str, EmailRule]


def email_rules(home: Path | None = None) -> EmailRules:
    """Read the rules by domain.

    Args:
        home: Where an own file may stand; None for the shipped one.

    Raises:
        WarehouseError: The file breaks its form; names file, line and column.
    """
    own = home / FILE_NAME if home else None
    path = own if own and own.exists() else SHIPPED_RULES
    return _read(path, path.stat().st_mtime_ns)


def one_spelling(address: str, rules: EmailRules) -> str:
    """The spelling that stands for all of a mailbox.

    Args:
        address: A bare address in lower case.
        rules: The rules by domain.

    Returns:
        The address without what its provider ignores; the address itself where no rule knows the
        domain, or where nothing would be left of the name.
    """
    name, _, domain = address.rpartition("@")
    rule = rules.get(domain)
    if rule is None:
        return address
    if rule.tag_separator:
        name = name.partition(rule.tag_separator)[0]
    if rule.ignores_dots:
        name = name.replace(".", "")
    return f"{name}@{rule.same_as or domain}" if name else address


@lru_cache(maxsize=8)
def _read(path: Path, _changed_at: int) -> EmailRules:
    rules: EmailRules = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise _mistake(path, 1, "the columns", f"Its first line must be {','.join(_COLUMNS)}.")
        for row in reader:
            line = reader.line_num
            domain = row["domain"]
            if not domain or domain != domain.strip().lower() or "@" in domain:
                raise _mistake(
                    path, line, "domain", "Write what follows the @, in lower case, as gmail.com."
                )
            if domain in rules:
                raise _mistake(path, line, "domain", f"{domain} has a row already: keep one.")
            if row["ignores_dots"] not in ("true", "false"):
                raise _mistake(path, line, "ignores_dots", "Write true or false.")
            if len(row["tag_separator"] or "") > 1 or row["tag_separator"] in ("@", "."):
                raise _mistake(path, line, "tag_separator", "Write one character, as +, or none.")
            rules[domain] = EmailRule(
                row["same_as"] or None, row["ignores_dots"] == "true", row["tag_separator"] or None
            )
    for domain, rule in rules.items():
        # One step, one form: a name that leads to another name would be compared halfway.
        if rule.same_as is None:
            continue
        other = rules.get(rule.same_as)
        if (
            other is None
            or other.same_as
            or (other.ignores_dots, other.tag_separator) != (rule.ignores_dots, rule.tag_separator)
        ):
            raise WarehouseError(
                f"{path}: {domain} is the same as {rule.same_as}, which has no equal row itself.",
                f"Give {rule.same_as} a row without same_as that ignores the same.",
            )
    return rules


def _mistake(path: Path, line: int, column: str, remedy: str) -> WarehouseError:
    return WarehouseError(f"{path}, line {line}, {column}: not a rule for addresses.", remedy)
