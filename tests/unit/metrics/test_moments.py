"""Effective sample sizes: weights, and customers who answer more than once."""

import pytest


def cell(macros, records: list[tuple[str, float, float]]) -> str:
    """A cell's sums, with its ratio m, as a relation over (customer, value, weight) records."""
    values = ", ".join(
        f"('{c}', {x}::double, 1.0::double, {w}::double, true)" for c, x, w in records
    )
    return f"""(
        select *, wx / wb as m
        from (
            select {macros.customer_moments()}
            from (
                select customer_id, {macros.observation_moments()}
                from (values {values})
                    as r (customer_id, value_number, base_number, weight, is_counted)
                group by customer_id
            )
        )
    )"""


def test_kish_effective_n_is_n_under_equal_weights(macros, value_of):
    records = [(f"c{i}", i % 2, 2.5) for i in range(12)]
    assert value_of(macros.kish_n(), cell(macros, records)) == pytest.approx(12)


def test_kish_effective_n_is_square_of_sum_over_sum_of_squares(macros, value_of):
    records = [("a", 1, 1), ("b", 0, 2), ("c", 1, 3)]
    assert value_of(macros.kish_n(), cell(macros, records)) == pytest.approx(36 / 14)


def test_design_effect_is_one_when_every_customer_answers_once(macros, value_of):
    records = [(f"c{i}", i % 3, 1) for i in range(20)]
    assert value_of(macros.design_effect(), cell(macros, records)) == pytest.approx(1)


def test_design_effect_of_a_customer_who_repeats_the_same_answer_is_the_repetition(
    macros, value_of
):
    records = [(f"c{i}", i % 2, 1) for i in range(10) for _ in range(4)]
    assert value_of(macros.design_effect(), cell(macros, records)) == pytest.approx(4)


def test_design_effect_never_rewards_clustering(macros, value_of):
    records = [(f"c{i}", x, 1) for i in range(10) for x in (0, 1)]
    assert value_of(macros.design_effect(), cell(macros, records)) == 1


def test_agreeing_answers_of_few_customers_weigh_as_few(macros, value_of):
    records = [(f"c{i}", 1, 1) for i in range(4) for _ in range(5)]
    assert value_of(macros.design_effect(), cell(macros, records)) == pytest.approx(5)


@pytest.mark.parametrize("size", [1 / 3, 1 / 4001, 1e-9 / 3, 7e6 / 3])
def test_answers_agree_whatever_their_size(macros, value_of, size):
    records = [("a", size, 1), ("a", size, 1)]
    assert value_of(macros.design_effect(), cell(macros, records)) == pytest.approx(2)


@pytest.mark.parametrize(("customer_value", "total", "squares"), [("any", 3, 9), ("sum", 4, 16)])
def test_a_customer_counts_once_with_the_largest_value_or_with_the_sum(
    macros, value_of, customer_value, total, squares
):
    moments = ["n", "wx", "wxx", "wb"]
    once = macros.once_per_customer(moments, f"'{customer_value}'")
    customer = f"""(
        select {once}
        from (
            select {macros.observation_moments()}, max(value_number) as any_value
            from (values (1::double, 1.0::double, 1.0::double, true),
                (3::double, 1.0::double, 1.0::double, true))
                as r (value_number, base_number, weight, is_counted)
        )
    )"""
    found = [value_of(moment, customer) for moment in moments]
    assert found == [1, total, squares, 1]
