"""What is left of scikit-learn's metrics for plain targets, when nothing has to be checked: a few lines of arithmetic.

Each function is called like the metric that it stands for, and does the same operations in the same order on arrays of
the same shape, so the score is the same to the last bit. It returns None where it is not certain of that, or where
scikit-learn would warn or fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

Score = float | None


class _Counts(NamedTuple):
    """Of each class: samples that are of it, samples predicted as it, and both."""

    labels: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    hits: np.ndarray


def accuracy(y_true: Any, y_pred: Any) -> Score:
    """Return the share of correct predictions."""
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not _are_labels(y_true, y_pred, kinds="biuU"):
        return None
    return float(np.average(y_true == y_pred))


def balanced_accuracy(y_true: Any, y_pred: Any) -> Score:
    """Return the mean recall of the classes."""
    counts = _count(y_true, y_pred)
    if counts is None or len(counts.labels) < 2 or not counts.true.all():
        return None
    return float(np.mean(counts.hits / counts.true))


def precision(y_true: Any, y_pred: Any, *, average: Any = "binary", pos_label: Any = 1) -> Score:
    """Return the share of the samples predicted as a class that are of it."""
    return _averaged(_count(y_true, y_pred), lambda one: (one.hits, one.predicted), average, pos_label)


def recall(y_true: Any, y_pred: Any, *, average: Any = "binary", pos_label: Any = 1) -> Score:
    """Return the share of the samples of a class that are predicted as it."""
    return _averaged(_count(y_true, y_pred), lambda one: (one.hits, one.true), average, pos_label)


def f1(y_true: Any, y_pred: Any, *, average: Any = "binary", pos_label: Any = 1) -> Score:
    """Return the harmonic mean of precision and recall."""
    return _averaged(_count(y_true, y_pred), lambda one: (2 * one.hits, one.true + one.predicted), average, pos_label)


def roc_auc(y_true: Any, y_score: Any) -> Score:
    """Return the area under the ROC curve, for two classes."""
    y_true = _as_array(y_true)
    if not (_is_plain(y_true, "iuU") and _is_plain(y_score, "f") and len(y_true) == len(y_score)):
        return None
    labels = np.unique(y_true)
    if len(labels) != 2 or _has_many_classes(y_true, labels) or not np.isfinite(y_score).all():
        return None
    order = np.argsort(y_score, kind="stable")[::-1]
    last = np.append(np.flatnonzero(np.diff(y_score[order])), len(order) - 1)  # of each score
    hits = np.cumsum(y_true[order] == labels[1], dtype=float)[last]
    misses = 1 + last - hits
    if len(misses) > 2:  # leave out points in the middle of straight lines
        corners = np.logical_or(np.diff(misses, 2), np.diff(hits, 2))
        kept = np.flatnonzero(np.concatenate([[True], corners, [True]]))
        hits, misses = hits[kept], misses[kept]
    y, x = np.append(0.0, hits) / hits[-1], np.append(0.0, misses) / misses[-1]
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2.0).sum())


def log_loss(y_true: Any, y_proba: Any) -> Score:
    """Return the mean negative logarithm of the probability of the right class."""
    y_true = _as_array(y_true)
    if not _is_plain(y_true, "iuU") or type(y_proba) is not np.ndarray or y_proba.dtype != np.float64:
        return None
    labels, codes = np.unique(y_true, return_inverse=True)
    y_proba = np.append(1 - y_proba[:, np.newaxis], y_proba[:, np.newaxis], axis=1) if y_proba.ndim == 1 else y_proba
    if len(labels) < 2 or y_proba.shape != (len(y_true), len(labels)) or _has_many_classes(y_true, labels):
        return None
    if not (y_proba.min() >= 0 and y_proba.max() <= 1 and np.all(np.abs(y_proba.sum(axis=1) - 1) < 1e-9)):
        return None
    epsilon = np.finfo(y_proba.dtype).eps
    is_of = (codes[:, np.newaxis] == np.arange(len(labels))).astype(np.int64)
    return float(np.average(-xlogy(is_of, np.clip(y_proba, epsilon, 1 - epsilon)).sum(axis=1)))


def r2(y_true: Any, y_pred: Any) -> Score:
    """Return the coefficient of determination."""
    y_true, y_pred = _as_columns(y_true, y_pred)
    if y_true is None or len(y_true) < 2:
        return None
    numerator = np.sum((y_true - y_pred) ** 2, axis=0)[0]
    denominator = np.sum((y_true - np.average(y_true, axis=0)) ** 2, axis=0)[0]
    return float(1 - numerator / denominator) if numerator > 0 and 0 < denominator < np.inf else None


def mean_squared_error(y_true: Any, y_pred: Any) -> Score:
    """Return the mean squared error."""
    y_true, y_pred = _as_columns(y_true, y_pred)
    return None if y_true is None else float(np.average((y_true - y_pred) ** 2, axis=0)[0])


def root_mean_squared_error(y_true: Any, y_pred: Any) -> Score:
    """Return its root."""
    error = mean_squared_error(y_true, y_pred)
    return None if error is None else float(np.sqrt(error))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Score:
    """Return the mean absolute error."""
    y_true, y_pred = _as_columns(y_true, y_pred)
    return None if y_true is None else float(np.average(np.abs(y_pred - y_true), axis=0)[0])


def _averaged(
    counts: _Counts | None,
    ratio: Callable[[_Counts], tuple[np.ndarray, np.ndarray]],
    average: Any,
    pos_label: Any,
) -> Score:
    """Average a ratio over the classes."""
    if counts is None or average not in ("binary", "micro", "macro", "weighted"):
        return None
    chosen: Any = slice(None)
    if average == "binary":
        known = type(pos_label) is (str if counts.labels.dtype.kind == "U" else int) and len(counts.labels) <= 2
        if not known or pos_label not in counts.labels:
            return None
        chosen = counts.labels == pos_label
    elif pos_label not in (None, 1):
        return None
    parts, wholes = (each[chosen] for each in ratio(counts))
    if average == "micro":
        parts, wholes = parts.sum(keepdims=True), wholes.sum(keepdims=True)
    if not wholes.all():
        return None
    return float(np.average(parts / wholes, weights=counts.true if average == "weighted" else None))


def _count(y_true: Any, y_pred: Any) -> _Counts | None:
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not _are_labels(y_true, y_pred, kinds="iuU"):
        return None
    labels, codes = np.unique(np.concatenate([y_true, y_pred]), return_inverse=True)
    true, predicted = codes[: len(y_true)], codes[len(y_true) :]
    count = [np.bincount(each, minlength=len(labels)) for each in (true, predicted, true[true == predicted])]
    return _Counts(labels, *count)


def _as_array(y: Any) -> Any:
    return y.to_numpy() if hasattr(y, "to_numpy") and getattr(y, "ndim", None) == 1 else y


def _as_columns(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return plain targets as columns, since the order of summation depends on the shape; None if they are not."""
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not (_is_plain(y_true, "f") and _is_plain(y_pred, "f") and len(y_true) == len(y_pred)):
        return None, None
    return y_true.reshape(-1, 1), y_pred.reshape(-1, 1)


def _are_labels(y_true: Any, y_pred: Any, kinds: str) -> bool:
    """Tell whether both are plain labels of the same type, and no more classes than scikit-learn takes for granted."""
    return (
        _is_plain(y_true, kinds)
        and _is_plain(y_pred, kinds)
        and len(y_true) == len(y_pred)
        and y_true.dtype.kind == y_pred.dtype.kind
        and (y_true.dtype == y_pred.dtype or y_true.dtype.kind == "U")
        and not _has_many_classes(y_true, np.unique(y_true))
        and not _has_many_classes(y_pred, np.unique(y_pred))
    )


def _has_many_classes(y: np.ndarray, labels: np.ndarray) -> bool:
    """Tell whether scikit-learn might warn: with more than 20 samples it does if more than half are classes."""
    return len(y) > 20 and len(labels) > len(y) / 4


def _is_plain(y: Any, kinds: str) -> bool:
    """Tell whether it is a non-empty one-dimensional array of some kind; floats must be of double precision."""
    plain = type(y) is np.ndarray and y.ndim == 1 and len(y) > 0 and y.dtype.kind in kinds
    return plain and (y.dtype.kind != "f" or y.dtype == np.float64)
