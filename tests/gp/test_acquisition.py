"""Acquisition functions, compared with integrals, tail expansions and numeric derivatives."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from skhpt.gp.acquisition import (
    ACQUISITIONS,
    log_expected_improvement,
    log_success_probability,
    negative_mean,
    upper_confidence_bound,
)

#: Functions whose derivatives are tested.
FUNCTIONS = {
    **ACQUISITIONS,
    "success": partial(log_success_probability, noise=0.3, weight=1.5),
    "cost": partial(negative_mean, weight=0.7),
}


@given(st.floats(-3, 3), st.floats(0.05, 3), st.floats(-3, 3))
def test_expected_improvement_is_an_integral(mean, std, best):
    expected, _ = integrate.quad(
        lambda t: max(t - best, 0) * stats.norm.pdf(t, mean, std),
        best,
        max(best, mean) + 12 * std,
        epsabs=1e-14,
    )
    log_ei, _, _ = log_expected_improvement(np.array([mean]), np.array([std]), best)
    assert np.exp(log_ei[0]) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.sampled_from(sorted(FUNCTIONS)), st.floats(-30, 10), st.floats(0.05, 3))
def test_derivatives_of_all_acquisition_functions(name, mean, std):
    m, s, h = np.array([mean]), np.array([std]), 1e-6

    def value(m, s):
        return FUNCTIONS[name](m, s, 0.0)[0][0]

    _, by_mean, by_std = FUNCTIONS[name](m, s, 0.0)
    numeric_by_mean = (value(m + h, s) - value(m - h, s)) / (2 * h)
    numeric_by_std = (value(m, s + h) - value(m, s - h)) / (2 * h)
    assert by_mean[0] == pytest.approx(numeric_by_mean, rel=1e-4, abs=1e-6)
    assert by_std[0] == pytest.approx(numeric_by_std, rel=1e-4, abs=1e-4)


def test_one_point_in_forty_is_above_its_upper_confidence_bound():
    bound, _, _ = upper_confidence_bound(np.array([0.3]), np.array([2.0]), 0.0)
    assert stats.norm.sf(bound[0], 0.3, 2.0) == pytest.approx(1 / 40, rel=1e-3)


def test_expected_improvement_far_in_the_tail():
    z = -np.logspace(-1, 8, 400)
    values, by_mean, by_std = log_expected_improvement(z, np.ones_like(z), 0.0)
    assert np.isfinite([values, by_mean, by_std]).all()
    assert (np.diff(values) < 0).all()
    far = z < -100  # the asymptotic series, two terms
    series = stats.norm.logpdf(z[far]) - 2 * np.log(-z[far]) + np.log1p(-3 / z[far] ** 2)
    np.testing.assert_allclose(values[far], series, rtol=1e-9)


def test_the_probability_of_success_is_that_of_a_label_above_zero():
    value, _, _ = log_success_probability(np.array([0.4]), np.array([0.3]), 0.0, noise=0.5)
    assert np.exp(value[0]) == pytest.approx(stats.norm.sf(0, 0.4, np.sqrt(0.3**2 + 0.5)))
