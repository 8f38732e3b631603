"""The executive dashboard: one page, computed from the marts that are published with it.

The page is a file of the version, so that it changes in the same rename as the marts: a reader
sees the page of the previous version or of the next. `reports/dashboard` leads to that of the
current one. Nothing is computed here that a mart knows: figures, intervals, significance and grades
are rows of marts, names are those of the catalogues, and what is shown is seeds/dashboard.yml.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from expectations.catalogue import load_catalogue
from expectations.memory import limited
from expectations.plan_rules import METRIC_CATALOGUE, PERSONAS
from expectations.report import words
from orchestration.errors import WarehouseError, names_like
from orchestration.home import PROJECT_ROOT, Home
from orchestration.periods import Period
from orchestration.trust import findings_behind
from orchestration.versions import DATABASE_NAME

CHOICE = PROJECT_ROOT / "seeds" / "dashboard.yml"
FOLDER = "dashboard"

_TEMPLATE = "dashboard.html.jinja"
_STYLE = PROJECT_ROOT / "expectations" / "report" / "report.css"
_CHANNELS = PROJECT_ROOT / "seeds" / "reference" / "channels.csv"

_LANGUAGES = ("en", "fi")
_PERIODS_DRAWN = 12
_MOST_CHANGES = 12
_DOUBTFUL = "DEF"
_CHART_WIDTH, _CHART_HEIGHT = 260.0, 72.0

_MONTHS_FI = (
    "tammikuu",
    "helmikuu",
    "maaliskuu",
    "huhtikuu",
    "toukokuu",
    "kesäkuu",
    "heinäkuu",
    "elokuu",
    "syyskuu",
    "lokakuu",
    "marraskuu",
    "joulukuu",
)

# Weeks and months that the data cover to their last day, before the day of publication.
_PERIODS = """
    with lasting as (
        select distinct
            period_type,
            period_start,
            cast(period_start + case period_type
                when 'month' then interval 1 month else interval 7 days
            end - interval 1 day as date) as last_date
        from mart_journey_metrics
        where period_type in ('week', 'month')
    )

    select period_type, period_start, last_date
    from lasting
    where last_date <= $data_until and last_date < $published_on
    order by period_start desc
"""

_COVERAGE = """
    select metric_id, status, reason, first_observed_date, last_observed_date
    from mart_metric_coverage
"""

# Every cell of the period that is not broken down by channel or persona, with what moved it.
_CELLS = """
    select
        cells.metric_id, cells.journey_stage, cells.touchpoint_id, cells.period_start, cells.unit,
        cells.n, cells.value, cells.ci_low, cells.ci_high, cells.is_suppressed,
        cells.no_value_reason, cells.is_small_sample, cells.trust_grade, cells.industry_benchmark,
        change.compared_start, change.value_before, change.value_change, change.p_value,
        change.is_significant
    from mart_journey_metrics as cells
    left join mart_metric_change as change
        on
            cells.metric_id = change.metric_id
            and change.journey_id is null
            and cells.period_type = change.period_type
            and cells.period_start = change.period_start
            and change.basis = 'previous'
            and cells.journey_stage = change.journey_stage
            and cells.touchpoint_id = change.touchpoint_id
            and change.dimension = 'all'
    where
        cells.period_type = $period_type
        and cells.period_start = $first
        and cells.channel = 'all'
        and cells.persona_id = 'all'
        and cells.metric_id in (select unnest($metrics))
"""

_SERIES = """
    select metric_id, period_start, unit, n, value, ci_low, ci_high, no_value_reason, trust_grade
    from mart_journey_metrics
    where
        period_type = $period_type
        and period_start between $oldest and $first
        and journey_stage = 'all'
        and channel = 'all'
        and touchpoint_id = 'all'
        and persona_id = 'all'
        and metric_id in (select unnest($metrics))
    order by period_start
