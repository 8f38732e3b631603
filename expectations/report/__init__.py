"""The audit's report: one static page in Finnish and English, readable offline and on paper."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from expectations.catalogue import FAMILIES, Catalogue, Check
from expectations.findings import Finding, Scope, is_at_key_touchpoint, scope_of
from expectations.plan import Plan, event_params
from expectations.plan_diff import Coverage
from expectations.plan_rules import PERSONAS, TOUCHPOINTS
from expectations.score import Score
from expectations.trust import ORDER, Trust

if TYPE_CHECKING:
    from expectations.run import CheckOutcome

_HERE = Path(__file__).parent
_LANGUAGES = ("en", "fi")
_MOST_PLACES = 12
_SPARK_DAYS = 90
_MOST_SAMPLES = 5
_SPARK_DAYS_AFTER = 15
_TREND_HEIGHT = 40.0


@dataclass(frozen=True)
class Place:
    """A finding with all that the page shows about it."""

    finding: Finding
    where: list[str]
    spark: Markup
    span: str
    evidence: list[tuple[str, str, float]]
    samples: list[dict[str, Any]]
    sql: str


@dataclass(frozen=True)
class Section:
    """A check with findings."""

    check: Check
    outcome: CheckOutcome
    places: list[Place]
    more: int
    endangered: list[str]

    @property
    def worst(self) -> Place:
        """The finding that weighs most."""
        return self.places[0]

    @property
    def is_open(self) -> bool:
        """Whether any of the findings goes on."""
        return any(place.finding.is_open for place in self.places)


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Return the report's own words in both languages, by key; the dashboard says the same."""
    read: Mapping[str, Mapping[str, str]] = yaml.safe_load(
        (_HERE / "i18n.yml").read_text(encoding="utf-8")
    )
    return read


@cache
def _names() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Names of personas and touchpoints in both languages, by kind and id."""
    names: dict[tuple[str, str], Mapping[str, str]] = {}
    for kind, path in (("persona", PERSONAS), ("touchpoint", TOUCHPOINTS)):
        with path.open(encoding="utf-8", newline="") as file:
            names |= {
                (kind, row[f"{kind}_id"]): {each: row[f"name_{each}"] for each in _LANGUAGES}
                for row in csv.DictReader(file)
            }
    return names


def _name(kind: str, entry_id: str) -> Markup:
    """Return what an entry of the plan is called; its id where it has no name of its own."""
    texts = _names().get((kind, entry_id))
    return _both(texts) if texts else Markup("{}").format(entry_id)


def _both(texts: Mapping[str, Any]) -> Markup:
    """Return a text in both languages; the page shows the one chosen."""
    return Markup("").join(
        Markup('<span class="{0}" lang="{0}">{1}</span>').format(language, texts[language])
        for language in _LANGUAGES
    )


def _word(key: str) -> Markup:
    return _both(words()[key])


def _note(note: str) -> Markup:
    """Return a finding's note in both languages where it is an age, else as it was told."""
    aged = re.fullmatch(r"newest (.+ UTC), (\d+) h old", note)
    if not aged:
        return Markup('<span lang="en">{}</span>').format(note)
    at, hours = aged.groups()
    return Markup("{} {}, {} {}").format(_word("newest_data"), at, hours, _word("hours_old"))


def _reason(reason: str) -> Markup:
    """Return in both languages why a check could not be assessed; an error as it was told."""
    few = re.fullmatch(r"only (\d+) rows; at least (\d+) are needed", reason)
    if few:
        return Markup("{} {} {}").format(few[1], _word("too_few_rows"), few[2])
    for key in ("no_file", "no_row"):
        if reason == words()[key]["en"]:
            return _word(key)
    return Markup('<span lang="en">{}</span>').format(reason)


def _number(value: float | int | None) -> str:
    """Return a number with thin spaces, which both languages read."""
    return "–" if value is None else f"{value:,.0f}".replace(",", "\u202f")


def _percent(share: float | None) -> str:
    if share is None:
        return "–"
    if 0.995 <= share < 1:
        # Nearly all is not all.
        return f"{math.floor(1000 * share) / 10:.1f}\u00a0%"
    digits = 0 if share >= 0.1 or share == 0 else 1 if share >= 0.01 else 2
    return f"{100 * share:.{digits}f}\u00a0%"


