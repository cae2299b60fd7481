"""Meta-estimators whose members are fitted the same for every way to combine their predictions.

Weights of votes and thresholds are used at prediction only. A stack fits its members and predicts each row
with members that were not fitted on it; candidates then differ only in the fit of the final estimator.
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

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.reuse.submodels.registry import first_values, register_submodel, with_fitted_state


def _draws_are_detected(estimator: Estimator) -> bool:
    """Tell whether all members are fitted in this process, or have seeds.

    Draws from numpy's global generator forbid sharing, but are detected in this process only.
    """
    if estimator.n_jobs in (None, 1):
        return True
    params = estimator.get_params(deep=True)
    return all(value is not None for name, value in params.items() if name.endswith("random_state"))


# -- Votes and thresholds ------------------------------------------------------------------------------------


def _no_weights(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    return {"weights": None}


def _weight_votes(voting: Estimator, estimator: Estimator) -> Estimator | None:
    if estimator.weights is not None and len(estimator.weights) != len(estimator.estimators):
        return None  # a separate fit raises the error
    return with_fitted_state(estimator, voting)


def _same_members(classifier: Estimator, estimator: Estimator) -> Estimator:
    return with_fitted_state(estimator, classifier)


# -- Stacks --------------------------------------------------------------------------------------------------


class _FitRecorder(BaseEstimator):
    """Final estimator that stores the data that it is fitted on."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> _FitRecorder:
        """Store the data."""
        self.data_ = (X, y)
        return self


class _ClassifierRecorder(ClassifierMixin, _FitRecorder):
    pass


class _RegressorRecorder(RegressorMixin, _FitRecorder):
    pass


@dataclass
class _FittedMembers:
    """Stack with fitted members.

    Attributes
    ----------
    stack : StackingClassifier or StackingRegressor
        The stack, without its final estimator.
    X, y : array-like
        Training data of the final estimator: the cross-validated predictions of the members, and the targets.
    """

    stack: Estimator
    X: ArrayLike
    y: ArrayLike


def _members_are_the_same(stack: Estimator) -> bool:
    # `_validate_final_estimator`: see `_fit_final_estimator`
    has_method = hasattr(stack, "_validate_final_estimator")
    return has_method and _draws_are_detected(stack) and _splits_repeat(stack.cv)


def _splits_repeat(cv: Any) -> bool:
    """Tell whether a splitter gives the same folds in every fit of a stack."""
    if cv is None or isinstance(cv, Integral | str | list | tuple):
        return True
    if not type(cv).__module__.startswith("sklearn."):
        return False
    is_shuffled = getattr(cv, "shuffle", hasattr(cv, "random_state"))
    # a stack gives a splitter without a seed a seed from the global generator
    return not is_shuffled or isinstance(cv.random_state, Integral)


def _fit_members(stack: Estimator, X: ArrayLike, y: ArrayLike) -> _FittedMembers:
    recorder = _ClassifierRecorder() if isinstance(stack, StackingClassifier) else _RegressorRecorder()
    fitted = clone(stack).set_params(final_estimator=recorder).fit(X, y)
    X_final, y_final = fitted.final_estimator_.data_
    return _FittedMembers(fitted, X_final, y_final)


def _fit_final_estimator(members: _FittedMembers, estimator: Estimator) -> Estimator:
    # sets `final_estimator_` to a clone (or to the default), and raises an error if it is of the wrong kind
    estimator._validate_final_estimator()
    final_estimator = estimator.final_estimator_.fit(_copy(members.X), _copy(members.y))
    return with_fitted_state(estimator, members.stack, final_estimator_=final_estimator)


def _copy(data: Any) -> Any:
    """Copy data that a final estimator may change while it is fitted."""
    return np.array(data, order="K") if isinstance(data, np.ndarray) else data.copy()


for voting in (VotingClassifier, VotingRegressor):
    register_submodel(voting, "weights", _weight_votes, is_exact=_draws_are_detected, widest=_no_weights)
register_submodel(FixedThresholdClassifier, "threshold", _same_members, widest=first_values)
for stack in (StackingClassifier, StackingRegressor):
    register_submodel(
        stack,
        "final_estimator",
        _fit_final_estimator,
        is_exact=_members_are_the_same,
        widest=first_values,
        fit=_fit_members,
    )
