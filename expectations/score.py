"""The audit's score: one figure for a manager, by a rule that can be told in two sentences.

Each check that could be assessed stakes its severity's weight (critical 10, warning 4, info 1).
A check loses its stake by its worst open finding, all of it where all rows fail and at least half
of it otherwise; a defect that ended costs a quarter, an accepted one nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from expectations.catalogue import SEVERITY_WEIGHT, Catalogue
from expectations.findings import Finding

_GRADES = ((90, "A"), (80, "B"), (70, "C"), (60, "D"), (50, "E"))
_LEAST_LOSS = 0.5
_ENDED = 0.25


@dataclass(frozen=True)
class Score:
    """Points of 100 and the grade they mean."""

    points: int
    grade: str


def grade_of(points: float) -> str:
    """Return the grade of a score."""
    return next((grade for least, grade in _GRADES if points >= least), "F")


def _loss(finding: Finding) -> float:
    if finding.state == "accepted":
        return 0.0
    share = 1.0 if finding.failing_share is None else finding.failing_share
    loss = _LEAST_LOSS + (1 - _LEAST_LOSS) * min(1.0, share)
    return loss if finding.is_open else loss * _ENDED


def score_of(
    findings: Iterable[Finding], catalogue: Catalogue, assessable: Collection[str]
) -> Score:
    """Return the score of one audit's findings over the checks that could be assessed."""
    losses: dict[str, float] = {}
    for finding in findings:
        losses[finding.check_id] = max(losses.get(finding.check_id, 0.0), _loss(finding))
    stake = sum(SEVERITY_WEIGHT[c.severity] for c in catalogue.checks if c.id in assessable)
    lost = sum(
        SEVERITY_WEIGHT[c.severity] * losses.get(c.id, 0.0)
        for c in catalogue.checks
        if c.id in assessable
    )
    points = round(100 * (1 - lost / stake)) if stake else 0
    return Score(points=points, grade=grade_of(points))
