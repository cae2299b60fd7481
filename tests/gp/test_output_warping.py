"""The transformation of scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skhpt.gp.output_warping import OutputWarping


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=30))
def test_transformations_are_monotone_and_have_an_inverse(scores):
    y = np.sort(scores)
    warping = OutputWarping.fit(y)
    levels = warping(y)
    assert np.isfinite(levels).all()
    assert (np.diff(levels) >= 0).all()
    if levels.any():
        np.testing.assert_allclose(warping.inverse(levels), y, atol=1e-9 * np.ptp(y))
        beyond = warping.inverse(np.array([levels[0] - 1, levels[-1] + 1]))
        assert beyond[0] < y[0]
        assert beyond[1] > y[-1]
    np.testing.assert_allclose(levels.mean(), 0, atol=1e-9)
    assert levels.std() == pytest.approx(1) or np.ptp(y) < 1e-9


def test_outliers_below_leave_the_differences_of_the_others():
    y = np.append(np.linspace(0.8, 0.9, 20), [-1e6, -1e9])
    assert np.diff(OutputWarping.fit(y)(np.array([0.8, 0.9])))[0] > 1


def test_huge_and_equal_scores():
    warping = OutputWarping.fit(np.array([-1e160, -2e160, -1.0, -2.0]))
    assert np.isfinite(warping.inverse(warping.levels)).all()
    np.testing.assert_array_equal(OutputWarping.fit(np.full(5, 0.98)).inverse(np.array([-3.0, 3.0])), 0.98)


def test_the_linear_transformation_only_standardises():
    y = np.array([-2.0, 0.0, 5.0])
    np.testing.assert_allclose(OutputWarping.linear(y)(y), (y - y.mean()) / y.std())


def test_small_differences_among_the_best_are_enlarged():
    y = np.append(np.linspace(0.0, 0.9, 10), [0.950, 0.951, 0.952, 0.953])
    standardised = (y - y.mean()) / y.std()
    levels = OutputWarping.fit(y)(y)
    assert levels[-1] - levels[-4] > 10 * (standardised[-1] - standardised[-4])
