"""Feature selectors: one fit computes the scores of all features, and the selection is made when rows are transformed.

Recursive elimination to few features passes through all the states of an elimination to more features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn import feature_selection
from sklearn.base import clone
from sklearn.utils.validation import validate_data

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.reuse.submodels.registry import largest_values, register_submodel, with_fitted_state


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral)


def _same_state(selector: Estimator, estimator: Estimator) -> Estimator:
    """Make a view for selectors that use the parameters in question after the fit only."""
    return with_fitted_state(estimator, selector)


# -- Univariate scores ---------------------------------------------------------------------------------------

#: Score functions that draw random numbers.
_RANDOM_SCORES = (feature_selection.mutual_info_classif, feature_selection.mutual_info_regression)


def _scores_repeat(selector: Estimator) -> bool:
    """Tell whether the score function returns the same scores in every fit."""
    function: Any = selector.score_func
    seed = None
    if isinstance(function, partial):
        seed, function = function.keywords.get("random_state"), function.func
    return isinstance(seed, Integral) or not any(function is random for random in _RANDOM_SCORES)


def _smallest_k(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    # the fewest columns to copy; not zero, since scikit-learn warns if no feature is selected
    numbers = [estimator.k for estimator in estimators if _is_integer(estimator.k) and estimator.k > 0]
    return {"k": min(numbers, default="all")}


def _select_k_best(selector: Estimator, estimator: Estimator) -> Estimator | None:
    if _is_integer(estimator.k) and estimator.k > selector.n_features_in_:
        return None  # a separate fit warns
    return with_fitted_state(estimator, selector)


# -- Thresholds of variances and importances -----------------------------------------------------------------


def _smallest_positive_threshold(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    # with a threshold of zero, the selector computes `variances_` in another way
    thresholds = [estimator.threshold for estimator in estimators if estimator.threshold > 0]
    return {"threshold": min(thresholds, default=0.0)}


def _select_by_variance(selector: Estimator, estimator: Estimator) -> Estimator | None:
    if (estimator.threshold == 0) != (selector.threshold == 0):
        return None
    variances = selector.variances_
    if not np.any(np.isfinite(variances) & (variances > estimator.threshold)):
        return None  # no feature is left: a separate fit raises the error
    return with_fitted_state(estimator, selector)


def _max_features_is_number(selector: Estimator) -> bool:
    return not selector.prefit and (selector.max_features is None or _is_integer(selector.max_features))


def _no_limit(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    return {"max_features": None, "threshold": None}


def _select_by_importance(selector: Estimator, estimator: Estimator) -> Estimator | None:
    n = estimator.max_features
    if n is None:
        return with_fitted_state(estimator, selector)
    if n > getattr(selector, "n_features_in_", -1):
        return None  # in some versions, a separate fit raises an error
    return with_fitted_state(estimator, selector, max_features_=n)


# -- Recursive elimination -----------------------------------------------------------------------------------


@dataclass
class _Elimination:
    """Elimination to the smallest number of features.

    Attributes
    ----------
    model : RFE
        The fitted selector.
    X, y : array-like
        Training data, as the selector checked and converted them.
    """

    model: feature_selection.RFE
    X: ArrayLike
    y: ArrayLike

    @property
    def n_features(self) -> int:
        """Number of features at the start."""
        return int(self.X.shape[1])

    @property
    def step(self) -> int:
        """Number of features that each step but the last removes."""
        step = self.model.step
        return int(max(1, step * self.n_features)) if 0.0 < step < 1.0 else int(step)

    def n_to_select(self, estimator: feature_selection.RFE) -> int:
        """Return the number of features that an estimator selects."""
        n = estimator.n_features_to_select
        if n is None:
            return self.n_features // 2
        return n if _is_integer(n) else int(self.n_features * n)

    def last_full_step(self, n_to_select: int) -> tuple[int, np.ndarray]:
        """Return the number of full steps before `n_to_select` features are left, and the features after them."""
        n_steps = (self.n_features - n_to_select) // self.step
        return n_steps, np.flatnonzero(self.model.ranking_ <= self.model.ranking_.max() - n_steps)


def _fewest_features(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    values = [estimator.n_features_to_select for estimator in estimators]
    numbers = [n for n in values if _is_integer(n)]
    shares = [0.5 if n is None else n for n in values if not _is_integer(n)]
    # numbers cannot be compared with shares here; `_stop_earlier` refuses what the elimination does not reach
    return {"n_features_to_select": min(numbers or shares)}


def _eliminate(selector: feature_selection.RFE, X: ArrayLike, y: ArrayLike) -> _Elimination:
    model = selector.fit(X, y)
    # the same checks as in `fit`, for the fits of the final estimators of views
    X, y = validate_data(
        clone(selector),
        X,
        y,
        accept_sparse="csc",
        ensure_min_features=2,
        ensure_all_finite=False,
        multi_output=True,
    )
    return _Elimination(model, X, y)


def _stop_earlier(
    elimination: _Elimination, estimator: feature_selection.RFE
) -> feature_selection.RFE | None:
    """Start scikit-learn's elimination after the last full step: it makes the last step, and the final fit.

    Selected features have rank 1, features that the last step removed rank 2, and so on. So the ranks of the
    elimination are reduced by the number of steps that the view does not make.
    """
    model, n_to_select = elimination.model, elimination.n_to_select(estimator)
    if not model.n_features_ <= n_to_select <= elimination.n_features:
        return None
    if n_to_select == model.n_features_:
        return with_fitted_state(estimator, model)
    n_steps, features = elimination.last_full_step(n_to_select)
    rest = clone(estimator).set_params(n_features_to_select=n_to_select, step=elimination.step)
    rest.fit(elimination.X[:, features], elimination.y)
    support = np.zeros_like(model.support_)
    support[features[rest.support_]] = True
    n_steps_of_model, n_steps_of_rest = model.ranking_.max() - 1, rest.ranking_.max() - 1
    ranking = model.ranking_ - n_steps_of_model + (n_steps + n_steps_of_rest)
    ranking[features] = rest.ranking_
    return with_fitted_state(
        estimator,
        model,
        support_=support,
        ranking_=ranking,
        estimator_=rest.estimator_,
        n_features_=rest.n_features_,
    )


def _n_fits(model: _Elimination | feature_selection.RFE) -> int:
    """Count the fits of an elimination: one for each rank."""
    selector = model.model if isinstance(model, _Elimination) else model
    return int(selector.ranking_.max())


register_submodel(
    feature_selection.SelectKBest,
    "k",
    _select_k_best,
    is_exact=_scores_repeat,
    widest=_smallest_k,
)
for selector, parameter in (
    (feature_selection.SelectPercentile, "percentile"),
    (feature_selection.SelectFpr, "alpha"),
    (feature_selection.SelectFdr, "alpha"),
    (feature_selection.SelectFwe, "alpha"),
):
    register_submodel(selector, parameter, _same_state, is_exact=_scores_repeat, widest=largest_values)
register_submodel(
    feature_selection.VarianceThreshold, "threshold", _select_by_variance, widest=_smallest_positive_threshold
)
register_submodel(
    feature_selection.SelectFromModel,
    ("max_features", "threshold"),
    _select_by_importance,
    is_exact=_max_features_is_number,
    widest=_no_limit,
)
register_submodel(
    feature_selection.RFE,
    "n_features_to_select",
    _stop_earlier,
    widest=_fewest_features,
    fit=_eliminate,
    n_fits=_n_fits,
)
