"""Solvers that stop when they have converged: what they found sooner, they would have found with any later limit.

A solver that needed 30 iterations never noticed whether 100 or 1000 were allowed. So the fit with the largest limit is
also the one with any limit that it did not come near, and each of the others is fitted on its own.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn import linear_model, neural_network, svm

from skhpt.reuse.submodels.registry import SubModel, register, take_over


def _can_repeat(estimator: Any) -> bool:
    """Tell whether each fit begins from nothing and leaves the data as they are."""
    params = estimator.get_params(deep=False)
    begins_anew = not params.get("warm_start", False) and params.get("copy_X", True)
    return bool(begins_anew) and isinstance(params["max_iter"], Integral)


def _stopped_before(model: Any, limit: int) -> bool:
    """Tell whether a solver stopped of its own accord before a limit.

    With as many iterations as the limit it may have been about to go on: some test for convergence only afterwards, or
    once more in the last iteration.
    """
    taken = np.max(model.n_iter_)
    if getattr(model, "solver", None) == "newton-cholesky":
        taken += 1  # where it resorts to lbfgs, it does not count the iteration in which it did so
    return bool(taken < limit)


def _same_solution(model: Any, estimator: Any) -> Any:
    if estimator.max_iter != model.max_iter and not _stopped_before(model, estimator.max_iter):
        return None
    return take_over(estimator, model)


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
#: They go from scikit-learn after 1.9.
PASSING = ("PassiveAggressiveClassifier", "PassiveAggressiveRegressor")

for iterative in (*ITERATIVE, *(getattr(linear_model, name) for name in PASSING if hasattr(linear_model, name))):
    register(SubModel(iterative, ("max_iter",), _same_solution, is_exact=_can_repeat))