def spark(days: Sequence[tuple[dt.date, int, int]]) -> tuple[Markup, str]:
    """Return daily failing shares as an inline SVG of bars, the newest on the right, and its ends.

    The days are the newest, or those around the end of what ended long ago. The ends say from which
    day to which it goes, and how high: bars without them could not be read.
    """
    if len(days) < 2:
        return Markup(""), ""
    ended = max((place for place, (_, _, failing) in enumerate(days) if failing), default=0)
    if ended < len(days) - _SPARK_DAYS:
        days = days[: ended + _SPARK_DAYS_AFTER]
    days = days[-_SPARK_DAYS:]
    first = days[0][0]
    span = (days[-1][0] - first).days + 1
    width, height = 180.0, 32.0
    step = width / span
    top = max((failing / examined for _, examined, failing in days if examined), default=0) or 1
    bars = [
        f'<rect x="{(day - first).days * step:.1f}" y="{height - bar:.1f}"'
        f' width="{max(step * 0.8, 0.8):.1f}" height="{bar:.1f}"/>'
        for day, examined, failing in days
        if examined and failing
        for bar in [max(1.5, (height - 2) * failing / examined / top)]
    ]
    title = f"{days[0][0]} – {days[-1][0]}, max {_percent(top)}"
    chart = Markup(
        f'<svg class="spark" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
        f' aria-label="{title}"><title>{title}</title>'
        f'<line x1="0" x2="{width:.0f}" y1="{height - 0.5}" y2="{height - 0.5}"/>'
        f"{''.join(bars)}</svg>"
    )
    return chart, f"{days[0][0]:%m-%d} – {days[-1][0]:%m-%d}, ≤ {_percent(top)}"


def _level(points: float) -> float:
    """Return where a score lies between the lines of 0 and 100."""
    return _TREND_HEIGHT - 4 - (_TREND_HEIGHT - 8) * points / 100


