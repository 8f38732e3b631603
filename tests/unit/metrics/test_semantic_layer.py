"""The semantic layer names what the catalogue defines, and nothing else."""

import csv
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]


def test_every_metric_that_it_can_aggregate_is_in_the_semantic_layer() -> None:
    with (ROOT / "seeds/reference/metric_catalogue.csv").open() as file:
        catalogue = list(csv.DictReader(file))
    text = (ROOT / "dbt_project/models/semantic/metric_observations.yml").read_text()
    named = {metric["name"] for metric in yaml.safe_load(text)["metrics"]}
    helpers = ("_numerator", "_denominator", "_share", "_lower", "_upper")
    # neither the survival curve nor the mean of each customer's largest value is one
    defined = {
        m["metric_id"]
        for m in catalogue
        if m["estimator"] != "alpha"
        and "Kaplan–Meier" not in m["formula"]
        and (m["estimator"], m["customer_value"]) != ("mean", "any")
    }
    # a metric may be called a share as well
    assert {name for name in named if name in defined or not name.endswith(helpers)} == defined
