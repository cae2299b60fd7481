"""Scorers: the only module that uses private names of scikit-learn's scorers, and scorers that are faster.

scikit-learn's metrics spend milliseconds on checks of their targets, although the targets of all candidates
are the same. For plain arrays of labels or floats the functions of `metrics` compute the same score to the
last bit. All other calls go to scikit-learn's own function, and so do all calls of a metric whose first
result in a process differs.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from sklearn import metrics
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier, is_regressor
from sklearn.metrics._scorer import _MultimetricScorer, _PassthroughScorer, _Scorer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from skhpt._mlflow import without_autologging
from skhpt._typing import ArrayLike, Estimator, Params, Scorer
from skhpt.fitting import metrics as closed_form

#: ``metric(y_true, y_pred, **params) -> float``.
Metric = Callable[..., float]

# -- what a scorer consists of -------------------------------------------------------------------------------


class ScorerMetric(NamedTuple):
    """Metric of one of scikit-learn's scorers: its score is ``sign * function(y_true, y_pred, **params)``."""

    function: Metric
    sign: int
    params: Params


def is_multimetric(scorer: Scorer) -> bool:
    """Return whether a scorer is scikit-learn's scorer of several metrics."""
    return type(scorer) is _MultimetricScorer


def scorers_by_metric(scorer: Scorer) -> dict[str, Scorer]:
    """Return the scorers of several metrics by name; a scorer of one metric has the name "score"."""
    return dict(scorer._scorers) if is_multimetric(scorer) else {"score": scorer}


def metric_names(scorer: Scorer) -> list[str] | None:
    """Return the names of the metrics; None for a function, which may return a dict of scores."""
    if is_multimetric(scorer) or scorer_metric(scorer) is not None:
        return list(scorers_by_metric(scorer))
    return None


def scorer_metric(scorer: Scorer) -> ScorerMetric | None:
    """Return the metric of a scorer that `make_scorer` made; None for any other scorer.

    Other scorers are functions, objects of other classes, and the scorer that calls the estimator's own
    ``score``.
    """
    if type(scorer) is not _Scorer:
        return None
    return ScorerMetric(scorer._score_func, scorer._sign, scorer._kwargs)


def is_default_scorer(scorer: Scorer) -> bool:
    """Return whether a scorer calls the estimator's own ``score``."""
    return type(scorer) is _PassthroughScorer


def is_sklearn_function(function: Any) -> bool:
    """Return whether a function, and every function that it wraps, is written in a module of scikit-learn.

    A decorator may copy the name of the module of the function that it wraps, but its code has the globals
    of its own module.
    """
    function = without_autologging(function)
    while function is not None:
        module = getattr(function, "__globals__", {}).get("__name__", "")
        if type(function) is not FunctionType or not module.startswith("sklearn."):
            return False
        function = getattr(function, "__wrapped__", None)
    return True


def is_sklearn_metric(function: Any) -> bool:
    """Return whether a function is one of the public functions of `sklearn.metrics`, and not one that replaces it."""
    name = getattr(function, "__name__", None)
    public = getattr(metrics, name or "", None)
    return without_autologging(public) is without_autologging(function) and is_sklearn_function(function)


def sklearn_metric(scorer: Scorer, kind: str | None) -> ScorerMetric | None:
    """Return the metric of scikit-learn that a scorer computes; None if the metric is not one of scikit-learn's.

    Parameters
    ----------
    scorer : callable
        Scorer of one metric.
    kind : {"classifier", "regressor"} or None
        Kind of the estimator, which determines the metric of a default ``score``. An estimator may define
        another one.
    """
    if is_default_scorer(scorer):
        default = {"classifier": metrics.accuracy_score, "regressor": metrics.r2_score}.get(kind or "")
        return None if default is None else ScorerMetric(default, 1, {})
    metric = scorer_metric(scorer)
    return metric if metric is not None and is_sklearn_metric(metric.function) else None


def raising_scorer(scorer: Scorer) -> Scorer:
    """Return a scorer that raises if one of several metrics fails, where scikit-learn's returns the traceback."""
    if not is_multimetric(scorer):
        return scorer
    scorer = copy(scorer)
    scorer._raise_exc = True
    return scorer


def needs_decision_values(scorer: Scorer) -> bool:
    """Return whether a metric is computed from ``decision_function`` alone, which probabilities do not replace."""
    for single in scorers_by_metric(scorer).values():
        methods = getattr(single, "_response_method", None)
        if methods == "decision_function" or list(methods or ()) == ["decision_function"]:
            return True
    return False


# -- faster scorers ------------------------------------------------------------------------------------------