"""

# Of each family of metrics what moved most; what rests on few records comes last. Beside a whole
# stands the part that did most of it.
_CHANGES = """
    with moved as (
        select changes.*
        from mart_metric_change as changes
        inner join dim_metrics as metrics on changes.metric_id = metrics.metric_id
        where
            changes.period_type = $period_type
            and changes.period_start = $first
            and changes.basis = 'previous'
            and changes.is_significant
            and changes.segment not in ('other', 'overlap')
        qualify row_number() over (
            partition by metrics.metric_family
            order by
                changes.is_small_sample, abs(changes.z) desc, changes.dimension <> 'all',
                changes.metric_id, changes.journey_stage, changes.touchpoint_id, changes.segment
        ) = 1
    ),

    drivers as (
        select
            metric_id,
            journey_stage,
            touchpoint_id,
            arg_max(dimension, contribution * sign(whole_change)) as driver_dimension,
            arg_max(segment, contribution * sign(whole_change)) as driver_segment
        from (
            select parts.*, moved.value_change as whole_change
            from mart_metric_change as parts
            inner join moved
                on
                    parts.metric_id = moved.metric_id
                    and parts.journey_stage = moved.journey_stage
                    and parts.touchpoint_id = moved.touchpoint_id
            where
                parts.period_type = $period_type
                and parts.period_start = $first
                and parts.basis = 'previous'
                and parts.dimension <> 'all'
                and moved.dimension = 'all'
                and parts.segment not in ('other', 'overlap', 'unknown')
                and parts.contribution * sign(moved.value_change) > 0
        ) as parts
        group by metric_id, journey_stage, touchpoint_id
    )

    select
        moved.metric_id, moved.journey_stage, moved.touchpoint_id, moved.dimension, moved.segment,
        moved.n_before, moved.n_after, moved.value_before, moved.value_after, moved.value_change,
        moved.is_small_sample, trust.trust_grade, drivers.driver_dimension, drivers.driver_segment
    from moved
    left join drivers
        on
            moved.metric_id = drivers.metric_id
            and moved.journey_stage = drivers.journey_stage
            and moved.touchpoint_id = drivers.touchpoint_id
            and moved.dimension = 'all'
    left join mart_metric_trust as trust
        on
            moved.metric_id = trust.metric_id
            and moved.period_type = trust.period_type
            and moved.period_start = trust.period_start
            and trust.channel
            = case moved.dimension when 'channel' then moved.segment else 'all' end
    order by moved.is_small_sample, abs(moved.z) desc, moved.metric_id
    limit $most
"""

_TRUST = """
    select
        metric_id, trust_grade, critical_count, warning_count, info_count, worst_check_id,
        assessed_check_count, ungraded_reason
    from mart_metric_trust
    where period_type = $period_type and period_start = $first and channel = 'all'
    order by metric_id
"""

_OPEN_FINDINGS = """
    select severity, count(*) as finding_count
    from fct_audit_findings
    where is_open and audited_at = (select max(audited_at) from fct_audit_findings)
    group by severity
"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Strict):
    """A text in both languages."""

    en: str = Field(min_length=1)
    fi: str = Field(min_length=1)


class Group(_Strict):
    """Key figures that answer one question."""

    name: Text
    metrics: tuple[str, ...] = Field(min_length=1)


class Choice(_Strict):
    """Which metrics the page shows, by their ids."""

    headline: tuple[Group, ...] = Field(min_length=1)
    journey: tuple[str, ...] = Field(min_length=1)

    @property
    def key_metrics(self) -> list[str]:
        """The metrics of all groups."""
        return [metric for group in self.headline for metric in group.metrics]


@dataclass(frozen=True)
class Issue:
    """Which version the page belongs to, and what is known about it beside the marts.

    Attributes:
        version: Name of the published version.
        published_at: The run clock, UTC.
        company: What the measurement plan calls the property; None where no audit has told.
        score: The audit's `points` (0–100) and `grade`; None where no audit has told.
    """

    version: str
    published_at: dt.datetime
    company: str | None
    score: Mapping[str, Any] | None


def load_choice(path: Path = CHOICE) -> Choice:
    """Read which metrics the page shows.

    Raises:
        WarehouseError: The file cannot be read, or names what the metric catalogue does not have.
    """
    try:
        choice = Choice.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WarehouseError(
            f"{path} cannot be read: {' '.join(str(error).split())}.", "Mend it or restore it."
        ) from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise WarehouseError(
            f"{path}: {where}: {problem['msg']}.",
            "It has `headline` (groups with `name` and `metrics`) and `journey` (metrics).",
        ) from error
    with METRIC_CATALOGUE.open(encoding="utf-8", newline="") as file:
        catalogue = {row["metric_id"]: row for row in csv.DictReader(file)}
    for place, metrics in (("headline", choice.key_metrics), ("journey", choice.journey)):
        for metric in metrics:
            if metric not in catalogue:
                raise WarehouseError(
                    f"{path}: {place}: {metric} is no metric of {METRIC_CATALOGUE.name}.",
                    names_like(metric, catalogue),
                )
            if metrics.count(metric) > 1:
                raise WarehouseError(f"{path}: {place}: {metric} stands twice.", "Keep one.")
            pooled = catalogue[metric]["never_pooled_over"]
            if place == "headline" and pooled:
                raise WarehouseError(
                    f"{path}: {place}: {metric} has no total, it is never pooled over {pooled}.",
                    "Show it under `journey`.",
                )
    return choice


