"""The Spark part of the tests: it runs with `make test-spark`, which installs Spark."""

from __future__ import annotations

import importlib.util
import shutil

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        reason = "Spark is not installed"
    elif config.getoption("markexpr") != "spark":
        reason = "Spark takes minutes"
    else:
        return
    for item in items:
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.skip(reason=f"{reason}: run it with make test-spark"))
