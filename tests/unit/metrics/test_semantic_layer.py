"""The semantic layer names what the catalogue defines, and nothing else."""

import csv
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def catalogue() -> list[dict[str, str]]:
    with (ROOT / "seeds/reference/metric_catalogue.csv").open() as file:
        return list(csv.DictReader(file))


def metrics() -> dict[str, dict[str, Any]]:
    files = (ROOT / "dbt_project/models/semantic").glob("*.yml")
    return {
        metric["name"]: metric
        for file in files
        for metric in yaml.safe_load(file.read_text()).get("metrics", [])
    }


def test_every_metric_is_in_the_semantic_layer() -> None:
    helpers = (
        *("_numerator", "_denominator", "_share", "_lower", "_upper"),
        *("_figure", "_cells"),
    )
    defined = {metric["metric_id"] for metric in catalogue()}
    # a metric may be called a share as well
    named = {name for name in metrics() if name in defined or not name.endswith(helpers)}
    assert named == defined


def test_only_what_records_cannot_be_put_together_to_is_read_from_cells() -> None:
    """Survival curves, alpha, means of customers' largest values, shares of one common base."""
    of_cells = {name.removesuffix("_figure") for name in metrics() if name.endswith("_figure")}
    assert of_cells == {
        m["metric_id"]
        for m in catalogue()
        if m["estimator"] == "alpha"
        or "Kaplan–Meier" in m["formula"]
        or (m["estimator"], m["customer_value"]) == ("mean", "any")
        or m["metric_id"] == "top_requests"
    }
