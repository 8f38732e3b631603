"""What differs between the measurement plan and what the tracking sends, and how much it covers.

A difference is no judgement: the audit's checks judge (by day, with thresholds and severities).
This is the list from which an analyst corrects the plan or the tracking.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from expectations.plan import UNIT_MAGNITUDES, Plan, event_params, value_rules
from expectations.profile import ObservedEvent, ObservedParam, ObservedProperty, Profile

Kind = Literal[
    "unplanned",
    "newly seen",
    "missing",
    "dead",
    "renamed (likely)",
    "required missing",
    "type mismatch",
    "value mismatch",
    "unit mismatch",
    "volume",
]

#: In the order in which an analyst would look at them.
KINDS: tuple[Kind, ...] = (
    "missing",
    "dead",
    "renamed (likely)",
    "required missing",
    "type mismatch",
    "value mismatch",
    "unit mismatch",
    "unplanned",
    "newly seen",
    "volume",
)

#: A name that came, or stopped, within the window's last days did so lately.
RECENT_DAYS = 7

#: Required is what all but a hundredth of the events carry.
REQUIRED_SHARE = 0.99

#: Which of the vendor's types a planned type admits.
TYPES_ADMITTED: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string"}),
    "int": frozenset({"int"}),
    "double": frozenset({"int", "float", "double"}),
    "number": frozenset({"int", "float", "double"}),
}

#: Units whose typical value tells whether it is of another.
_TIMES = ("milliseconds", "seconds")

_CURRENCY = re.compile(r"[A-Z]{3}")

_USER_PROPERTY = "user property "

_ADD_IT = "add it with cxw plan draft, or stop sending it"

#: None of five expected events is seen by chance once in 150 times (Poisson).
_EXPECTED_AT_LEAST = 5

_SIMILAR_NAME = 0.8
_SIMILAR_VOLUME = 0.5


@dataclass(frozen=True)
class Difference:
    """One place where plan and tracking disagree.

    Attributes:
        entity: An event, or event.parameter.
        count: Rows concerned: events, or parameters that are absent or wrong.
        share: Of the rows that could have been right; None where that says nothing.
        hint: What it probably means, or what to do.
    """

    kind: Kind
    entity: str
    platform: str
    planned: str
    observed: str
    count: int
    share: float | None
    first_date: dt.date | None
    last_date: dt.date | None
    hint: str = ""


@dataclass(frozen=True)
class Covered:
    """How many of the planned data points of one place were observed."""

    kind: Literal["plan", "persona", "goal", "touchpoint"]
    name: str
    planned: int
    observed: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """Observed data points of the planned ones; None where none is planned."""
        return self.observed / self.planned if self.planned else None


@dataclass(frozen=True)
class Coverage:
    """Shares in both directions: what is planned and comes, what comes and is planned."""

    data_points: Covered
    personas: tuple[Covered, ...]
    goals: tuple[Covered, ...]
    touchpoints: tuple[Covered, ...]
    events_observed: int
    events_planned: int

    def figures(self) -> dict[str, Any]:
        """Return all of it for machines, with the shares."""
        return {
            **asdict(self),
            "volume_share": self.volume_share,
            "touchpoint_share": self.touchpoint_share,
        }

    @property
    def touchpoint_share(self) -> float | None:
        """Share of the key touchpoints of which anything was observed; None where none is due."""
        seen = [touchpoint.observed > 0 for touchpoint in self.touchpoints]
        return sum(seen) / len(seen) if seen else None

    @property
    def volume_share(self) -> float | None:
        """Share of the observed events whose name is planned for their platform."""
        return self.events_planned / self.events_observed if self.events_observed else None


def differences(plan: Plan, profile: Profile) -> list[Difference]:
    """Compare a plan with what was observed; in the order of `KINDS`, the most rows first."""
    found = [
        *_event_differences(plan, profile),
        *_param_differences(plan, profile),
        *_property_differences(plan, profile),
    ]
    found += list(_renamed(found, profile))
    order = {kind: position for position, kind in enumerate(KINDS)}
    return sorted(found, key=lambda d: (order[d.kind], -d.count, d.entity, d.platform))


def coverage(plan: Plan, profile: Profile) -> Coverage:
    """Count which planned data points were observed, in all and for each persona and goal."""
    points: dict[str, bool] = {}
    for event in _due(plan, profile):
        for platform in event["platforms"]:
            seen = profile.events.get((event["name"], platform))
            points[f"{event['name']} ({platform})"] = seen is not None
            for param in event.get("params") or []:
                if param["scope"] == "event" and platform in param.get("platforms", [platform]):
                    has_it = seen is not None and param["name"] in seen.params
                    points[f"{event['name']}.{param['name']} ({platform})"] = has_it
    seen_names = {name for name, _ in profile.events}
    goals = {goal["id"]: goal for goal in plan.rows("goals")}

    def covered(
        kind: Literal["plan", "persona", "goal", "touchpoint"], name: str, of: dict[str, bool]
    ) -> Covered:
        missing = tuple(sorted(point for point, is_seen in of.items() if not is_seen))
        return Covered(kind, name, len(of), len(of) - len(missing), missing)

    def goal_points(goal: Mapping[str, Any]) -> dict[str, bool]:
        of = {goal["event"]: goal["event"] in seen_names}
        if "value_param" in goal:
            of[f"{goal['event']}.{goal['value_param']}"] = any(
                goal["value_param"] in event.params
                for (name, _), event in profile.events.items()
                if name == goal["event"]
            )
        return of

    touchpoints: dict[str, dict[str, bool]] = {}
    for event in _due(plan, profile):
        if "key_touchpoint" in event:
            of = touchpoints.setdefault(event["key_touchpoint"], {})
            of |= {
                f"{event['name']} ({platform})": (event["name"], platform) in profile.events
                for platform in event["platforms"]
            }
    planned = {
        (event["name"], platform) for event in plan.events for platform in event["platforms"]
    }
    return Coverage(
        data_points=covered("plan", plan.version, points),
        personas=tuple(
            covered(
                "persona",
                persona["id"],
                {name: name in seen_names for name in persona.get("data_points") or []}
                | {
                    point: is_seen
                    for goal in persona.get("goals") or []
                    for point, is_seen in goal_points(goals[goal]).items()
                },
            )
            for persona in plan.rows("personas")
        ),
        goals=tuple(covered("goal", goal["id"], goal_points(goal)) for goal in goals.values()),
        touchpoints=tuple(covered("touchpoint", name, of) for name, of in touchpoints.items()),
        events_observed=profile.event_count,
        events_planned=sum(
            event.count for place, event in profile.events.items() if place in planned
        ),
    )


def _due(plan: Plan, profile: Profile) -> Iterator[dict[str, Any]]:
    """Events that should have come in the window: live, introduced by then, not taken away."""
    for event in plan.events:
        deprecated = event.get("deprecated")
        if (
            event["status"] == "live"
            and event["introduced"] <= profile.last_date.isoformat()
            and (not deprecated or deprecated > profile.first_date.isoformat())
        ):
            yield event


def _is_recent(day: dt.date, profile: Profile) -> bool:
    return day > profile.last_date - dt.timedelta(days=RECENT_DAYS)


def _has_died(seen: ObservedEvent, profile: Profile) -> bool:
    """Whether an event stayed away for longer than chance explains at its usual rate."""
    if _is_recent(seen.last_date, profile):
        return False
    until_then = (profile.last_date - profile.first_date).days + 1 - RECENT_DAYS
    return seen.count / max(1, until_then) * RECENT_DAYS >= _EXPECTED_AT_LEAST


def _event_differences(plan: Plan, profile: Profile) -> Iterator[Difference]:
    touchpoints: dict[str, dict[str, bool]] = {}
    for event in _due(plan, profile):
        if "key_touchpoint" in event:
            of = touchpoints.setdefault(event["key_touchpoint"], {})
            of |= {
                f"{event['name']} ({platform})": (event["name"], platform) in profile.events
                for platform in event["platforms"]
            }
    planned = {
        (event["name"], platform) for event in plan.events for platform in event["platforms"]
    }
    for (name, platform), seen in profile.events.items():
        if (name, platform) not in planned:
            is_new = seen.first_date > profile.first_date and _is_recent(seen.first_date, profile)
            yield Difference(
                kind="newly seen" if is_new else "unplanned",
                entity=name,
                platform=platform,
                planned="",
                observed=f"{seen.count} on {_days(seen.days)}",
                count=seen.count,
                share=seen.count / profile.event_count,
                first_date=seen.first_date,
                last_date=seen.last_date,
                hint=_known_otherwise(plan, name) or _ADD_IT,
            )
    for event in _due(plan, profile):
        for platform in event["platforms"]:
            found = profile.events.get((event["name"], platform))
            if found is None:
                yield Difference(
                    kind="missing",
                    entity=event["name"],
                    platform=platform,
                    planned="live",
                    observed="never",
                    count=0,
                    share=None,
                    first_date=None,
                    last_date=None,
                    hint="its tag is gone, or it was never built",
                )
            elif _has_died(found, profile):
                yield Difference(
                    kind="dead",
                    entity=event["name"],
                    platform=platform,
                    planned="live",
                    observed=f"not since {found.last_date}",
                    count=found.count,
                    share=None,
                    first_date=found.first_date,
                    last_date=found.last_date,
                    hint="its tag was removed, or its trigger no longer matches",
                )
            elif "expected_daily_events" in event:
                yield from _volume(event["expected_daily_events"], found, profile)


def _volume(
    expected: Mapping[str, float], seen: ObservedEvent, profile: Profile
) -> Iterator[Difference]:
    # From the first day of the window that has the event: it may be younger than the window.
    days = (profile.last_date - seen.first_date).days + 1
    daily = seen.count / days
    if not expected.get("min", 0) <= daily <= expected.get("max", float("inf")):
        yield Difference(
            kind="volume",
            entity=seen.name,
            platform=seen.platform,
            planned=f"{expected.get('min', 0):g} to {expected.get('max', '…')} a day",
            observed=f"{daily:.1f} a day",
            count=seen.count,
            share=None,
            first_date=seen.first_date,
            last_date=seen.last_date,
            hint="correct expected_daily_events, or look for lost or doubled events",
        )


def _known_otherwise(plan: Plan, name: str) -> str:
    """Whether the plan knows an unplanned event on another platform or in another spelling."""
    for event in plan.events:
        if event["name"] == name:
            return f"planned for {', '.join(event['platforms'])} only"
    for event in plan.events:
        if bare_name(event["name"]) == bare_name(name):
            return f"another spelling of {event['name']}"
    return ""


def _param_differences(plan: Plan, profile: Profile) -> Iterator[Difference]:
    for event in plan.events:
        planned = {
            (platform, param["name"]): param for platform, param in event_params(plan, event)
        }
        for platform in event["platforms"]:
            seen = profile.events.get((event["name"], platform))
            if seen is None:
                continue
            for name, observed in seen.params.items():
                entity = f"{event['name']}.{name}"
                if (platform, name) in planned:
                    yield from _compared(
                        entity, platform, planned[(platform, name)], observed, seen
                    )
                    continue
                is_new = observed.first_date > seen.first_date and _is_recent(
                    observed.first_date, profile
                )
                yield Difference(
                    kind="newly seen" if is_new else "unplanned",
                    entity=entity,
                    platform=platform,
                    planned="",
                    observed=", ".join(sorted(observed.types)),
                    count=observed.count,
                    share=observed.share,
                    first_date=observed.first_date,
                    last_date=observed.last_date,
                    hint=_ADD_IT,
                )
            for (place, name), param in planned.items():
                if place == platform and name not in seen.params:
                    if param["requirement"] != "required":
                        continue
                    yield _required_missing(
                        f"{event['name']}.{name}", platform, seen, 0, seen.first_date
                    )


def property_entity(name: str) -> str:
    """How a user property is named among events and parameters."""
    return f"{_USER_PROPERTY}{name}"


def _property_differences(plan: Plan, profile: Profile) -> Iterator[Difference]:
    """Compare the user properties; where none are delivered there is nothing to compare."""
    planned = {
        (prop["name"], platform): prop
        for prop in plan.rows("user_properties")
        for platform in prop.get("platforms", ["web", "app"])
    }
    for (name, platform), seen in profile.user_properties.items():
        if (name, platform) not in planned:
            is_new = seen.first_date > profile.first_date and _is_recent(seen.first_date, profile)
            yield _of_property(
                seen,
                "newly seen" if is_new else "unplanned",
                planned="",
                observed=f"of {seen.share:.0%} of logged-in users",
                count=seen.count,
                share=None,
                hint=_ADD_IT,
            )
        elif seen.wrong is not None:
            told = [f"{text!r} {count}" for text, count in seen.wrong.examples]
            yield _of_property(
                seen,
                "value mismatch",
                planned=f"one of {', '.join(planned[name, platform]['allowed_values'])}",
                observed=", ".join(told),
                count=seen.wrong.count,
                share=seen.wrong.count / seen.count,
                hint="correct the tag, or change the rule in the plan",
            )
    for (name, platform), prop in planned.items():
        users = profile.users.get(platform, 0)
        if prop["requirement"] != "required" or not users:
            continue
        found = profile.user_properties.get((name, platform))
        share = found.share if found else 0.0
        if share < REQUIRED_SHARE:
            yield Difference(
                kind="required missing",
                entity=property_entity(name),
                platform=platform,
                planned="required of logged-in users",
                observed=f"of {share:.1%}",
                count=round(users * (1 - share)),
                share=1 - share,
                first_date=found.first_date if found else None,
                last_date=found.last_date if found else None,
                hint="it is set before the login is known, or no longer set",
            )


def _of_property(
    seen: ObservedProperty,
    kind: Kind,
    *,
    planned: str,
    observed: str,
    count: int,
    share: float | None,
    hint: str,
) -> Difference:
    return Difference(
        kind=kind,
        entity=property_entity(seen.name),
        platform=seen.platform,
        planned=planned,
        observed=observed,
        count=count,
        share=share,
        first_date=seen.first_date,
        last_date=seen.last_date,
        hint=hint,
    )


def _required_missing(
    entity: str, platform: str, seen: ObservedEvent, present: int, first: dt.date | None
) -> Difference:
    return Difference(
        kind="required missing",
        entity=entity,
        platform=platform,
        planned="required",
        observed=f"on {present / seen.count:.1%}",
        count=seen.count - present,
        share=1 - present / seen.count,
        first_date=first,
        last_date=seen.last_date,
        hint="the data layer is filled after the tag fires, or the page does not know the value",
    )


def _compared(
    entity: str,
    platform: str,
    param: Mapping[str, Any],
    observed: ObservedParam,
    seen: ObservedEvent,
) -> Iterator[Difference]:
    if param["requirement"] == "required" and observed.share < REQUIRED_SHARE:
        yield _required_missing(entity, platform, seen, observed.count, observed.first_date)
    wrong = {
        name: count
        for name, count in observed.types.items()
        if name not in TYPES_ADMITTED[param["type"]]
    }
    if wrong:
        count = sum(wrong.values())
        yield Difference(
            kind="type mismatch",
            entity=entity,
            platform=platform,
            planned=param["type"],
            observed=", ".join(f"{name} {n / observed.count:.1%}" for name, n in wrong.items()),
            count=count,
            share=count / observed.count,
            first_date=observed.first_date,
            last_date=observed.last_date,
            hint="one of the tags sends the value in quotes, or as a whole number",
        )
    yield from _value_mismatch(entity, platform, param, observed)
    yield from _unit_mismatch(entity, platform, param, observed, seen)


def _value_mismatch(
    entity: str, platform: str, param: Mapping[str, Any], observed: ObservedParam
) -> Iterator[Difference]:
    wrong = observed.wrong
    if wrong is None:
        return
    rules = []
    held = value_rules(param)
    if "allowed_values" in held:
        rules.append(f"one of {', '.join(held['allowed_values'])}")
    if "pattern" in held:
        rules.append(f"like {held['pattern']}")
    if "min" in held or "max" in held:
        unit = f" {param['unit']}" if "unit" in param else ""
        rules.append(f"{held.get('min', '…')} to {held.get('max', '…')}{unit}")
    if "max_length" in param:
        rules.append(f"at most {param['max_length']} characters")

    told = [f"{text!r} {count}" for text, count in wrong.examples]
    if wrong.distinct > len(told):
        told.append(f"and {wrong.distinct - len(told)} more values")
    yield Difference(
        kind="value mismatch",
        entity=entity,
        platform=platform,
        planned="; ".join(rules),
        observed=", ".join(told),
        count=wrong.count,
        share=wrong.count / observed.count,
        first_date=observed.first_date,
        last_date=observed.last_date,
        hint="correct the tag, or change the rule in the plan",
    )


def _unit_mismatch(
    entity: str,
    platform: str,
    param: Mapping[str, Any],
    observed: ObservedParam,
    seen: ObservedEvent,
) -> Iterator[Difference]:
    """Numbers of another magnitude than their unit has, and amounts of another currency."""
    unit = param.get("unit", "")
    typical, largest = observed.typical_number, observed.largest_number
    told = hint = None
    if unit in _TIMES and typical is not None:
        if not _is_usual(typical, unit):
            told = f"typically {typical:.3g}"
            likely = [other for other in _TIMES if other != unit and _is_usual(typical, other)]
            hint = f"looks like {' or '.join(likely)}" if likely else None
    elif unit == "percent" and largest is not None and 0 < largest <= 1:
        told, hint = f"at most {largest:.3g}", "looks like a share of 1"
    elif unit == "share" and largest is not None and largest > 1:
        told, hint = f"at most {largest:.3g}", "looks like percent"
    elif _CURRENCY.fullmatch(unit) and "currency" in seen.params:
        codes = {value.text: value.count for value in seen.params["currency"].values}
        others = {code: count for code, count in codes.items() if code != unit}
        if others:
            told = ", ".join(f"{code} {count}" for code, count in sorted(others.items()))
            hint = "convert amounts before they are sent, or leave the unit out"
            yield _of_unit(entity, platform, unit, told, sum(others.values()), observed, hint)
        return
    if told:
        yield _of_unit(
            entity,
            platform,
            unit,
            told,
            observed.count,
            observed,
            f"{hint}: correct the tag, or the unit in the plan"
            if hint
            else "correct the tag, or the unit in the plan",
        )


def _is_usual(number: float, unit: str) -> bool:
    usual = UNIT_MAGNITUDES[unit]
    return usual["from"] <= number < usual["to"]


def _of_unit(
    entity: str,
    platform: str,
    unit: str,
    told: str,
    count: int,
    observed: ObservedParam,
    hint: str,
) -> Difference:
    return Difference(
        kind="unit mismatch",
        entity=entity,
        platform=platform,
        planned=unit,
        observed=told,
        count=count,
        share=min(1.0, count / observed.count),
        first_date=observed.first_date,
        last_date=observed.last_date,
        hint=hint,
    )


def _renamed(found: list[Difference], profile: Profile) -> Iterator[Difference]:
    """Pairs of a name that is gone and one that came: alike in name, or following each other."""
    gone = [d for d in found if d.kind in ("missing", "dead")]
    come = [d for d in found if d.kind in ("unplanned", "newly seen") and _is_event(d)]
    for old in gone:
        for new in come:
            if old.platform != new.platform:
                continue
            alike = SequenceMatcher(None, bare_name(old.entity), bare_name(new.entity)).ratio()
            follows = (
                old.kind == "dead"
                and old.last_date is not None
                and new.first_date is not None
                and abs((new.first_date - old.last_date).days) <= 1
                and _SIMILAR_VOLUME <= _daily(new) / _daily(old) <= 1 / _SIMILAR_VOLUME
            )
            if alike < _SIMILAR_NAME and not follows:
                continue
            yield Difference(
                kind="renamed (likely)",
                entity=old.entity,
                platform=old.platform,
                planned=old.entity,
                observed=new.entity,
                count=new.count,
                share=None,
                first_date=new.first_date,
                last_date=new.last_date,
                hint=f"{new.entity} began when {old.entity} ended"
                if follows
                else f"{new.entity} looks like another spelling",
            )


def _is_event(difference: Difference) -> bool:
    """Whether the difference is one of a whole event, not of a parameter or a user property."""
    return "." not in difference.entity and not difference.entity.startswith(_USER_PROPERTY)


def _daily(difference: Difference) -> float:
    assert difference.first_date is not None
    assert difference.last_date is not None
    return difference.count / ((difference.last_date - difference.first_date).days + 1)


def bare_name(name: str) -> str:
    """A name without case and separators: what two spellings of it share."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
