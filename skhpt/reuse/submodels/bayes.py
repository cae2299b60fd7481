"""Naive Bayes: a fit counts first and smooths afterwards, so that the counts of one fit serve every smoothing."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np
from sklearn import naive_bayes
from sklearn.base import clone
from sklearn.utils.validation import validate_data

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.reuse.submodels.registry import register_submodel, with_fitted_state

#: Methods of scikit-learn's discrete models that compute the probabilities from the counts.
_SMOOTHING_METHODS = ("_check_alpha", "_update_feature_log_prob", "_update_class_log_prior")


def _can_smooth_again(estimator: Estimator) -> bool:
    return isinstance(estimator.alpha, Real) and all(hasattr(estimator, name) for name in _SMOOTHING_METHODS)


def _smooth_counts(counted: Estimator, estimator: Estimator) -> Estimator:
    view = with_fitted_state(estimator, counted)
    # the last two steps of scikit-learn's `fit`, which use nothing but the counts
    view._update_feature_log_prob(view._check_alpha())
    view._update_class_log_prior(class_prior=view.class_prior)
    return view


def _no_smoothing(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    # a smoothing could not be subtracted again to the last bit
    return {"var_smoothing": 0.0}


def _fit_without_smoothing(estimator: Estimator, X: ArrayLike, y: ArrayLike) -> tuple[Estimator, float]:
    """Fit; return the model, and the largest variance of a feature, which multiplies `var_smoothing`."""
    return estimator.fit(X, y), np.var(validate_data(clone(estimator), X), axis=0).max()


def _smooth_variances(shared: tuple[Estimator, float], estimator: Estimator) -> Estimator | None:
    model, largest_variance = shared
    epsilon = estimator.var_smoothing * largest_variance
    if not np.isfinite(epsilon):
        return None
    variances = model.var_.copy()
    variances[:, :] += epsilon  # in place, as in `fit`, so that single precision stays single precision
    return with_fitted_state(estimator, model, var_=variances, epsilon_=epsilon)


for discrete in (
    naive_bayes.MultinomialNB,
    naive_bayes.ComplementNB,
    naive_bayes.BernoulliNB,
    naive_bayes.CategoricalNB,
):
    register_submodel(discrete, ("alpha", "fit_prior"), _smooth_counts, is_exact=_can_smooth_again)
register_submodel(
    naive_bayes.GaussianNB,
    "var_smoothing",
    _smooth_variances,
    widest=_no_smoothing,
    fit=_fit_without_smoothing,
)
