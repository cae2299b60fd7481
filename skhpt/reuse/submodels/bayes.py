"""Naive Bayes: the fit counts, and only after that it smooths. So the counts of one fit serve every smoothing."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn import naive_bayes
from sklearn.base import clone
from sklearn.utils.validation import validate_data

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, register, take_over


def _counts_first(estimator: Any) -> bool:
    steps = ("_check_alpha", "_update_feature_log_prob", "_update_class_log_prior")
    return isinstance(estimator.alpha, Real) and all(hasattr(estimator, step) for step in steps)


def _smoothed(counted: Any, estimator: Any) -> Any:
    view = take_over(estimator, counted)
    view._update_feature_log_prob(view._check_alpha())
    view._update_class_log_prior(class_prior=view.class_prior)
    return view


def _unsmoothed(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    return {"var_smoothing": 0.0}


def _fit_unsmoothed(estimator: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """Fit without smoothing, since it could not be subtracted again to the last bit, and keep what scales it."""
    return estimator.fit(X, y), np.var(validate_data(clone(estimator), X), axis=0).max()


def _widened(unsmoothed: tuple[Any, Any], estimator: Any) -> Any:
    model, largest_variance = unsmoothed
    epsilon = estimator.var_smoothing * largest_variance
    if not np.isfinite(epsilon):
        return None
    variances = model.var_.copy()
    variances[:, :] += epsilon  # in place, as `fit` does, so that single precision stays single
    return take_over(estimator, model, var_=variances, epsilon_=epsilon)


for discrete in (
    naive_bayes.MultinomialNB,
    naive_bayes.ComplementNB,
    naive_bayes.BernoulliNB,
    naive_bayes.CategoricalNB,
):
    register(SubModel(discrete, ("alpha", "fit_prior"), _smoothed, is_exact=_counts_first))
register(
    SubModel(naive_bayes.GaussianNB, ("var_smoothing",), _widened, widest=_unsmoothed, fit=_fit_unsmoothed),
)
