"""Scores of candidates from their predictions, without their models.

A scorer that needs nothing but predictions scores a `PredictedEstimator`, whose methods return the stored
predictions. For common metrics, a vectorized computation scores all candidates at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, get_args

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from skhpt._compat import check_method_params
from skhpt._typing import Scorer
from skhpt._warnings import warnings_ignored
from skhpt.results import weighted_metrics as weighted
from skhpt.results.averaging import mean_of
from skhpt.results.predictions import Classes, Pooled
from skhpt.results.weighted_metrics import Average, Kind, Scores


@dataclass(frozen=True)
class CandidatePredictions:
    """Predictions of all candidates for the same occurrences, and the targets.

    Attributes
    ----------
    pooled : sequence of Pooled
        Predictions of each candidate.
    y : ndarray of shape (n_occurrences, ...)
        Targets.
    kind : {"classifier", "regressor"} or None
        Kind of the estimator.
    classes : ndarray, list of ndarray or None
        All classes, sorted; those of each output if there are several.
    score_params : dict
        Parameters of the scorer; entries with a row for each occurrence are indexed.
    """

    pooled: Sequence[Pooled]
    y: np.ndarray
    kind: str | None
    classes: Classes | None
    score_params: Mapping[str, Any]


class CandidateScorer(Protocol):
    """Scores candidates on weighted samples of the occurrences."""

    def score_all(self, weights: np.ndarray) -> np.ndarray:
        """Return the scores of all candidates, shape (b, n_candidates), for weights of shape (b, n_occurrences)."""
        ...

    def score_chosen(self, weights: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Return the score of one candidate for each row of the weights, shape (b,)."""
        ...


# -- one call of the scorer for each sample and candidate ----------------------------------------------------


def _predicts_with(method: str) -> Callable[[PredictedEstimator], bool]:
    return lambda estimator: estimator.pooled.method == method


def _has_decision_values(estimator: PredictedEstimator) -> bool:
    return estimator.pooled.method == "decision_function" or estimator.pooled.decision_values is not None


