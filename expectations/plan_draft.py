"""A proposal for the measurement plan, drafted from what the tracking really sends.

What people wrote stays as they wrote it, comments and all: owners, questions, triggers, stages,
status. Only what can be measured is proposed, and every doubtful proposal says so in a comment on
its line. The proposal is a file of its own; nothing is in force until somebody puts it in place.
"""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from expectations.plan import Plan, event_params
from expectations.plan_diff import REQUIRED_SHARE, TYPES_ADMITTED, bare_name
from expectations.profile import (
    ObservedEvent,
    ObservedParam,
    ObservedProperty,
    Profile,
    Surroundings,
)

Mode = Literal["add", "update", "remove"]

#: Each mode does what those before it do, too.
MODES: tuple[Mode, ...] = ("add", "update", "remove")

#: Below this many events a share says little.
_FEW_EVENTS = 100
_ENUMERATED_AT_LEAST = 10
_NEARLY = 0.95
_COMMON_SHARE = 0.8
# From this share of its values on, a data point is itself personal.
_MOSTLY = 0.5
# An expected volume lets a quiet and a busy week through.
_VOLUME_MARGIN = 2.0

_UNWRITTEN = "To be written"


def empty_plan(surroundings: Surroundings, timezone: str, first_date: dt.date) -> str:
    """The text of a plan without events, for who begins with data of their own."""
    plan = CommentedMap(
        plan_version="0.1",
        valid_from=first_date.isoformat(),
        property=CommentedMap(
            id="property",
            timezone=timezone,
            currency=surroundings.currency or "EUR",
            streams=_flows({"id": i, "platform": p} for i, p in surroundings.streams),
            hosts=_flow(surroundings.hosts or ["example.com"]),
        ),
        common_params=CommentedSeq(),
        events=CommentedSeq(),
    )
    plan["property"].yaml_add_eol_comment("doubtful: name it", "id")
    if not surroundings.currency:
        plan["property"].yaml_add_eol_comment("doubtful: no event has a currency", "currency")
    if not surroundings.hosts:
        plan["property"].yaml_add_eol_comment("doubtful: no event has a host", "hosts")
    return _dumped(plan)


def draft(text: str, plan: Plan, profile: Profile, mode: Mode, today: dt.date) -> str:
    """Return the text of a plan with what was observed worked in.

    Args:
        text: The YAML of the plan to start from.
        plan: The same plan, read.
        profile: What was observed.
        mode: ``add`` what is unplanned; ``update`` also types, requirements, allowed values and
            volumes of what is planned; ``remove`` also what was never seen and nothing refers to.
        today: The day that the plan's history names.
    """
    data = _yaml().load(text)
    events: CommentedSeq = data["events"]
    if not data.get("common_params") and not len(events):
        data["common_params"] = _common_params(profile)
        plan = Plan(data=data, path=plan.path)
    counted = Counter[str]()
    # Of several spellings of one name the most frequent is drafted.
    for name in _most_frequent_first(profile):
        seen = [event for (other, _), event in profile.events.items() if other == name]
        place = next((i for i, event in enumerate(events) if event["name"] == name), None)
        if place is None:
            if bare_name(name) not in {bare_name(event["name"]) for event in events}:
                events.append(_event(plan, seen, profile))
                _remark(events, len(events) - 1, seen)
                counted["events added"] += 1
            continue
        counted += _worked_in(plan, events[place], seen, profile, mode)
    counted += _user_properties(data, profile, mode)
    if mode == "remove":
        counted += _without_the_unseen(data, plan, profile)
    if counted:
        _note_change(data, profile, mode, counted, today)
    return _dumped(data)


def _most_frequent_first(profile: Profile) -> list[str]:
    counts = Counter[str]()
    for (name, _), event in profile.events.items():
        counts[name] += event.count
    return sorted(counts, key=lambda name: (-counts[name], name))


# -- events ---------------------------------------------------------------------------------------


