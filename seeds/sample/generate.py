"""The order in which a retailer comes to be: people, journeys, systems, defects, files, truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seeds.sample import (
    commerce,
    crm,
    journeys,
    marketing,
    metric_truth,
    people,
    returns,
    service,
    surveys,
    web_events,
    web_sessions,
)
from seeds.sample import truth as truth_tables
from seeds.sample.defects import (
    deliveries,
    records,
    small_tools,
    web_orders,
    web_sources,
    web_tags,
)
from seeds.sample.defects.ledger import Ledger
from seeds.sample.episodes import episodes
from seeds.sample.exports import (
    call_centre,
    clarity,
    files,
    ga4,
    hubspot,
    other_tools,
    pos,
    questback,
    shopify,
    typeform,
    zendesk,
)
from seeds.sample.exports import marketing as marketing_exports
from seeds.sample.world import Settings, World, new_world

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What a run wrote.

    Attributes:
        world: The simulated retailer, still in memory.
        files: Number of files written.
        seconds: How long each step took.
    """

    world: World
    files: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


def generate(
    settings: Settings, out: Path, truth: Path | None = None, say: Say = lambda line: None
) -> Outcome:
    """Write the retailer's exports and, beside them, the truth.

    Args:
        settings: Size, window and seed.
        out: Folder for the exports, one subfolder per vendor.
        truth: Folder for the truth; none is written without it.
        say: Called with a line per step.

    Returns:
        What was written.
    """
    world = new_world(settings)
    outcome = Outcome(world)

    @contextmanager
    def step(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        outcome.seconds[name] = time.perf_counter() - started
        say(f"{name}: {outcome.seconds[name]:.1f} s")

    files.add_macros(world)
    world.put(
        "window_bounds",
        {"start": np.array([world.calendar.start]), "end": np.array([world.calendar.end])},
    )
    planted = episodes(world.calendar)
    with step("people and journeys"):
        people.make_people(world)
        people.make_devices(world)
        journeys.make_missions(world, planted)
    with step("visits and events"):
        web_sessions.make_sessions(world, planted)
        web_sessions.make_pages(world)
        web_events.make_events(world)
    with step("orders, service, surveys, CRM, marketing"):
        commerce.make_baskets(world)
        commerce.make_orders(world)
        service.make_cases(world, planted)
        service.make_experiences(world)
        surveys.make_surveys(world)
        marketing.make_mailings(world)
        marketing.make_opt_outs(world)
        marketing.make_ad_spend(world)
        crm.make_contacts(world)
        crm.make_companies(world)
        returns.make_returns(world)
    if truth is not None:
        with step("true metrics"):
            metric_truth.prepare(world)
    ledger = Ledger(world)
    days = {} if settings.is_clean else deliveries.plan_days(world)
    if not settings.is_clean:
        with step("web defects"):
            web_orders.plant(ledger)
            web_tags.plant(ledger)
            web_sources.plant(ledger)
            web_tags.plant_copies(ledger)
    with step("export tables"):
        for vendor in (hubspot, shopify, pos, questback, typeform, zendesk, call_centre):
            vendor.prepare(world)
        marketing_exports.prepare(world)
        ga4.prepare(world)
        other_tools.prepare(world, planted)
        clarity.prepare(world)
    if truth is not None:
        with step("true metrics of the small tools"):
            metric_truth.prepare_other_tools(world)
    if settings.is_clean:
        hubspot.prepare_changes(world)
    else:
        with step("defects of records"):
            records.plant(ledger)
            small_tools.plant(ledger)
            deliveries.record_days(ledger, days)
    with step("files"):
        broken = _write(world, out, days)
        outcome.files = sum(1 for path in out.rglob("*") if path.is_file())
    if truth is not None:
        with step("truth"):
            ledger.close()
            truth_tables.prepare_identifiers(world)
            truth_tables.write(world, truth, out, planted, broken)
    return outcome


def _write(world: World, out: Path, days: dict[str, int]) -> list[deliveries.BrokenRow]:
    def broken(lines: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        return () if world.settings.is_clean else tuple(record for _, record in lines)

    ga4.write(world, out / "ga4", days)
    hubspot.write(world, out / "hubspot")
    shopify.write(world, out / "shopify")
    pos.write(world, out / "pos")
    questback.write(world, out / "questback", broken(deliveries.SURVEY_LINES))
    typeform.write(world, out / "typeform")
    zendesk.write(world, out / "zendesk")
    calls = call_centre.write(world, out / "call_centre", broken(deliveries.CALL_LINES))
    marketing_exports.write(
        world, out / "email_campaigns", out / "ad_spend", broken(deliveries.SPEND_LINES)
    )
    clarity.write(world, out / "clarity")
    other_tools.write(world, out / "other_tools")
    if world.settings.is_clean:
        return []
    return deliveries.spoil_files(world, out, f"call_centre/{calls}")
