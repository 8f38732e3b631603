"""The semantic layer names what the catalogue defines, and nothing else."""

import csv
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]


def test_every_metric_that_it_can_aggregate_is_in_the_semantic_layer():
    with (ROOT / "seeds/reference/metric_catalogue.csv").open() as file:
        catalogue = list(csv.DictReader(file))
    text = (ROOT / "dbt_project/models/semantic/metric_observations.yml").read_text()
    named = {metric["name"] for metric in yaml.safe_load(text)["metrics"]}
    helpers = ("_numerator", "_denominator", "_share")
    # neither is the mean of each customer's largest value an aggregate that it knows
    defined = {
        m["metric_id"]
        for m in catalogue
        if m["estimator"] not in ("quantile", "alpha")
        and (m["estimator"], m["customer_value"]) != ("mean", "any")
    }
    assert {name for name in named if not name.endswith(helpers)} == defined
