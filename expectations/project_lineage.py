"""What the project's own SQL says of its metrics and checks: the columns of records behind them.

Knows how the models are arranged (where metrics are observed, where records are judged), and
nothing of grades: `guards` compares the two sides.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from expectations.lineage import LISTED, PARAMETERS, Dep, Lineage, Relation

EVENTS = "web_events"

#: Columns that the warehouse gives records by itself: no vendor can send them wrong.
_OWN_COLUMNS = frozenset({"source", "batch_id", "loaded_at"})

# What an observation is counted by, and of metrics that count customers who is counted.
_OBSERVED = ("value_number", "base_number", "weight", "is_censored", "is_counted", "occurred_date")
_CUSTOMER = "customer_id"

# Metrics that are not observed record by record, and where their records are.
_ITEMS_OF_ALPHA = "int_exq_items_observed"

# Where metrics are observed, or counted without observations: the folders of their models.
_ROOTS = ("metrics", "service")

_CHECK_COLUMN = re.compile(r"[a-z]{3}[0-9]{2}")
_MEASURED = "int_audit_sources_measured"

# Who is one customer follows from all identifiers of all records together.
_IDENTITY_RECORDS = "int_identity_records_collected"


@dataclass(frozen=True)
class ProjectLineage:
    """What a project's models say of metrics and checks.

    Attributes:
        reads: by metric, the columns of records that it reads.
        paths: by metric and column, the models between them.
        shows: by check, the columns of records that its verdict shows.
        parameters: by parameter of a web event, the columns that it fills.
        fed: by vendor and table, the families of records that it feeds.
        asked: by survey, and by survey and question, the metrics that it asks for.
    """

    reads: Mapping[str, frozenset[Dep]] = field(default_factory=dict)
    paths: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    shows: Mapping[str, frozenset[Dep]] = field(default_factory=dict)
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The lineage as text, the same for the same lineage."""
        return json.dumps(
            {
                "reads": {name: _written(deps) for name, deps in self.reads.items()},
                "paths": self.paths,
                "shows": {name: _written(deps) for name, deps in self.shows.items()},
                "parameters": self.parameters,
                "fed": self.fed,
                "asked": self.asked,
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> ProjectLineage:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        for part in ("reads", "shows"):
            data[part] = {name: _read(deps) for name, deps in data[part].items()}
        return cls(**data)


def _written(deps: Iterable[Dep]) -> list[list[Any]]:
    rows = [
        [dep.table, dep.column, sorted(dep.names) if dep.names else [], dep.is_soft] for dep in deps
    ]
    return sorted(rows)


def _read(rows: Iterable[list[Any]]) -> frozenset[Dep]:
    return frozenset(
        Dep(table, column, frozenset(names) if names else None, is_soft)
        for table, column, names, is_soft in rows
    )


def lineage_of(
    compiled: Mapping[str, str], manifest: Mapping[str, Any], dialect: str, reference: Path
) -> ProjectLineage:
    """Read a project's lineage from its compiled models.

    Args:
        compiled: compiled SQL by model; staging may be left out but for the web events'.
        manifest: dbt's manifest.
        dialect: sqlglot's name of the engine's dialect.
        reference: the folder of the reference tables.
    """
    project = _Project(compiled, manifest, dialect, reference)
    reads, paths = {}, {}
    for metric in project.rows("metric_catalogue"):
        deps = project.observed(metric)
        reads[metric["metric_id"]] = project.named(project.lineage.followed(deps), metric)
        paths[metric["metric_id"]] = {
            f"{table}.{column}": list(models)
            for (table, column), models in project.lineage.paths(deps).items()
        }
    return ProjectLineage(
        reads=reads,
        paths=paths,
        shows=project.shown(),
        parameters=project.parameters(),
        fed=project.fed(),
        asked=project.asked(),
    )


def models_read(manifest: Mapping[str, Any]) -> set[str]:
    """Names of the models whose compiled SQL `lineage_of` reads."""
    nodes = {key: n for key, n in manifest["nodes"].items() if n["resource_type"] == "model"}
    pending = [
        key
        for key, node in nodes.items()
        if node["fqn"][2] in (*_ROOTS, "audit") or node["name"] == "int_web_events_landed"
    ]
    seen: set[str] = set()
    while pending:
        key = pending.pop()
        if key in nodes and key not in seen:
            seen.add(key)
            # staging is read of the web's events alone
            if nodes[key]["fqn"][1] != "staging":
                pending += nodes[key]["depends_on"]["nodes"]
    return {
        nodes[key]["name"]
        for key in seen
        if nodes[key]["fqn"][1] != "staging" or nodes[key]["name"].endswith(f"__{EVENTS}")
    }


class _Project:
    def __init__(
        self,
        compiled: Mapping[str, str],
        manifest: Mapping[str, Any],
        dialect: str,
        reference: Path,
    ) -> None:
        self._compiled = compiled
        self._manifest = manifest
        self._dialect = dialect
        self._reference = reference
        nodes = manifest["nodes"].values()
        self._models = {n["name"]: n for n in nodes if n["resource_type"] == "model"}
        self._seeds = {n["name"] for n in nodes if n["resource_type"] == "seed"}
        conformed = set(self._in("conformed"))
        #: the first table of each family in which no vendor is left
        self._families = {
            name: name.removeprefix("int_").removesuffix("_unioned").removesuffix("_landed")
            for name in conformed
            if not conformed & set(self._parents(name))
        }
        self.lineage = Lineage(
            compiled,
            dialect,
            self._families,
            self._seeds,
            dict.fromkeys(
                set(self._in("identity")) - {_IDENTITY_RECORDS},
                frozenset(
                    Dep(_IDENTITY_RECORDS, row["identifier_type"])
                    for row in self.rows("identity_rules")
                ),
            ),
        )

    def _in(self, topic: str) -> list[str]:
        return [name for name, node in self._models.items() if node["fqn"][2] == topic]

    def _parents(self, model: str) -> list[str]:
        ids = self._models[model]["depends_on"]["nodes"]
        return [one.rsplit(".", 1)[-1] for one in ids if one.startswith("model.")]

    def rows(self, table: str) -> list[dict[str, str]]:
        """The rows of a reference table."""
        with (self._reference / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def named(self, deps: Iterable[Dep], metric: Mapping[str, str]) -> frozenset[Dep]:
        """Columns of records alone, with the names that reference tables list filled in."""
        found = set()
        for dep in deps:
            if dep.table not in self._families.values():
                continue
            names: set[str] = set()
            for name in dep.names or ():
                if not name.startswith(LISTED):
                    names.add(name)
                    continue
                table, column = name.removeprefix(LISTED).split(".")
                listed = [metric] if table == "metric_catalogue" else self.rows(table)
                names |= {row[column] for row in listed if row[column]}
            found.add(dep._replace(names=frozenset(names) or None))
        return frozenset(found)

    def observed(self, metric: Mapping[str, str]) -> frozenset[Dep]:
        """What a metric's own expression, filters and rows come from."""
        metric_id = metric["metric_id"]
        if metric["estimator"] == "alpha":
            parts = [self.lineage.model(_ITEMS_OF_ALPHA)]
        else:
            parts = self._observations(metric)
        if not parts:
            for name in self._in("service"):
                if f"'{metric_id}'" in self._compiled.get(name, ""):
                    part = self.lineage.where(name, "metric_id", metric_id)
                    parts += [part] if part is not None else []
        columns = (*_OBSERVED, *((_CUSTOMER,) if metric["is_per_customer"] == "true" else ()))
        found: set[Dep] = set()
        for part in parts:
            has_values = _OBSERVED[0] in part.columns
            for name in columns if has_values else part.columns:
                found |= part.columns.get(name, frozenset())
            found |= part.rows
        return frozenset(found)

    def _observations(self, metric: Mapping[str, str]) -> list[Relation]:
        """The members of the observing models' unions that observe a metric.

        Most have the metric's id written in them. Those of several metrics take it from the
        catalogue: by the goal's event, by the question's metric, or by a dimension of a family.
        """
        members = [
            (model, one)
            for model in self._in("metrics")
            if model.endswith("_observed") and model != _ITEMS_OF_ALPHA
            for one in self.lineage.model(model).branches or (self.lineage.model(model),)
        ]
        own = [one for _, one in members if one.literals.get("metric_id") == metric["metric_id"]]
        if own:
            return own
        asked = next((c for c in ("goal_event", "answer_metric_id") if metric[c]), None)
        if asked is not None:
            found = [
                one
                for _, one in members
                if "metric_id" not in one.literals and _reads(one, "metric_catalogue", asked)
            ]
            visits = [one for _, one in members if one.literals.get("metric_id") == "visits"]
            return found + (visits if asked == "goal_event" else [])
        relatives = {
            row["metric_id"]
            for row in self.rows("metric_catalogue")
            if row["metric_family"] == metric["metric_family"]
        }
        homes = {model for model, one in members if one.literals.get("metric_id") in relatives}
        return [one for model, one in members if model in homes and "metric_id" not in one.literals]

    def shown(self) -> dict[str, frozenset[Dep]]:
        """By check, what its verdict comes from; not what chooses the rows that it looks at."""
        found: dict[str, set[Dep]] = {}
        for model in self._in("audit"):
            for name, deps in self.lineage.model(model).columns.items():
                if _CHECK_COLUMN.fullmatch(name):
                    found.setdefault(name.upper(), set()).update(deps)
        for part in self.lineage.model(_MEASURED).branches:
            deps = part.columns["rows_failing"] | part.columns["value"]
            found.setdefault(part.literals["check_id"], set()).update(deps)
        return {
            check: frozenset(
                dep
                for dep in self.lineage.followed(deps)
                if not dep.is_soft
                and dep.table in self._families.values()
                and dep.column not in _OWN_COLUMNS
                and not dep.column.endswith("_key")
            )
            for check, deps in found.items()
        }

    def parameters(self) -> dict[str, list[str]]:
        """By parameter of an event, the columns that staging fills from it."""
        found: dict[str, set[str]] = {}
        (events,) = (name for name, family in self._families.items() if family == EVENTS)
        staging = Lineage(self._compiled, self._dialect, {}, self._seeds)
        for model in self._parents(events):
            for column, deps in staging.model(model).columns.items():
                for dep in staging.followed(deps):
                    if dep.table == PARAMETERS and not dep.is_soft:
                        found.setdefault(dep.column, set()).add(column)
        return {name: sorted(columns) for name, columns in sorted(found.items())}

    def fed(self) -> dict[str, list[str]]:
        """By vendor and raw table, the families of records that come from it."""
        found: dict[str, set[str]] = {}
        for model, family in self._families.items():
            pending, seen = list(self._parents(model)), set()
            while pending:
                name = pending.pop()
                if name in seen:
                    continue
                seen.add(name)
                pending += self._parents(name)
                for one in self._models[name]["depends_on"]["nodes"]:
                    if one.startswith("source."):
                        vendor, table = one.split(".")[-2:]
                        found.setdefault(f"{vendor}.{table}", set()).add(family)
        return {name: sorted(families) for name, families in sorted(found.items())}

    def asked(self) -> dict[str, list[str]]:
        """By survey, and by survey and question, the metrics that are asked for."""
        found: dict[str, set[str]] = {}
        for row in self.rows("survey_questions"):
            if row["metric_id"]:
                for place in (row["survey_id"], f"{row['survey_id']}/{row['question_id']}"):
                    found.setdefault(place, set()).add(row["metric_id"])
        return {place: sorted(metrics) for place, metrics in sorted(found.items())}


def _reads(part: Relation, table: str, column: str) -> bool:
    deps = part.rows | part.every_column
    return any(
        (dep.table, dep.column) == (table, column)
        or f"{LISTED}{table}.{column}" in (dep.names or ())
        for dep in deps
    )