def write_dashboard(version_folder: Path, choice: Choice, issue: Issue) -> Path:
    """Write the page of a version into its folder and return its path.

    Args:
        version_folder: Where the version's marts are; nothing else is read of the data.
        choice: Which metrics to show.
        issue: The version, and what the audit says of it.
    """
    with limited(duckdb.connect(str(version_folder / DATABASE_NAME), read_only=True)) as marts:
        content = _content(partial(_rows, marts), marts, choice, issue)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"t": both, "figure": figure, "chart": chart, "months_fi": _MONTHS_FI}
    page = environment.get_template(_TEMPLATE).render(
        **content,
        issue=issue,
        words={key: both(texts["en"], texts["fi"]) for key, texts in words().items()},
        style=Markup(_STYLE.read_text(encoding="utf-8")),
    )
    path = version_folder / FOLDER / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def lead_to_current(home: Home) -> Path:
    """Let `reports/dashboard` lead to the page of whatever version is current; return its path."""
    link = home.reports / FOLDER
    target = os.path.relpath(home.published / "current" / FOLDER, home.reports)
    if not link.is_symlink() or os.readlink(link) != target:
        temporary = home.reports / f".{FOLDER}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target, target_is_directory=True)
        temporary.replace(link)
    return link / "index.html"


def _content(
    rows: Callable[..., list[dict[str, Any]]],
    marts: duckdb.DuckDBPyConnection,
    choice: Choice,
    issue: Issue,
) -> dict[str, Any]:
    """Return all that the template shows, as rows of marts."""
    metrics = {row["metric_id"]: row for row in rows("select * from dim_metrics")}
    coverage = {row["metric_id"]: row for row in rows(_COVERAGE)}
    shown = [coverage[metric] for metric in choice.key_metrics if metric in coverage]
    published_on = issue.published_at.date()
    # A record that a clock dated into the future says nothing of how far the data reach.
    observed = [row["last_observed_date"] for row in shown if row["last_observed_date"]]
    data_until = min(max(observed), published_on) if observed else None
    stages = rows("select * from dim_journey_stages order by stage_order")
    content: dict[str, Any] = {
        "period": None,
        "data_until": data_until,
        "open_findings": {row["severity"]: row["finding_count"] for row in rows(_OPEN_FINDINGS)},
        "metrics": metrics,
        "coverage": coverage,
        "choice": choice,
        "names": _names(rows, stages),
    }
    found = _newest_whole(rows, shown, data_until, published_on)
    if found is None:
        return content
    period, last_date = found
    of_period = {"period_type": period.kind, "first": period.start}
    starts = _starts(period)
    series: dict[str, list[dict[str, Any]]] = {}
    for row in rows(_SERIES, **of_period, oldest=starts[0], metrics=choice.key_metrics):
        series.setdefault(row["metric_id"], []).append(row)
    begun = min((own[0]["period_start"] for own in series.values()), default=period.start)
    cells = rows(_CELLS, **of_period, metrics=[*choice.key_metrics, *choice.journey])
    trust = {row["metric_id"]: row for row in rows(_TRUST, **of_period)}
    behind = findings_behind(marts, list(trust), period.kind, period.start)
    checks = load_catalogue().by_id
    doubtful: dict[str, list[dict[str, Any]]] = {}
    for row in trust.values():
        row["finding"] = _gravest(row["worst_check_id"], behind[row["metric_id"]])
        row["check"] = checks.get(row["worst_check_id"] or "")
        if row["trust_grade"] in _DOUBTFUL:
            doubtful.setdefault(row["worst_check_id"], []).append(row)
    first_shown = {metric: place for place, metric in enumerate(choice.key_metrics)}
    for own in doubtful.values():
        own.sort(
            key=lambda row: (first_shown.get(row["metric_id"], len(metrics)), row["metric_id"])
        )
    return content | {
        "period": period,
        "label": partial(Period, period.kind),
        "last_date": last_date,
        # an axis that begins before everything would be empty there
        "starts": [start for start in starts if start >= begun],
        "series": series,
        "totals": {
            row["metric_id"]: row
            for row in cells
            if row["journey_stage"] == "all" and row["touchpoint_id"] == "all"
        },
        "stages": [
            (stage, _of_stage(stage["journey_stage"], choice, metrics, cells)) for stage in stages
        ],
        "changes": rows(_CHANGES, **of_period, most=_MOST_CHANGES),
        "trust": trust,
        # what most metrics suffer from comes first
        "doubtful": sorted(
            doubtful.values(), key=lambda own: (-len(own), own[0]["worst_check_id"])
        ),
    }