def _event(plan: Plan, seen: Sequence[ObservedEvent], profile: Profile) -> CommentedMap:
    event = CommentedMap(
        name=_text(seen[0].name),
        status="draft",
        owner=_UNWRITTEN,
        business_question=_UNWRITTEN,
        trigger=_UNWRITTEN,
        platforms=_flow(sorted(each.platform for each in seen)),
        journey_stage="consideration",
        introduced=min(each.first_date for each in seen).isoformat(),
    )
    event.yaml_add_eol_comment("doubtful: a guess", "journey_stage")
    if min(each.first_date for each in seen) == profile.first_date:
        event.yaml_add_eol_comment("doubtful: or earlier", "introduced")
    items = min(each.item_share for each in seen)
    if items > 0:
        event["items"] = "required" if items >= REQUIRED_SHARE else "optional"
    event["expected_daily_events"] = _volume(seen, profile)
    common = {
        (place, param["name"])
        for place, param in event_params(plan, {"platforms": list(event["platforms"])})
    }
    params = _params(seen, common)
    if params:
        event["params"] = params
    return event


def _remark(events: CommentedSeq, place: int, seen: Sequence[ObservedEvent]) -> None:
    count = sum(each.count for each in seen)
    if count < _FEW_EVENTS:
        events[place].yaml_add_eol_comment(f"doubtful: {count} events only", "name")


def _volume(seen: Sequence[ObservedEvent], profile: Profile) -> CommentedMap:
    daily = [each.count / ((profile.last_date - each.first_date).days + 1) for each in seen]
    bounds = CommentedMap(
        min=_rounded(min(daily) / _VOLUME_MARGIN), max=_rounded(max(daily) * _VOLUME_MARGIN)
    )
    bounds.fa.set_flow_style()
    return bounds


def _worked_in(
    plan: Plan, event: CommentedMap, seen: Sequence[ObservedEvent], profile: Profile, mode: Mode
) -> Counter[str]:
    counted = Counter[str]()
    new_platforms = sorted({each.platform for each in seen} - set(event["platforms"]))
    if new_platforms:
        event["platforms"] = _flow([*event["platforms"], *new_platforms])
        event.yaml_add_eol_comment(f"doubtful: now on {', '.join(new_platforms)} too", "platforms")
        counted["platforms added"] += len(new_platforms)
    planned = {(place, param["name"]) for place, param in event_params(plan, event)}
    new_params = _params(seen, planned)
    if new_params:
        # The list may be shared with other events (a YAML alias): this event gets one of its own.
        event["params"] = CommentedSeq(
            [*(_unshared(param) for param in event.get("params") or ()), *new_params]
        )
        counted["parameters added"] += len(new_params)
    if mode in ("update", "remove"):
        counted += _updated(event, seen, profile)
    return counted


def _updated(event: CommentedMap, seen: Sequence[ObservedEvent], profile: Profile) -> Counter[str]:
    """Correct what the plan says of types, requirements, values and volumes."""
    counted = Counter[str]()
    params = CommentedSeq([_unshared(param) for param in event.get("params") or ()])
    for param in params:
        observed = [
            each.params[param["name"]]
            for each in seen
            if param["name"] in each.params
            and each.platform in param.get("platforms", [each.platform])
        ]
        if not observed or param["scope"] != "event":
            continue
        counted["parameters updated"] += bool(
            _retyped(param, observed)
            + _rerequired(
                param,
                observed,
                [each for each in seen if each.platform in param.get("platforms", [each.platform])],
            )
            + _revalued(param, observed)
        )
    if counted["parameters updated"]:
        event["params"] = params
    bounds = _volume(seen, profile)
    if "expected_daily_events" in event and event["expected_daily_events"] != bounds:
        event["expected_daily_events"] = bounds
        counted["volumes updated"] += 1
    return +counted


def _retyped(param: CommentedMap, observed: Sequence[ObservedParam]) -> int:
    types = sum((Counter(each.types) for each in observed), Counter[str]())
    right = sum(types[name] for name in TYPES_ADMITTED[param["type"]])
    if right / types.total() >= 1 - REQUIRED_SHARE:
        return 0
    before = param["type"]
    param["type"] = _type(types)
    _doubt(param, f"was {before}, {types.most_common(1)[0][0]} is what comes")
    return 1


