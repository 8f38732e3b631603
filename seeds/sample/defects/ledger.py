"""The ledger of what was planted: one row per defect, one per affected record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from seeds.sample.world import World, texts

Window = tuple[int, int]

#: What a defect does to rows: the key names a row that is wrong, extra, or no longer there.
CHANGED, ADDED, REMOVED, NATURAL = "changed", "added", "removed", "natural"


@dataclass
class Ledger:
    """Collects planted defects.

    Attributes:
        world: The world whose tables are damaged.
        defects: One entry per defect, in order of planting.
    """

    world: World
    defects: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the table of affected rows and the lottery that picks them."""
        self.world.run("create or replace table defect_rows (defect_id varchar, row_key varchar)")
        # A lot from 0 to 9999 that depends on a number and a salt only.
        self.world.run(
            "create or replace macro lot(n, salt) as"
            " ((cast(n as hugeint) + 1) * 2654435761 + cast(salt as hugeint) * 40503 * 65537)"
            " % 4294967291 // 7 % 10000"
        )

    def pick(self, sql: str) -> int:
        """Choose rows into the table `hit`; returns how many."""
        self.world.run(f"create or replace table hit as {sql}")
        return self.world.count("select count(*) from hit")

    def record(
        self,
        defect_id: str,
        check_id: str,
        what: str,
        table: str,
        key: str,
        *,
        kind: str = CHANGED,
        window: Window | None = None,
        scope: Mapping[str, object] | None = None,
        of: str | None = None,
    ) -> None:
        """Write down a defect whose rows are in `hit`.

        Args:
            defect_id: Name of the defect, unique.
            check_id: Check of the catalogue that must find it.
            what: What was done, in words.
            table: Vendor and table, `ga4.events`.
            key: SQL over `hit` that gives the vendor's key of each affected row.
            kind: What was done to the rows.
            window: When, in UTC microseconds; the whole window by default.
            scope: Where: event, page template, browser, …
            of: SQL that counts the rows examined in that scope and window.
        """
        affected = self.world.count("select count(*) from hit")
        if affected == 0:
            return
        self.world.run(
            f"insert into defect_rows select '{defect_id}', cast({key} as varchar) from hit"
            f" order by 2"
        )
        started, ended = window or (self.world.calendar.start, self.world.calendar.end)
        self.defects.append(
            {
                "defect_id": defect_id,
                "check_id": check_id,
                "table_name": table,
                "kind": kind,
                "description": what,
                "started_at": started,
                "ended_at": ended,
                "scope": json.dumps(scope or {}, ensure_ascii=False, sort_keys=True),
                "affected_rows": affected,
                "examined_rows": self.world.count(of) if of else -1,
            }
        )

    def close(self) -> None:
        """Put the defects as a table; an unknown number of examined rows becomes null."""
        if not self.defects:
            self.world.run(
                "create or replace table defects (defect_id varchar, check_id varchar,"
                " table_name varchar, kind varchar, description varchar, started_at bigint,"
                " ended_at bigint, scope varchar, affected_rows bigint, examined_rows bigint)"
            )
            return
        names = list(self.defects[0])
        columns = {
            name: np.array([defect[name] for defect in self.defects])
            if name in ("started_at", "ended_at", "affected_rows", "examined_rows")
            else texts([str(defect[name]) for defect in self.defects])
            for name in names
        }
        self.world.put("defects", columns)