class PredictedEstimator(BaseEstimator):
    """Estimator that returns stored predictions; the rows of ``X`` are numbers of occurrences."""

    def __init__(self, pooled: Pooled, classes: Classes | None):
        self.pooled = pooled
        self.classes = classes
        if classes is not None:
            self.classes_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the labels of occurrences."""
        labels: np.ndarray = self.pooled.labels[X[:, 0]]
        return labels


class _PredictedClassifier(ClassifierMixin, PredictedEstimator):
    def score(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        if self.pooled.labels.ndim == 1:
            return float(super().score(X, y, sample_weight))
        # `accuracy_score` refuses several outputs with classes of their own, `MultiOutputClassifier.score` does not.
        return float(np.average((self.predict(X) == y).all(axis=1), weights=sample_weight))

    @available_if(_predicts_with("predict_proba"))
    def predict_proba(self, X: np.ndarray) -> np.ndarray | list[np.ndarray]:
        return self.pooled.rows(X[:, 0])

    @available_if(_predicts_with("predict_proba"))
    def predict_log_proba(self, X: np.ndarray) -> np.ndarray | list[np.ndarray]:
        probabilities = self.pooled.rows(X[:, 0])
        with np.errstate(divide="ignore"):
            if isinstance(probabilities, list):
                return [np.log(each) for each in probabilities]
            log_probabilities: np.ndarray = np.log(probabilities)
        return log_probabilities

    @available_if(_has_decision_values)
    def decision_function(self, X: np.ndarray) -> np.ndarray | list[np.ndarray]:
        if self.pooled.decision_values is None:
            return self.pooled.rows(X[:, 0])
        values: np.ndarray = self.pooled.decision_values[X[:, 0]]
        return values


class _PredictedRegressor(RegressorMixin, PredictedEstimator):
    pass


_PREDICTED_ESTIMATORS: dict[str | None, type[PredictedEstimator]] = {
    "classifier": _PredictedClassifier,
    "regressor": _PredictedRegressor,
}


class SequentialScorer:
    """Calls the scorer for each sample and candidate.

    Parameters
    ----------
    predictions : CandidatePredictions
        Predictions of the candidates.
    scorer : callable
        ``scorer(estimator, X, y) -> float`` or dict of float.
    metric : str
        Name of the score, if there are several.
    """

    def __init__(self, predictions: CandidatePredictions, scorer: Scorer, metric: str):
        self.predictions = predictions
        self.scorer = scorer
        self.metric = metric
        make = _PREDICTED_ESTIMATORS.get(predictions.kind, PredictedEstimator)
        self.estimators = [make(pooled, predictions.classes) for pooled in predictions.pooled]

    def score(self, candidate: int, rows: np.ndarray) -> float:
        """Return the score of a candidate on occurrences; errors of the scorer are raised."""
        params = check_method_params(self.predictions.y, params=self.predictions.score_params, indices=rows)
        score = self.scorer(
            self.estimators[candidate], rows[:, np.newaxis], self.predictions.y[rows], **params
        )
        return float(score[self.metric] if isinstance(score, dict) else score)

    def score_all(self, weights: np.ndarray) -> np.ndarray:
        rows = []
        for sample in weights:
            rows.append([self._score_or_nan(candidate, sample) for candidate in range(len(self.estimators))])
        return np.array(rows)

    def score_chosen(self, weights: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        pairs = zip(candidates, weights, strict=True)
        return np.array([self._score_or_nan(candidate, sample) for candidate, sample in pairs])

    def _score_or_nan(self, candidate: int, sample: np.ndarray) -> float:
        rows = np.repeat(np.arange(len(sample)), sample.astype(int))
        try:
            with warnings_ignored(), config_context(assume_finite=True, skip_parameter_validation=True):
                return self.score(candidate, rows)  # samples may lack a class, of which metrics warn
        except Exception:  # the metric is not defined on this sample
            return np.nan


class MeanScorer:
    """Scores the mean of the predictions of several candidates, by a call of the scorer for each sample.

    Parameters
    ----------
    predictions : CandidatePredictions
        Predictions of the candidates: probabilities of a classifier, or numbers.
    scorer : callable
        ``scorer(estimator, X, y) -> float`` or dict of float.
    metric : str
        Name of the score, if there are several.

    Raises
    ------
    ValueError
        If the predictions have no mean.
    """

    def __init__(self, predictions: CandidatePredictions, scorer: Scorer, metric: str):
        method = "predict_proba" if predictions.kind == "classifier" else "predict"
        if any(pooled.method != method for pooled in predictions.pooled):
            raise ValueError(f"the predictions of some candidates are not those of {method}")
        self.predictions = predictions
        self.scorer = scorer
        self.metric = metric

    def score_means(self, weights: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Return the scores of weighted means of candidates.

        Parameters
        ----------
        weights : ndarray of shape (b, n_occurrences)
            Weights of the occurrences, whole numbers.
        members : ndarray of shape (b, n_candidates)
            Weights of the candidates in each mean.
        """
        pairs = zip(members, weights, strict=True)
        return np.array([self._score_mean(own, sample) for own, sample in pairs])

    def _score_mean(self, members: np.ndarray, sample: np.ndarray) -> float:
        chosen = np.flatnonzero(members).tolist()
        if not chosen:
            return np.nan
        pooled = [self.predictions.pooled[i] for i in chosen]
        mean = mean_of(pooled, members[chosen], self.predictions.classes)
        scorer = SequentialScorer(replace(self.predictions, pooled=[mean]), self.scorer, self.metric)
        return float(scorer.score_all(sample[np.newaxis])[0, 0])


# -- all samples and candidates at once ----------------------------------------------------------------------


class VectorizedScorer:
    """Computes the metric of all samples and candidates at once.

    Parameters
    ----------
    scores : Scores
        The metric.
    sample_weight : ndarray of shape (n_occurrences,) or None
        Weights that multiply those of the samples.
    """

    def __init__(self, scores: Scores, sample_weight: np.ndarray | None):
        self.scores = scores
        self.sample_weight = sample_weight

    def score_all(self, weights: np.ndarray) -> np.ndarray:
        if self.sample_weight is not None:
            weights = weights * self.sample_weight
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.scores(weights)

    def score_chosen(self, weights: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        chosen: np.ndarray = self.score_all(weights)[np.arange(len(weights)), candidates]
        return chosen


class _Unsupported(ValueError):
    """Raised for labels, predictions or parameters without a vectorized computation."""


def vectorized_scorer(
    predictions: CandidatePredictions, metric: str, *, sign: int, params: Mapping[str, Any]
) -> VectorizedScorer | None:
    """Return the vectorized computation of a metric; None if there is none.

    Parameters
    ----------
    predictions : CandidatePredictions
        Predictions of the candidates.
    metric : str
        Name of the metric in `sklearn.metrics`.
    sign : int
        1, or -1 if the score is the negative of the metric.
    params : dict
        Parameters of the metric.
    """
    sample_weight = predictions.score_params.get("sample_weight")
    if predictions.y.ndim != 1 or predictions.score_params.keys() - {"sample_weight"}:
        return None
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, dtype=float)
    make = _CLASS_METRICS.get(metric) if predictions.kind == "classifier" else _VALUE_METRICS.get(metric)
    if make is None:
        return None
    try:
        scores = make(predictions, **params)
    except (TypeError, ValueError, IndexError):  # other parameters, labels or shapes
        return None
    return VectorizedScorer(scores if sign > 0 else lambda weights: -scores(weights), sample_weight)


