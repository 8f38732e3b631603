"""The measurement plan: read, validated with the line of each mistake, exported as tables.

What belongs here: the YAML file with its places, and the tables that dbt's plan-driven audit
models read. What does not: what makes a plan valid (`plan_rules`), any judgement of data
(catalogue, suites).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from holidays import country_holidays

from expectations.plan_rules import SEEDS, NodePath, meaning_problems, schema_problems
from expectations.yaml_loader import Loader

DEFAULT_PLAN = SEEDS / "measurement_plan.yml"


@dataclass(frozen=True)
class PlanProblem:
    """One mistake in the plan file, with its place and what to do about it."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        """Return the problem in the form that editors turn into a link."""
        return f"{self.file}:{self.line}:{self.column}: {self.where or 'plan'}: {self.message}"


class PlanError(Exception):
    """The plan cannot be used; carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[PlanProblem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class Plan:
    """A valid measurement plan."""

    data: Mapping[str, Any]
    path: Path
    earlier: tuple[Plan, ...] = ()

    @property
    def version(self) -> str:
        """The plan's own version, shown in reports."""
        return str(self.data["plan_version"])

    @property
    def valid_from(self) -> dt.date:
        """First day whose data this version judges."""
        return dt.date.fromisoformat(self.data["valid_from"])

    @property
    def versions(self) -> list[tuple[Plan, dt.date, dt.date]]:
        """Every version with the days that it judges: from, and the first day it no longer does.

        What lies before the oldest version is judged by the oldest.
        """
        plans = [*self.earlier, self]
        begins = [dt.date(1900, 1, 1), *(plan.valid_from for plan in plans[1:])]
        return list(zip(plans, begins, [*begins[1:], dt.date(9999, 12, 31)], strict=True))

    @property
    def events(self) -> list[dict[str, Any]]:
        """Planned events in the order of the file."""
        return list(self.data["events"])

    def rows(self, section: str) -> list[dict[str, Any]]:
        """Return a top-level list of the plan, empty where the plan does not have it."""
        return list(self.data.get(section) or [])

    def blocks(self, check_id: str, severity: str) -> bool:
        """Whether an open finding of a check keeps the previous version published."""
        gate = self.data.get("publication") or {}
        return check_id in (gate.get("blocking_checks") or []) or severity in (
            gate.get("blocking_severities") or []
        )

    @property
    def thresholds(self) -> Mapping[str, Mapping[str, float]]:
        """Fields of checks' thresholds that are others here than in the catalogue, by check."""
        return self.data.get("thresholds") or {}

    @property
    def key_touchpoints(self) -> dict[str, list[str]]:
        """Events of each key touchpoint, in the order of the file."""
        events: dict[str, list[str]] = {}
        for event in self.events:
            if "key_touchpoint" in event:
                events.setdefault(event["key_touchpoint"], []).append(event["name"])
        return events

    def owner_of(self, event_name: str) -> str | None:
        """Return who is responsible for an event."""
        return next((e["owner"] for e in self.events if e["name"] == event_name), None)


class _LineLoader(Loader):
    """Safe YAML loader that keeps dates as text, so that the schema sees what was written."""


_LineLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _locate(node: yaml.Node, path: NodePath = ()) -> dict[NodePath, tuple[int, int]]:
    """Map the path of every node to its 1-based line and column."""
    places = {path: (node.start_mark.line + 1, node.start_mark.column + 1)}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            places |= _locate(value, (*path, key.value))
            # Point at the key rather than at the value that may start on the next line.
            places[(*path, key.value)] = (key.start_mark.line + 1, key.start_mark.column + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            places |= _locate(value, (*path, index))
    return places


def _repeated_keys(node: yaml.Node, path: NodePath = ()) -> list[tuple[yaml.Mark, str]]:
    repeated: list[tuple[yaml.Mark, str]] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                repeated.append((key.start_mark, ".".join(map(str, (*path, key.value)))))
            seen.add(key.value)
            repeated += _repeated_keys(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            repeated += _repeated_keys(value, (*path, index))
    return repeated


def _dotted(path: NodePath, data: Any) -> str:
    """Return a path in words, with list entries named by their id or name where they have one."""
    words: list[str] = []
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(step, int):
            name = None
            if isinstance(data, Mapping):
                name = data.get("name") or data.get("id")
            words[-1] += f"[{name or step}]"
        else:
            words.append(str(step))
    return ".".join(words)


def plan_files(path: Path) -> list[Path]:
    """Return the plan's file and those of the versions before it."""
    return [path, *sorted(path.with_name(f"{path.stem}_versions").glob("*.yml"))]


def load_plan(path: Path | str = DEFAULT_PLAN) -> Plan:
    """Read and validate a measurement plan and the versions that held before it.

    Earlier versions are the files of the folder beside the plan that has its name and the ending
    ``_versions``; each holds from its ``valid_from`` until the next one does.

    Raises:
        PlanError: with the file, line and column of every mistake found.
    """
    first, *others = plan_files(Path(path))
    plan = _load_version(first, first.name)
    earlier = sorted(
        (_load_version(file, _shown(file, first)) for file in others),
        key=lambda version: version.valid_from,
    )
    for older, newer in pairwise([*earlier, plan]):
        if older.valid_from >= newer.valid_from:
            message = (
                f"begins on {older.valid_from}, no earlier than {newer.path.name} does"
                f" ({newer.valid_from}); give every version a first day of its own"
            )
            node = yaml.compose(older.path.read_text(encoding="utf-8"), Loader=_LineLoader)
            assert node is not None  # it was read before
            line, column = _locate(node)["valid_from",]
            where = _shown(older.path, first)
            raise PlanError([PlanProblem(where, line, column, "valid_from", message)])
    return replace(plan, earlier=tuple(earlier))


def _shown(path: Path, plan: Path) -> str:
    """A version's file as it stands beside the plan's: several may have one name."""
    return str(path.relative_to(plan.parent))


def _load_version(path: Path, name: str) -> Plan:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no UTF-8 text"
        problem = PlanProblem(str(path), 1, 1, "", f"cannot be read: {reason}")
        raise PlanError([problem]) from error
    try:
        node = yaml.compose(text, Loader=_LineLoader)
        # Before what is merged into a mapping becomes part of it.
        repeated = [] if node is None else _repeated_keys(node)
        data = None if node is None else _LineLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = (
            f"not YAML: {error.problem}; look at the indentation (spaces, no tabs), brackets and"
            " quotes here and on the lines before"
        )
        raise PlanError([PlanProblem(name, line, column, "", message)]) from error
    if not isinstance(data, dict) or node is None:
        held = "is empty" if data is None else "holds no fields (name: value)"
        raise PlanError([PlanProblem(name, 1, 1, "", f"{held}; start from the shipped plan")])

    if repeated:
        raise PlanError(
            PlanProblem(name, mark.line + 1, mark.column + 1, where, "stands twice; keep one")
            for mark, where in repeated
        )
    found = schema_problems(data) or meaning_problems(data)
    if found:
        places = _locate(node)
        problems: list[PlanProblem] = []
        for where, message in found:
            place = where
            while place not in places:
                place = place[:-1]
            line, column = places[place]
            problems.append(PlanProblem(name, line, column, _dotted(where, data), message))
        raise PlanError(sorted(problems, key=lambda p: (p.line, p.column)))
    return Plan(data=_with_goals_shares(data), path=path)


def _with_goals_shares(data: dict[str, Any]) -> dict[str, Any]:
    """Give reconciliations the share that their goal wants matched, where they have none."""
    goals = {goal["id"]: goal for goal in data.get("goals") or []}
    for entry in data.get("reconciliations") or []:
        goal = goals[entry["goal"]]
        if "min_match_share" in goal:
            entry.setdefault("max_unmatched_share", round(1 - goal["min_match_share"], 6))
    return data


# -- the plan as tables ---------------------------------------------------------------------------

_TEXT, _NUMBER, _FLAG, _DAY = pa.string(), pa.float64(), pa.bool_(), pa.date32()

#: What judges data, one set of rows for each version of the plan, with the days on which it holds.
_DATED_TABLES: dict[str, dict[str, pa.DataType]] = {
    "properties": {
        "property_id": _TEXT,
        "plan_version": _TEXT,
        "timezone": _TEXT,
        "currency": _TEXT,
        "max_false_alarms_a_year": _NUMBER,
        "min_daily_events": _NUMBER,
        "min_grant_share": _NUMBER,
        "max_grant_share": _NUMBER,
        "source_pattern": _TEXT,
        "medium_pattern": _TEXT,
        "campaign_pattern": _TEXT,
        "bot_page_views": _NUMBER,
    },
    "streams": {"stream_id": _TEXT, "platform": _TEXT},
    "hosts": {"host": _TEXT, "kind": _TEXT},
    "internal_rules": {"param_key": _TEXT, "param_value": _TEXT},
    "bot_browsers": {"browser": _TEXT},
    "page_groups": {"page_group": _TEXT, "prefix": _TEXT, "is_exact": _FLAG},
    "events": {
        "event_name": _TEXT,
        "platform": _TEXT,
        "status": _TEXT,
        "owner": _TEXT,
        "journey_stage": _TEXT,
        "introduced_on": _DAY,
        "deprecated_on": _DAY,
        "url_pattern": _TEXT,
        "needs_items": _FLAG,
        "is_goal": _FLAG,
        "is_macro_goal": _FLAG,
        "once_per": _TEXT,
    },
    "params": {
        "event_name": _TEXT,
        "platform": _TEXT,
        "param_key": _TEXT,
        "value_type": _TEXT,
        "requirement": _TEXT,
        "is_dimension": _FLAG,
        "condition_key": _TEXT,
        "condition_value": _TEXT,
        "pattern": _TEXT,
        "has_allowed_values": _FLAG,
        "min_value": _NUMBER,
        "max_value": _NUMBER,
        "max_length": _NUMBER,
        "usual_from": _NUMBER,
        "usual_to": _NUMBER,
        "is_goal": _FLAG,
        "is_personal_data": _FLAG,
    },
    "allowed_values": {
        "event_name": _TEXT,
        "param_key": _TEXT,
        "allowed_value": _TEXT,
    },
    "user_properties": {
        "property_key": _TEXT,
        "platform": _TEXT,
        "is_required": _FLAG,
        "has_allowed_values": _FLAG,
        "is_personal_data": _FLAG,
    },
    "user_property_values": {"property_key": _TEXT, "allowed_value": _TEXT},
    "mediums": {"traffic_medium": _TEXT},
    "click_ids": {"click_id_type": _TEXT, "traffic_source": _TEXT, "traffic_medium": _TEXT},
    "reconciliations": {
        "reconciliation_id": _TEXT,
        "event_name": _TEXT,
        "order_table": _TEXT,
        "channel": _TEXT,
        "tolerance": _NUMBER,
        "max_unmatched_share": _NUMBER,
    },
    "surveys": {
        "metric_id": _TEXT,
        "source": _TEXT,
        "survey_id": _TEXT,
        "question_id": _TEXT,
        "question_version": _TEXT,
        "scale_min": _NUMBER,
        "scale_max": _NUMBER,
        "high_is_good": _FLAG,
        "positive_from": _NUMBER,
    },
    "crm_fields": {"table_name": _TEXT, "field_name": _TEXT, "min_fill_share": _NUMBER},
}

#: What holds whenever it is read: a day names itself, and today's lateness or exception is today's.
_UNDATED_TABLES: dict[str, dict[str, pa.DataType]] = {
    "special_days": {"special_date": _DAY, "special_name": _TEXT},
    "personal_data": {"data_kind": _TEXT, "data_name": _TEXT},
    "journey_steps": {
        "journey_id": _TEXT,
        "part_of": _TEXT,
        "step_number": _NUMBER,
        "event_name": _TEXT,
    },
    "sources": {"source": _TEXT, "schedule_hours": _NUMBER},
    "accepted": {"check_id": _TEXT, "until": _DAY, "scope": _TEXT, "why": _TEXT},
}

_TABLES: dict[str, dict[str, pa.DataType]] = {
    **{
        name: {**columns, "valid_from": _DAY, "valid_to": _DAY}
        for name, columns in _DATED_TABLES.items()
    },
    **_UNDATED_TABLES,
}

PLAN_TABLES = tuple(_TABLES)

#: Read by the judgement alone; no model's rows depend on it.
_NOT_FOR_MODELS = {"accepted"}


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


#: Between which numbers values of a unit lie. Amounts of money and times have no such ends.
UNIT_BOUNDS: Mapping[str, Mapping[str, float]] = {
    "percent": {"min": 0, "max": 100},
    "share": {"min": 0, "max": 1},
}

#: From which number up to which most values of a unit lie: times on a site or in an app from a
#: tenth of a second up to about a quarter of an hour. Ends are powers of ten, because of numbers
#: without another rule no more is kept. Of a share `UNIT_BOUNDS` says all.
UNIT_MAGNITUDES: Mapping[str, Mapping[str, float]] = {
    "milliseconds": {"from": 100, "to": 1_000_000},
    "seconds": {"from": 0.1, "to": 1_000},
    "percent": {"from": 1},
}

_VALUE_RULES = ("allowed_values", "pattern", "min", "max")

#: Years whose public holidays the models are told of.
_CALENDAR = range(2005, 2051)


def _special_days(country: str | None, volumes: Mapping[str, Any]) -> dict[dt.date, str]:
    """Return the days that follow no weekday: a country's holidays, and the plan's own."""
    days: dict[dt.date, str] = {}
    if country:
        days |= country_holidays(country, years=_CALENDAR, language="en_US")
    days |= {dt.date.fromisoformat(d["date"]): d["name"] for d in volumes.get("special_days") or []}
    return days


def event_params(plan: Plan, event: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield (platform, parameter) of an event; its own definition wins over a common one.

    Parameters of items and users are left out.
    """
    for platform in event["platforms"]:
        params: dict[str, dict[str, Any]] = {}
        for param in [*plan.rows("common_params"), *(event.get("params") or [])]:
            if param["scope"] == "event" and platform in param.get("platforms", [platform]):
                params[param["name"]] = param
        for param in params.values():
            yield platform, param


def value_rules(data_point: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the plan says of a parameter's or property's values, for who may read them.

    A unit says between which numbers a value lies where the plan itself does not. What is declared
    personal is masked before anybody judges it, and has no rule but its length.
    """
    if data_point.get("personal_data"):
        return {}
    bounds = UNIT_BOUNDS.get(data_point.get("unit", ""), {})
    told = {name: data_point[name] for name in _VALUE_RULES if name in data_point}
    return told if "allowed_values" in told or "pattern" in told else {**bounds, **told}


def usual_magnitude(data_point: Mapping[str, Any]) -> Mapping[str, float]:
    """Return between which numbers most values of a parameter lie, by the unit in the plan."""
    if data_point.get("personal_data"):
        return {}
    return UNIT_MAGNITUDES.get(data_point.get("unit", ""), {})


def _personal_data(plan: Plan) -> list[dict[str, Any]]:
    """Return what any version declares to be personal, once each."""
    named: dict[tuple[str, str], None] = {}
    for version, _, _ in plan.versions:
        params = [*version.rows("common_params")]
        for event in version.events:
            params += event.get("params") or []
        for kind, points in (("param", params), ("user_property", version.rows("user_properties"))):
            named |= {(kind, each["name"]): None for each in points if each.get("personal_data")}
    return [{"data_kind": kind, "data_name": name} for kind, name in sorted(named)]


def _events_held(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return what one version of the plan says of single events: names, parameters, values."""
    goals = {goal["event"]: goal for goal in plan.rows("goals")}
    tables: dict[str, list[dict[str, Any]]] = {"events": [], "params": [], "allowed_values": []}
    for event in plan.events:
        goal = goals.get(event["name"])
        is_macro_goal = goal is not None and goal["kind"] == "macro"
        tables["events"] += [
            {
                "event_name": event["name"],
                "platform": platform,
                "status": event["status"],
                "owner": event["owner"],
                "journey_stage": event["journey_stage"],
                "introduced_on": _day(event["introduced"]),
                "deprecated_on": _day(event.get("deprecated")),
                "url_pattern": event.get("url_pattern"),
                "needs_items": event.get("items") == "required",
                "is_goal": goal is not None,
                "is_macro_goal": is_macro_goal,
                "once_per": (goal or {}).get("once_per"),
            }
            for platform in event["platforms"]
        ]
        allowed: set[str] = set()
        for platform, param in event_params(plan, event):
            condition = next(iter((param.get("condition") or {}).items()), (None, None))
            rules = value_rules(param)
            usual = usual_magnitude(param)
            tables["params"].append(
                {
                    "event_name": event["name"],
                    "platform": platform,
                    "param_key": param["name"],
                    "value_type": param["type"],
                    "requirement": param["requirement"],
                    "is_dimension": param.get("is_dimension", False),
                    "condition_key": condition[0],
                    "condition_value": condition[1],
                    "pattern": rules.get("pattern"),
                    "has_allowed_values": "allowed_values" in rules,
                    "min_value": rules.get("min"),
                    "max_value": rules.get("max"),
                    "max_length": param.get("max_length"),
                    "usual_from": usual.get("from"),
                    "usual_to": usual.get("to"),
                    "is_goal": is_macro_goal,
                    "is_personal_data": param.get("personal_data", False),
                }
            )
            if param["name"] not in allowed:
                allowed.add(param["name"])
                tables["allowed_values"] += [
                    {"event_name": event["name"], "param_key": param["name"], "allowed_value": v}
                    for v in rules.get("allowed_values") or []
                ]
    return tables


def _property_held(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return what one version says of the property: its streams, hosts, pages and campaigns."""
    prop = plan.data["property"]
    naming = plan.data.get("campaign_naming") or {}
    volumes = plan.data.get("volumes") or {}
    share = (plan.data.get("consent") or {}).get("expected_grant_share") or {}
    bots = prop.get("bot_rules") or {}
    return {
        "properties": [
            {
                "property_id": prop["id"],
                "plan_version": plan.version,
                "timezone": prop["timezone"],
                "currency": prop["currency"],
                "max_false_alarms_a_year": volumes.get("max_false_alarms_a_year", 0.2),
                "min_daily_events": volumes.get("min_daily_events", 50),
                "min_grant_share": share.get("min", 0),
                "max_grant_share": share.get("max", 1),
                "source_pattern": naming.get("source_pattern"),
                "medium_pattern": naming.get("medium_pattern"),
                "campaign_pattern": naming.get("campaign_pattern"),
                "bot_page_views": bots.get("page_views_without_engagement", 50),
            }
        ],
        "streams": [
            {"stream_id": stream["id"], "platform": stream["platform"]}
            for stream in prop["streams"]
        ],
        "hosts": [
            {"host": host.lower(), "kind": kind}
            for kind, hosts in (("own", "hosts"), ("payment", "payment_hosts"))
            for host in dict.fromkeys(prop.get(hosts) or [])
        ],
        "internal_rules": [
            {"param_key": param, "param_value": value}
            for param, value in dict.fromkeys(
                (rule["param"], rule["equals"]) for rule in prop.get("internal_rules") or []
            )
        ],
        "bot_browsers": [
            {"browser": browser}
            for browser in dict.fromkeys(name.lower() for name in bots.get("browsers") or [])
        ],
        "page_groups": [
            {
                "page_group": group["id"],
                "prefix": group["prefix"],
                "is_exact": group.get("exact", False),
            }
            for group in prop.get("page_groups") or []
        ],
        "mediums": [{"traffic_medium": medium} for medium in naming.get("allowed_mediums") or []],
        "click_ids": [
            {
                "click_id_type": rule["param"],
                "traffic_source": rule["source"],
                "traffic_medium": medium,
            }
            for rule in naming.get("click_ids") or []
            for medium in rule["mediums"]
        ],
    }


def _customers_held(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return what one version says of users, surveys, CRM fields and the sources of truth."""
    goal_events = {goal["id"]: goal["event"] for goal in plan.rows("goals")}
    return {
        "user_properties": [
            {
                "property_key": prop["name"],
                "platform": platform,
                "is_required": prop["requirement"] == "required",
                "has_allowed_values": "allowed_values" in value_rules(prop),
                "is_personal_data": prop.get("personal_data", False),
            }
            for prop in plan.rows("user_properties")
            for platform in prop.get("platforms", ["web", "app"])
        ],
        "user_property_values": [
            {"property_key": prop["name"], "allowed_value": value}
            for prop in plan.rows("user_properties")
            for value in dict.fromkeys(value_rules(prop).get("allowed_values") or [])
        ],
        "reconciliations": [
            {
                "reconciliation_id": entry["id"],
                "event_name": goal_events[entry["goal"]],
                "order_table": entry["table"],
                "channel": channel,
                "tolerance": entry.get("tolerance", 0.01),
                "max_unmatched_share": entry.get("max_unmatched_share", 0.2),
            }
            for entry in plan.rows("reconciliations")
            for channel in entry.get("channels") or ["web"]
        ],
        "surveys": [
            {
                "metric_id": survey["metric"],
                "source": survey.get("source"),
                "survey_id": survey.get("survey"),
                "question_id": survey.get("question"),
                "question_version": survey.get("version", "1"),
                "scale_min": survey["scale_min"],
                "scale_max": survey["scale_max"],
                "high_is_good": survey["high_is_good"],
                "positive_from": survey.get("positive_from"),
            }
            for survey in plan.rows("surveys")
        ],
        "crm_fields": [
            {
                "table_name": entry["table"],
                "field_name": entry["field"],
                "min_fill_share": entry["min_fill_share"],
            }
            for entry in plan.rows("crm_fields")
        ],
    }


def plan_tables(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Return the plan as flat tables (rows as dictionaries)."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
    for version, begins, ends in plan.versions:
        held = _property_held(version) | _events_held(version) | _customers_held(version)
        for name, rows in held.items():
            tables[name] += [{**row, "valid_from": begins, "valid_to": ends} for row in rows]
        days = _special_days(
            version.data["property"].get("country"), version.data.get("volumes") or {}
        )
        tables["special_days"] += [
            {"special_date": date, "special_name": name}
            for date, name in sorted(days.items())
            if begins <= date < ends
        ]
    tables["personal_data"] = _personal_data(plan)
    tables["journey_steps"] = [
        {
            "journey_id": journey["id"],
            "part_of": journey.get("part_of"),
            "step_number": float(number),
            "event_name": name,
        }
        for journey in plan.rows("journeys")
        for number, name in enumerate(journey["steps"], start=1)
    ]
    tables["sources"] = [
        {"source": entry["name"], "schedule_hours": entry["schedule_hours"]}
        for entry in plan.rows("sources")
    ]
    tables["accepted"] = [
        {
            "check_id": entry["check"],
            "until": _day(entry["until"]),
            "scope": entry.get("scope"),
            "why": entry["why"],
        }
        for entry in plan.rows("accepted")
    ]
    return tables


def plan_fingerprint(path: Path) -> str:
    """A hash over all of a plan that the models read; over the file where it is not valid."""
    try:
        tables = plan_tables(load_plan(path))
    except PlanError:
        return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()
    read = {name: rows for name, rows in tables.items() if name not in _NOT_FOR_MODELS}
    return hashlib.sha256(json.dumps(read, default=str).encode()).hexdigest()


def export_tables(plan: Plan, directory: Path) -> list[Path]:
    """Write the plan's tables as Parquet files that dbt reads as source ``plan``."""
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, rows in plan_tables(plan).items():
        schema = pa.schema(list(_TABLES[name].items()))
        path = directory / f"{name}.parquet"
        temporary = path.with_suffix(".parquet.tmp")
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), temporary)
        temporary.replace(path)
        written.append(path)
    return written
