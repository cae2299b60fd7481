"""Selectors of features: all features are scored once, and where to cut is decided when something is transformed.

Recursive elimination passes, on its way to few features, through all the states that it would have passed through on
its way to more of them.
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

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, largest, register, take_over

_DRAWING = (feature_selection.mutual_info_classif, feature_selection.mutual_info_regression)


def _scores_alike(selector: Any) -> bool:
    function: Any = selector.score_func
    seed = None
    if isinstance(function, partial):
        seed, function = function.keywords.get("random_state"), function.func
    return isinstance(seed, Integral) or not any(function is drawing for drawing in _DRAWING)


def _is_number(value: Any) -> bool:
    return isinstance(value, Integral)


def _cut_elsewhere(selector: Any, estimator: Any) -> Any:
    return take_over(estimator, selector)


def _fewest(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    # not zero: to select nothing gives a warning; "all" is more to copy than any number
    numbers = [estimator.k for estimator in estimators if _is_number(estimator.k) and estimator.k > 0]
    return {"k": min(numbers, default="all")}


def _best(selector: Any, estimator: Any) -> Any:
    if _is_number(estimator.k) and estimator.k > selector.n_features_in_:
        return None  # a warning
    return take_over(estimator, selector)


def _lowest(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    # a threshold of zero has variances of its own
    [name] = parameters
    return {name: min((value for one in estimators if (value := getattr(one, name)) > 0), default=0.0)}


def _varied(selector: Any, estimator: Any) -> Any:
    threshold, variances = estimator.threshold, selector.variances_
    if (threshold == 0) != (selector.threshold == 0) or not np.any(np.isfinite(variances) & (variances > threshold)):
        return None  # where nothing would be left it is an error
    return take_over(estimator, selector)


def _has_a_number(selector: Any) -> bool:
    return not selector.prefit and (selector.max_features is None or _is_number(selector.max_features))


def _no_limit(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    return {"max_features": None, "threshold": None}


def _important(selector: Any, estimator: Any) -> Any:
    n = estimator.max_features
    if n is None:
        return take_over(estimator, selector)
    if n > getattr(selector, "n_features_in_", -1):
        return None  # an error, in some versions
    return take_over(estimator, selector, max_features_=n)


@dataclass
class _Elimination:
    """An elimination that went on to the fewest features, and the data."""

    model: Any
    X: Any
    y: Any

    @property
    def n_features(self) -> int:
        """The number of features at the start."""
        return int(self.X.shape[1])

    @property
    def step(self) -> int:
        """The number of features that each step removes, but for the last."""
        step = self.model.step
        return int(max(1, step * self.n_features)) if 0.0 < step < 1.0 else int(step)

    def target(self, estimator: Any) -> int:
        """Return the number of features that an estimator is to select."""
        n = estimator.n_features_to_select
        if n is None:
            return self.n_features // 2
        return n if _is_number(n) else int(self.n_features * n)

    def before(self, target: int) -> tuple[int, np.ndarray]:
        """Return the number of steps to the last state from which a target can be reached, and its features."""
        steps = (self.n_features - target) // self.step
        return steps, np.flatnonzero(self.model.ranking_ <= self.model.ranking_.max() - steps)


def _smallest_target(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    targets = [estimator.n_features_to_select for estimator in estimators]
    numbers = [n for n in targets if _is_number(n)]
    shares = [0.5 if n is None else n for n in targets if not _is_number(n)]
    return {"n_features_to_select": min(numbers or shares)}


def _eliminate(selector: Any, X: Any, y: Any) -> _Elimination:
    model = selector.fit(X, y)
    # the arrays that it made of X and y, on which the final estimators of views are to be fitted
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


def _stopped(elimination: _Elimination, estimator: Any) -> Any:
    """Begin at the last state on the way to a target, and let scikit-learn make the last step from there."""
    model, target = elimination.model, elimination.target(estimator)
    if not model.n_features_ <= target <= elimination.n_features:
        return None
    if target == model.n_features_:
        return take_over(estimator, model)
    steps, features = elimination.before(target)
    rest = clone(estimator).set_params(n_features_to_select=target, step=elimination.step)
    rest.fit(elimination.X[:, features], elimination.y)
    support = np.zeros_like(model.support_)
    support[features[rest.support_]] = True
    ranking = model.ranking_ - (model.ranking_.max() - 1) + steps + (rest.ranking_.max() - 1)
    ranking[features] = rest.ranking_
    changed = {"estimator_": rest.estimator_, "n_features_": rest.n_features_}
    return take_over(estimator, model, support_=support, ranking_=ranking, **changed)


register(
    SubModel(feature_selection.SelectKBest, ("k",), _best, is_exact=_scores_alike, widest=_fewest),
)
for selector, parameter in (
    (feature_selection.SelectPercentile, "percentile"),
    (feature_selection.SelectFpr, "alpha"),
    (feature_selection.SelectFdr, "alpha"),
    (feature_selection.SelectFwe, "alpha"),
):
    register(SubModel(selector, (parameter,), _cut_elsewhere, is_exact=_scores_alike, widest=largest))
register(SubModel(feature_selection.VarianceThreshold, ("threshold",), _varied, widest=_lowest))
register(
    SubModel(
        feature_selection.SelectFromModel,
        ("max_features", "threshold"),
        _important,
        is_exact=_has_a_number,
        widest=_no_limit,
    )
)
register(
    SubModel(
        feature_selection.RFE,
        ("n_features_to_select",),
        _stopped,
        widest=_smallest_target,
        fit=_eliminate,
    )
)