def _labels(predictions: CandidatePredictions) -> np.ndarray:
    """Return the labels, shape (n_occurrences, n_candidates)."""
    return np.stack([pooled.labels for pooled in predictions.pooled], axis=1)


def _errors(predictions: CandidatePredictions) -> np.ndarray:
    """Return the targets less the predictions, shape (n_occurrences, n_candidates)."""
    errors: np.ndarray = predictions.y[:, np.newaxis] - _labels(predictions)
    return errors


def _codes(labels: np.ndarray, classes: Classes | None) -> np.ndarray:
    """Return labels as numbers of classes."""
    if classes is None or isinstance(classes, list):
        raise _Unsupported
    return np.searchsorted(classes, labels)


def _probabilities(pooled: Pooled) -> np.ndarray:
    if pooled.method != "predict_proba":
        raise _Unsupported
    return pooled.values


def _of_true_class(predictions: CandidatePredictions) -> np.ndarray:
    """Return the probability of the true class, shape (n_occurrences, n_candidates)."""
    rows, codes = np.arange(len(predictions.y)), _codes(predictions.y, predictions.classes)
    return np.stack([_probabilities(pooled)[rows, codes] for pooled in predictions.pooled], axis=1)


def _of_second_class(predictions: CandidatePredictions) -> np.ndarray:
    """Return probabilities or decision values of the second of two classes, shape (n_occurrences, n_candidates)."""
    has_two_classes = predictions.classes is not None and len(predictions.classes) == 2
    if not has_two_classes or any(pooled.method == "predict" for pooled in predictions.pooled):
        raise _Unsupported
    values = [pooled.values for pooled in predictions.pooled]
    return np.stack([each if each.ndim == 1 else each[:, 1] for each in values], axis=1)


def _is_right(predictions: CandidatePredictions) -> np.ndarray:
    """Return 1 where a label is the target and 0 elsewhere, shape (n_occurrences, n_candidates)."""
    is_right: np.ndarray = _labels(predictions) == predictions.y[:, np.newaxis]
    return is_right.astype(float)


def _log_loss(predictions: CandidatePredictions) -> Scores:
    p = _of_true_class(predictions)
    eps = np.finfo(p.dtype).eps
    return weighted.mean(-np.log(np.clip(p, eps, 1 - eps)))


def _brier_score(predictions: CandidatePredictions) -> Scores:
    for pooled in predictions.pooled:
        _probabilities(pooled)
    codes = _codes(predictions.y, predictions.classes)
    return weighted.mean((_of_second_class(predictions) - codes[:, np.newaxis]) ** 2)


def _roc_auc(predictions: CandidatePredictions) -> Scores:
    return weighted.roc_auc(_codes(predictions.y, predictions.classes), _of_second_class(predictions))


def _root_mean_squared_error(predictions: CandidatePredictions) -> Scores:
    mean_squared_error = weighted.mean(_errors(predictions) ** 2)
    return lambda weights: np.sqrt(mean_squared_error(weights))


def _class_scores(kind: Kind) -> Callable[..., Scores]:
    """Return a function that makes the scores for some predictions and the metric's parameters."""

    def make(
        predictions: CandidatePredictions, average: Average = "binary", pos_label: None = None
    ) -> Scores:
        classes = predictions.classes
        if (
            classes is None
            or isinstance(classes, list)
            or average not in get_args(Average)
            or pos_label is not None
        ):
            raise _Unsupported
        if average == "binary" and classes.tolist() != [0, 1]:
            raise _Unsupported
        y, predicted = _codes(predictions.y, classes), _codes(_labels(predictions), classes)
        return weighted.class_scores(y, predicted, len(classes), kind=kind, average=average)

    return make


_CLASS_METRICS: dict[str, Callable[..., Scores]] = {
    "accuracy_score": lambda predictions: weighted.mean(_is_right(predictions)),
    "balanced_accuracy_score": lambda predictions: _class_scores("recall")(predictions, "recalled"),
    "precision_score": _class_scores("precision"),
    "recall_score": _class_scores("recall"),
    "f1_score": _class_scores("f1"),
    "log_loss": _log_loss,
    "brier_score_loss": _brier_score,
    "roc_auc_score": _roc_auc,
}
_VALUE_METRICS: dict[str, Callable[..., Scores]] = {
    "mean_squared_error": lambda predictions: weighted.mean(_errors(predictions) ** 2),
    "root_mean_squared_error": _root_mean_squared_error,
    "mean_absolute_error": lambda predictions: weighted.mean(np.abs(_errors(predictions))),
    "r2_score": lambda predictions: weighted.r2(predictions.y, _labels(predictions)),
}
