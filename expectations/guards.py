"""Which check guards which metric, and which finding endangers which: by the columns they share.

A check shows columns of the conformed records, a metric reads some; where they meet, a finding of
the check makes the metric doubtful. Both follow from the models' own SQL (`project_lineage`). Where
that cannot know, the catalogue says what a check examines, and why. A finding names a place (an
event, a parameter, a survey, a table), and only what reads that place is endangered by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from expectations.catalogue import Catalogue, Check
from expectations.lineage import ANY, ROWS, Dep, met
from expectations.plan import Plan
from expectations.project_lineage import EVENTS, ProjectLineage

# What a finding calls records, where it does not call them by the family's name.
_CALLED = {
    "contacts": "crm_contacts",
    "deals": "crm_deals",
    "cases": "service_cases",
    "events": EVENTS,
}


@dataclass(frozen=True)
class Guard:
    """A check that examines what a metric is computed from, and the way between them.

    Attributes:
        check_id: the check.
        metric_id: the metric.
        columns: the columns of records that both of them use.
        models: the models between the first of them and the metric's observations.
        because: why the catalogue names the columns, where lineage did not find them.
    """

    check_id: str
    metric_id: str
    columns: tuple[str, ...]
    models: tuple[str, ...]
    because: str | None


@dataclass(frozen=True)
class Guards:
    """What the checks of a catalogue and their findings mean for metrics.

    Attributes:
        catalogue: the checks.
        plan: the events and their parameters.
        lineage: what metrics and checks come from; nothing guards anything where it is empty.
        delivered: by source, the vendors and tables that it delivers (`shopify.orders`).
    """

    catalogue: Catalogue
    plan: Plan
    lineage: ProjectLineage = field(default_factory=ProjectLineage)
    delivered: Mapping[str, Collection[str]] = field(default_factory=dict)

    @cached_property
    def listed(self) -> list[Guard]:
        """Every pair of a check and a metric that meet, in the order of the catalogue."""
        return [
            self._guard(check, metric_id, shared)
            for check in self.catalogue.checks
            for metric_id, shared in self._met(self._shown(check)).items()
        ]

    def endangered(self, scope: tuple[str, str, str, str, str]) -> list[str]:
        """Metrics that a finding makes doubtful: those that read what failed, where it failed.

        Args:
            scope: check, source, platform, subject and detail of the finding.
        """
        check = self.catalogue.by_id[scope[0]]
        return sorted(self._met(self._shown_at(check, scope)))

    def failing(self, scope: tuple[str, str, str, str, str]) -> list[str]:
        """Columns of records that are in doubt where a finding is."""
        check = self.catalogue.by_id[scope[0]]
        return sorted({f"{dep.table}.{dep.column}" for dep in self._shown_at(check, scope)})

    def _guard(self, check: Check, metric_id: str, shared: Collection[Dep]) -> Guard:
        columns = tuple(sorted({f"{dep.table}.{dep.column}" for dep in shared}))
        paths = self.lineage.paths.get(metric_id, {})
        models = next((tuple(paths[name]) for name in columns if name in paths), ())
        named = set(check.examines.columns if check.examines else ())
        is_named = {name.split("@")[0] for name in named}.issuperset(columns)
        return Guard(
            check.id,
            metric_id,
            columns,
            models,
            check.examines.because if check.examines and is_named else None,
        )

    def _met(self, shown: Iterable[Dep]) -> dict[str, set[Dep]]:
        """Metrics that read something of what is shown, and what they read of it."""
        by_column: dict[tuple[str, str], list[Dep]] = {}
        for dep in shown:
            by_column.setdefault((dep.table, dep.column), []).append(dep)
        found: dict[str, set[Dep]] = {}
        for metric_id, reads in self.lineage.reads.items():
            for read in reads:
                for dep in by_column.get((read.table, read.column), ()):
                    if _touches(dep, read):
                        found.setdefault(metric_id, set()).add(read)
        return found

    def _shown(self, check: Check) -> frozenset[Dep]:
        """Everything that a check examines, wherever."""
        examines = check.examines
        if "parameter" in check.narrowed_by:
            found = {
                Dep(EVENTS, column)
                for columns in self.lineage.parameters.values()
                for column in columns
            }
        elif "source" in check.narrowed_by:
            found = {
                Dep(family, ROWS) for families in self.lineage.fed.values() for family in families
            }
        elif examines is not None and examines.instead:
            found = set()
        else:
            found = set(self.lineage.shows.get(check.id, ()))
        return frozenset(found) | {_parsed(text) for text in (examines.columns if examines else ())}

    def _shown_at(self, check: Check, scope: tuple[str, str, str, str, str]) -> frozenset[Dep]:
        """What a check examines in the place of a finding."""
        _, source, _, subject, detail = scope
        shown = self._shown(check)
        for place in check.narrowed_by:
            if place == "parameter":
                names = frozenset({subject}) if subject else None
                shown = frozenset(
                    Dep(EVENTS, column, names) for column in self.lineage.parameters.get(detail, ())
                )
            elif place == "source":
                shown = self._rows_of(source, subject)
            elif place == "records":
                table = _CALLED.get(subject, subject.replace(" ", "_"))
                shown = frozenset(dep for dep in shown if dep.table == table)
            elif place == "field":
                shown = frozenset(dep for dep in shown if dep.column == detail)
            elif place == "kind":
                shown = _of_names(shown, {subject})
            elif place == "survey":
                asked = self.lineage.asked
                metrics = asked.get(f"{subject}/{detail}") or asked.get(subject)
                if metrics:
                    shown = _of_names(shown, metrics, "survey_")
            elif place == "event":
                shown = self._at_event(shown, subject, detail)
        return shown

    def _rows_of(self, source: str, table: str) -> frozenset[Dep]:
        """The records that a source delivers."""
        return frozenset(
            Dep(family, ROWS)
            for name in self.delivered.get(source, ())
            if not table or name.endswith(f".{table}")
            for family in self.lineage.fed.get(name, ())
        )

    def _at_event(self, shown: frozenset[Dep], subject: str, detail: str) -> frozenset[Dep]:
        if not subject or detail == "page_group":
            return shown
        if detail == "source":  # a whole source's records of one kind
            table = _CALLED.get(subject, subject.replace(" ", "_"))
            if table != "service_contacts" and not any(dep.table == table for dep in shown):
                return shown
            return frozenset(dep for dep in shown if dep.table == table)
        names = {
            event["name"] for event in self.plan.events if _bare(event["name"]) == _bare(subject)
        }
        names.add(subject)
        found = _of_names(shown, names, EVENTS)
        if any(dep.column == ROWS for dep in shown):
            # with the event goes what it alone carries
            own = {
                param["name"]
                for event in self.plan.events
                if event["name"] in names
                for param in event.get("params") or []
            }
            found |= {
                Dep(EVENTS, column, frozenset(names))
                for name in own
                for column in self.lineage.parameters.get(name, ())
            }
        return found


def _parsed(text: str) -> Dep:
    """A column as the catalogue writes it: `web_events.*@purchase,refund`."""
    place, _, names = text.partition("@")
    table, _, column = place.partition(".")
    return Dep(table, column, frozenset(names.split(",")) if names else None)


def _of_names(shown: Iterable[Dep], names: Iterable[str], tables: str = "") -> frozenset[Dep]:
    asked = frozenset(names)
    found = (
        dep._replace(names=met(None if dep.names == ANY else dep.names, asked))
        if dep.table.startswith(tables)
        else dep
        for dep in shown
    )
    return frozenset(dep for dep in found if dep.names != frozenset())


def _touches(shown: Dep, read: Dep) -> bool:
    """Whether what fails of a column can change what is read of it."""
    if read.column == ROWS and read.is_soft:
        return False  # summed over: counted where its own column is read
    if shown.names is None or shown.names == ANY:
        return True
    if read.names == ANY:
        return False  # any other row does as well
    return read.names is None or bool(shown.names & read.names)


def _bare(name: str) -> str:
    """An event's name without what spellings differ in."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