def _rerequired(
    param: CommentedMap, observed: Sequence[ObservedParam], seen: Sequence[ObservedEvent]
) -> int:
    if param["requirement"] == "conditional":
        return 0
    events = sum(event.count for event in seen)
    share = min(each.share for each in observed) if len(observed) == len(seen) else 0.0
    if param["requirement"] == "required" and share < REQUIRED_SHARE:
        param["requirement"] = "optional"
        _doubt(param, f"was required, comes with {share:.0%}: a defect of the tag?")
        return 1
    if param["requirement"] == "optional" and share >= REQUIRED_SHARE and events >= _FEW_EVENTS:
        param["requirement"] = "required"
        return 1
    return 0


def _revalued(param: CommentedMap, observed: Sequence[ObservedParam | ObservedProperty]) -> int:
    if "allowed_values" not in param:
        return 0
    known = set(param["allowed_values"])
    new = sorted(
        {
            value.text
            for each in observed
            for value in each.values
            if value.text not in known and value.days > 1 and value.count >= _ENUMERATED_AT_LEAST
        }
    )
    if not new:
        return 0
    param["allowed_values"] = _flow([*param["allowed_values"], *new])
    _doubt(param, f"new values {', '.join(new)}: wanted?")
    return 1


def _without_the_unseen(data: CommentedMap, plan: Plan, profile: Profile) -> Counter[str]:
    """Take out what was never seen in the window and nothing else in the plan refers to."""
    counted = Counter[str]()
    referred = {goal["event"] for goal in plan.rows("goals")}
    referred |= {step for journey in plan.rows("journeys") for step in journey["steps"]}
    referred |= {
        point for persona in plan.rows("personas") for point in persona.get("data_points") or []
    }
    kept_params = {goal["value_param"] for goal in plan.rows("goals") if "value_param" in goal}
    seen_names = {name for name, _ in profile.events}
    events = data["events"]
    for place in reversed(range(len(events))):
        event = events[place]
        if str(event["introduced"]) > profile.first_date.isoformat():
            continue
        if event["name"] not in seen_names:
            if event["name"] not in referred and len(events) > 1:
                del events[place]
                counted["events removed"] += 1
            continue
        seen = [each for (name, _), each in profile.events.items() if name == event["name"]]
        if sum(each.count for each in seen) < _FEW_EVENTS:
            continue
        conditions = {
            key for param in event.get("params") or () for key in param.get("condition") or ()
        }
        unseen = [
            param["name"]
            for param in event.get("params") or ()
            if param["scope"] == "event"
            and param["name"] not in kept_params | conditions
            and not any(param["name"] in each.params for each in seen)
        ]
        if unseen:
            event["params"] = CommentedSeq(
                [_unshared(param) for param in event["params"] if param["name"] not in unseen]
            )
            counted["parameters removed"] += len(unseen)
    return counted


# -- user properties ------------------------------------------------------------------------------


def _user_properties(data: CommentedMap, profile: Profile, mode: Mode) -> Counter[str]:
    """Add the user properties that the plan lacks, and correct what it says of the others."""
    counted = Counter[str]()
    known = {prop["name"]: prop for prop in data.get("user_properties") or ()}
    for name in sorted({name for name, _ in profile.user_properties}):
        seen = [each for (other, _), each in profile.user_properties.items() if other == name]
        if name not in known:
            if not data.get("user_properties"):
                data["user_properties"] = CommentedSeq()
            data["user_properties"].append(_property(name, seen, profile))
            counted["user properties added"] += 1
        elif mode in ("update", "remove"):
            prop = known[name]
            users = sum(
                count
                for platform, count in profile.users.items()
                if platform in prop.get("platforms", [platform])
            )
            share = sum(each.share * each.users for each in seen) / users if users else 0.0
            counted["user properties updated"] += bool(
                _property_rerequired(prop, share, users) + _revalued(prop, seen)
            )
    return +counted