def fast_scorer(scorer: Scorer) -> Scorer:
    """Return a scorer that computes the same scores faster, or the scorer itself if there is none.

    Parameters
    ----------
    scorer : callable
        Scorer of a search, of one metric or of several.
    """
    if is_multimetric(scorer):
        fast = copy(scorer)
        fast._scorers = {name: _with_fast_metric(one) for name, one in scorers_by_metric(scorer).items()}
        return fast
    if is_default_scorer(scorer):
        return _PredictionScorer(scorer, _default_metric)
    fast = _with_fast_metric(scorer)
    if fast is scorer or fast._response_method != "predict" or fast._get_pos_label() is not None:
        return fast
    return _PredictionScorer(fast, functools.partial(_own_metric, fast))


def _with_fast_metric(scorer: Scorer) -> Scorer:
    """Return a copy of a scorer that uses the fast metric, if there is one."""
    metric = scorer_metric(scorer)
    if metric is None or not is_sklearn_metric(metric.function) or metric.function not in FAST_METRICS:
        return scorer
    fast = copy(scorer)
    fast._score_func = FAST_METRICS[metric.function]
    return fast


def _default_metric(estimator: Estimator) -> Metric | None:
    """Return the metric of an estimator's own ``score``, if that is scikit-learn's default."""
    score = without_autologging(getattr(type(estimator), "score", None))
    is_default = is_sklearn_function(score) and "score" not in vars(estimator)
    return _DEFAULT_METRICS.get(score) if is_default else None


def _own_metric(scorer: Scorer, estimator: Estimator) -> Metric | None:
    """Return the metric of a scorer, unless the scorer checks more of an estimator than its predictions."""
    classes = getattr(estimator, "classes_", None)
    # With more than 20 classes scikit-learn may warn that the targets are continuous.
    has_few_classes = classes is None or (isinstance(classes, np.ndarray) and len(classes) <= 20)
    is_known = type(estimator).__module__.startswith("sklearn.") and hasattr(estimator, "predict")
    return functools.partial(_signed_score, scorer) if has_few_classes and is_known else None


def _signed_score(scorer: Scorer, y_true: ArrayLike, y_pred: ArrayLike) -> float:
    score: float = scorer._sign * scorer._score_func(y_true, y_pred, **scorer._kwargs)
    return score


@dataclass(repr=False, eq=False)
class _PredictionScorer:
    """Scorer that calls only ``predict`` of an estimator, without scikit-learn's checks.

    Parameters
    ----------
    scorer : callable
        Scorer that computes the same scores, for any input.
    metric : callable
        ``metric(estimator)`` returns the metric, or None if the scorer is required.
    """

    scorer: Scorer
    metric: Callable[[Estimator], Metric | None]

    def __call__(self, estimator: Estimator, X: ArrayLike, *args: Any, **kwargs: Any) -> Any:
        last = estimator
        while type(last) is Pipeline:  # a pipeline predicts what its last step predicts
            last = last.steps[-1][1]
        metric = self.metric(last) if len(args) == 1 and not kwargs else None
        if metric is None:
            return self.scorer(estimator, X, *args, **kwargs)
        return metric(args[0], estimator.predict(X))

    def __repr__(self) -> str:
        return repr(self.scorer)


def with_closed_form(metric: Metric, closed_form: Callable[..., float | None]) -> Metric:
    """Return a metric that first tries its closed form, which returns None where it does not apply."""
    supported = set(inspect.signature(closed_form).parameters)
    agrees: list[bool] = []  # result of the only comparison in this process, once there is one

    @functools.wraps(metric)
    def fast_metric(y_true: ArrayLike, y_pred: ArrayLike, **kwargs: Any) -> float:
        score = None
        if agrees != [False] and kwargs.keys() <= supported:
            with np.errstate(all="ignore"):  # the metric itself warns if there is a reason
                score = closed_form(y_true, y_pred, **kwargs)
        if score is None or not math.isfinite(score):
            return metric(y_true, y_pred, **kwargs)
        if not agrees:
            exact = metric(y_true, y_pred, **kwargs)
            agrees.append(score == exact)
            return exact
        return score

    return fast_metric


#: Metrics of scikit-learn, and their closed forms.
CLOSED_FORMS: dict[Metric, Callable[..., float | None]] = {
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
#: Metrics of scikit-learn, and functions that compute the same scores faster.
FAST_METRICS = {
    without_autologging(metric): with_closed_form(without_autologging(metric), closed)
    for metric, closed in CLOSED_FORMS.items()
}
_ACCURACY = FAST_METRICS[without_autologging(metrics.accuracy_score)]
_DEFAULT_METRICS = {
    ClassifierMixin.score: _ACCURACY,
    without_autologging(KNeighborsClassifier.score): _ACCURACY,  # the same function, which can do without X
    RegressorMixin.score: FAST_METRICS[without_autologging(metrics.r2_score)],
}


def task_of(estimator: Estimator) -> str:
    """Return the kind of an estimator: "classifier", "regressor" or empty. Its own ``score`` depends on that."""
    if is_classifier(estimator):
        return "classifier"
    return "regressor" if is_regressor(estimator) else ""
