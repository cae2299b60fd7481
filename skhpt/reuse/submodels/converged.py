"""Iterative solvers: a fit that converges before a limit is also the fit with that limit.

A solver that needed 30 iterations is not affected by ``max_iter`` of 100 or 1000. The fit with the largest
limit serves every limit that is clearly larger than the number of its iterations. Other candidates are fitted
separately.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn import linear_model, neural_network, svm

from skhpt._typing import Estimator
from skhpt.reuse.submodels.registry import register_submodel, with_fitted_state


def _starts_from_scratch(estimator: Estimator) -> bool:
    """Tell whether a fit has no warm start and does not change its data."""
    params = estimator.get_params(deep=False)
    starts_from_scratch = not params.get("warm_start", False) and params.get("copy_X", True)
    return bool(starts_from_scratch) and isinstance(params["max_iter"], Integral)


def _converged_before(model: Estimator, max_iter: int) -> bool:
    """Tell whether a solver converged in fewer iterations than a limit.

    With exactly as many iterations as the limit, the solver may have been stopped by the limit: some solvers
    test for convergence after the last iteration only.
    """
    n_iter = np.max(model.n_iter_)
    if getattr(model, "solver", None) == "newton-cholesky":
        n_iter += 1  # where this solver falls back to lbfgs, it does not count the iteration of the fallback
    return bool(n_iter < max_iter)


def _same_solution(model: Estimator, estimator: Estimator) -> Estimator | None:
    if estimator.max_iter != model.max_iter and not _converged_before(model, estimator.max_iter):
        return None
    return with_fitted_state(estimator, model)


ITERATIVE = (
    linear_model.LogisticRegression,
    linear_model.Lasso,
    linear_model.ElasticNet,
    linear_model.MultiTaskLasso,
    linear_model.MultiTaskElasticNet,
    linear_model.HuberRegressor,
    linear_model.PoissonRegressor,
    linear_model.GammaRegressor,
    linear_model.TweedieRegressor,
    linear_model.SGDClassifier,
    linear_model.SGDRegressor,
    linear_model.SGDOneClassSVM,
    linear_model.Perceptron,
    neural_network.MLPClassifier,
    neural_network.MLPRegressor,
    svm.LinearSVC,
    svm.LinearSVR,
)
#: Names of estimators that scikit-learn removes after version 1.9.
DEPRECATED = ("PassiveAggressiveClassifier", "PassiveAggressiveRegressor")

for iterative in ITERATIVE:
    register_submodel(iterative, "max_iter", _same_solution, is_exact=_starts_from_scratch)
for name in DEPRECATED:
    if hasattr(linear_model, name):
        register_submodel(
            getattr(linear_model, name), "max_iter", _same_solution, is_exact=_starts_from_scratch
        )
