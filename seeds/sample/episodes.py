"""What went wrong in the business: episodes that move conversion, effort and service.

These are not tracking defects: the data about them is right, and the metrics must show them. Each
keeps its place as a share of the window, so that every size has them.
"""

from __future__ import annotations

from dataclasses import dataclass

from seeds.sample.world import Array, Calendar


@dataclass(frozen=True)
class Episode:
    """A stretch of time in which something in the business is broken.

    Attributes:
        episode_id: Name in the truth.
        started_at: First instant, UTC microseconds.
        ended_at: First instant after it.
        where: Whom it strikes, in words of the data.
        effect: What must move, in words.
    """

    episode_id: str
    started_at: int
    ended_at: int
    where: str
    effect: str

    def holds(self, instants: Array) -> Array:
        """Which instants lie within."""
        return (instants >= self.started_at) & (instants < self.ended_at)


def episodes(calendar: Calendar) -> dict[str, Episode]:
    """All episodes of a window, by name."""
    days = calendar.settings.days
    found = (
        Episode(
            "checkout_bug",
            *calendar.span(calendar.day(0.55), max(2.0, days * 0.1), hour=9),
            where="web checkout, browser Safari, category mobile: shipping form fails",
            effect="conversion falls, form_error and checkout_error rise, CES falls, task duration"
            " of checkout rises",
        ),
        Episode(
            "payment_outage",
            *calendar.span(calendar.day(0.35), 14 / 24, hour=8),
            where="web and app, every payment method",
            effect="no payment between 08 and 22: no orders, checkout_error PAYMENT_UNAVAILABLE,"
            " carts abandoned, payment tickets rise",
        ),
        Episode(
            "queue_week",
            *calendar.span(calendar.day(0.72), max(2.0, min(7.0, days * 0.06)), hour=0),
            where="phone queue",
            effect="waits of 10 to 40 minutes, more abandoned calls, agent CSAT and NPS fall",
        ),
    )
    return {episode.episode_id: episode for episode in found}
