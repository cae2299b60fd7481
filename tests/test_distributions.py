"""Distributions, compared with their definitions by sums, integrals and draws."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from skhpt.distributions import loguniform_int, quantized, truncated_lognormal, truncated_normal


@given(st.integers(1, 300), st.integers(0, 2000))
def test_loguniform_int_is_a_distribution_over_its_bounds(low, width):
    dist = loguniform_int(low, low + width)
    k = np.arange(low, low + width + 1)
    assert dist.support() == (low, low + width)
    np.testing.assert_allclose(dist.pmf(k).sum(), 1)
    np.testing.assert_allclose(dist.cdf(k), np.cumsum(dist.pmf(k)), atol=1e-12)
    assert dist.pmf([low - 1, low + width + 1, low + 0.5]).tolist() == [0, 0, 0]
    np.testing.assert_array_equal(dist.ppf(dist.cdf(k) - dist.pmf(k) / 2), k)


def test_loguniform_int_rounds_a_loguniform_number():
    dist, continuous = loguniform_int(2, 50), stats.loguniform(1.5, 50.5)
    k = np.arange(2, 51)
    np.testing.assert_allclose(dist.pmf(k), continuous.cdf(k + 0.5) - continuous.cdf(k - 0.5), atol=1e-12)
    np.testing.assert_allclose(dist.pmf(40) * 40, dist.pmf(20) * 20, rtol=1e-3)  # close to 1 / k


def test_truncated_normal_is_a_conditional_normal():
    dist, normal = truncated_normal(3.0, 2.0, 0.0, 4.0), stats.norm(3, 2)
    x = np.linspace(0.1, 3.9, 20)
    mass = normal.cdf(4) - normal.cdf(0)
    np.testing.assert_allclose(dist.pdf(x), normal.pdf(x) / mass)
    np.testing.assert_allclose(dist.cdf(x), (normal.cdf(x) - normal.cdf(0)) / mass)
    np.testing.assert_allclose(dist.cdf(x) + dist.sf(x), 1)
    assert dist.pdf([-0.1, 4.1]).tolist() == [0, 0]


def test_truncated_lognormal_is_a_conditional_lognormal():
    dist, lognormal = truncated_lognormal(0.1, 1.5, 0.001, 1.0), stats.lognorm(1.5, scale=0.1)
    x = np.geomspace(0.002, 0.9, 20)
    mass = lognormal.cdf(1.0) - lognormal.cdf(0.001)
    np.testing.assert_allclose(dist.pdf(x), lognormal.pdf(x) / mass)
    np.testing.assert_allclose(dist.cdf(x), (lognormal.cdf(x) - lognormal.cdf(0.001)) / mass)
    np.testing.assert_allclose(dist.cdf(x) + dist.sf(x), 1)
    assert integrate.quad(dist.pdf, 0.001, 1.0)[0] == pytest.approx(1)


@pytest.mark.parametrize(
    "dist",
    [truncated_normal(0.3, 0.1, 0.1, 0.7), truncated_lognormal(0.3, 2.0, 0.1, 0.7), loguniform_int(3, 9)],
)
def test_quantiles_and_draws_lie_within_the_bounds_exactly(dist):
    low, high = dist.support()
    draws = dist.rvs(1000, random_state=0)
    assert low <= draws.min() <= draws.max() <= high
    assert dist.ppf(1.0) == high
    assert low <= dist.ppf(1e-300) == pytest.approx(low)
    q = np.linspace(0.01, 0.99, 50)
    assert np.all(dist.cdf(dist.ppf(q)) >= q - 1e-12)


def test_infinite_bounds():
    assert truncated_normal(0, 1, -np.inf, np.inf).cdf(1.0) == pytest.approx(stats.norm.cdf(1.0))
    assert truncated_lognormal(2.0, 1.0, 0, np.inf).cdf(3.0) == pytest.approx(
        stats.lognorm(1, scale=2).cdf(3.0)
    )
    assert truncated_lognormal(2.0, 1.0, 0, np.inf).pdf(0.0) == 0


@given(st.sampled_from([0.1, 0.25, 0.3, 1, 5, 8]), st.floats(-20, 20), st.floats(0.5, 50))
def test_quantized_rounds_to_the_nearest_multiple(step, low, width):
    inner = stats.uniform(low, width)
    dist = quantized(inner, step)
    first, last = dist.support()
    values = dist.ppf(np.linspace(1e-6, 1, 500))
    np.testing.assert_allclose(values / step, np.round(values / step), atol=1e-6)
    assert first <= values.min() <= values.max() == last
    np.testing.assert_allclose(dist.cdf(values), np.clip(inner.cdf(values + step / 2), 0, 1), atol=1e-9)
    multiples = np.unique(values)
    np.testing.assert_array_equal(dist.ppf(dist.cdf(multiples) - dist.pmf(multiples) / 2), multiples)


def test_quantized_values_are_exact_decimals():
    dist = quantized(stats.norm(0, 1), 0.1)
    k = np.arange(-80, 81)
    assert dist.pmf(k * 0.1).sum() == pytest.approx(1)
    assert dist.pmf(0.05) == 0
    assert dist.support() == (-np.inf, np.inf)
    assert set(map(str, dist.rvs(500, random_state=1))) <= {str(i / 10) for i in k} | {"-0.0"}
    assert "-0.0" not in map(str, dist.rvs(500, random_state=1))


def test_draws_follow_the_random_state():
    for dist in (quantized(stats.norm(), 0.5), loguniform_int(1, 100), truncated_normal(0, 1, -1, 1)):
        once = dist.rvs(5, random_state=3)
        np.testing.assert_array_equal(once, dist.rvs(5, random_state=np.random.RandomState(3)))
        np.random.seed(3)
        np.testing.assert_array_equal(once, dist.rvs(5))
        np.testing.assert_array_equal(once, pickle.loads(pickle.dumps(dist)).rvs(5, random_state=3))
    assert np.ndim(quantized(stats.norm(), 0.5).rvs(random_state=0)) == 0


def test_draws_have_the_right_frequencies():
    dist = loguniform_int(1, 6)
    draws = dist.rvs(6000, random_state=0)
    observed = [np.sum(draws == k) for k in range(1, 7)]
    assert stats.chisquare(observed, 6000 * dist.pmf(np.arange(1, 7))).pvalue > 0.001


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: loguniform_int(0, 5), ValueError, "1 <= low <= high"),
        (lambda: loguniform_int(7, 5), ValueError, "low=7, high=5"),
        (lambda: loguniform_int(1.0, 5), TypeError, "low must be an integer, got 1.0"),
        (lambda: loguniform_int(1, True), TypeError, "high must be an integer, got True"),
        (lambda: truncated_normal(0, -1, 0, 1), ValueError, "std must be positive, got -1"),
        (lambda: truncated_normal(np.nan, 1, 0, 1), ValueError, "mean must be a finite number"),
        (lambda: truncated_normal(0, 1, 1, 1), ValueError, "low < high"),
        (lambda: truncated_normal(0, 1, 0, np.nan), ValueError, "low < high"),
        (lambda: truncated_lognormal(0, 1, 1, 2), ValueError, "median must be positive"),
        (lambda: truncated_lognormal(1, 1, -1, 2), ValueError, "low must not be negative"),
        (lambda: quantized(stats.norm(), 0), ValueError, "step must be positive"),
        (lambda: quantized([1, 2], 1), TypeError, "dist must have cdf and ppf"),
    ],
)
def test_invalid_arguments_raise(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_draws_are_integers_if_the_step_is():
    dist = quantized(stats.uniform(10, 40), 10)
    assert type(dist.rvs(random_state=0)) is int
    assert dist.rvs(size=5, random_state=0).dtype.kind == "i"
    with pytest.raises(TypeError, match="must be frozen"):
        quantized(stats.uniform, 1)
