"""Intervals against published values."""

import math

import pytest
from scipy import stats

Z = "1.959963984540054"


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilson_gives_the_published_limits(macros, value_of, successes, n, low, high):
    share = f"({successes} / cast({n} as double))"
    assert value_of(macros.wilson_limit(share, f"{n}", Z, "-")) == pytest.approx(low, abs=5e-5)
    assert value_of(macros.wilson_limit(share, f"{n}", Z, "+")) == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize("share", ["0.0", "1.0"])
def test_wilson_stays_within_zero_and_one_and_includes_the_share(macros, value_of, share):
    low, high = (value_of(macros.wilson_limit(share, "7", Z, sign)) for sign in "-+")
    assert 0 <= low <= float(share) <= high <= 1


def test_wilson_of_nobody_is_null(macros, value_of):
    assert value_of(macros.wilson_limit("0.5", "0", Z, "-")) is None


def test_standard_error_of_nps_is_the_published_4_14_points(macros, value_of):
    # p = ½, passive = ⅓, d = ⅙: the mean of −1, 0, 1 is ⅓ and the mean square is ⅔.
    variance = value_of(macros.net_variance("(1 / 3.0)", "(2 / 3.0)"))
    assert 100 * math.sqrt(variance / 324) == pytest.approx(4.14, abs=5e-3)


def test_adjusted_wald_adds_three_answers(macros, value_of):
    # 162 promoters, 108 passives and 54 detractors become 162.75, 109.5 and 54.75 of 327.
    p, d, n = 162.75 / 327, 54.75 / 327, 327
    half = 1.959964 * math.sqrt((p + d - (p - d) ** 2) / n)
    low, high = (
        value_of(macros.adjusted_wald_limit("(1 / 3.0)", "(2 / 3.0)", "324", Z, sign))
        for sign in "-+"
    )
    assert (low, high) == pytest.approx((p - d - half, p - d + half), abs=1e-6)


def test_ten_of_ten_promoters_are_not_recommended_beyond_certainty(macros, value_of):
    low, high = (value_of(macros.adjusted_wald_limit("1.0", "1.0", "10", Z, sign)) for sign in "-+")
    assert high == 1.0
    assert 0 < low < 1


def test_womi_variance_discounts_those_who_would_do_both(macros, value_of):
    # 100 respondents: 40 recommend only, 10 discourage only, 5 both, 45 neither.
    a, b, both = 0.45, 0.15, 0.05
    expected = a + b - 2 * both - (a - b) ** 2
    assert value_of(macros.net_variance("0.3e0", "0.5e0")) == pytest.approx(expected)


def test_net_variance_interval_is_not_a_point_when_all_agree(macros, value_of):
    low, high = (value_of(macros.net_variance_limit("1.0", "1.0", "10", Z, sign)) for sign in "-+")
    assert low < high == 1.0


def test_t_interval_is_the_textbook_one(macros, value_of):
    # n = 5, mean 3, s = √2.5: 3 ± 2.776445 × √(2.5 / 5)
    error = "sqrt(0.5)"
    low, high = (
        value_of(macros.t_limit("3.0e0", error, "2.776445e0", "null", sign)) for sign in "-+"
    )
    assert (low, high) == pytest.approx((3 - 1.963243, 3 + 1.963243), abs=1e-6)


def test_t_interval_ends_where_the_scale_ends(macros, value_of):
    assert value_of(macros.t_limit("6.5e0", "1.0e0", "2.0e0", "7", "+")) == 7
    assert value_of(macros.t_limit("6.5e0", "1.0e0", "2.0e0", "1", "-")) == pytest.approx(4.5)


def test_t_interval_of_one_customer_is_open(macros, value_of):
    limit = macros.t_limit("6.5e0", "1.0e0", "cast(null as double)", "7", "+")
    assert value_of(limit) is None


def test_a_total_of_orders_varies_as_many_customers_as_came(macros, value_of):
    # 400 customers with one order of 50 each: the count alone varies, 50 · √400 = 1,000
    low, high = (
        value_of(macros.total_limit("20000.0e0", "400 * 50.0e0 * 50", "2.0e0", sign))
        for sign in "-+"
    )
    assert (low, high) == (18_000, 22_000)


@pytest.mark.parametrize("z", [0.0, 0.3, -1.0, 1.959963984540054, -3.0, 5.0, 8.0])
def test_two_sided_p_is_that_of_the_normal_distribution(macros, value_of, z):
    assert value_of(macros.two_sided_p(f"cast({z} as double)")) == pytest.approx(
        2 * stats.norm.sf(abs(z)), rel=3e-7
    )
