"""The dashboard tells what the published marts hold, and how far it can be trusted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pytest

from orchestration.dashboard import Choice, Issue, load_choice, write_dashboard
from orchestration.versions import current_version
from tests.conftest import FinishedRun

Rows = Callable[..., list[tuple[Any, ...]]]

TRUSTED = {"A", "B", "C"}


@pytest.fixture(scope="module")
def page_file(demo_run: FinishedRun) -> Path:
    assert demo_run.exit_code == 0, demo_run.output
    return demo_run.home / "reports" / "dashboard" / "index.html"


@pytest.fixture(scope="module")
def page(page_file: Path) -> str:
    return page_file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(demo_run: FinishedRun) -> Iterator[Rows]:
    with duckdb.connect(str(demo_run.marts.resolve()), read_only=True) as marts:
        yield lambda sql, *values: marts.execute(sql, values).fetchall()


@pytest.fixture(scope="module")
def choice() -> Choice:
    return load_choice()


def period_of(page: str) -> tuple[str, date, date]:
    """Kind, first and last day of the period that the page says it shows."""
    shown = re.search(r"shown</span>.*?(\d{4}-\d\d-\d\d) – (\d{4}-\d\d-\d\d)", page)
    assert shown
    first, last = (date.fromisoformat(day) for day in shown.groups())
    return ("week" if (last - first).days == 6 else "month"), first, last


@pytest.fixture(scope="module")
def period(page: str) -> tuple[str, date, date]:
    return period_of(page)


def cards(page: str) -> dict[str, str]:
    """The key figures' cards, by metric."""
    found = re.findall(r'<article class="card" id="metric-(\w+)">(.*?)</article>', page, re.DOTALL)
    return dict(found)


