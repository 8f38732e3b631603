"""The catalogue against what is built from it: wide views, goals of the plan, settings."""

import csv
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
MARTS = ROOT / "dbt_project/models/marts/journey"
AUDIENCES = ("executive", "marketing", "service", "content", "commerce")


@pytest.fixture(scope="module")
def catalogue() -> list[dict[str, str]]:
    with (ROOT / "seeds/reference/metric_catalogue.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_wide_view_shows_the_metrics_that_the_catalogue_gives_its_audience(audience, catalogue):
    chosen = [m["metric_id"] for m in catalogue if audience in m["audiences"].split()]
    sql = (MARTS / f"mart_metrics_{audience}.sql").read_text()
    assert re.findall(r"^    '(\w+)',$", sql, re.MULTILINE) == chosen
    described = yaml.safe_load((MARTS / f"mart_metrics_{audience}.yml").read_text())
    columns = [column["name"] for column in described["models"][0]["columns"]]
    shown = [column for column in columns if column in chosen]
    assert shown == chosen


def test_no_metric_is_meant_for_an_audience_without_a_view(catalogue):
    named = {audience for metric in catalogue for audience in metric["audiences"].split()}
    assert named == set(AUDIENCES)


def test_every_goal_of_the_plan_has_a_conversion_per_session_and_per_visitor(catalogue):
    plan = yaml.safe_load((ROOT / "seeds/measurement_plan.yml").read_text())
    goals = {goal["event"] for goal in plan["goals"]}
    assert goals
    for per_customer in ("true", "false"):
        measured = {m["goal_event"] for m in catalogue if m["is_per_customer"] == per_customer}
        assert goals <= measured


def test_stages_of_the_catalogue_are_stages_of_the_journey(catalogue):
    with (ROOT / "seeds/reference/journey_stages.csv").open() as file:
        stages = {stage["stage_id"] for stage in csv.DictReader(file)} | {"all"}
    assert {stage for metric in catalogue for stage in metric["stages"].split()} <= stages


def test_every_setting_that_a_formula_names_exists(catalogue):
    with (ROOT / "seeds/reference/metric_settings.csv").open() as file:
        settings = {setting["setting_id"] for setting in csv.DictReader(file)}
    named = {
        name
        for metric in catalogue
        for name in re.findall(r"metric_settings\.(\w+)", metric["formula"])
    }
    assert named
    assert named <= settings
