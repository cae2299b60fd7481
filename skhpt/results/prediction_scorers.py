"""Scores of candidates from what they predicted, without their models.

Any scorer that asks an estimator for nothing but predictions takes a stand-in for it, which answers with the
predictions that were kept. What is asked often is computed for all candidates at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from skhpt._compat import check_method_params
from skhpt.results import weighted_metrics as weighted
from skhpt.results.predictions import Pooled
from skhpt.results.weighted_metrics import Scores


@dataclass(frozen=True)
class CandidatePredictions:
    """What all candidates predicted for the same occurrences, and what is true.

    Attributes
    ----------
    pooled : sequence of Pooled
        The predictions of each candidate.
    y : ndarray of shape (n_occurrences, ...)
        The targets.
    kind : {"classifier", "regressor"} or None
        What the estimator is.
    classes : ndarray or None
        All classes, sorted.
    score_params : dict
        What is passed to the scorer; entries with a row for each occurrence are cut.
    """

    pooled: Sequence[Pooled]
    y: np.ndarray
    kind: str | None
    classes: np.ndarray | None
    score_params: Mapping[str, Any]


class ScoresOfAll(Protocol):
    """Scores candidates on samples of the occurrences."""

    def of_all(self, weights: np.ndarray) -> np.ndarray:
        """Return the scores of all candidates, shape (b, n_candidates), for weights of shape (b, n_occurrences)."""
        ...

    def of(self, weights: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Return the score of one candidate for each row of the weights."""
        ...


# -- one by one, with the scorer -----------------------------------------------------------------------------------


def _has(method: str) -> Callable[[Any], bool]:
    return lambda stand_in: stand_in.pooled.method == method


class _PredictedEstimator(BaseEstimator):
    """Answers with what was predicted; the rows that it is given are numbers of occurrences."""

    def __init__(self, pooled: Pooled, classes: np.ndarray | None):
        self.pooled = pooled
        self.classes = classes
        if classes is not None:
            self.classes_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.pooled.labels[X[:, 0]]


class _PredictedClassifier(ClassifierMixin, _PredictedEstimator):
    @available_if(_has("predict_proba"))
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return self.pooled.values[X[:, 0]]

    @available_if(_has("predict_proba"))
    def predict_log_proba(self, X: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_has("decision_function"))
    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return self.pooled.values[X[:, 0]]


class _PredictedRegressor(RegressorMixin, _PredictedEstimator):
    pass


_PREDICTED_ESTIMATORS: dict[str | None, type[_PredictedEstimator]] = {
    "classifier": _PredictedClassifier,
    "regressor": _PredictedRegressor,
}


