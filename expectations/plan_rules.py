"""What makes a measurement plan valid: its schema, and what its names and numbers mean together.

What belongs here: every mistake that a plan's author can make beyond the YAML itself, told with
what to do about it. Where it stands in the file is the loader's to find (`plan`): a mistake is
named here by the path of its node.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from holidays import list_supported_countries
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from expectations.catalogue import load_catalogue

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
PLAN_SCHEMA = SEEDS / "measurement_plan.schema.json"
METRIC_CATALOGUE = SEEDS / "reference" / "metric_catalogue.csv"
TOUCHPOINTS = SEEDS / "reference" / "touchpoints.csv"
PERSONAS = SEEDS / "reference" / "personas.csv"

NodePath = tuple[str | int, ...]
Problem = tuple[NodePath, str]

#: What a condition may ask for beside the event's parameters.
_CONSENT = "consent_analytics"

# -- the schema -----------------------------------------------------------------------------------

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list: [one, two]",
    "object": "fields, each as name: value",
}


def _near(name: str, known: Iterable[str]) -> str:
    """Return a question that names the known names that look like one; empty where none does."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _typed(given: Any, wanted: str) -> str:
    if wanted == "string" and isinstance(given, bool | int | float):
        # The value is what YAML made of it: the author may have written yes, on or 007.
        read = "true or false" if isinstance(given, bool) else "a number"
        return f"is read as {read} ({json.dumps(given)}); put text into quotes"
    if given is None:
        return f"is empty; it must be {_TYPES[wanted]}, or left out"
    return f"{given!r} must be {_TYPES[wanted]}"


def _formed(given: str, wanted: str, schema: Mapping[str, Any]) -> str:
    match schema.get("format"):
        case "date":
            return f"'{given}' is no day of the calendar; write it as 2026-03-14"
        case "regex":
            return f"'{given}' is no regular expression: {_broken(given)}"
        case _:
            told = schema.get("description")
            return f"'{given}' does not have the form {wanted}" + (f": {told}" if told else "")


