"""What few rows look like by chance is no defect: the rules that judge a group, on small groups."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from expectations.plan import Plan
from tests.unit.expectations.warehouse import Rows, at, build, connect, day

#: A day of the app on which more of its few visitors refused than on others.
_REFUSED = day(12)


def _consents(rows: Rows, source: str, number: int, granted: int, denied: int) -> None:
    for place in range(granted + denied):
        rows.add(
            "int_web_events_landed",
            web_event_key=f"{source}{number}.{place}",
            source=source,
            stream_id="2002",
            platform="app",
            event_name="page_view",
            occurred_at=at(number, place),
            event_date=day(number),
            partition_date=day(number),
            is_duplicate=False,
            is_superseded=False,
            is_intraday=False,
            consent_analytics="granted" if place < granted else "denied",
        )


def _answers(rows: Rows, question: str, number: int, scores: list[int]) -> None:
    for place, score in enumerate(scores):
        rows.add(
            "int_survey_answers_unioned",
            survey_answer_key=f"{question}{number}.{place}",
            survey_response_key=f"{question}{number}.{place}",
            source="questback",
            survey_id="purchase",
            response_id=f"{question}{number}.{place}",
            question_id=question,
            question_version="1",
            answer_number=float(score),
            submitted_at=at(number, place),
        )


@pytest.fixture(scope="module")
def warehouse(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = Rows()
    for number in range(28):
        usual = (30, 0) if number % 4 else (25, 5)
        _consents(rows, "small", number, *((90, 18) if day(number) == _REFUSED else usual))
        _consents(rows, "ill", number, *((100, 900) if day(number) == _REFUSED else (1000, 0)))
    for question in ("discourage", "nps"):
        rows.add(
            "survey_questions",
            source="questback",
            survey_id="purchase",
            question_id=question,
            question_version="1",
            metric_id=question,
            scale_min=0.0,
            scale_max=10.0,
        )
    # Hardly anybody would discourage others: a month without one is no other scale.
    _answers(rows, "discourage", 3, [0] * 38 + [8, 9])
    _answers(rows, "discourage", 40, [0] * 20 + [1, 2])
    # Nor is one that is off its scale a measure of how high the others go.
    _answers(rows, "nps", 4, [99])
    _answers(rows, "nps", 3, [2, 5, 6, 7, 8, 8, 9, 9, 10, 10] * 3)
    _answers(rows, "nps", 40, [1, 2, 3, 4, 5] * 5)
    return build(
        rows,
        plan,
        tmp_path_factory.mktemp("small_numbers"),
        select="stubs +int_audit_web_days_judged +int_audit_survey_responses_judged",
    )


def _shifted(warehouse: Path, source: str) -> list[dt.date]:
    with connect(warehouse) as connection:
        return [
            at
            for (at,) in connection.execute(
                "select event_date from int_audit_web_days_judged where pri04 and source = ?",
                [source],
            ).fetchall()
        ]


def test_a_few_who_refuse_where_mostly_all_agree_are_no_new_banner(warehouse: Path) -> None:
    assert _shifted(warehouse, "small") == []


def test_a_day_on_which_most_refuse_is_found(warehouse: Path) -> None:
    assert _shifted(warehouse, "ill") == [_REFUSED]


@pytest.mark.parametrize(("question", "changed"), [("discourage", False), ("nps", True)])
def test_a_scale_has_changed_where_high_answers_were_usual(
    question: str, changed: bool, warehouse: Path
) -> None:
    with connect(warehouse) as connection:
        found = connection.execute(
            "select bool_or(sur07) from int_audit_survey_responses_judged where detail = ?",
            [question],
        ).fetchone()
    assert found is not None
    assert bool(found[0]) is changed
