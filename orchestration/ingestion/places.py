"""Places of values in a row: a column, a member of a nested one, a path into a JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestration.ingestion.readers import sql_name, sql_text
from orchestration.ingestion.specs import HASH_SUFFIX, TableSpec

Leaf = str | int | float | bool | None

# What a vendor or a loader puts around an id: "#1001", a JSON text with its quotes.
_AROUND = ' "#\t\r\n'

#: The types of identifier that are the same in every source; all others are their source's own.
EVERYWHERE = frozenset(
    {"contact_id", "user_id", "loyalty_id", "client_id", "email_hash", "phone_hash"}
)
#: Who is meant by them may come back; the ids of records are those of things that are past.
PERSONS = EVERYWHERE | {"customer_ref", "requester", "panel_contact", "device"}

# An address or number may stand in a row as it came; what identifies is the hash beside it.
_HASHES = {"email": "email_hash", "phone": "phone_hash"}


@dataclass(frozen=True)
class Place:
    """Where an identifier stands, and which kinds of identifier it may be.

    Attributes:
        column: The column.
        path: Members below it; ``*`` is every element of a list. Empty for the column itself.
        is_json: Whether the column is a JSON text.
        kinds: What the value names.
        is_list: Whether it is several values, separated by semicolons.
        is_reference: Whether it is a record's id in a table of another source.
        scopes: Columns within whose values it is unique.
    """

    column: str
    path: tuple[str, ...]
    is_json: bool
    kinds: tuple[str, ...]
    is_list: bool
    is_reference: bool = False
    scopes: tuple[str, ...] = ()

    def within(self, row: dict[str, Any]) -> str:
        """What stands before a value of a row to make it unique among all sources."""
        return "".join(f"{'' if row.get(s) is None else row[s]}:" for s in self.scopes)

    def sql(self, source: str = "_source") -> str:
        """SQL of the list of values that a row has here, without what is put around them.

        Args:
            source: SQL of the row's source, which raw tables have as a column.
        """
        value = sql_name(self.column)
        if self.is_json:
            path = "$" + "".join("[*]" if p == "*" else f'."{p}"' for p in self.path)
            found = f"json_extract_string(try_cast({value} as json), {sql_text(path)})"
            values = found if "*" in self.path else f"[{found}]"
        else:
            for member in self.path:
                value = f"struct_extract({value}, {sql_text(member)})"
            text = f"cast({value} as varchar)"
            values = f"string_split({text}, ';')" if self.is_list else f"[{text}]"
        scopes = [source if scope == "_source" else sql_name(scope) for scope in self.scopes]
        within = "".join(f"coalesce(cast({scope} as varchar), '') || ':' || " for scope in scopes)
        bare = "trim(v, ' \"#' || chr(9) || chr(10))"
        return f"list_transform({values}, lambda v: {within}nullif({bare}, ''))"


def core(value: object) -> str:
    """An identifier without what is put around it."""
    return str(value).strip(_AROUND)


def _place(text: str, kinds: str) -> Place:
    column, dollar, rest = text.partition("$")
    if dollar:
        path = tuple(p for p in rest.replace("[*]", ".*").split(".") if p)
    else:
        column, *members = text.split(".")
        path = tuple(members)
    is_reference = kinds.startswith("~")
    names, _, scope = kinds.strip("~*").partition("@")
    found = tuple(names.split("|"))
    is_everywhere = is_reference or set(found) <= EVERYWHERE
    return Place(
        column=column,
        path=path,
        is_json=bool(dollar),
        kinds=found,
        is_list=kinds.endswith("*"),
        is_reference=is_reference,
        scopes=() if is_everywhere else ("_source", *([scope] if scope else [])),
    )


def identifying(table: TableSpec) -> list[Place]:
    """The places of a table that identify somebody or something of theirs."""
    declared = table.people.identifies if table.people else {}
    return [
        *(_place(text, kinds) for text, kinds in declared.items()),
        *(
            Place(column.name + HASH_SUFFIX, (), False, (_HASHES[column.identifier],), False)
            for column in table.columns
            if column.identifier
        ),
    ]


def details(table: TableSpec) -> set[tuple[str, ...]]:
    """The places, as paths from the column, of names, addresses and free text."""
    declared = table.people.details if table.people else ()
    places = [_place(text, "") for text in declared]
    return {(place.column, *place.path) for place in places} | {
        (column.name,) for column in table.columns if column.identifier
    }


def things(table: TableSpec) -> set[tuple[str, ...]]:
    """The places, as paths from the column, of what tells of things and of staff."""
    places = [_place(text, "") for text in (table.people.things if table.people else ())]
    return {(place.column, *place.path) for place in places}


def is_json(table: TableSpec, column: str) -> bool:
    """Whether a column holds JSON texts."""
    return column == "_extra" or any(c.name == column and c.kind == "json" for c in table.columns)


def walked(
    value: Any, path: tuple[str, ...], change: Callable[[tuple[str, ...], Leaf], Leaf]
) -> Any:
    """A nested value with every leaf changed.

    Args:
        value: Dictionaries, lists and leaves.
        path: Where it stands; elements of a list stand at ``*``.
        change: Gives the leaf that takes the place of one.

    Returns:
        The changed value.
    """
    if isinstance(value, dict):
        return {key: walked(child, (*path, key), change) for key, child in value.items()}
    if isinstance(value, list):
        return [walked(child, (*path, "*"), change) for child in value]
    return change(path, value)


def changed_row(
    table: TableSpec, row: dict[str, Any], change: Callable[[tuple[str, ...], Leaf], Leaf]
) -> dict[str, Any]:
    """A row with every leaf changed, JSON texts included."""
    changed = {}
    for column, value in row.items():
        if isinstance(value, str) and is_json(table, column):
            try:
                content = json.loads(value)
            except ValueError:
                changed[column] = change((column,), value)
                continue
            after = walked(content, (column,), change)
            changed[column] = (
                value
                if after == content
                else json.dumps(after, ensure_ascii=False, separators=(",", ":"))
            )
        else:
            changed[column] = walked(value, (column,), change)
    return changed


def values_at(table: TableSpec, row: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """The identifiers of a row with their places, each within its scope."""
    by_path = {(place.column, *place.path): place for place in identifying(table)}
    found: list[tuple[Place, str]] = []

    def look(path: tuple[str, ...], leaf: Leaf) -> Leaf:
        place = by_path.get(path)
        if place and leaf is not None and not isinstance(leaf, bool):
            parts = str(leaf).split(";") if place.is_list else [str(leaf)]
            found.extend((place, place.within(row) + core(part)) for part in parts if core(part))
        return leaf

    changed_row(table, {c: v for c, v in row.items() if c in {p[0] for p in by_path}}, look)
    yield from found
