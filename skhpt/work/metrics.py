"""Accuracy and R2 without checking the same targets again for every candidate.

Scikit-learn's metrics spend most of a millisecond on finding out what kind of targets they were given. For plain arrays
of labels or floats the answer is known, and what is left is one line of arithmetic, the same line, so the score is
the same to the last bit. Anything else goes to scikit-learn's own function, and so does every call if the first result
in a process does not agree with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

Metric = Callable[..., float]


def lean_scorer(scorer: Any) -> Any:
    """Return a scorer that gives the same scores faster, or the scorer itself if none is known.

    Parameters
    ----------
    scorer : callable
        What scikit-learn made of the search's ``scoring``: one scorer or a multimetric one.
    """
    if hasattr(scorer, "_scorers"):
        lean = copy(scorer)
        lean._scorers = {name: lean_scorer(one) for name, one in scorer._scorers.items()}
        return lean
    if type(scorer).__name__ == "_PassthroughScorer" and hasattr(scorer, "_estimator"):
        return _LeanPassthrough(scorer)
    if getattr(scorer, "_score_func", None) in _LEAN:
        lean = copy(scorer)
        lean._score_func = _LEAN[scorer._score_func]
        return lean
    return scorer


class _LeanPassthrough:
    """Scores with the estimator's own ``score``, or, where that is scikit-learn's default one, with its lean metric."""

    def __init__(self, scorer: Any):
        self.scorer = scorer

    def __call__(self, estimator: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        last = estimator
        while type(last) is Pipeline:  # its score is that of its last step
            last = last.steps[-1][1]
        metric = _DEFAULT_SCORES.get(getattr(type(last), "score", None))
        if metric is None or len(args) != 1 or kwargs:
            return self.scorer(estimator, X, *args, **kwargs)
        return metric(args[0], estimator.predict(X))

    def __repr__(self) -> str:
        return repr(self.scorer)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "scorer":
            raise AttributeError(name)
        return getattr(self.scorer, name)


def _lean(metric: Metric, fast: Callable[[np.ndarray, np.ndarray], float | None]) -> Metric:
    """Put `fast`, which returns None where it does not apply, in front of a metric."""
    agrees: list[bool] = []  # what the comparison in this process said, once it was made

    @functools.wraps(metric)
    def lean_metric(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
        score = None if kwargs or agrees == [False] else fast(y_true, y_pred)
        if score is None:
            return metric(y_true, y_pred, **kwargs)
        if not agrees:
            agrees.append(score == metric(y_true, y_pred))
            return lean_metric(y_true, y_pred)
        return score

    return lean_metric


def _accuracy(y_true: Any, y_pred: Any) -> float | None:
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not _are_plain(y_true, y_pred, kinds="biuU"):
        return None
    # Scikit-learn warns when more than 20 samples have classes for more than half of them.
    if len(y_true) > 20 and max(len(np.unique(y_true)), len(np.unique(y_pred))) > len(y_true) / 4:
        return None
    return float(np.average(y_true == y_pred))


def _r2(y_true: Any, y_pred: Any) -> float | None:
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not _are_plain(y_true, y_pred, kinds="f") or y_true.itemsize != 8 or len(y_true) < 2:
        return None
    y_true, y_pred = y_true.reshape(-1, 1), y_pred.reshape(-1, 1)  # the order of summation depends on the shape
    numerator = np.sum((y_true - y_pred) ** 2, axis=0)[0]
    denominator = np.sum((y_true - np.average(y_true, axis=0)) ** 2, axis=0)[0]
    if not (np.isfinite(numerator) and numerator > 0 and 0 < denominator < np.inf):
        return None
    return float(1 - numerator / denominator)


def _as_array(y: Any) -> Any:
    return y.to_numpy() if hasattr(y, "to_numpy") and getattr(y, "ndim", None) == 1 else y


def _are_plain(y_true: Any, y_pred: Any, kinds: str) -> bool:
    """Tell whether both are non-empty one-dimensional arrays of the same kind, length and type."""
    return (
        type(y_true) is type(y_pred) is np.ndarray
        and y_true.ndim == y_pred.ndim == 1
        and len(y_true) == len(y_pred) > 0
        and y_true.dtype.kind in kinds
        and y_true.dtype.kind == y_pred.dtype.kind
        and (y_true.dtype == y_pred.dtype or y_true.dtype.kind == "U")
    )


_LEAN: dict[Metric, Metric] = {
    accuracy_score: _lean(accuracy_score, _accuracy),
    r2_score: _lean(r2_score, _r2),
}
_DEFAULT_SCORES = {
    ClassifierMixin.score: _LEAN[accuracy_score],
    KNeighborsClassifier.score: _LEAN[accuracy_score],  # the same, but that it can do without X
    RegressorMixin.score: _LEAN[r2_score],
}
