"""Periods as people write them and marts name them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from orchestration.errors import WarehouseError

PERIODS = "2026-10-05 (a day), 2026-W41 (an ISO week), 2026-10 (a month), 2026-Q4 (a quarter)"


@dataclass(frozen=True)
class Period:
    """A day, ISO week, month or quarter, by its first day."""

    kind: str
    start: dt.date

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read a period as people write it.

        Raises:
            WarehouseError: it is none.
        """
        forms = {
            "day": r"(\d{4})-(\d{2})-(\d{2})",
            "week": r"(\d{4})-?W(\d{1,2})",
            "month": r"(\d{4})-(\d{2})",
            "quarter": r"(\d{4})-?Q([1-4])",
        }
        for kind, form in forms.items():
            found = re.fullmatch(form, text.strip(), re.IGNORECASE)
            if not found:
                continue
            numbers = [int(group) for group in found.groups()]
            try:
                if kind == "week":
                    return cls(kind, dt.date.fromisocalendar(numbers[0], numbers[1], 1))
                if kind == "quarter":
                    return cls(kind, dt.date(numbers[0], 3 * numbers[1] - 2, 1))
                return cls(kind, dt.date(*numbers, *([1] if kind == "month" else [])))
            except ValueError:
                break
        raise WarehouseError(f"{text} is no period.", f"Write it as one of {PERIODS}.")

    def __str__(self) -> str:
        """The period as `parse` reads it."""
        if self.kind == "week":
            year, week, _ = self.start.isocalendar()
            return f"{year}-W{week:02d}"
        if self.kind == "quarter":
            return f"{self.start.year}-Q{(self.start.month + 2) // 3}"
        return self.start.isoformat() if self.kind == "day" else f"{self.start:%Y-%m}"