def stages(page: str) -> dict[str, str]:
    """The journey's tables, by stage."""
    parts = re.split(r'<h3 id="stage-(\w+)">', page.partition('<section id="changed"')[0])[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def lines(part: str) -> list[tuple[str, str, str]]:
    """Metric, touchpoint and cells of the rows of a table of the journey."""
    return re.findall(
        r'<tr data-metric="(\w+)" data-touchpoint="(\w+)">(.*?)</tr>', part, re.DOTALL
    )


def data(part: str) -> list[float]:
    """The exact values of all figures of a part."""
    return [float(value) for value in re.findall(r'<data value="([^"]+)">', part)]


def grades(part: str) -> list[str]:
    return re.findall(r'class="trust trust-(\w)"', part)


def of(part: str, name: str) -> str:
    """The first paragraph of a class; nothing where there is none."""
    found = re.search(rf'<p class="{name}">(.*?)</p>', part, re.DOTALL)
    return found[1] if found else ""


def known(*values: float | None) -> list[float]:
    return [float(value) for value in values if value is not None]


def in_language(part: str, language: str) -> str:
    """What somebody reads who has chosen a language."""
    other = {"en": "fi", "fi": "en"}[language]
    without = re.sub(rf'<span class="{other}" lang="{other}">[^<]*</span>', "", part)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", without)).split())


CELL = """
    select
        cells.value, cells.ci_low, cells.ci_high, cells.n, change.value_change,
        change.value_before, change.is_significant, cells.trust_grade
    from mart_journey_metrics as cells
    left join (
        select * from mart_metric_change
        where basis = 'previous' and dimension = 'all' and journey_id is null
    ) as change using (metric_id, period_type, period_start, journey_stage, touchpoint_id)
    where cells.metric_id = ? and cells.period_type = ? and cells.period_start = ?
        and cells.journey_stage = ? and cells.touchpoint_id = ? and cells.channel = 'all'
        and cells.persona_id = 'all'
"""


def test_the_page_is_the_versions_and_the_run_says_where_it_lies(
    demo_run: FinishedRun, page_file: Path, page: str
) -> None:
    version = current_version(demo_run.home / "published")
    assert version
    assert page_file.resolve().parent.parent.name == version.version
    assert f'Version</span><span class="fi" lang="fi">Versio</span> {version.version}' in page
    assert re.search(rf"dashboard +{re.escape(str(page_file))}", demo_run.output)
    for target in set(re.findall(r'href="(\.\./[^"#]+)', page)):
        # as a browser resolves it: by the address, not through the link
        assert Path(os.path.normpath(page_file.parent / target)).exists(), target


def test_every_key_figure_is_the_marts_and_has_its_grade(
    page: str, rows: Rows, choice: Choice, period: tuple[str, date, date]
) -> None:
    kind, first, _ = period
    shown = cards(page)
    assert list(shown) == choice.key_metrics
    with_value = 0
    for metric, card in shown.items():
        top = card.partition('<p class="question">')[0]
        found = rows(CELL, metric, kind, first, "all", "all")
        if not found:
            assert data(of(card, "value")) == []
            assert grades(top) == []
            continue
        ((value, low, high, n, change, before, is_significant, grade),) = found
        assert data(of(card, "value")) == known(value), metric
        assert data(of(card, "range")) == known(low, high, n), metric
        assert grades(top) == [grade], metric
        assert f"<strong>{grade}</strong>" in of(card, "why")
        if value is None:
            assert of(card, "none"), metric
            continue
        with_value += 1
        assert data(of(card, "change")) == known(change, before), metric
        if is_significant:
            ((is_good,),) = rows("select high_is_good from dim_metrics where metric_id = ?", metric)
            assert ("better" if (change > 0) == is_good else "worse") in of(card, "change"), metric
        else:
            assert "significantly" not in of(card, "change"), metric
    assert with_value >= len(shown) / 2


def test_the_trend_has_a_table_with_the_same_figures(
    page: str, rows: Rows, period: tuple[str, date, date]
) -> None:
    kind, first, _ = period
    drawn = 0
    for metric, card in cards(page).items():
        own = rows(
            "select period_start, value, ci_low, ci_high, n, trust_grade from mart_journey_metrics"
            " where metric_id = ? and period_type = ? and period_start <= ?"
            " and journey_stage = 'all' and channel = 'all' and touchpoint_id = 'all'"
            " and persona_id = 'all' order by period_start desc limit 12",
            metric, kind, first,
        )  # fmt: skip
        table = card.partition("<tbody>")[2]
        assert data(table) == [one for row in own for one in known(*row[1:5])], metric
        assert grades(table) == [row[5] for row in own], metric
        valued = [row for row in own if row[1] is not None]
        assert card.count("<circle") == (len(valued) if len(valued) > 1 else 0), metric
        drawn += "<svg" in card
    assert drawn >= 8


def test_every_stage_shows_its_cells_with_their_grades(
    page: str, rows: Rows, choice: Choice, period: tuple[str, date, date]
) -> None:
    kind, first, _ = period
    shown = stages(page)
    order = rows("select journey_stage from dim_journey_stages order by stage_order")
    assert list(shown) == [stage for (stage,) in order]
    for stage, part in shown.items():
        expected = rows(
            "select metric_id, touchpoint_id from mart_journey_metrics"
            " inner join dim_metrics using (metric_id)"
            " where period_type = ? and period_start = ? and journey_stage = ?"
            " and channel = 'all' and persona_id = 'all'"
            " and (touchpoint_id <> 'all') = (coalesce(never_pooled_over, '') like '%touchpoint%')"
            " and metric_id in (select unnest(?))",
            kind, first, stage, list(choice.journey),
        )  # fmt: skip
        assert sorted((metric, place) for metric, place, _ in lines(part)) == sorted(expected)
        for metric, touchpoint, cells in lines(part):
            ((value, low, high, n, change, before, _, grade),) = rows(
                CELL, metric, kind, first, stage, touchpoint
            )
            moved = known(change, before) if value is not None else []
            assert data(cells) == [*known(value, low, high, n), *moved], (stage, metric)
            assert grades(cells) == [grade], (stage, metric)


def test_what_is_withheld_is_told_and_never_a_figure(
    page: str, rows: Rows, period: tuple[str, date, date]
) -> None:
    kind, first, _ = period
    withheld = 0
    for stage, part in stages(page).items():
        for metric, touchpoint, cells in lines(part):
            ((value, *_),) = rows(CELL, metric, kind, first, stage, touchpoint)
            if value is None:
                withheld += 1
                figure = cells.split("</td>")[0].partition("</th>")[2]
                assert data(figure) == []
                assert not re.search(r"\d", in_language(figure, "en")), (stage, metric)
    assert withheld


def test_every_change_shown_is_significant_and_graded(
    demo_run: FinishedRun, rows: Rows, choice: Choice, tmp_path: Path
) -> None:
    # a week in which services were away: the newest one has no such change
    (tmp_path / "marts.duckdb").symlink_to(demo_run.marts.resolve())
    then = Issue("then", datetime(2026, 10, 6, 6, tzinfo=UTC), None, None)
    page = write_dashboard(tmp_path, choice, then).read_text(encoding="utf-8")
    kind, first, last = period_of(page)
    assert (kind, last) == ("week", date(2026, 10, 4))
    section = page.partition('<section id="changed"')[2].partition("</section>")[0]
    shown = re.findall(r'<tr data-metric="(\w+)">(.*?)</tr>', section, re.DOTALL)
    families = rows(
        "select count(distinct metric_family) from mart_metric_change"
        " inner join dim_metrics using (metric_id)"
        " where period_type = ? and period_start = ? and basis = 'previous' and is_significant"
        " and segment not in ('other', 'overlap')",
        kind, first,
    )  # fmt: skip
    assert 0 < len(shown) == min(12, families[0][0])
    for metric, cells in shown:
        before, after, change = data(cells)[:3]
        found = rows(
            "select count(*) from mart_metric_change where metric_id = ? and period_type = ?"
            " and period_start = ? and basis = 'previous' and is_significant and value_before = ?"
            " and value_after = ? and value_change = ?",
            metric, kind, first, before, after, change,
        )  # fmt: skip
        assert found[0][0] > 0, metric
        assert len(grades(cells)) == 1, metric


def test_a_metric_with_a_critical_finding_is_not_shown_as_trusted(
    page: str, rows: Rows, period: tuple[str, date, date]
) -> None:
    _, first, last = period
    findings = rows(
        "select endangered_metrics from fct_audit_findings"
        " where is_open and severity = 'critical' and failing_count > 0"
        " and audited_at = (select max(audited_at) from fct_audit_findings)"
        " and coalesce(first_failed_date, date '0001-01-01') <= ?"
        " and coalesce(last_failed_date, date '9999-12-31') >= ?",
        last,
        first,
    )
    endangered = {metric for (metrics,) in findings for metric in (metrics or "").split(",")}
    shown = [(metric, grades(card.partition("<p")[0])) for metric, card in cards(page).items()]
    shown += [
        (metric, grades(cells))
        for part in stages(page).values()
        for metric, _, cells in lines(part)
    ]
    doubted = [(metric, grade) for metric, grade in shown if metric in endangered and grade]
    assert doubted
    assert [one for one in doubted if TRUSTED & set(one[1])] == []


def test_what_cannot_be_trusted_names_the_finding_the_first_step_and_the_command(
    page: str, rows: Rows, period: tuple[str, date, date]
) -> None:
    kind, first, _ = period
    section = page.partition('<section id="doubtful"')[2].partition("</section>")[0]
    doubtful = rows(
        "select metric_id, worst_check_id from mart_metric_trust where period_type = ?"
        " and period_start = ? and channel = 'all' and trust_grade in ('D', 'E', 'F')",
        kind, first,
    )  # fmt: skip
    assert doubtful
    articles = re.findall(r'<article class="doubt critical">(.*?)</article>', section, re.DOTALL)
    for metric, check in doubtful:
        command = f"cxw trust explain {metric} --period-type {kind} --period {first}"
        (article,) = [one for one in articles if f"<code>{command}</code>" in one]
        assert f'<a href="../audit/index.html#{check}">{check}</a>' in article
        ((steps,),) = rows(
            "select distinct split_part(repair_steps, chr(10), 1) from fct_audit_findings"
            " where check_id = ? and audited_at = (select max(audited_at) from fct_audit_findings)",
            check,
        )
        assert steps in in_language(article, "en")


def test_the_command_that_the_page_names_gives_the_same_grade(
    page: str, demo_run: FinishedRun, cxw: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    grade, command = re.findall(
        r'class="trust trust-(\w)"(?:(?!<li>).)*?<code>cxw ([^<]+)</code>', page, re.DOTALL
    )[0]
    told = json.loads(cxw(demo_run.home, *command.split(), "--json").stdout)
    assert told["trust_grade"] == grade


def test_both_languages_are_complete(page: str) -> None:
    texts = {
        language: re.findall(rf'<span class="{language}" lang="{language}">([^<]*)</span>', page)
        for language in ("en", "fi")
    }
    assert len(texts["en"]) == len(texts["fi"]) > 200
    for language, words in texts.items():
        other = {"en": "fi", "fi": "en"}[language]
        assert page.count(f'class="{language}"') == len(words), f"{language}: a span holds markup"
        # Where one of both says nothing, it is the order of the words that differs.
        pairs = zip(words, texts[other], strict=True)
        assert [pair for pair in pairs if not pair[0] and len(pair[1]) > 8] == []


def test_words_stand_in_both_languages_or_are_names(page: str, rows: Rows) -> None:
    """What is left without the texts in a language: ids, commands, and names of what was found."""
    body = re.sub(r'<span class="(en|fi)" lang="\1">[^<]*</span>', " ", page.partition("<main>")[2])
    body = re.sub(r"<code>.*?</code>", " ", body, flags=re.DOTALL)
    left = set(re.findall(r"[A-Za-zÄÖäö_]{4,}", unescape(re.sub(r"<[^>]+>", " ", body))))
    places = rows("select source, platform, subject, detail from fct_audit_findings")
    segments = rows("select distinct segment from mart_metric_change")
    names = {"Kauppa (demo retailer)", *(str(name) for row in places + segments for name in row)}
    assert left <= set(re.findall(r"[A-Za-zÄÖäö_]{4,}", " ".join(names)))


def test_no_personal_data_and_nothing_from_elsewhere_is_on_the_page(
    demo_run: FinishedRun, page: str
) -> None:
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|url\(|@import|<script""", page)
    assert not re.search(r"[\w.+-]+@[\w-]+\.[a-z]+", page)
    assert not re.search(r"\bc_[0-9a-f]{20}\b", page)
    with duckdb.connect(str(demo_run.home / "warehouse.duckdb"), read_only=True) as warehouse:
        people = warehouse.execute(
            "select distinct first_name || ' ' || last_name, phone, street"
            " from vault.personal_data_vault"
        ).fetchall()
    assert len(people) > 100
    seen = page.lower()
    assert [1 for person in people for one in person if one and one.lower() in seen] == []


def test_tables_and_charts_can_be_read_aloud(page: str) -> None:
    tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)
    assert len(tables) > 12
    for table in tables:
        assert "<caption" in table
        assert re.findall(r"<th(?! scope=)[ >]", table) == []
    for chart in re.findall(r"<svg[^>]*>", page):
        assert 'role="img"' in chart
        assert "aria-label=" in chart
    assert len(re.findall(r"<h1>", page)) == 1
    identifiers = re.findall(r' id="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in identifiers


def test_data_of_less_than_a_week_make_a_page_without_figures(
    demo_run: FinishedRun, choice: Choice, tmp_path: Path
) -> None:
    shutil.copy(demo_run.marts.resolve(), tmp_path / "marts.duckdb")
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as marts:
        marts.execute("delete from mart_journey_metrics")
    issue = Issue("20261101T060000Z", datetime(2026, 11, 1, 6, tzinfo=UTC), None, None)
    text = write_dashboard(tmp_path, choice, issue).read_text(encoding="utf-8")
    assert "The data cover no whole week yet" in text
    assert data(text) == []


PROBE = """
<script>
addEventListener('load', () => {
  const colour = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const [r, g, b, a = 1] = colour(getComputedStyle(node).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = ([r, g, b]) => [r, g, b].map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const contrast = node => {
    const [above, below] = [light(colour(getComputedStyle(node).color)), light(ground(node))]
      .sort((one, other) => other - one);
    return (above + 0.05) / (below + 0.05);
  };
  const seen = names => [...document.querySelectorAll(names)].filter(one => one.checkVisibility());
  const told = {};
  for (const language of ['en', 'fi']) {
    document.querySelector('label[for=language-' + language + ']').click();
    told[language] = {en: seen('.en').length, fi: seen('.fi').length,
      title: document.querySelector('h1').innerText,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth};
  }
  const read = '.trust,.chance,.better,.worse,.few,.question,.why,.range,th,td,label,.lead,.meta,a';
  told.faint = seen(read).filter(one => contrast(one) < 4.5)
    .map(one => one.className + ' ' + one.innerText.slice(0, 30));
  told.width = innerWidth;
  parent.postMessage(JSON.stringify(told), '*');
});
</script>
"""

FRAME = """
<title></title><style>body{margin:0}iframe{border:0;height:900px}</style>
<script>
addEventListener('message', event => { document.title = encodeURIComponent(event.data); });
</script>
"""


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs the browser chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_browser_shows_one_language_at_a_time_without_scrolling_sideways(
    page: str, tmp_path: Path, width: int, scheme: str
) -> None:
    (tmp_path / "page.html").write_text(page.replace("</body>", PROBE + "</body>"), "utf-8")
    (tmp_path / "frame.html").write_text(
        FRAME + f'<iframe src="page.html" style="width:{width}px"></iframe>', "utf-8"
    )
    # 0 is dark, 1 is light
    browser = subprocess.run(
        [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=8000",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
            "--dump-dom",
            f"file://{tmp_path / 'frame.html'}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    encoded = re.search(r"<title>([^<]+)</title>", browser.stdout)
    assert encoded, browser.stderr
    told = json.loads(unquote(encoded[1]))
    assert told["width"] == width
    assert told["en"]["fi"] == told["fi"]["en"] == 0
    assert told["en"]["en"] == told["fi"]["fi"] > 200
    assert told["en"]["title"].startswith("Customer experience")
    assert told["fi"]["title"].startswith("Asiakaskokemus")
    assert (told["en"]["overflow"], told["fi"]["overflow"]) == (0, 0)
    assert told["faint"] == []
