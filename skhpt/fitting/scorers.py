"""Common metrics without checking the same targets again for every candidate.

Scikit-learn's metrics spend milliseconds on finding out what kind of targets they were given. For plain arrays of
labels or floats the answer is known, and what is left is a few lines of `arithmetic`, so the score is the same to the
last bit. Anything else goes to scikit-learn's own function, and so does every call if the first result in a process
does not agree with it.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from skhpt._typing import Scorer
from skhpt.fitting import metrics as closed_form

Metric = Callable[..., float]


def fast_scorer(scorer: Any) -> Any:
    """Return a scorer that gives the same scores faster, or the scorer itself if none is known.

    Parameters
    ----------
    scorer : callable
        What scikit-learn made of the search's ``scoring``: one scorer or a multimetric one.
    """
    if hasattr(scorer, "_scorers"):
        lean = copy(scorer)
        lean._scorers = {name: _with_fast_metric(one) for name, one in scorer._scorers.items()}
        return lean
    if type(scorer).__name__ == "_PassthroughScorer" and hasattr(scorer, "_estimator"):
        return _FastScorer(scorer, _default_metric)
    lean = _with_fast_metric(scorer)
    if lean is scorer or scorer._response_method != "predict" or scorer._get_pos_label() is not None:
        return lean
    return _FastScorer(lean, lambda estimator: _signed_metric(lean) if _is_usual(estimator) else None)


def raising_scorer(scorer: Scorer) -> Scorer:
    """Return a scorer that raises if a metric fails; several metrics would return the text of the error otherwise."""
    if not hasattr(scorer, "_scorers"):
        return scorer
    raising = copy(scorer)
    raising._raise_exc = True
    return raising


def _with_fast_metric(scorer: Any) -> Any:
    """Return a copy of a scorer that uses the lean metric, if there is one."""
    if getattr(scorer, "_score_func", None) not in _FAST:
        return scorer
    lean = copy(scorer)
    lean._score_func = _FAST[scorer._score_func]
    return lean


def _default_metric(estimator: Any) -> Metric | None:
    """Return the metric of an estimator's own ``score``, if that is scikit-learn's default one."""
    return _DEFAULT_SCORES.get(getattr(type(estimator), "score", None))


def _signed_metric(scorer: Any) -> Metric:
    return lambda y_true, y_pred: scorer._sign * scorer._score_func(y_true, y_pred, **scorer._kwargs)


class _FastScorer:
    """Asks an estimator for its predictions, and for nothing else, to score them.

    Parameters
    ----------
    scorer : callable
        The scorer that does the same, whatever it is given.
    metric : callable
        ``metric(estimator)`` returns the metric, or None if only the scorer will do.
    """

    def __init__(self, scorer: Any, metric: Callable[[Any], Metric | None]):
        self.scorer = scorer
        self._metric = metric

    def __call__(self, estimator: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        last = estimator
        while type(last) is Pipeline:  # what it predicts is what its last step predicts
            last = last.steps[-1][1]
        metric = self._metric(last) if len(args) == 1 and not kwargs else None
        if metric is None:
            return self.scorer(estimator, X, *args, **kwargs)
        return metric(args[0], estimator.predict(X))

    def __repr__(self) -> str:
        return repr(self.scorer)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("scorer", "_metric"):
            raise AttributeError(name)
        return getattr(self.scorer, name)


def _is_usual(estimator: Any) -> bool:
    """Tell whether there is nothing to check about an estimator: of more than 20 classes, scikit-learn may warn."""
    classes = getattr(estimator, "classes_", None)
    few = classes is None or (isinstance(classes, np.ndarray) and len(classes) <= 20)
    return few and type(estimator).__module__.startswith("sklearn.") and hasattr(estimator, "predict")


def _fast(metric: Metric, fast: Callable[..., float | None]) -> Metric:
    """Put `fast`, which returns None where it does not apply, in front of a metric."""
    known = set(inspect.signature(fast).parameters)
    agrees: list[bool] = []  # what the comparison in this process said, once it was made

    @functools.wraps(metric)
    def lean_metric(y_true: Any, y_pred: Any, **kwargs: Any) -> float:
        score = None
        if agrees != [False] and kwargs.keys() <= known:
            with np.errstate(all="ignore"):  # if there is something to say, the metric says it
                score = fast(y_true, y_pred, **kwargs)
        if score is None or not math.isfinite(score):
            return metric(y_true, y_pred, **kwargs)
        if not agrees:
            exact = metric(y_true, y_pred, **kwargs)
            agrees.append(score == exact)
            return exact
        return score

    return lean_metric


_ARITHMETIC: dict[Metric, Callable[..., float | None]] = {
    metrics.accuracy_score: closed_form.accuracy,
    metrics.balanced_accuracy_score: closed_form.balanced_accuracy,
    metrics.f1_score: closed_form.f1,
    metrics.log_loss: closed_form.log_loss,
    metrics.mean_absolute_error: closed_form.mean_absolute_error,
    metrics.mean_squared_error: closed_form.mean_squared_error,
    metrics.precision_score: closed_form.precision,
    metrics.r2_score: closed_form.r2,
    metrics.recall_score: closed_form.recall,
    metrics.roc_auc_score: closed_form.roc_auc,
    metrics.root_mean_squared_error: closed_form.root_mean_squared_error,
}
_FAST = {metric: _fast(metric, fast) for metric, fast in _ARITHMETIC.items()}
_DEFAULT_SCORES = {
    ClassifierMixin.score: _FAST[metrics.accuracy_score],
    KNeighborsClassifier.score: _FAST[metrics.accuracy_score],  # the same, but that it can do without X
    RegressorMixin.score: _FAST[metrics.r2_score],
}
