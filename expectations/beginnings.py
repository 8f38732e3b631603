"""When a defect began: the hour from which on more rows fail than before.

A period that fails says which days are wrong. Its first failing row says little of the beginning: a
row may have failed by itself hours before, and the first hours of a defect that began in the
evening make no failing day. So the hours around are cut in two where the share of failing rows
changes most (the most likely place of a step in a binomial series). Rows that fail do not come
evenly: hours shortly before in which far more failed than had failed till then belong to it. What
shortly is depends on how seldom the defect fails.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import exp, log
from typing import Any

from expectations.findings import Finding, Scope, scope_of

# A defect that is proven on a day only may have begun so many days before,
_DAYS_BEFORE = 7
# and so many days of it are enough to tell it from what was before.
_DAYS_OF_IT = 2
# By so much (natural logarithm) a step must be likelier than none: chance alone makes one of this
# size at the best of 200 hours about once in a hundred times.
_LIKELIER_BY = 8.0
# Failures of one hour that would come by chance so seldom are of the defect,
_BY_CHANCE = 1e-4
# if no longer time lies between the hour and the beginning found so far. A defect that fails seldom
# pauses longer: one in a hundred of its pauses is longer than so many times the mean one (where
# they come by chance).
_PAUSE = dt.timedelta(hours=48)
_LONGEST_TO_MEAN = log(100)


def with_beginnings(
    findings: Sequence[Finding], hours: Iterable[Mapping[str, Any]]
) -> list[Finding]:
    """Return the findings, begun where their failing rows became more.

    Args:
        findings: what was found, begun with the first failing row of its first failing period.
        hours: rows of `int_audit_metrics`: of a day without failures one row, else one an hour
            where the time is known.
    """
    series: dict[Scope, list[Mapping[str, Any]]] = {}
    for row in hours:
        series.setdefault(scope_of(row), []).append(row)
    return [_begun(finding, series.get(finding.scope, [])) for finding in findings]


def _begun(finding: Finding, hours: Sequence[Mapping[str, Any]]) -> Finding:
    first, last = finding.first_failed_date, finding.last_failed_date
    if first is None or last is None:
        return finding
    begin = first - dt.timedelta(days=_DAYS_BEFORE)
    end = min(last, first + dt.timedelta(days=_DAYS_OF_IT))
    around = sorted(
        (row for row in hours if begin <= row["event_date"] <= end and row["rows_examined"]),
        key=_moment,
    )
    step = first_of_step([(row["rows_examined"], row["rows_failing"]) for row in around])
    failing = [row for row in around[step or 0 :] if row["rows_failing"]]
    if step is None or not failing:
        return finding
    begun, ended = _moment(failing[0]), dt.datetime.combine(last, dt.time.max)
    # the whole of it tells best how seldom it fails
    often = sum(row["rows_failing"] > 0 and begun <= _moment(row) <= ended for row in hours)
    seldom = (ended - begun) / often
    failing = [*_harbingers(around[:step], begun, seldom), *failing]
    return replace(
        finding,
        first_failed_at=failing[0]["first_failed_at"],
        first_failed_date=failing[0]["event_date"],
    )


def _harbingers(
    before: Sequence[Mapping[str, Any]], begun: dt.datetime, seldom: dt.timedelta
) -> list[Mapping[str, Any]]:
    """Return the hours before a step in which far more failed than until then, in order.

    Args:
        before: the hours before the step.
        begun: the first hour of the step in which rows fail.
        seldom: how much time there is from then on for each hour in which rows fail.
    """
    found: list[Mapping[str, Any]] = []
    longest = max(_PAUSE, _LONGEST_TO_MEAN * seldom)
    for number in reversed(range(len(before))):
        row = before[number]
        if begun - _moment(row) > longest:
            break
        examined = sum(earlier["rows_examined"] for earlier in before[:number])
        failed = sum(earlier["rows_failing"] for earlier in before[:number])
        expected = row["rows_examined"] * (failed + 1) / (examined + 1)
        if examined and _at_least(row["rows_failing"], expected) < _BY_CHANCE:
            found.insert(0, row)
            begun = _moment(row)
    return found


def _at_least(count: int, expected: float) -> float:
    """Return how often so many or more come by chance where so many are expected (Poisson)."""
    term, below = exp(-expected), 0.0
    for number in range(count):
        below += term
        term *= expected / (number + 1)
    return max(0.0, 1 - below)


def _moment(row: Mapping[str, Any]) -> dt.datetime:
    moment: dt.datetime | None = row["event_hour"]
    return moment or dt.datetime.combine(row["event_date"], dt.time())


def first_of_step(counts: Sequence[tuple[int, int]]) -> int | None:
    """Return where in a series (rows examined, rows failing) a greater share begins to fail.

    None where no step upwards is much likelier than one share for all.
    """
    examined = sum(rows for rows, _ in counts)
    failing = sum(rows for _, rows in counts)
    best, place = _LIKELIER_BY + _likelihood(examined, failing), None
    examined_before, failing_before = 0, 0
    for number, (rows, failed) in enumerate(counts):
        examined_after, failing_after = examined - examined_before, failing - failing_before
        if examined_before and failing_before * examined_after < failing_after * examined_before:
            likelihood = _likelihood(examined_before, failing_before)
            likelihood += _likelihood(examined_after, failing_after)
            if likelihood > best:
                best, place = likelihood, number
        examined_before, failing_before = examined_before + rows, failing_before + failed
    return place


def _likelihood(examined: int, failing: int) -> float:
    """Logarithm of the likelihood that so many fail of all, at the share that fails."""
    return sum(
        rows * log(rows / examined) for rows in (failing, examined - failing) if rows and examined
    )
