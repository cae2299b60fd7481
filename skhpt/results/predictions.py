"""Predictions of a candidate for the test parts of all folds, put together.

Depending on the folds, a row is tested once, several times or never. An *occurrence* is one row in one test
part. Occurrences are in the order of the folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from skhpt.trial import FoldScore, Predictions


@dataclass(frozen=True)
class Pooled:
    """Predictions of a candidate for all occurrences.

    Attributes
    ----------
    values : ndarray of shape (n_occurrences, ...)
        Probabilities or decision values, with a column for each class, or the result of ``predict``. Decision
        values of two classes have no columns.
    method : str
        "predict_proba", "decision_function" or "predict".
    labels : ndarray of shape (n_occurrences, ...)
        Result of ``predict``.
    """

    values: np.ndarray
    method: str
    labels: np.ndarray


def all_classes(folds: Iterable[FoldScore], y: np.ndarray | None = None) -> np.ndarray | None:
    """Return the sorted classes of the training parts and of the targets; None if predictions have no classes."""
    parts = [
        fold.predictions.classes
        for fold in folds
        if fold.predictions and fold.predictions.classes is not None
    ]
    if not parts:
        return None
    if y is not None and y.ndim == 1:
        parts.append(y)
    return np.unique(np.concatenate(parts))


def pool(predictions: Sequence[Predictions], classes: np.ndarray | None) -> Pooled:
    """Concatenate the predictions for several test parts.

    Parameters
    ----------
    predictions : sequence of Predictions
        One for each test part.
    classes : ndarray or None
        All classes. If a training part lacks a class, the probability of the class is 0, and its decision
        value is the lowest float, as in scikit-learn's ``cross_val_predict``.

    Raises
    ------
    ValueError
        If the predictions are from different methods, or do not fit the classes.
    """
    methods = {each.method for each in predictions}
    if len(methods) != 1:
        raise ValueError(f"the folds were predicted in different ways: {sorted(methods)}")
    values = np.concatenate([_with_all_classes(each, classes) for each in predictions])
    labels = [each.values if each.labels is None else each.labels for each in predictions]
    return Pooled(values, methods.pop(), np.concatenate(labels))


def by_row(values: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the mean of the values of each row of the data, NaN without values: shape (n_rows, ...)."""
    n_times = np.bincount(rows, minlength=n_rows).reshape(-1, *[1] * (values.ndim - 1))
    total = np.zeros((n_rows, *values.shape[1:]))
    with np.errstate(invalid="ignore", over="ignore"):
        np.add.at(total, rows, values)
        means: np.ndarray = total / n_times
    return means


def labels_by_row(labels: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the most frequent label of each row, the first in sorted order among equals; None without labels."""
    kinds, numbers = np.unique(labels, return_inverse=True)
    votes = np.zeros((n_rows, *labels.shape[1:], len(kinds)), dtype=int)
    np.add.at(votes, rows, np.eye(len(kinds), dtype=int)[numbers.reshape(labels.shape)])
    most_frequent: np.ndarray = kinds[votes.argmax(axis=-1)]
    has_votes = votes.any(axis=-1)
    if not has_votes.all():
        most_frequent = most_frequent.astype(object)
        most_frequent[~has_votes] = None
    return most_frequent


def _with_all_classes(predictions: Predictions, classes: np.ndarray | None) -> np.ndarray:
    """Return the values with a column for each of all classes."""
    values, own, method = predictions.values, predictions.classes, predictions.method
    if method == "predict" or own is None or classes is None or np.array_equal(own, classes):
        return values
    if values.ndim == 1:  # the training part has two classes, and there are more
        values = np.column_stack([-values, values])
    if values.shape[1] != len(own):
        raise ValueError(
            f"{method} has {values.shape[1]} columns for {len(own)} classes, where {classes} are wanted"
        )
    missing = 0.0 if method == "predict_proba" else np.finfo(float).min
    complete = np.full((len(values), len(classes)), missing)
    complete[:, np.searchsorted(classes, own)] = values
    return complete
