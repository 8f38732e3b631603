"""The catalogue against what is built from it: wide views, goals of the plan, settings."""

import csv
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
MARTS = ROOT / "dbt_project/models/marts/journey"
Catalogue = list[dict[str, str]]
AUDIENCES = ("executive", "marketing", "service", "content", "commerce")

# Every figure that the contract of metrics names, by where it is published: ids of the catalogue,
# or the mart that holds what is no single figure.
CONTRACT = {
    "Satisfaction": """nps ces ces_mean csat womi womi_overstatement ctt_net_emotion ctt_decisive
        mart_touchpoint_causes exq exq_brand_experience exq_service_experience
        exq_post_purchase_experience exq_product_experience exq_outcome_focus
        exq_moments_of_truth exq_peace_of_mind exq_alpha content_usefulness mart_content_ranking
        response_rate mart_survey_responses mart_survey_waves""",
    "Performance": """content_time_seconds content_time_seconds_p90 video_watched_share video_to_end
        scroll_depth scroll_to_end task_duration_seconds task_duration_seconds_p90
        task_abandonment click_through error_rate repeated_error_rate conversion
        mart_journey_funnels mart_journey_links mart_journey_leavers section_interest
        section_dwell_seconds section_clicks fct_page_interactions cursor_interaction
        page_frustration section_hovers page_backtracks page_scroll_reversals site_search_exit
        page_speed_lcp page_speed_inp page_speed_cls uptime""",
    "Financial": """conversion_rate average_order_value average_order_margin average_price
        average_price_new_customers average_price_returning_customers customer_lifetime_value
        repeat_purchase_rate purchase_frequency days_between_orders cart_abandonment
        abandoned_cart_value exit_rate churn contract_churn mart_cohort_retention
        acquisition_cost saved_service_hours saved_service_cost programme_return
        spend_after_promoter spend_after_passive spend_after_detractor""",
    "Service and agents": """contacts_per_order average_handling_time first_contact_resolution
        transfer_rate self_service_containment escalation_rate top_requests first_response_time
        resolution_time agent_csat service_to_sales mart_service_performance""",
    "Journey stages": "dim_journey_stages fct_stage_transitions mart_journey_metrics",
}


@pytest.mark.parametrize("section", CONTRACT)
def test_every_figure_of_the_contract_has_its_place(section: str, catalogue: Catalogue) -> None:
    ids = {metric["metric_id"] for metric in catalogue}
    marts = {path.stem for path in (ROOT / "dbt_project/models/marts").glob("*/*.sql")}
    assert set(CONTRACT[section].split()) - ids - marts == set()


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    with (ROOT / "seeds/reference/metric_catalogue.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_wide_view_shows_the_metrics_that_the_catalogue_gives_its_audience(
    audience: str, catalogue: Catalogue
) -> None:
    chosen = [m["metric_id"] for m in catalogue if audience in m["audiences"].split()]
    sql = (MARTS / f"mart_metrics_{audience}.sql").read_text()
    assert re.findall(r"^    '(\w+)',$", sql, re.MULTILINE) == chosen
    described = yaml.safe_load((MARTS / f"mart_metrics_{audience}.yml").read_text())
    columns = [column["name"] for column in described["models"][0]["columns"]]
    shown = [column for column in columns if column in chosen]
    assert shown == chosen


def test_no_metric_is_meant_for_an_audience_without_a_view(
    catalogue: Catalogue,
) -> None:
    named = {audience for metric in catalogue for audience in metric["audiences"].split()}
    assert named == set(AUDIENCES)


def test_every_goal_of_the_plan_has_a_conversion_per_session_and_per_visitor(
    catalogue: Catalogue,
) -> None:
    plan = yaml.safe_load((ROOT / "seeds/measurement_plan.yml").read_text())
    goals = {goal["event"] for goal in plan["goals"]}
    assert goals
    for per_customer in ("true", "false"):
        measured = {m["goal_event"] for m in catalogue if m["is_per_customer"] == per_customer}
        assert goals <= measured


def test_stages_of_the_catalogue_are_stages_of_the_journey(
    catalogue: Catalogue,
) -> None:
    with (ROOT / "seeds/reference/journey_stages.csv").open() as file:
        stages = {stage["stage_id"] for stage in csv.DictReader(file)} | {"all"}
    assert {stage for metric in catalogue for stage in metric["stages"].split()} <= stages


def test_every_setting_that_a_formula_names_exists(
    catalogue: Catalogue,
) -> None:
    with (ROOT / "seeds/reference/metric_settings.csv").open() as file:
        settings = {setting["setting_id"] for setting in csv.DictReader(file)}
    named = {
        name
        for metric in catalogue
        for name in re.findall(r"metric_settings\.(\w+)", metric["formula"])
    }
    assert named
    assert named <= settings