def _broken(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        return f"{error.msg}{place}; put \\ before a sign that stands for itself"
    return "it cannot be read"


def _explain(error: ValidationError) -> str:
    """Return a schema error as a sentence with the remedy."""
    wanted: Any = error.validator_value
    given: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":
            missing = [name for name in wanted if name not in given]
            return f"missing {', '.join(missing)}; add it"
        case "enum":
            return f"'{given}' is not one of {', '.join(map(str, wanted))}"
        case "type":
            return _typed(given, wanted)
        case "pattern" | "format":
            return _formed(given, wanted, schema)
        case _:
            return error.message


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(PLAN_SCHEMA.read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker())


def schema_problems(data: Any) -> list[Problem]:
    """Find what the schema does not allow: fields, types, forms, values."""
    problems: dict[Problem, None] = {}
    for error in sorted(_validator().iter_errors(data), key=lambda e: list(map(str, e.path))):
        path: NodePath = tuple(error.absolute_path)
        schema: Any = error.schema
        if error.validator == "additionalProperties":
            allowed = sorted(schema.get("properties", {}))
            for name in sorted(set(error.instance) - set(allowed), key=str):
                hint = _near(str(name), allowed) or f"; allowed are {', '.join(allowed)}"
                problems[(*path, name), f"unknown field {name}{hint}"] = None
        else:
            # A day breaks its form and its calendar alike: one sentence tells both.
            problems[path, _explain(error)] = None
    return list(problems)


# -- the meaning ----------------------------------------------------------------------------------


@cache
def _estimators() -> dict[str, str]:
    """How each metric of the catalogue is estimated, by its id."""
    with METRIC_CATALOGUE.open(encoding="utf-8", newline="") as file:
        return {row["metric_id"]: row["estimator"] for row in csv.DictReader(file)}


@cache
def _known_touchpoints() -> list[str]:
    with TOUCHPOINTS.open(encoding="utf-8", newline="") as file:
        return [row["touchpoint_id"] for row in csv.DictReader(file)]


@cache
def _known_checks() -> list[str]:
    return list(load_catalogue().by_id)


def meaning_problems(data: Mapping[str, Any]) -> list[Problem]:
    """Find names that point to nothing, names that stand twice, and numbers that rule all out.

    Args:
        data: a plan in which `schema_problems` finds nothing.
    """
    return [
        *_repeated_names(data),
        *_unknown_names(data),
        *_event_problems(data),
        *_goal_problems(data),
        *_share_problems(data),
        *_range_problems(data),
        *_survey_problems(data.get("surveys") or []),
        *_outside_problems(data),
    ]


_NAMED = (
    (("events",), "name"),
    (("goals",), "id"),
    (("personas",), "id"),
    (("journeys",), "id"),
    (("common_params",), "name"),
    (("user_properties",), "name"),
    (("reconciliations",), "id"),
    (("sources",), "name"),
    (("property", "streams"), "id"),
    (("property", "page_groups"), "id"),
)


def _list_at(data: Mapping[str, Any], path: Sequence[str]) -> list[Any]:
    for step in path:
        data = data.get(step) or {}
    return list(data)


def _repeated_names(data: Mapping[str, Any]) -> Iterator[Problem]:
    lists: list[tuple[NodePath, list[Any], str]] = [
        (path, _list_at(data, path), key) for path, key in _NAMED
    ]
    lists += [
        (("events", index, "params"), event.get("params") or [], "name")
        for index, event in enumerate(data["events"])
    ]
    for path, entries, key in lists:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            if entry[key] in seen:
                what = f"parameter '{entry[key]}'" if path[-1] == "params" else f"'{entry[key]}'"
                yield (*path, index, key), f"{what} stands twice; keep one"
            seen.add(entry[key])


def _unknown_names(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what refers to a part of the plan that is not there."""
    events = [event["name"] for event in data["events"]]
    ids = {
        kind: [entry["id"] for entry in data.get(section) or []]
        for kind, section in (("goal", "goals"), ("persona", "personas"), ("journey", "journeys"))
    }

    def missing(path: NodePath, name: str, known: Sequence[str], kind: str) -> Iterator[Problem]:
        if name not in known:
            hint = _near(name, known) or "; add it or correct it"
            yield path, f"{kind} '{name}' is not in the plan{hint}"

    for index, goal in enumerate(data.get("goals") or []):
        yield from missing(("goals", index, "event"), goal["event"], events, "event")
        if "persona" in goal:
            place: NodePath = ("goals", index, "persona")
            yield from missing(place, goal["persona"], ids["persona"], "persona")
    for index, persona in enumerate(data.get("personas") or []):
        for position, name in enumerate(persona.get("data_points") or []):
            place = ("personas", index, "data_points", position)
            yield from missing(place, name, events, "event")
        for position, name in enumerate(persona.get("goals") or []):
            yield from missing(("personas", index, "goals", position), name, ids["goal"], "goal")
    for index, journey in enumerate(data.get("journeys") or []):
        for position, name in enumerate(journey["steps"]):
            yield from missing(("journeys", index, "steps", position), name, events, "event")
        if "part_of" in journey:
            place = ("journeys", index, "part_of")
            yield from missing(place, journey["part_of"], ids["journey"], "journey")
    for index, entry in enumerate(data.get("reconciliations") or []):
        yield from missing(("reconciliations", index, "goal"), entry["goal"], ids["goal"], "goal")


def _params_of(data: Mapping[str, Any], event: Mapping[str, Any]) -> list[str]:
    params = [*(event.get("params") or []), *(data.get("common_params") or [])]
    return [param["name"] for param in params if param["scope"] == "event"]


def _event_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    for index, event in enumerate(data["events"]):
        if event.get("deprecated") and event["deprecated"] < event["introduced"]:
            place: NodePath = ("events", index, "deprecated")
            yield place, "an event cannot be deprecated before it is introduced"
        known = [*_params_of(data, event), _CONSENT]
        for position, param in enumerate(event.get("params") or []):
            for name in param.get("condition") or {}:
                if name not in known:
                    place = ("events", index, "params", position, "condition", name)
                    hint = _near(name, known) or f"; name one of its own or {_CONSENT}"
                    yield place, f"'{name}' is no parameter of {event['name']}{hint}"


def _goal_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Find goals whose value or source of truth is not what the rest of the plan says."""
    events = {event["name"]: event for event in data["events"]}
    reconciled: dict[str, list[str]] = {}
    for entry in data.get("reconciliations") or []:
        reconciled.setdefault(entry["goal"], []).append(entry["table"])
    for index, goal in enumerate(data.get("goals") or []):
        event = events.get(goal["event"])
        if "value_param" in goal and event is not None:
            known, name = _params_of(data, event), goal["value_param"]
            if name not in known:
                hint = _near(name, known) or "; add it to the event"
                yield (
                    ("goals", index, "value_param"),
                    f"'{name}' is no parameter of {event['name']}{hint}",
                )
        if "reconcile_to" in goal:
            tables = reconciled.get(goal["id"], [])
            if goal["reconcile_to"] not in tables:
                yield (
                    ("goals", index, "reconcile_to"),
                    f"no reconciliation compares {goal['id']} with '{goal['reconcile_to']}'; add"
                    f" one under reconciliations{_near(goal['reconcile_to'], tables)}",
                )


def _share_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Find reconciliations that ask for another share than their goal."""
    goals = {goal["id"]: goal for goal in data.get("goals") or []}
    for index, entry in enumerate(data.get("reconciliations") or []):
        matched = goals.get(entry["goal"], {}).get("min_match_share")
        unmatched = entry.get("max_unmatched_share")
        if None not in (matched, unmatched) and abs(matched + unmatched - 1) > 1e-9:
            yield (
                ("reconciliations", index, "max_unmatched_share"),
                f"{unmatched}, and goal {entry['goal']} wants {matched} matched;"
                " keep one of the two",
            )


def _range_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Find ends between which nothing lies."""
    ranges: list[tuple[NodePath, Mapping[str, Any], str, str]] = [
        (("consent", "expected_grant_share"), share, "min", "max")
        for share in [(data.get("consent") or {}).get("expected_grant_share") or {}]
    ]
    params: list[tuple[NodePath, Sequence[Mapping[str, Any]]]] = [
        (("common_params",), data.get("common_params") or [])
    ]
    for index, event in enumerate(data["events"]):
        params.append((("events", index, "params"), event.get("params") or []))
        bounds = event.get("expected_daily_events") or {}
        ranges.append((("events", index, "expected_daily_events"), bounds, "min", "max"))
    ranges += [
        ((*path, position), param, "min", "max")
        for path, entries in params
        for position, param in enumerate(entries)
    ]
    ranges += [
        (("surveys", index), survey, "scale_min", "scale_max")
        for index, survey in enumerate(data.get("surveys") or [])
    ]
    for path, entry, low, high in ranges:
        if low in entry and high in entry:
            # One number is a range of a parameter, and no scale.
            is_empty = entry[low] > entry[high] or (
                low == "scale_min" and entry[low] == entry[high]
            )
            if is_empty:
                yield (
                    (*path, low),
                    f"{entry[low]} is not below {high} ({entry[high]}); exchange or correct them",
                )


def _cut_problems(path: NodePath, survey: Mapping[str, Any]) -> Iterator[Problem]:
    """Find a cut that would part nothing: of a metric that has none, or off the scale."""
    cut = survey.get("positive_from")
    if cut is None:
        return
    if _estimators().get(survey["metric"], "share") != "share":
        yield path, f"{survey['metric']} is no share of answers: it has no cut of its own"
    if not survey["scale_min"] < cut <= survey["scale_max"]:
        scale = f"{survey['scale_min']} to {survey['scale_max']}"
        yield path, f"{cut} parts no answers from {scale}: a cut lies above the lowest of them"


def _survey_problems(surveys: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Find questions on which two entries would decide."""
    entries: dict[tuple[Any, ...], list[Any]] = {}
    for index, survey in enumerate(surveys):
        if "source" not in survey or "survey" not in survey:
            continue
        asked = survey["metric"], survey["source"], survey["survey"], survey.get("version", "1")
        question = survey.get("question")
        held = entries.setdefault(asked, [])
        if question in held:
            yield ("surveys", index), "the same questions stand above already"
        elif held and None in {question, *held}:
            yield ("surveys", index), "an entry above holds for some of these questions too"
        held.append(question)


def _outside_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Find metrics, checks, touchpoints, countries and time zones that nobody knows."""

    def unknown(path: NodePath, name: str, known: Sequence[str], kind: str) -> Iterator[Problem]:
        if name not in known:
            hint = _near(name, known) or f"; for instance {known[0]}?"
            yield path, f"there is no {kind} '{name}' in the catalogue{hint}"

    for index, event in enumerate(data["events"]):
        if "key_touchpoint" in event:
            where: NodePath = ("events", index, "key_touchpoint")
            yield from unknown(where, event["key_touchpoint"], _known_touchpoints(), "touchpoint")
    for index, persona in enumerate(data.get("personas") or []):
        for position, name in enumerate(persona.get("metrics") or []):
            where = ("personas", index, "metrics", position)
            yield from unknown(where, name, list(_estimators()), "metric")
    country = data["property"].get("country")
    if country and country not in list_supported_countries():
        yield ("property", "country"), f"no holidays of '{country}' are known; leave it out"
    timezone = data["property"]["timezone"]
    if timezone not in available_timezones():
        hint = _near(timezone, sorted(available_timezones())) or "; write it as Europe/Helsinki"
        yield ("property", "timezone"), f"there is no time zone '{timezone}'{hint}"
    for index, survey in enumerate(data.get("surveys") or []):
        where = ("surveys", index, "metric")
        yield from unknown(where, survey["metric"], list(_estimators()), "metric")
        yield from _cut_problems(("surveys", index, "positive_from"), survey)
    for position, name in enumerate((data.get("publication") or {}).get("blocking_checks") or []):
        where = ("publication", "blocking_checks", position)
        yield from unknown(where, name, _known_checks(), "check")
    for index, entry in enumerate(data.get("accepted") or []):
        yield from unknown(("accepted", index, "check"), entry["check"], _known_checks(), "check")
    for name, fields in (data.get("thresholds") or {}).items():
        yield from unknown(("thresholds", name), name, _known_checks(), "check")
        yield from _threshold_problems(name, fields)


def _threshold_problems(name: str, fields: Mapping[str, Any]) -> Iterator[Problem]:
    check = load_catalogue().by_id.get(name)
    if not check:
        return
    in_use = check.threshold.fields_in_use
    told = f"by {', '.join(in_use)}" if in_use else "by the schedule that sources give"
    for field in fields:
        if field not in in_use:
            yield ("thresholds", name, field), f"{name} is not judged by {field}, but {told}"