def trend(scores: Sequence[tuple[dt.datetime, int]]) -> Markup:
    """Return the scores of the last audits as an inline SVG line, the newest on the right."""
    if len(scores) < 2:
        return Markup("")
    width, height = 150.0, _TREND_HEIGHT
    step = width / (len(scores) - 1)
    points = " ".join(
        f"{position * step:.1f},{_level(points):.1f}" for position, (_, points) in enumerate(scores)
    )
    # Read aloud in either language: the page says in words beside it what it is.
    title = ", ".join(f"{at:%Y-%m-%d %H:%M}: {points}" for at, points in scores)
    return Markup(
        f'<svg class="trend" viewBox="-3 0 {width + 6:.0f} {height:.0f}" role="img"'
        f' aria-label="{title}"><title>{title}</title>'
        f'<line x1="0" x2="{width:.0f}" y1="{_level(0):.1f}" y2="{_level(0):.1f}"/>'
        f'<line x1="0" x2="{width:.0f}" y1="{_level(100):.1f}" y2="{_level(100):.1f}"/>'
        f'<polyline points="{points}"/>'
        f'<circle cx="{width:.1f}" cy="{_level(scores[-1][1]):.1f}" r="3"/></svg>'
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def sql_for(finding: Finding) -> str:
    """Return the query that lists every row of a finding in the warehouse."""
    table = f"intermediate.{finding.model_name}"
    conditions = [f"source = {_quoted(finding.source)}"]
    if finding.model_name.endswith("_judged"):
        conditions.append(finding.check_id.lower())
        by_detail = {"COL05": "page_host"}.get(finding.check_id, "detail")
        constant = finding.check_id == "SCH09" and "web_events" in finding.model_name
        for column, value in (
            ("platform", finding.platform),
            ("subject", finding.subject),
            (by_detail, None if constant else finding.detail),
        ):
            if value:
                conditions.append(f"{column} = {_quoted(value)}")
        if finding.first_failed_date and finding.last_failed_date:
            conditions.append(
                f"event_date between date '{finding.first_failed_date}'"
                f" and date '{finding.last_failed_date}'"
            )
    elif finding.model_name == "int_audit_sources_measured":
        conditions.append(f"check_id = {_quoted(finding.check_id)}")
    else:
        conditions.append("status = 'failed'")
    return f"select *\nfrom {table}\nwhere\n    " + "\n    and ".join(conditions)


def _places(
    findings: Iterable[Finding],
    daily: Mapping[Scope, list[tuple[dt.date, int, int]]],
    samples: Mapping[Scope, list[dict[str, Any]]],
    evidence: Mapping[Scope, list[dict[str, Any]]],
    units: Mapping[tuple[str, str], str],
) -> list[Place]:
    places = []
    for finding in findings:
        scope = finding.scope
        shown: list[tuple[str, str, float]] = []
        for row in evidence.get(scope, []):
            column = row["evidence_column"]
            if row["evidence_rank"] <= 3 and not (column == "subject" and finding.subject):
                shown.append((column, row["evidence_value"], row["share_of_failing"]))
        unit = units.get((finding.subject or "", finding.detail or ""))
        where = [finding.source, *filter(None, (finding.platform, finding.subject, finding.detail))]
        where += [unit] if unit else []
        chart, span = spark(daily.get(scope, []))
        places.append(
            Place(
                finding=finding,
                where=where,
                spark=chart,
                span=span,
                evidence=shown,
                samples=samples.get(scope, [])[:_MOST_SAMPLES],
                sql=sql_for(finding),
            )
        )
    return places


def _by_scope(rows: Iterable[Mapping[str, Any]]) -> dict[Scope, list[dict[str, Any]]]:
    grouped: dict[Scope, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(scope_of(row), []).append(dict(row))
    return grouped


def _compared(findings: Sequence[Finding], previous: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return what changed since the last audit: what came, grew, was accepted, was solved."""
    before = {finding.finding_id: finding for finding in previous}
    return {
        "came": [f for f in findings if f.is_open and f.finding_id not in before],
        "grew": [
            f
            for f in findings
            if f.is_open
            and f.finding_id in before
            and f.rows_failing > 1.1 * before[f.finding_id].rows_failing
        ],
        "accepted": [
            f
            for f in findings
            if f.state == "accepted" and f.finding_id in before and before[f.finding_id].is_open
        ],
        "solved": [
            f
            for f in findings
            if f.state == "solved" and f.finding_id in before and before[f.finding_id].is_open
        ],
    }


def _size_first(row: Mapping[str, Any]) -> int:
    """Order sizes (1, 2, 3-5, …, 20+) by number; everything else stays as it is."""
    digits = re.match(r"\d+", str(row.get("category") or ""))
    return int(digits[0]) if digits else 0


def write_report(
    folder: Path,
    *,
    plan: Plan,
    catalogue: Catalogue,
    results: Sequence[CheckOutcome],
    findings: Sequence[Finding],
    score: Score,
    scores: Sequence[tuple[dt.datetime, int]],
    daily: Iterable[Mapping[str, Any]],
    samples: Iterable[Mapping[str, Any]],
    evidence: Iterable[Mapping[str, Any]],
    covered: Coverage | None,
    stitched: Sequence[Mapping[str, Any]],
    month: dt.date | None,
    trusted: Sequence[Trust],
    previous: Sequence[Finding],
    blocked: bool,
    now: dt.datetime,
) -> Path:
    """Write `index.html` into the folder and return its path."""
    days = {
        scope: [(row["period_start"], row["rows_examined"], row["rows_failing"]) for row in rows]
        for scope, rows in _by_scope(daily).items()
    }
    samples_of, evidence_of = _by_scope(samples), _by_scope(evidence)
    outcomes = {result.check_id: result for result in results}
    units = {
        (event["name"], param["name"]): param["unit"]
        for event in plan.events
        for _, param in event_params(plan, event)
        if "unit" in param
    }

    sections: list[Section] = []
    for check in catalogue.checks:
        # Open ones first, then by weight: what has ended explains the past, and can wait.
        own = sorted(
            (finding for finding in findings if finding.check_id == check.id),
            key=lambda finding: (not finding.is_open, -finding.impact),
        )
        if own:
            sections.append(
                Section(
                    check=check,
                    outcome=outcomes[check.id],
                    places=_places(own[:_MOST_PLACES], days, samples_of, evidence_of, units),
                    more=max(0, len(own) - _MOST_PLACES),
                    endangered=sorted(
                        {name for one in own for name in one.endangers.split(",") if name}
                    ),
                )
            )
    first = sorted(
        (section for section in sections if section.is_open),
        key=lambda section: -section.worst.finding.impact,
    )[:5]
    failing = {section.check.id for section in sections if section.is_open}
    ended = {section.check.id for section in sections} - failing
    families = [
        {
            "family": family,
            "failed": sum(r.check_id in failing for r in own),
            "passed": sum(r.passed for r in own),
            "ended": sum(r.passed and r.check_id in ended for r in own),
            "unassessable": sum(not r.assessable for r in own),
            "total": len(own),
        }
        for family in FAMILIES
        for own in [[outcomes[c.id] for c in catalogue.checks if c.family == family]]
        if own
    ]
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined
    )
    environment.globals |= {"t": _word, "both": _both, "escape": escape, "name_of": _name}
    environment.filters |= {
        "number": _number,
        "percent": _percent,
        "note": _note,
        "reason": _reason,
    }
    page = environment.get_template("report.html.jinja").render(
        plan=plan,
        is_key=lambda finding: is_at_key_touchpoint(plan, finding.family, finding.subject),
        name=plan.data["property"].get("name", plan.data["property"]["id"]),
        now=now,
        score=score,
        change=score.points - scores[-2][1] if len(scores) > 1 else None,
        trend=trend(scores),
        blocked=blocked,
        blocking=sorted({f.check_id for f in findings if f.is_open and f.blocks_publication}),
        covered=covered,
        stitched={
            figure: sorted((row for row in stitched if row["figure_id"] == figure), key=_size_first)
            for figure in dict.fromkeys(row["figure_id"] for row in stitched)
        },
        month=month,
        trusted=[(grade, [one for one in trusted if one.grade == grade]) for grade in ORDER],
        comparison=_compared(findings, previous) if previous else None,
        counts={
            severity: sum(f.is_open and f.severity == severity for f in findings)
            for severity in ("critical", "warning", "info")
        },
        passed=[c for c in catalogue.checks if outcomes[c.id].passed],
        failed=len(failing),
        unassessable=[c for c in catalogue.checks if not outcomes[c.id].assessable],
        outcomes=outcomes,
        first=first,
        families=families,
        sections=sections,
        by_family=[
            (family, [s for s in sections if s.check.family == family])
            for family in FAMILIES
            if any(s.check.family == family for s in sections)
        ],
        style=Markup((_HERE / "report.css").read_text(encoding="utf-8")),
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path