def _property_rerequired(prop: CommentedMap, share: float, users: int) -> int:
    if users < _FEW_EVENTS:
        return 0
    if prop["requirement"] == "required" and share < REQUIRED_SHARE:
        prop["requirement"] = "optional"
        _doubt(prop, f"was required, comes of {share:.0%} of logged-in users: a defect of the tag?")
        return 1
    if prop["requirement"] == "optional" and share >= REQUIRED_SHARE:
        prop["requirement"] = "required"
        return 1
    return 0


def _property(name: str, seen: Sequence[ObservedProperty], profile: Profile) -> CommentedMap:
    users = sum(each.users for each in seen)
    share = min(each.share for each in seen)
    is_required = users >= _FEW_EVENTS and share >= REQUIRED_SHARE
    prop = CommentedMap(name=_text(name), requirement="required" if is_required else "optional")
    prop.fa.set_flow_style()
    if set(profile.users) - {each.platform for each in seen}:
        prop["platforms"] = _flow(sorted(each.platform for each in seen))
    if not _told_personal(prop, seen):
        values = _enumeration(seen)
        if values:
            prop["allowed_values"] = _flow(values)
    if _NEARLY <= share < REQUIRED_SHARE:
        _doubt(prop, f"comes of {share:.1%} of logged-in users: required?")
    return prop


# -- parameters -----------------------------------------------------------------------------------


def _common_params(profile: Profile) -> CommentedSeq:
    """Parameters that come with most events: the tag puts them there, not the page."""
    carriers = Counter(name for event in profile.events.values() for name in event.params)
    params = CommentedSeq()
    for name, count in sorted(carriers.items()):
        if count < _COMMON_SHARE * len(profile.events):
            continue
        observed = [event.params[name] for event in profile.events.values() if name in event.params]
        param = _param(name, observed, requirement="optional")
        param.pop("allowed_values", None)
        params.append(param)
    return params


def _params(
    seen: Sequence[ObservedEvent], planned: Iterable[tuple[str, str]]
) -> list[CommentedMap]:
    known = set(planned)
    found = []
    for name in sorted({name for event in seen for name in event.params}):
        places = [
            event for event in seen if name in event.params and (event.platform, name) not in known
        ]
        if not places:
            continue
        observed = [event.params[name] for event in places]
        share = min(each.share for each in observed)
        required = share >= REQUIRED_SHARE
        param = _param(name, observed, "required" if required else "optional")
        if len(places) < len(seen):
            param["platforms"] = _flow(sorted(event.platform for event in places))
        if _NEARLY <= share < REQUIRED_SHARE:
            _doubt(param, f"comes with {share:.1%}: required?")
        found.append(param)
    return found


def _param(name: str, observed: Sequence[ObservedParam], requirement: str) -> CommentedMap:
    types = sum((Counter(each.types) for each in observed), Counter[str]())
    param = CommentedMap(
        name=_text(name), scope="event", type=_type(types), requirement=requirement
    )
    param.fa.set_flow_style()
    fitting = sum(types[each] for each in TYPES_ADMITTED[param["type"]])
    if fitting < types.total():
        others = [kind for kind in types if kind not in TYPES_ADMITTED[param["type"]]]
        _doubt(param, f"{1 - fitting / types.total():.1%} are {', '.join(sorted(others))}")
    if not _told_personal(param, observed) and param["type"] == "string":
        values = _enumeration(observed)
        if values:
            param["allowed_values"] = _flow(values)
    return param


def _told_personal(
    data_point: CommentedMap, observed: Sequence[ObservedParam | ObservedProperty]
) -> bool:
    """Say what personal data a data point held; return whether there was any.

    Declared is what mostly is personal. What a few values held came there by mistake: declared, it
    would be masked in all of them, and PRI01 would be silent about it.
    """
    share = sum(each.personal_count for each in observed) / sum(each.count for each in observed)
    if share >= _MOSTLY:
        data_point["personal_data"] = True
        _doubt(data_point, "most values held personal data: should they be sent at all?")
    elif share:
        _doubt(data_point, f"{share:.2%} of the values held personal data: keep it out of them")
    return share > 0


