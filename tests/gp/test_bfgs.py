"""Local maximisation in a box, compared with SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from skhpt.gp.bfgs import maximize_bfgs


def rosenbrock(x):
    """Rosenbrock's function, with changed sign, and its gradient."""
    a, b = x.T
    gradient = np.array([2 * (1 - a) + 400 * a * (b - a**2), -200 * (b - a**2)])
    return -((1 - a) ** 2) - 100 * (b - a**2) ** 2, gradient.T


@pytest.mark.parametrize("high", [5.0, 0.5])
def test_the_maximum_is_that_of_scipy(high):
    start = np.array([[-0.5, 0.3], [0.0, 0.0], [0.4, 0.5]])
    theirs = minimize(lambda x: -rosenbrock(x[None])[0][0], [0, 0], bounds=[(-5, high)] * 2, tol=1e-12).x
    found = maximize_bfgs(rosenbrock, start, low=-5.0, high=high, scale=0.3, n_steps=100)
    np.testing.assert_allclose(found, np.tile(theirs, (3, 1)), atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 4))
def test_values_never_fall_and_points_stay_in_the_box(seed, d, m):
    rng = np.random.default_rng(seed)
    A, c = rng.standard_normal((d, d)), rng.standard_normal(d)

    def waves(x):
        return np.sin(x @ A).sum(axis=1) + x @ c, np.cos(x @ A) @ A.T + c

    start, scale = rng.random((m, d)), rng.random(d) + 0.01
    after = [maximize_bfgs(waves, start, low=0.0, high=1.0, scale=scale, n_steps=n) for n in range(8)]
    values = [waves(x)[0] for x in after]
    assert (np.diff(values, axis=0) >= 0).all()
    found = maximize_bfgs(waves, start, low=0.0, high=1.0, scale=0.3, n_steps=200)
    assert ((found >= 0) & (found <= 1)).all()
    gradient = waves(found)[1]  # at a maximum in a box it is zero or points out of the box
    points_out = ((found <= 0) & (gradient < 0)) | ((found >= 1) & (gradient > 0))
    assert np.abs(np.where(points_out, 0, gradient)).max() < 1e-4


def test_points_do_not_influence_each_other():
    start = np.random.default_rng(0).random((5, 2))
    options = {"low": 0.0, "high": 2.0, "scale": 0.1, "n_steps": 9}
    together = maximize_bfgs(rosenbrock, start, **options)
    one_by_one = [maximize_bfgs(rosenbrock, point[None], **options)[0] for point in start]
    np.testing.assert_allclose(together, one_by_one)
