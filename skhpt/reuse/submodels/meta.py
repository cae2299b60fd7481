"""Estimators around others, where the others are fitted the same whatever is made of their predictions.

Votes are weighted and scores are cut at a threshold only when something is predicted. A stack fits its members and
predicts each row by members that did not see it; then comes the final estimator, which is all that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.model_selection import FixedThresholdClassifier

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, register, take_over


def _is_seen(estimator: Any) -> bool:
    """Tell whether it would show here, in this process, that a fit draws from numpy's global generator."""
    if estimator.n_jobs in (None, 1):
        return True
    params = estimator.get_params(deep=True)
    return all(value is not None for name, value in params.items() if name.endswith("random_state"))


def _equal_votes(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    return {"weights": None}


def _weighted(voting: Any, estimator: Any) -> Any:
    if estimator.weights is not None and len(estimator.weights) != len(estimator.estimators):
        return None  # an error
    return take_over(estimator, voting)


def _first(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    return {name: getattr(estimators[0], name) for name in parameters}


def _cut_elsewhere(classifier: Any, estimator: Any) -> Any:
    return take_over(estimator, classifier)


class _Listener(BaseEstimator):
    """In the place of a final estimator: keep what it would be fitted on."""

    def fit(self, X: Any, y: Any) -> _Listener:
        """Keep it."""
        self.heard_ = (X, y)
        return self


class _ListeningClassifier(ClassifierMixin, _Listener):
    pass


class _ListeningRegressor(RegressorMixin, _Listener):
    pass


@dataclass
class _Stack:
    """Fitted members, and what they predict of the rows that they were not fitted on."""

    model: Any
    X: Any
    y: Any


def _splits_alike(cv: Any) -> bool:
    if cv is None or isinstance(cv, Integral | str | list | tuple):
        return True
    if not type(cv).__module__.startswith("sklearn."):
        return False
    shuffles = getattr(cv, "shuffle", hasattr(cv, "random_state"))
    # a stack seeds a splitter that has no seed by what no one sees
    return not shuffles or isinstance(cv.random_state, Integral)


def _stacks_alike(stack: Any) -> bool:
    return _is_seen(stack) and _splits_alike(stack.cv) and hasattr(stack, "_validate_final_estimator")


def _fit_members(stack: Any, X: Any, y: Any) -> _Stack:
    listener = _ListeningClassifier() if isinstance(stack, StackingClassifier) else _ListeningRegressor()
    model = clone(stack).set_params(final_estimator=listener).fit(X, y)
    return _Stack(model, *model.final_estimator_.heard_)


def _own(array: Any) -> Any:
    """Copy what a final estimator may change while it is fitted."""
    return np.array(array, order="K") if isinstance(array, np.ndarray) else array.copy()


def _finished(stack: _Stack, estimator: Any) -> Any:
    estimator._validate_final_estimator()  # makes its final estimator, to be fitted, and makes sure of its kind
    final = estimator.final_estimator_.fit(_own(stack.X), _own(stack.y))
    return take_over(estimator, stack.model, final_estimator_=final)


for voting in (VotingClassifier, VotingRegressor):
    register(SubModel(voting, ("weights",), _weighted, is_exact=_is_seen, widest=_equal_votes))
register(SubModel(FixedThresholdClassifier, ("threshold",), _cut_elsewhere, widest=_first))
for stack in (StackingClassifier, StackingRegressor):
    register(
        SubModel(
            stack,
            ("final_estimator",),
            _finished,
            is_exact=_stacks_alike,
            widest=_first,
            fit=_fit_members,
        )
    )
