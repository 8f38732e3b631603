"""What the dashboard shows is chosen in a file, and figures are written as people read them."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from orchestration.dashboard import CHOICE, chart, figure, load_choice
from orchestration.errors import WarehouseError

SHIPPED = CHOICE.read_text(encoding="utf-8")


def test_the_shipped_choice_names_metrics_of_the_catalogue() -> None:
    choice = load_choice()
    assert "nps" in choice.key_metrics
    assert "conversion_rate" in choice.journey


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("[nps, ", "[npps, ", "headline: npps is no metric of metric_catalogue.csv. Did you mean"),
        ("[nps, ", "[csat, ", "headline: csat stands twice"),
        ("[nps, ", "[task_abandonment, ", "never pooled over touchpoint. Show it under `journey`"),
        ("  - csat\n", "  - cast\n", "journey: cast is no metric"),
        ("fi: Mitä he ostavat", "sv: Vad de köper", "headline.1.name.fi: Field required"),
        ("headline:", "headlines:", "headline: Field required"),
        ("headline:", "headline: [", "cannot be read"),
    ],
)
def test_a_mistake_in_the_choice_is_told_with_its_place(
    written: str, instead: str, told: str, tmp_path: Path
) -> None:
    assert written in SHIPPED
    path = tmp_path / "dashboard.yml"
    path.write_text(SHIPPED.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(WarehouseError) as raised:
        load_choice(path)
    assert told in str(raised.value)
    assert "dashboard.yml" in str(raised.value)


@pytest.mark.parametrize(
    ("value", "unit", "like", "signed", "en", "fi"),
    [
        (0.089928, "share", None, False, "9.0 %", "9,0 %"),
        # nearly all is not all
        (0.99706, "share", None, False, "99.71 %", "99,71 %"),
        (0.012, "share", 0.089, True, "+1.2 pp", "+1,2 %-yks."),
        (-17.26, "points", None, True, "−17.3", "−17,3"),
        (0.0, "points", None, True, "0.0", "0,0"),
        # no minus before nothing
        (-0.01, "points", None, True, "0.0", "0,0"),
        (32750.4, "EUR", None, False, "32 750 €", "32 750 €"),
        # as finely as the figure beside it
        (-134.69, "EUR", 32750.4, True, "−135 €", "−135 €"),
        (134.69, "SEK", None, False, "134.69 SEK", "134,69 SEK"),
        (28800, "seconds", None, False, "8.0 h", "8,0 h"),
        (7200, "seconds", 28800, True, "+2.0 h", "+2,0 h"),
        (86400, "seconds", None, False, "24.0 h", "24,0 h"),
        (259200, "seconds", None, False, "3.0 d", "3,0 pv"),
        (0.177, "seconds", None, False, "0.18 s", "0,18 s"),
        (5.2345, "score", None, False, "5.23", "5,23"),
        (0.0127, "ratio", None, False, "0.013", "0,013"),
        (1014, "count", None, False, "1 014", "1 014"),
    ],
)
def test_a_figure_is_written_in_both_languages_and_exact_for_machines(
    value: float, unit: str, like: float | None, signed: bool, en: str, fi: str
) -> None:
    written = str(figure(value, unit, like=like, signed=signed))
    spaced = written.replace("\u00a0", " ").replace("\u202f", " ")
    assert spaced.startswith(f'<data value="{value}">')
    shown = re.findall(r">([^<>]+)<", spaced)
    assert shown == ([en, fi] if en != fi else [en])


def test_no_figure_is_no_zero() -> None:
    assert figure(None, "share") == "–"


STARTS = [dt.date(2026, month, 1) for month in range(1, 7)]


def _row(
    month: int, value: float | None, low: float | None, high: float | None
) -> dict[str, object]:
    start = dt.date(2026, month, 1)
    return {"period_start": start, "unit": "points", "value": value, "ci_low": low, "ci_high": high}


def test_a_gap_stays_a_gap_and_a_withheld_figure_has_no_point() -> None:
    rows = [_row(1, 10, 5, 15), _row(2, 20, 15, 25), _row(3, None, None, None), _row(5, 0, -5, 5)]
    rows.append(_row(6, 5, 0, 10))
    drawn = str(chart(rows, STARTS, "month", None))
    lines = re.findall(r'<polyline points="([^"]+)"', drawn)
    assert [len(line.split()) for line in lines] == [2, 2]
    assert drawn.count("<polygon") == 2
    assert drawn.count("<circle") == 4
    assert "2026-01" in drawn
    assert "2026-06" in drawn


def test_the_highest_limit_is_drawn_at_the_top_and_the_lowest_at_the_bottom() -> None:
    drawn = str(chart([_row(1, 10, 0, 20), _row(2, 10, 5, 15)], STARTS[:2], "month", None))
    assert '<polygon points="8.0,8.0 252.0,22.0 252.0,50.0 8.0,64.0"/>' in drawn
    assert "<span>20.0</span>" in drawn.replace('<span class="en" lang="en">', "<span>")


def test_a_period_from_before_the_data_is_hollow() -> None:
    rows = [_row(1, 10, 5, 15), _row(2, 20, 15, 25)]
    drawn = str(chart(rows, STARTS[:2], "month", dt.date(2026, 1, 9)))
    assert re.findall(r'<circle class="(\w+)"', drawn) == ["part", "whole"]


def test_one_figure_makes_no_chart() -> None:
    assert chart([_row(1, 10, 5, 15), _row(2, None, None, None)], STARTS, "month", None) == ""