def _type(types: Mapping[str, int]) -> str:
    """The type of the majority; numbers of several types are a number."""
    numbers = sum(count for name, count in types.items() if name in TYPES_ADMITTED["number"])
    if numbers * 2 <= sum(types.values()):
        return "string"
    if types.get("int", 0) == numbers:
        return "int"
    return "number" if types.get("int", 0) else "double"


def _enumeration(observed: Sequence[ObservedParam | ObservedProperty]) -> list[str]:
    """The values, where they are few and each of them came often and on several days."""
    if any(not each.values for each in observed):
        return []
    values = [value for each in observed for value in each.values]
    by_text: dict[str, int] = {}
    for value in values:
        if value.days < 2:
            return []
        by_text[value.text] = by_text.get(value.text, 0) + value.count
    if min(by_text.values()) < _ENUMERATED_AT_LEAST:
        return []
    return sorted(by_text)


# -- YAML -----------------------------------------------------------------------------------------


def _note_change(
    data: CommentedMap, profile: Profile, mode: Mode, counted: Counter[str], today: dt.date
) -> None:
    what = ", ".join(f"{count} {words}" for words, count in sorted(counted.items()) if count)
    change = CommentedMap(
        date=today.isoformat(),
        action="add" if mode == "add" else "change",
        entity="plan",
        why=f"Drafted from {profile.first_date} to {profile.last_date} ({mode}): {what}",
    )
    change.fa.set_flow_style()
    if data.get("changes"):
        data["changes"].insert(0, change)
    else:
        data["changes"] = CommentedSeq([change])


def _doubt(param: CommentedMap, words: str) -> None:
    """Say on the parameter's own line what is doubtful about it."""
    known = param.get("description")
    doubt = f"Doubtful: {words}"
    param["description"] = f"{known} {doubt}" if known else doubt


def _unshared(param: Mapping[str, Any]) -> CommentedMap:
    """A copy that no other event refers to."""
    copy = CommentedMap(deepcopy(dict(param)))
    copy.fa.set_flow_style()
    return copy


def _flow(values: Iterable[str]) -> CommentedSeq:
    sequence = CommentedSeq([_text(value) for value in values])
    sequence.fa.set_flow_style()
    return sequence


def _text(value: str) -> str:
    """Quoted where a reader of YAML would take it for something else: yes, 1, null."""
    return value if _is_plain(value) else DoubleQuotedScalarString(value)


def _is_plain(value: str) -> bool:
    try:
        return bool(yaml.safe_load(f"[{value}]") == [value])
    except yaml.YAMLError:
        return False


def _flows(entries: Iterable[Mapping[str, str]]) -> CommentedSeq:
    maps = []
    for entry in entries:
        each = CommentedMap(entry)
        each.fa.set_flow_style()
        maps.append(each)
    return CommentedSeq(maps)


def _rounded(amount: float) -> int | float:
    return round(amount) if amount >= 10 else round(amount, 1)


def _yaml() -> YAML:
    round_trip = YAML()
    round_trip.preserve_quotes = True
    round_trip.width = 4096
    round_trip.indent(mapping=2, sequence=4, offset=2)
    return round_trip


def _dumped(data: Any) -> str:
    text = io.StringIO()
    _yaml().dump(data, text)
    return text.getvalue()


def with_acceptance(text: str, check: str, until: dt.date, why: str, scope: str | None) -> str:
    """Return the text of a plan with an exception that somebody decided to live with.

    A later decision on the same check and scope replaces the earlier one.
    """
    data = _yaml().load(text)
    entry = CommentedMap(check=check, until=until.isoformat(), why=why)
    if scope:
        entry["scope"] = scope
    entry.fa.set_flow_style()
    kept = [
        each
        for each in data.get("accepted") or ()
        if (each["check"], each.get("scope")) != (check, scope)
    ]
    data["accepted"] = CommentedSeq([*kept, entry])
    return _dumped(data)


def write(path: Path, text: str) -> None:
    """Write a plan's file; it appears whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
