"""Global maximisation on the unit cube."""

import numpy as np
import pytest

from skhpt.gp.optimize import maximize_acquisition


@pytest.mark.parametrize("n_columns", [1, 2, 6, 15])
def test_the_maximum_is_found(n_columns):
    target = np.linspace(0.1, 0.9, n_columns)

    def value(u):  # so steep that every step gains more than the tolerance
        return -1e10 * ((u - target) ** 2).sum(axis=1)

    def value_and_gradient(u):
        return value(u), 2e10 * (target - u)

    best = maximize_acquisition(
        value,
        lambda start: value_and_gradient,
        np.full((1, n_columns), 0.5),
        lengths=np.ones(n_columns),
        rng=np.random.default_rng(0),
    )
    assert np.abs(best[0] - target).max() < 1e-6
    assert (np.diff(value(best)) <= 0).all()
    assert ((best >= 0) & (best <= 1)).all()