class ByScorer:
    """Calls the scorer for each sample and candidate.

    Parameters
    ----------
    answers : Answers
        What candidates predicted.
    scorer : callable
        ``scorer(estimator, X, y) -> float`` or dict of float.
    metric : str
        Which of several scores.
    """

    def __init__(self, answers: CandidatePredictions, scorer: Any, metric: str):
        self.answers = answers
        self.scorer = scorer
        self.metric = metric
        make = _PREDICTED_ESTIMATORS.get(answers.kind, _PredictedEstimator)
        self.stand_ins = [make(pooled, answers.classes) for pooled in answers.pooled]

    def score(self, candidate: int, rows: np.ndarray) -> float:
        """Score a candidate on occurrences; whatever goes wrong raises."""
        answers = self.answers
        params = check_method_params(answers.y, params=answers.score_params, indices=rows)
        score = self.scorer(self.stand_ins[candidate], rows[:, np.newaxis], answers.y[rows], **params)
        return float(score[self.metric] if isinstance(score, dict) else score)

    def of_all(self, weights: np.ndarray) -> np.ndarray:
        return np.array([[self._try(i, sample) for i in range(len(self.stand_ins))] for sample in weights])

    def of(self, weights: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        return np.array([self._try(i, sample) for i, sample in zip(candidates, weights, strict=True)])

    def _try(self, candidate: int, sample: np.ndarray) -> float:
        rows = np.repeat(np.arange(len(sample)), sample.astype(int))
        try:
            with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
                warnings.simplefilter("ignore")  # of samples without some class
                return self.score(candidate, rows)
        except Exception:  # the metric is not defined on this sample
            return np.nan


# -- all at once ---------------------------------------------------------------------------------------------------


class VectorizedScorer:
    """Computes the metric of all samples and candidates together.

    Parameters
    ----------
    scores : Scores
        The metric.
    sample_weight : ndarray of shape (n_occurrences,) or None
        Weights besides those of the samples.
    """

    def __init__(self, scores: Scores, sample_weight: np.ndarray | None):
        self.scores = scores
        self.sample_weight = sample_weight

    def of_all(self, weights: np.ndarray) -> np.ndarray:
        if self.sample_weight is not None:
            weights = weights * self.sample_weight
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.scores(weights)

    def of(self, weights: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        return self.of_all(weights)[np.arange(len(weights)), candidates]


def vectorized_scorer(
    answers: CandidatePredictions, metric: str, *, sign: int, params: Mapping[str, Any]
) -> VectorizedScorer | None:
    """Return a scorer that computes a metric for all candidates together; None if there is none.

    Parameters
    ----------
    answers : CandidatePredictions
        Predictions of the candidates.
    metric : str
        Name of the metric in `sklearn.metrics`.
    sign : int
        1, or -1 if the score is the negative of the metric.
    params : dict
        Parameters of the metric.
    """
    sample_weight = answers.score_params.get("sample_weight")
    if answers.y.ndim != 1 or answers.score_params.keys() - {"sample_weight"}:
        return None
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, dtype=float)
    make = _CLASS_METRICS.get(metric) if answers.kind == "classifier" else _VALUE_METRICS.get(metric)
    if make is None:
        return None
    try:
        scores = make(answers, **params)
    except (TypeError, ValueError, IndexError):  # other parameters, labels or shapes than those that are known
        return None
    return VectorizedScorer(scores if sign > 0 else lambda weights: -scores(weights), sample_weight)


def _labels(answers: CandidatePredictions) -> np.ndarray:
    return np.stack([pooled.labels for pooled in answers.pooled], axis=1)


def _errors(answers: CandidatePredictions) -> np.ndarray:
    return answers.y[:, np.newaxis] - _labels(answers)


def _codes(labels: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Return labels as numbers of classes."""
    if classes is None:
        raise ValueError
    return np.searchsorted(classes, labels)


def _of_true_class(answers: CandidatePredictions) -> np.ndarray:
    """Return the probability of the true class, shape (n_occurrences, n_candidates)."""
    rows, codes = np.arange(len(answers.y)), _codes(answers.y, answers.classes)
    return np.stack([_probabilities(pooled)[rows, codes] for pooled in answers.pooled], axis=1)


def _probabilities(pooled: Pooled) -> np.ndarray:
    if pooled.method != "predict_proba":
        raise ValueError
    return pooled.values


def _of_second_class(answers: CandidatePredictions) -> np.ndarray:
    """Return probabilities or decision values of the second of two classes, shape (n_occurrences, n_candidates)."""
    if answers.classes is None or len(answers.classes) != 2 or any(p.method == "predict" for p in answers.pooled):
        raise ValueError
    return np.stack([p.values if p.values.ndim == 1 else p.values[:, 1] for p in answers.pooled], axis=1)


def _log_loss(answers: CandidatePredictions) -> Scores:
    p = _of_true_class(answers)
    eps = np.finfo(p.dtype).eps
    return weighted.mean(-np.log(np.clip(p, eps, 1 - eps)))


def _brier(answers: CandidatePredictions) -> Scores:
    if any(pooled.method != "predict_proba" for pooled in answers.pooled):
        raise ValueError
    return weighted.mean((_of_second_class(answers) - _codes(answers.y, answers.classes)[:, np.newaxis]) ** 2)


def _class_scores(kind: str) -> Callable[..., Scores]:
    def make(answers: CandidatePredictions, average: str = "binary", pos_label: None = None) -> Scores:
        classes = answers.classes
        known = _AVERAGES if classes is None or classes.tolist() != [0, 1] else (*_AVERAGES, "binary")
        if classes is None or average not in known or pos_label is not None:
            raise ValueError
        return weighted.class_scores(
            _codes(answers.y, classes), _codes(_labels(answers), classes), len(classes), kind, average
        )

    return make


_AVERAGES = ("macro", "weighted", "micro", "recalled")
_CLASS_METRICS: dict[str, Callable[..., Scores]] = {
    "accuracy_score": lambda answers: weighted.mean((_labels(answers) == answers.y[:, np.newaxis]).astype(float)),
    "balanced_accuracy_score": lambda answers: _class_scores("recall")(answers, "recalled"),
    "precision_score": _class_scores("precision"),
    "recall_score": _class_scores("recall"),
    "f1_score": _class_scores("f1"),
    "log_loss": _log_loss,
    "brier_score_loss": _brier,
    "roc_auc_score": lambda answers: weighted.roc_auc(_codes(answers.y, answers.classes), _of_second_class(answers)),
}
_VALUE_METRICS: dict[str, Callable[..., Scores]] = {
    "mean_squared_error": lambda answers: weighted.mean(_errors(answers) ** 2),
    "root_mean_squared_error": lambda answers: lambda w: np.sqrt(weighted.mean(_errors(answers) ** 2)(w)),
    "mean_absolute_error": lambda answers: weighted.mean(np.abs(_errors(answers))),
    "r2_score": lambda answers: weighted.r2(answers.y, _labels(answers)),
}
