"""Sums of doubles come out the same in whatever order they are added."""

from __future__ import annotations

import math
import random
import statistics

import duckdb
import pytest


def summed(values: list[float | None], how: str) -> float | None:
    with duckdb.connect() as connection:
        connection.execute("create table given as select unnest(?::double[]) as x", [values])
        row = connection.execute(f"select {how} from given").fetchone()
    assert row
    return None if row[0] is None else float(row[0])


@pytest.mark.parametrize("sizes", [(0.1, 1 / 3, 7e4), (1e9, 3e10, 2e12)])
def test_the_order_of_addends_does_not_show(macros, sizes) -> None:
    chosen = random.Random(5)
    amounts = [chosen.choice(sizes) * chosen.random() for _ in range(300)]
    shuffled = [chosen.sample(amounts, len(amounts)) for _ in range(20)]
    assert len({summed(values, "sum(x)") for values in shuffled}) > 1, "doubles would do"
    assert len({summed(values, macros.exact_sum("x")) for values in shuffled}) == 1
    assert summed(amounts, macros.exact_sum("x")) == pytest.approx(math.fsum(amounts), rel=1e-15)


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([], None),
        ([None, None], None),
        ([1e200, 0.5, None], 1e200),
        ([3e12, 4e12], 7e12),
        ([-2e11, 0.25], 0.25 - 2e11),
        ([0.1] * 10, 1.0),
    ],
)
def test_what_there_is_adds_up_however_large(
    macros, values: list[float | None], total: float | None
) -> None:
    assert summed(values, macros.exact_sum("x")) == total


@pytest.mark.parametrize("how", ["exact_mean", "exact_variance"])
def test_neither_means_nor_variances_show_the_order(macros, how: str) -> None:
    chosen = random.Random(6)
    answers = [1 + 6 * chosen.randrange(5) / 7 for _ in range(300)]
    shuffled = [chosen.sample(answers, len(answers)) for _ in range(20)]
    of_doubles = {"exact_mean": "avg(x)", "exact_variance": "var_samp(x)"}[how]
    assert len({summed(values, of_doubles) for values in shuffled}) > 1, "doubles would do"
    found = {summed(values, getattr(macros, how)("x")) for values in shuffled}
    truth = {"exact_mean": statistics.fmean, "exact_variance": statistics.variance}[how]
    assert list(found) == [pytest.approx(truth(answers), rel=1e-12)]


@pytest.mark.parametrize(
    ("values", "mean", "variance"),
    [
        ([], None, None),
        ([None, 2.5], 2.5, None),
        ([0.1, None] * 7, 0.1, 0.0),
        ([1, 2], 1.5, 0.5),
        # equal but for the last digit: no variance, nor one below zero
        ([3.9, 3.9 + 4.5e-16, 3.9], 3.9, 0.0),
        ([8.2 / 3, 8.2 / 3 + 4.5e-16, 8.2 / 3], 8.2 / 3, 0.0),
    ],
)
def test_means_and_variances_of_few(macros, values, mean, variance) -> None:
    assert summed(values, macros.exact_mean("x")) == pytest.approx(mean)
    assert summed(values, macros.exact_variance("x")) == variance


def test_a_variance_may_be_asked_of_an_expression_and_of_whole_numbers(macros) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table given as select unnest([100000, 100003, 100007]) as x")
        found = connection.execute(
            f"select {macros.exact_variance('x')}, {macros.exact_variance('x + x')} from given"
        ).fetchone()
    assert found == pytest.approx((37 / 3, 4 * 37 / 3))
