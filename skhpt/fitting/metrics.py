"""Closed forms of common metrics for plain targets, without scikit-learn's checks.

Each function has the parameters of scikit-learn's metric and does the same operations in the same order on
arrays of the same shape, so that the score is the same to the last bit. It returns None if that is not
certain, and if scikit-learn would warn or raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from skhpt._compat import xlogy
from skhpt._typing import ArrayLike

Score = float | None


class _Counts(NamedTuple):
    """Numbers of samples of each class, as arrays of shape (n_classes,).

    Attributes
    ----------
    labels : ndarray
        Labels of the classes.
    true, predicted, hits : ndarray of int
        Samples of the class, samples that are predicted as the class, and samples for which both hold.
    """

    labels: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    hits: np.ndarray


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Score:
    """Accuracy: share of the correct predictions."""
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not _are_labels(y_true, y_pred, kinds="biuU"):
        return None
    return float(np.average(y_true == y_pred))


def balanced_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Score:
    """Balanced accuracy: mean recall of the classes."""
    counts = _count(y_true, y_pred)
    if counts is None or len(counts.labels) < 2 or not counts.true.all():
        return None
    return float(np.mean(counts.hits / counts.true))


def precision(y_true: ArrayLike, y_pred: ArrayLike, *, average: Any = "binary", pos_label: Any = 1) -> Score:
    """Precision: share of the samples of a class among those that are predicted as the class."""
    return _averaged(
        _count(y_true, y_pred), lambda n: (n.hits, n.predicted), average=average, pos_label=pos_label
    )


def recall(y_true: ArrayLike, y_pred: ArrayLike, *, average: Any = "binary", pos_label: Any = 1) -> Score:
    """Recall: share of the samples of a class that are predicted as the class."""
    return _averaged(_count(y_true, y_pred), lambda n: (n.hits, n.true), average=average, pos_label=pos_label)


def f1(y_true: ArrayLike, y_pred: ArrayLike, *, average: Any = "binary", pos_label: Any = 1) -> Score:
    """F1: harmonic mean of precision and recall."""
    return _averaged(
        _count(y_true, y_pred),
        lambda n: (2 * n.hits, n.true + n.predicted),
        average=average,
        pos_label=pos_label,
    )


def roc_auc(y_true: ArrayLike, y_score: ArrayLike) -> Score:
    """Area under the ROC curve, for two classes."""
    y_true = _as_array(y_true)
    if not (_is_plain(y_true, "iuU") and _is_plain(y_score, "f") and len(y_true) == len(y_score)):
        return None
    labels = np.unique(y_true)
    if len(labels) != 2 or _has_many_classes(y_true, labels) or not np.isfinite(y_score).all():
        return None
    order = np.argsort(y_score, kind="stable")[::-1]
    last = np.append(np.flatnonzero(np.diff(y_score[order])), len(order) - 1)  # of each distinct score
    hits = np.cumsum(y_true[order] == labels[1], dtype=float)[last]
    misses = 1 + last - hits
    if len(misses) > 2:  # without the points in the middle of straight lines
        corners = np.logical_or(np.diff(misses, 2), np.diff(hits, 2))
        kept = np.flatnonzero(np.concatenate([[True], corners, [True]]))
        hits, misses = hits[kept], misses[kept]
    y, x = np.append(0.0, hits) / hits[-1], np.append(0.0, misses) / misses[-1]
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2.0).sum())


def log_loss(y_true: ArrayLike, y_proba: ArrayLike) -> Score:
    """Log loss: mean negative logarithm of the probability of the true class."""
    y_true = _as_array(y_true)
    if not _is_plain(y_true, "iuU") or type(y_proba) is not np.ndarray or y_proba.dtype != np.float64:
        return None
    labels, codes = np.unique(y_true, return_inverse=True)
    if y_proba.ndim == 1:
        y_proba = np.append(1 - y_proba[:, np.newaxis], y_proba[:, np.newaxis], axis=1)
    if len(labels) < 2 or y_proba.shape != (len(y_true), len(labels)) or _has_many_classes(y_true, labels):
        return None
    sum_to_one = np.all(np.abs(y_proba.sum(axis=1) - 1) < 1e-9)
    if y_proba.min() < 0 or y_proba.max() > 1 or not sum_to_one:
        return None
    epsilon = np.finfo(y_proba.dtype).eps
    is_of = (codes[:, np.newaxis] == np.arange(len(labels))).astype(np.float64)
    return float(np.average(-xlogy(is_of, np.clip(y_proba, epsilon, 1 - epsilon)).sum(axis=1)))


def r2(y_true: ArrayLike, y_pred: ArrayLike) -> Score:
    """Coefficient of determination."""
    y_true, y_pred = _as_columns(y_true, y_pred)
    if y_true is None or len(y_true) < 2:
        return None
    numerator = np.sum((y_true - y_pred) ** 2, axis=0)[0]
    denominator = np.sum((y_true - np.average(y_true, axis=0)) ** 2, axis=0)[0]
    return float(1 - numerator / denominator) if numerator > 0 and 0 < denominator < np.inf else None


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> Score:
    """Mean squared error."""
    y_true, y_pred = _as_columns(y_true, y_pred)
    return None if y_true is None else float(np.average((y_true - y_pred) ** 2, axis=0)[0])


def root_mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> Score:
    """Square root of the mean squared error."""
    error = mean_squared_error(y_true, y_pred)
    return None if error is None else float(np.sqrt(error))


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> Score:
    """Mean absolute error."""
    y_true, y_pred = _as_columns(y_true, y_pred)
    return None if y_true is None else float(np.average(np.abs(y_pred - y_true), axis=0)[0])


def _averaged(
    counts: _Counts | None,
    ratio: Callable[[_Counts], tuple[np.ndarray, np.ndarray]],
    *,
    average: Any,
    pos_label: Any,
) -> Score:
    """Return the average over the classes of a ratio of two counts."""
    if counts is None or average not in ("binary", "micro", "macro", "weighted"):
        return None
    chosen: Any = slice(None)
    if average == "binary":
        label_type = str if counts.labels.dtype.kind == "U" else int
        if type(pos_label) is not label_type or len(counts.labels) > 2 or pos_label not in counts.labels:
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


def _count(y_true: ArrayLike, y_pred: ArrayLike) -> _Counts | None:
    """Return the counts of all classes; None if the targets are not plain labels."""
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not _are_labels(y_true, y_pred, kinds="iuU"):
        return None
    labels, codes = np.unique(np.concatenate([y_true, y_pred]), return_inverse=True)
    true, predicted = codes[: len(y_true)], codes[len(y_true) :]
    count = [np.bincount(each, minlength=len(labels)) for each in (true, predicted, true[true == predicted])]
    return _Counts(labels, *count)


def _as_array(y: ArrayLike) -> Any:
    """Return a series as an array, and other targets as they are."""
    return y.to_numpy() if hasattr(y, "to_numpy") and getattr(y, "ndim", None) == 1 else y


def _as_columns(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Any, Any]:
    """Return plain targets as columns, because the order of summation depends on the shape; None for others."""
    y_true, y_pred = _as_array(y_true), _as_array(y_pred)
    if not (_is_plain(y_true, "f") and _is_plain(y_pred, "f") and len(y_true) == len(y_pred)):
        return None, None
    return y_true.reshape(-1, 1), y_pred.reshape(-1, 1)


def _are_labels(y_true: ArrayLike, y_pred: ArrayLike, kinds: str) -> bool:
    """Return whether both targets are plain labels of the same type, with few classes."""
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
    """Return whether scikit-learn may warn that more than half of the values are unique classes."""
    return len(y) > 20 and len(labels) > len(y) / 4


def _is_plain(y: ArrayLike, kinds: str) -> bool:
    """Return whether targets are a non-empty one-dimensional array of one of the kinds; floats must be float64."""
    plain = type(y) is np.ndarray and y.ndim == 1 and len(y) > 0 and y.dtype.kind in kinds
    return plain and (y.dtype.kind != "f" or y.dtype == np.float64)