def _newest_whole(
    rows: Callable[..., list[dict[str, Any]]],
    shown: Sequence[Mapping[str, Any]],
    data_until: dt.date | None,
    published_on: dt.date,
) -> tuple[Period, dt.date] | None:
    """Return the newest whole month and its last day; a week where no whole month precedes it.

    Whether one does is judged by the key figures: half of them must have begun before it.
    """
    if data_until is None:
        return None
    whole = rows(_PERIODS, data_until=data_until, published_on=published_on)
    begun = sorted(row["first_observed_date"] for row in shown if row["first_observed_date"])
    typical = begun[len(begun) // 2]
    for kind in ("month", "week"):
        own = [row for row in whole if row["period_type"] == kind]
        if own and (kind == "week" or (len(own) > 1 and own[1]["period_start"] >= typical)):
            return Period(kind, own[0]["period_start"]), own[0]["last_date"]
    return None


def _starts(period: Period) -> list[dt.date]:
    """Return the first days of the periods that are drawn, the given one last."""
    if period.kind == "week":
        return [period.start - dt.timedelta(weeks=back) for back in range(_PERIODS_DRAWN)][::-1]
    months = period.start.year * 12 + period.start.month - 1
    return [
        dt.date((months - back) // 12, (months - back) % 12 + 1, 1)
        for back in range(_PERIODS_DRAWN)
    ][::-1]


def _of_stage(
    stage: str,
    choice: Choice,
    metrics: Mapping[str, Mapping[str, Any]],
    cells: Iterable[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return a stage's cells in the order of the choice; by touchpoint what is never pooled."""
    order = {metric: place for place, metric in enumerate(choice.journey)}
    return sorted(
        (
            cell
            for cell in cells
            if cell["journey_stage"] == stage
            and cell["metric_id"] in order
            and (cell["touchpoint_id"] != "all")
            == ("touchpoint" in (metrics[cell["metric_id"]]["never_pooled_over"] or ""))
        ),
        key=lambda cell: (order[cell["metric_id"]], cell["touchpoint_id"]),
    )


def _gravest(check_id: str | None, findings: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    return next((finding for finding in findings if finding["check_id"] == check_id), None)


def _names(
    rows: Callable[..., list[dict[str, Any]]], stages: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], Markup]:
    """Return what segments are called, by dimension and id."""
    named = {("stage", row["journey_stage"]): row for row in stages}
    for row in rows("select touchpoint_id, name_en, name_fi from dim_touchpoints"):
        named["touchpoint", row["touchpoint_id"]] = row
    for dimension, path in (("channel", _CHANNELS), ("persona", PERSONAS)):
        with path.open(encoding="utf-8", newline="") as file:
            named |= {(dimension, row[f"{dimension}_id"]): row for row in csv.DictReader(file)}
    return {key: both(row["name_en"], row["name_fi"]) for key, row in named.items()}


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, **values: object
) -> list[dict[str, Any]]:
    found = connection.execute(sql, values)
    columns = [column[0] for column in found.description]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def both(en: object, fi: object) -> Markup:
    """Return a text in both languages, of which the page shows the one chosen; once where equal."""
    if en == fi:
        return Markup("{}").format(en)
    return Markup(
        '<span class="en" lang="en">{}</span><span class="fi" lang="fi">{}</span>'
    ).format(en, fi)


def figure(
    value: float | None, unit: str, *, like: float | None = None, signed: bool = False
) -> Markup:
    """Return a figure in its unit as both languages write it, with the exact value for machines.

    Args:
        value: In the unit of the mart: shares 0–1, durations in seconds.
        unit: The unit of dim_metrics.
        like: The figure beside which it stands; it is written as finely, and in the same unit.
        signed: Write a plus sign too; the difference of two shares is in percentage points.
    """
    if value is None:
        return Markup("–")
    scale = abs(value if like is None else like)
    return Markup('<data value="{}">{}</data>').format(
        value, both(*(_written(value, unit, scale, language, signed) for language in _LANGUAGES))
    )


def _written(value: float, unit: str, size: float, language: str, signed: bool) -> str:
    """Return a value as a language writes it, in the unit and as finely as fits a size."""
    days = {"en": "d", "fi": "pv"}[language]
    ending, digits = "", 2
    match unit:
        case "share":
            value, ending = 100 * value, {"en": "pp", "fi": "%-yks."}[language] if signed else "%"
            # Nearly all is not all.
            digits = 2 if 0.99 < size < 1 or 0 < size < 0.01 else 1
        case "points":
            digits = 1
        case "count":
            digits = 0
        case "ratio":
            digits = 3 if 0 < size < 0.1 else 2
        case "hours":
            ending, digits = "h", 1
        case "days":
            ending, digits = days, 1
        case "seconds":
            seconds, ending = next(
                (seconds, ending)
                for seconds, ending in ((86400, days), (3600, "h"), (60, "min"), (1, "s"))
                if size >= 2 * seconds or seconds == 1
            )
            value, digits = value / seconds, 2 if size < 10 else 1
        case "score":
            pass
        case _:
            ending, digits = {"EUR": "€"}.get(unit, unit), 0 if size >= 1000 else 2
    text = f"{abs(value):,.{digits}f}".replace(",", "\u202f")
    if language == "fi":
        text = text.replace(".", ",")
    is_zero = not text.strip("0.,")
    sign = "" if is_zero else "\u2212" if value < 0 else "+" if signed else ""
    return f"{sign}{text}\u00a0{ending}" if ending else f"{sign}{text}"


def chart(
    rows: Sequence[Mapping[str, Any]],
    starts: Sequence[dt.date],
    kind: str,
    whole_from: dt.date | None,
) -> Markup:
    """Return a metric's periods as an inline SVG: line, points and the band of the intervals.

    Args:
        rows: The metric's cells, by `period_start`; gaps stay gaps.
        starts: First days of all periods that the axis has.
        kind: week or month.
        whole_from: The day from which the metric has data: an earlier period's point is hollow.

    Returns:
        The chart with its ends written on it; empty with fewer than two figures.
    """
    valued = {row["period_start"]: row for row in rows if row["value"] is not None}
    if len(valued) < 2:
        return Markup("")
    limits = [
        limit
        for row in valued.values()
        for limit in (row["value"], row["ci_low"], row["ci_high"])
        if limit is not None
    ]
    low, high = min(limits), max(limits)
    span = (high - low) or 1.0
    step = (_CHART_WIDTH - 16) / (len(starts) - 1)  # two figures stand on two starts

    def x(start: dt.date) -> float:
        return 8 + step * starts.index(start)

    def y(value: float) -> float:
        return _CHART_HEIGHT - 8 - (_CHART_HEIGHT - 16) * (value - low) / span

    drawn = []
    for run in _unbroken(starts, valued):
        banded = [row for row in run if row["ci_low"] is not None and row["ci_high"] is not None]
        if len(banded) == len(run) > 1:
            edge = [f"{x(row['period_start']):.1f},{y(row['ci_high']):.1f}" for row in run]
            edge += [f"{x(row['period_start']):.1f},{y(row['ci_low']):.1f}" for row in run[::-1]]
            drawn.append(f'<polygon points="{" ".join(edge)}"/>')
        else:
            # a line of its own for each, where the neighbours have no interval
            drawn += [
                f'<line class="interval" x1="{x(row["period_start"]):.1f}"'
                f' x2="{x(row["period_start"]):.1f}" y1="{y(row["ci_low"]):.1f}"'
                f' y2="{y(row["ci_high"]):.1f}"/>'
                for row in banded
            ]
        points = " ".join(f"{x(row['period_start']):.1f},{y(row['value']):.1f}" for row in run)
        drawn.append(f'<polyline points="{points}"/>')
    drawn += [
        f'<circle class="{"part" if whole_from and start < whole_from else "whole"}"'
        f' cx="{x(start):.1f}" cy="{y(row["value"]):.1f}" r="{3.5 if start == starts[-1] else 2}"/>'
        for start, row in valued.items()
    ]
    unit, size = rows[-1]["unit"], max(abs(low), abs(high))
    ends = [
        both(*(_written(end, unit, size, language, False) for language in _LANGUAGES))
        for end in (high, low)
    ]
    return Markup(
        '<div class="chart"><svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{} – {}">'
        "{}</svg>"
        '<p class="ends" aria-hidden="true"><span>{}</span><span>{}</span></p>'
        '<p class="axis" aria-hidden="true"><span>{}</span><span>{}</span></p></div>'
    ).format(
        _CHART_WIDTH,
        _CHART_HEIGHT,
        Period(kind, starts[0]),
        Period(kind, starts[-1]),
        Markup("".join(drawn)),
        *ends,
        Period(kind, starts[0]),
        Period(kind, starts[-1]),
    )


def _unbroken(
    starts: Sequence[dt.date], valued: Mapping[dt.date, Mapping[str, Any]]
) -> list[list[Mapping[str, Any]]]:
    """Return the figures in runs without a missing period."""
    runs: list[list[Mapping[str, Any]]] = [[]]
    for start in starts:
        if start in valued:
            runs[-1].append(valued[start])
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
