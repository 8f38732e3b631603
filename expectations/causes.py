"""The likely cause of a finding, chosen from its evidence.

`causes.yml` lists what may lie behind a check's failures and by which evidence each cause is
known; the first whose evidence is there is named. Without any, the catalogue's general cause holds.
The sentence always tells first what was seen: since when, and where it concentrates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from expectations.catalogue import Check, Text
from expectations.findings import Finding

CAUSES = Path(__file__).with_name("causes.yml")

# A place is named when nearly all failing rows lie there and clearly fewer of all sessions do.
_NEARLY_ALL = 0.85
_MOST_OF_ALL = 0.7
# A defect began when this many failures would have come before the first one, had it been there:
# chance leaves five expected ones out once in 150 times.
_MISSED = 5

_WORDS: Mapping[str, Text] = {
    "browser": Text(en="browser", fi="selain"),
    "device_category": Text(en="device", fi="laite"),
    "app_version": Text(en="app version", fi="sovellusversio"),
    "page": Text(en="pages under", fi="sivut, joiden alku on"),
    "began": Text(en="Began", fi="Alkoi"),
    "seen": Text(en="First seen", fi="Havaittu ensi kerran"),
    "ended": Text(en="last seen", fi="viimeksi"),
    "of_failing": Text(en="of failing rows", fi="virheellisistä riveistä"),
}


@dataclass(frozen=True)
class Evidence:
    """What the failing rows of one finding have in common."""

    has_beginning: bool
    places: Mapping[str, tuple[str, float]]

    def fits(self, when: Mapping[str, Any], finding: Finding) -> bool:
        """Whether all that a cause is known by is there."""
        for name, wanted in when.items():
            if name == "began":
                if self.has_beginning != wanted:
                    return False
            elif name == "platform":
                if finding.platform != wanted:
                    return False
            elif name == "all_rows":
                if ((finding.failing_share or 0) > _NEARLY_ALL) != wanted:
                    return False
            elif name not in self.places or (
                isinstance(wanted, str) and not self.places[name][0].startswith(wanted)
            ):
                return False
        return True


@cache
def _causes() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = yaml.safe_load(CAUSES.read_text(encoding="utf-8"))["causes"]
    return entries


def _group(path: str) -> str:
    return "/" + path.strip("/").split("/", maxsplit=1)[0]


def gather(
    evidence: Sequence[Mapping[str, Any]],
    daily: Sequence[tuple[dt.date, int, int]],
    usual: Mapping[tuple[str, str], float],
    first_day: dt.date | None,
) -> Evidence:
    """Return what a finding's failing rows have in common.

    Args:
        evidence: rows of `int_audit_evidence_counted` for the finding.
        daily: days with rows examined and failing.
        usual: share of all sessions by column and value.
        first_day: the first day of the source's data.
    """
    places: dict[str, tuple[str, float]] = {}
    groups: dict[str, float] = {}
    for row in evidence:
        column, value, share = (
            row["evidence_column"],
            row["evidence_value"],
            row["share_of_failing"],
        )
        if column == "page_path":
            groups[_group(value)] = groups.get(_group(value), 0.0) + share
        elif (
            column in ("browser", "device_category", "app_version")
            and share >= _NEARLY_ALL
            and usual.get((column, value), 0.0) <= _MOST_OF_ALL
        ):
            places[column] = (value, share)
    for group, share in groups.items():
        if share >= _NEARLY_ALL:
            places["page"] = (group, min(share, 1.0))
    return Evidence(has_beginning=_has_beginning(daily, first_day), places=places)


def _has_beginning(daily: Sequence[tuple[dt.date, int, int]], first_day: dt.date | None) -> bool:
    failing = {day: rows for day, _, rows in daily if rows}
    if not failing or first_day is None:
        return False
    lasted = (max(failing) - min(failing)).days + 1
    clean = (min(failing) - first_day).days
    return sum(failing.values()) / lasted * clean >= _MISSED


def _told(finding: Finding, evidence: Evidence, language: str) -> str:
    def word(key: str) -> str:
        return str(getattr(_WORDS[key], language))

    def moment(at: dt.datetime | None, day: dt.date | None) -> str:
        return f"{at:%Y-%m-%d %H:%M} UTC" if at else f"{day}"

    parts = []
    if evidence.has_beginning:
        parts.append(
            f"{word('began')} {moment(finding.first_failed_at, finding.first_failed_date)}"
        )
    elif finding.first_failed_date:
        parts.append(f"{word('seen')} {finding.first_failed_date}")
    is_moment = finding.first_failed_at == finding.last_failed_at and (
        finding.first_failed_date == finding.last_failed_date
    )
    if finding.last_failed_date and finding.state == "solved" and not is_moment:
        parts.append(f"{word('ended')} {moment(finding.last_failed_at, finding.last_failed_date)}")
    for column, (value, share) in evidence.places.items():
        parts.append(f"{word(column)} {value} ({share:.0%} {word('of_failing')})")
    return ", ".join(parts)


def with_cause(finding: Finding, check: Check, evidence: Evidence) -> Finding:
    """Return the finding with its places and the likeliest cause, in both languages."""
    chosen = next(
        (
            Text(en=entry["en"], fi=entry["fi"])
            for entry in _causes()
            if check.id in entry["checks"] and evidence.fits(entry["when"], finding)
        ),
        check.likely_cause,
    )

    def sentence(language: str) -> str:
        told = _told(finding, evidence, language)
        cause = str(getattr(chosen, language))
        return f"{told}: {cause}" if told else cause

    def place(name: str) -> str | None:
        return evidence.places[name][0] if name in evidence.places else None

    return replace(
        finding,
        cause=sentence("en"),
        cause_fi=sentence("fi"),
        page_prefix=place("page"),
        device_category=place("device_category"),
        browser=place("browser"),
        app_version=place("app_version"),
    )
