"""The measurement plan is validated to the line, and exported as the tables that dbt reads."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from expectations.plan import (
    DEFAULT_PLAN,
    PLAN_TABLES,
    PlanError,
    export_tables,
    load_plan,
    plan_tables,
    value_rules,
)

TEXT = DEFAULT_PLAN.read_text(encoding="utf-8")


def _line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("platforms: [web, app]", "platforms: [web, fax]", "'fax' is not one of web, app"),
        ("    status: live", "    status: alive", "'alive' is not one of draft, live, deprecated"),
        (
            "    trigger: Every page load",
            "    triger: Every page load",
            "unknown field triger; did you mean trigger?",
        ),
        (
            "event: loyalty_signup, once_per",
            "event: loyalty_sign_up, once_per",
            "event 'loyalty_sign_up' is not in the plan; did you mean loyalty_signup",
        ),
        ("valid_from: 2020-01-01", "valid_from: soon", "'soon' is no day of the calendar"),
        ("valid_from: 2020-01-01", "valid_from: 2026-02-30", "write it as 2026-03-14"),
        ("min_match_share: 0.80", 'min_match_share: "much"', "'much' must be a number"),
        ("platforms: [web, app]", "platforms: web", "'web' must be a list: [one, two]"),
        (
            'allowed_values: ["yes", "no"]',
            "allowed_values: [yes, no]",
            "is read as true or false (true); put text into quotes",
        ),
        (
            'pattern: "^[A-Z]{3}$", allowed_values: [EUR]}',
            'pattern: "^([A-Z]{3}$", allowed_values: [EUR]}',
            "is no regular expression: missing ), unterminated subpattern at character 2",
        ),
        ("currency: EUR", "currency: euro", "a code of ISO 4217, for instance EUR"),
        (
            "timezone: Europe/Helsinki",
            "timezone: Europe/Helsingfors",
            "there is no time zone 'Europe/Helsingfors'; did you mean Europe/Helsinki",
        ),
        (
            "accepted: []",
            "accepted: [{check: PRI99, until: 2026-12-31, why: Later}]",
            "there is no check 'PRI99' in the catalogue; did you mean PRI05",
        ),
        ("min: 0, max: 100}", "min: 100, max: 0}", "100 is not below max (0)"),
        ("scale_min: 1, scale_max: 7", "scale_min: 7, scale_max: 1", "7 is not below scale_max"),
        ("min: 0.5, max: 0.98", "min: 0.98, max: 0.5", "0.98 is not below max (0.5)"),
        ('{id: "2002", platform: app', '{id: "1001", platform: app', "'1001' stands twice"),
        (
            "{name: gclid, scope: event,",
            "{scope: event, name: source,",
            "'source' stands twice; keep one",
        ),
        (
            "value_param: value",
            "value_param: valeu",
            "'valeu' is no parameter of purchase; did you mean value",
        ),
        (
            "reconcile_to: crm_contacts",
            "reconcile_to: crm",
            "no reconciliation compares newsletter_lead with 'crm'",
        ),
        (
            "channels: [web, app], tolerance: 0.01}",
            "channels: [web, app], tolerance: 0.01, max_unmatched_share: 0.9}",
            "0.9, and goal web_purchase wants 0.8 matched; keep one of the two",
        ),
        (
            "{name: search_term, scope: event, type: string, requirement: optional,",
            "{name: search_term, scope: event, type: string, requirement: conditional,"
            " condition: {pages: x},",
            "'pages' is no parameter of page_view; did you mean page_",
        ),
        (
            "metrics: [nps, repeat_purchase_rate]",
            "metrics: [nps, repeat_rate]",
            "there is no metric 'repeat_rate' in the catalogue; did you mean",
        ),
        ("{metric: ces,", "{metric: cess,", "there is no metric 'cess'"),
        ("blocking_checks: []", "blocking_checks: [ABC99]", "there is no check 'ABC99'"),
        (
            "thresholds: {}",
            "thresholds: {COL99: {max_share: 0.1}}",
            "there is no check 'COL99' in the catalogue",
        ),
        (
            "thresholds: {}",
            "thresholds: {COL04: {max_rows: 3}}",
            "COL04 is not judged by max_rows, but by max_share, min_failing, min_examined",
        ),
        ("thresholds: {}", "thresholds: {COL04: {max_share: 3}}", "3 is"),
        ("{param: debug_mode,", "{param: debug,", "'debug' is not one of traffic_type, debug_mode"),
        (
            "key_touchpoint: product_page",
            "key_touchpoint: product_pages",
            "there is no touchpoint 'product_pages' in the catalogue; did you mean product_page",
        ),
        ("blocking_severities: []", "blocking_severities: [bad]", "'bad' is not one of critical"),
        (
            "{metric: nps, source: questback, survey: purchase,",
            "{metric: nps, positive_from: 8, source: questback, survey: purchase,",
            "nps is no share of answers",
        ),
        (
            "{metric: csat, source: typeform,",
            "{metric: csat, positive_from: 8, source: typeform,",
            "8 parts no answers from 1 to 5",
        ),
        (
            "{metric: nps, source: questback, survey: relationship,",
            "{source: questback, metric: nps, survey: purchase,",
            "the same questions stand above already",
        ),
        (
            "{metric: nps, source: questback, survey: relationship,",
            "{metric: nps, question: nps, source: questback, survey: purchase,",
            "an entry above holds for some of these questions too",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(
    before: str, after: str, message: str, tmp_path: Path
) -> None:
    text = TEXT.replace(before, after, 1)
    assert text != TEXT
    path = tmp_path / "plan.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as raised:
        load_plan(path)
    problem = next(p for p in raised.value.problems if message in p.message)
    assert problem.line == _line_of(text, after.strip())
    assert str(problem).startswith(f"plan.yml:{problem.line}:{problem.column}: ")


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(
        TEXT.replace("status: live", "status: alive", 2).replace("kind: micro", "kind: tiny", 1),
        encoding="utf-8",
    )
    with pytest.raises(PlanError) as raised:
        load_plan(path)
    assert len(raised.value.problems) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("plan_version: [", "not YAML: .* look at the indentation"),
        ("- page_view\n- purchase\n", "holds no fields"),
        ("plan_version: '1'\nplan_version: '2'\n", "stands twice"),
    ],
)
def test_a_broken_file_is_told_in_words(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=message):
        load_plan(path)


def test_what_is_merged_into_a_mapping_may_be_given_another_value_there(tmp_path: Path) -> None:
    streams = """
    - &shop {id: "1001", platform: web, name: Web shop}
    - {id: "1002", <<: *shop}"""
    merged = TEXT.replace(
        """
    - {id: "1001", platform: web, name: Web shop}""",
        streams,
    )
    assert merged != TEXT
    path = tmp_path / "plan.yml"
    path.write_text(merged, encoding="utf-8")
    plan = load_plan(path)
    assert [stream["id"] for stream in plan.data["property"]["streams"]][:2] == ["1001", "1002"]


def test_every_table_is_written(tmp_path: Path) -> None:
    written = export_tables(load_plan(), tmp_path)
    assert sorted(path.stem for path in written) == sorted(PLAN_TABLES)


def test_a_goal_says_how_much_of_its_source_of_truth_must_match(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(TEXT.replace("min_match_share: 0.80", "min_match_share: 0.65", 1))
    shares = {
        row["reconciliation_id"]: row["max_unmatched_share"]
        for row in plan_tables(load_plan(path))["reconciliations"]
    }
    assert shares == {"orders": 0.35, "leads": 0.90}


def test_a_question_may_have_a_cut_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(
        TEXT.replace(
            "{metric: csat, source: questback, survey: purchase,",
            "{metric: csat, question: csat, positive_from: 5, source: questback, survey: purchase,",
            1,
        ),
        encoding="utf-8",
    )
    cuts = {
        (row["source"], row["survey_id"], row["question_id"]): row["positive_from"]
        for row in plan_tables(load_plan(path))["surveys"]
        if row["metric_id"] == "csat"
    }
    assert cuts == {("questback", "purchase", "csat"): 5, ("typeform", "service", None): None}


def test_an_own_parameter_replaces_the_common_one_on_its_platform_only(tmp_path: Path) -> None:
    export_tables(load_plan(), tmp_path)
    rows = pq.read_table(tmp_path / "params.parquet").to_pylist()
    locations = {
        row["platform"]: row["requirement"]
        for row in rows
        if (row["event_name"], row["param_key"]) == ("page_view", "page_location")
    }
    assert locations == {"web": "required", "app": "optional"}


def _plan_with_an_earlier_version(folder: Path, later_from: str) -> Path:
    path = folder / "plan.yml"
    path.write_text(
        TEXT.replace("valid_from: 2020-01-01", f"valid_from: {later_from}", 1)
        .replace('plan_version: "1.0"', 'plan_version: "2.0"', 1)
        .replace('allowed_values: ["yes", "no"]', 'allowed_values: ["kyllä", "ei"]', 1),
        encoding="utf-8",
    )
    earlier = folder / "plan_versions"
    earlier.mkdir()
    (earlier / "1.0.yml").write_text(TEXT, encoding="utf-8")
    return path


def test_each_version_judges_the_days_on_which_it_held(tmp_path: Path) -> None:
    plan = load_plan(_plan_with_an_earlier_version(tmp_path, "2026-02-01"))
    export_tables(plan, tmp_path / "tables")
    values = pq.read_table(tmp_path / "tables" / "allowed_values.parquet").to_pylist()
    held = {
        row["allowed_value"]: (row["valid_from"].isoformat(), row["valid_to"].isoformat())
        for row in values
        if (row["event_name"], row["param_key"]) == ("content_feedback", "useful")
    }
    assert held == {
        "yes": ("1900-01-01", "2026-02-01"),
        "no": ("1900-01-01", "2026-02-01"),
        "kyllä": ("2026-02-01", "9999-12-31"),
        "ei": ("2026-02-01", "9999-12-31"),
    }
    for table in ("events", "hosts", "streams", "mediums", "user_properties", "reconciliations"):
        rows = pq.read_table(tmp_path / "tables" / f"{table}.parquet").to_pylist()
        held_from = [row.pop("valid_from").isoformat() for row in rows]
        assert {row.pop("valid_to").isoformat() for row in rows} == {"2026-02-01", "9999-12-31"}
        assert held_from.count("1900-01-01") == held_from.count("2026-02-01") > 0, table


def test_what_any_version_declares_personal_stays_so_and_has_no_rule_for_its_values(
    tmp_path: Path,
) -> None:
    path = _plan_with_an_earlier_version(tmp_path, "2026-02-01")
    earlier = tmp_path / "plan_versions" / "1.0.yml"
    declared = "{name: useful, scope: event, type: string, personal_data: true, "
    earlier.write_text(
        TEXT.replace("{name: useful, scope: event, type: string, ", declared, 1), encoding="utf-8"
    )
    export_tables(load_plan(path), tmp_path / "tables")
    rows = {
        name: pq.read_table(tmp_path / "tables" / f"{name}.parquet").to_pylist()
        for name in ("personal_data", "params", "allowed_values")
    }
    assert rows["personal_data"] == [{"data_kind": "param", "data_name": "useful"}]
    useful = {
        (row["valid_from"].isoformat(), row["is_personal_data"], row["has_allowed_values"])
        for row in rows["params"]
        if row["param_key"] == "useful"
    }
    assert useful == {("1900-01-01", True, False), ("2026-02-01", False, True)}
    allowed = {
        row["allowed_value"] for row in rows["allowed_values"] if row["param_key"] == "useful"
    }
    assert allowed == {"kyllä", "ei"}


def test_a_unit_says_between_which_numbers_values_lie_where_the_plan_does_not() -> None:
    assert value_rules({"unit": "percent"}) == {"min": 0, "max": 100}
    assert value_rules({"unit": "percent", "max": 50}) == {"min": 0, "max": 50}
    assert value_rules({"unit": "EUR", "min": 0}) == {"min": 0}
    assert value_rules({"unit": "percent", "personal_data": True}) == {}


def test_two_versions_cannot_begin_on_one_day(tmp_path: Path) -> None:
    path = _plan_with_an_earlier_version(tmp_path, "2020-01-01")
    with pytest.raises(PlanError, match="give every version a first day of its own") as raised:
        load_plan(path)
    (problem,) = raised.value.problems
    (older,) = path.with_name(f"{path.stem}_versions").glob("*.yml")
    assert problem.file == f"{older.parent.name}/{older.name}"
    line = older.read_text(encoding="utf-8").splitlines()[problem.line - 1]
    assert line.startswith("valid_from:")
