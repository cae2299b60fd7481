"""Solvers that share a fit that converged before their limits of iterations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import linear_model
from sklearn.base import clone

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import make_data


@pytest.mark.parametrize(
    "estimator", [linear_model.Lasso(), linear_model.Perceptron(random_state=0)], ids=repr
)
def test_only_limits_above_the_number_of_iterations_have_views(estimator: Any) -> None:
    X, y, _ = make_data("classes")
    [submodel] = submodels_of(estimator)
    model = clone(estimator).set_params(max_iter=1000).fit(X, y)
    n_iter = int(np.max(model.n_iter_))
    assert 1 < n_iter < 999

    def view_with(max_iter: int) -> Any:
        return submodel.view(model, clone(estimator).set_params(max_iter=max_iter))

    assert view_with(n_iter - 1) is None
    assert view_with(n_iter) is None
    assert view_with(n_iter + 1).max_iter == n_iter + 1
    assert view_with(1000).max_iter == 1000
