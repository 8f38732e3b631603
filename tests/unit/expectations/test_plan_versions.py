"""Old data is judged by the plan that held then, whatever the plan says now."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Catalogue
from expectations.plan import DEFAULT_PLAN, Plan, load_plan
from expectations.suites import expectations_for
from tests.unit.expectations.conftest import healthy
from tests.unit.expectations.warehouse import Rows, at, build, connect, day

_CHANGED = 14

# What the newer version says otherwise; under the older one the healthy month is right.
_CHANGES = {
    'plan_version: "1.0"': 'plan_version: "2.0"',
    "valid_from: 2020-01-01": f"valid_from: {day(_CHANGED)}",
    "internal_rules:\n    - {param: traffic_type, equals: internal}\n"
    '    - {param: debug_mode, equals: "1"}': "internal_rules: []",
    "hosts: [www.kauppa.example, checkout.kauppa.example]": "hosts: [uusi.kauppa.example]",
    "browsers: []": "browsers: [safari]",
    "payment_hosts: [maksut.example,": "payment_hosts: [google,",
    "  - {id: app_download, kind: micro, event: app_download_click}": (
        "  - {id: app_download, kind: micro, event: app_download_click}\n"
        "  - {id: page, kind: micro, event: page_view, once_per: session}"
    ),
    "allowed_values: [none, bronze, silver, gold]}": (
        "allowed_values: [bronze]}\n  - {name: segment, requirement: required}"
    ),
    "allowed_mediums: [organic, cpc, paid_social, display, email,": "allowed_mediums: [organic,",
    'source_pattern: "^[a-z0-9._-]+$|': 'source_pattern: "^letter$|',
    "expected_grant_share: {min: 0.5, max: 0.98}": "expected_grant_share: {min: 1, max: 1}",
    "min_daily_events: 50": "min_daily_events: 1000000",
    "channels: [web, app], tolerance: 0.01}": "channels: [web, app], tolerance: 0.2}",
    "purchase, scale_min: 0, scale_max: 10,": "purchase, scale_min: 0, scale_max: 3,",
}


def _versions(folder: Path) -> Plan:
    text = DEFAULT_PLAN.read_text(encoding="utf-8")
    newer = text
    for before, after in _CHANGES.items():
        assert before in newer, before
        newer = newer.replace(before, after, 1)
    path = folder / "plan.yml"
    path.write_text(newer, encoding="utf-8")
    (folder / "plan_versions").mkdir()
    (folder / "plan_versions" / "1.0.yml").write_text(text, encoding="utf-8")
    return load_plan(path)


def _month() -> Rows:
    rows = healthy(20, 20)
    # A tenth off the orders: wrong by a tolerance of 1 %, right by one of 20 %.
    for order in rows.tables["int_orders_unioned"]:
        order["total_amount"] = 55.0
    for event in rows.tables["int_web_events_landed"]:
        event["is_internal"] = event["page_path"] == "/haku"
    # Answers after the change, too: those of the healthy month are all given before it.
    for answer in [
        r for r in rows.tables["int_survey_answers_unioned"] if r["question_id"] == "nps"
    ]:
        later = answer | {"submitted_at": at(_CHANGED + 4), "answer_number": 5.0}
        rows.add(
            "int_survey_answers_unioned",
            **later | {"survey_answer_key": f"{answer['survey_answer_key']}-later"},
        )
    return rows


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, tuple[int, int]]]:
    """Rows examined and failing of each check, before the change and after it."""
    folder = tmp_path_factory.mktemp("versions")
    warehouse = build(_month(), _versions(folder), folder)
    with connect(warehouse) as connection:
        counted = connection.execute(
            "select check_id, case when event_date < ? then 'before' else 'after' end as side,"
            " cast(sum(rows_examined) as int), cast(sum(rows_failing) as int)"
            " from int_audit_metrics group by check_id, side",
            [day(_CHANGED)],
        ).fetchall()
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for check, side, examined, failing in counted:
        found.setdefault(check, {})[side] = (examined, failing)
    return found


@pytest.mark.parametrize(
    "check_id",
    [
        "COL05",  # hosts
        "COL07",  # browsers of robots
        "ATT04",  # hosts of payment providers
        "ATT05",  # mediums
        "ATT07",  # patterns of names
        "GOL08",  # goals
        "SCH06",  # values of user properties
        "SCH11",  # user properties
        "PRI04",  # consent
    ],
)
def test_what_was_right_by_the_older_plan_is_wrong_by_the_newer_from_its_first_day_on(
    check_id: str, judged: dict[str, dict[str, tuple[int, int]]]
) -> None:
    examined, failing = judged[check_id]["before"]
    assert examined > 0
    assert failing == 0
    assert judged[check_id]["after"][1] > 0


def test_a_tolerance_holds_from_the_day_of_its_version(
    judged: dict[str, dict[str, tuple[int, int]]],
) -> None:
    examined, failing = judged["REC04"]["before"]
    assert failing == examined > 0
    examined, failing = judged["REC04"]["after"]
    assert failing == 0 < examined


def test_a_score_is_judged_by_the_scale_of_its_day(
    judged: dict[str, dict[str, tuple[int, int]]],
) -> None:
    assert judged["SUR01"]["before"][1] == 0
    # twenty scores of five on a scale that ends at three
    assert judged["SUR01"]["after"] == (20, 20)


def test_internal_traffic_is_kept_out_where_the_version_says_so(
    judged: dict[str, dict[str, tuple[int, int]]],
) -> None:
    assert judged["COL06"]["before"][1] > 0
    assert "after" not in judged["COL06"]


def test_volumes_are_watched_where_the_version_says_so(
    judged: dict[str, dict[str, tuple[int, int]]],
) -> None:
    assert judged["VOL02"]["before"][0] > 0
    assert "after" not in judged["VOL02"]


def test_a_threshold_is_that_of_the_days_on_which_the_failures_lie(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    """Between versions the more lenient one judges: what lies on both sides may be right in one."""
    folder = tmp_path
    text = DEFAULT_PLAN.read_text(encoding="utf-8")
    (folder / "plan.yml").write_text(
        text.replace("valid_from: 2020-01-01", "valid_from: 2026-01-19", 1).replace(
            "min_match_share: 0.80", "min_match_share: 0.40", 1
        ),
        encoding="utf-8",
    )
    (folder / "plan_versions").mkdir()
    (folder / "plan_versions" / "1.0.yml").write_text(text, encoding="utf-8")
    now = dt.datetime(2026, 2, 10, tzinfo=dt.UTC)
    asked = [
        e
        for e in expectations_for(load_plan(folder / "plan.yml"), catalogue, now)
        if e.check_id == "REC01" and "(web" in e.description
    ]
    assert len(asked) == 1
    with duckdb.connect() as connection:
        connection.execute(
            "create table int_audit_shares_estimated as select 'REC01' as check_id,"
            " 'web' as platform, 100 as rows_examined, 50 as rows_failing,"
            " 0.4 as failing_share_low, * from (values"
            " ('day', date '2026-01-18', date '2026-01-18', date '2026-01-18'),"
            " ('day', date '2026-01-19', date '2026-01-19', date '2026-01-19'),"
            " ('week', date '2026-01-15', date '2026-01-15', date '2026-01-21'),"
            " ('week', date '2026-01-16', date '2026-01-16', date '2026-01-18'),"
            " ('all', null, date '2026-01-02', date '2026-01-10')"
            ") as t (period_type, period_start, first_failed_date, last_failed_date)"
        )
        failed = connection.execute(
            asked[0].sql().replace("select *", "select period_type, last_failed_date", 1)
        ).fetchall()
    assert failed == [
        ("day", dt.date(2026, 1, 18)),
        ("week", dt.date(2026, 1, 18)),
        ("all", dt.date(2026, 1, 10)),
    ]
