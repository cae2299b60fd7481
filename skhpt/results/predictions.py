"""What candidates predicted for the test parts of all folds, put together.

Rows may be tested once, several times or never, as the folds have it. An *occurrence* is one row in one test part; they
are in the order of the folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from skhpt.trial import FoldScore, Predictions


@dataclass(frozen=True)
class Pooled:
    """The predictions of a candidate for all occurrences.

    Attributes
    ----------
    values : ndarray of shape (n_occurrences, ...)
        Probabilities or decision values, with a column for each class, or what ``predict`` returned. A decision between
        two classes has no columns.
    method : str
        "predict_proba", "decision_function" or "predict".
    labels : ndarray of shape (n_occurrences, ...)
        What ``predict`` returned.
    """

    values: np.ndarray
    method: str
    labels: np.ndarray


def all_classes(folds: Iterable[FoldScore], y: np.ndarray | None = None) -> np.ndarray | None:
    """Return the classes that occur in the training parts or in the targets, sorted; None if there are none."""
    parts = [fold.predictions.classes for fold in folds if fold.predictions and fold.predictions.classes is not None]
    if not parts:
        return None
    if y is not None and y.ndim == 1:
        parts.append(y)
    return np.unique(np.concatenate(parts))


def pool(predictions: Sequence[Predictions], classes: np.ndarray | None) -> Pooled:
    """Put the predictions for several test parts one after another.

    Parameters
    ----------
    predictions : sequence of Predictions
        One for each test part.
    classes : ndarray or None
        All classes. A training part may lack some: then their probability is 0, and their decision value is the
        lowest number that there is, as in scikit-learn's ``cross_val_predict``.

    Raises
    ------
    ValueError
        If they do not fit together.
    """
    methods = {each.method for each in predictions}
    if len(methods) != 1:
        raise ValueError(f"the folds were predicted in different ways: {sorted(methods)}")
    values = np.concatenate([_aligned(each, classes) for each in predictions])
    labels = [each.values if each.labels is None else each.labels for each in predictions]
    return Pooled(values, methods.pop(), np.concatenate(labels))


def by_row(values: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the mean of the values of each row, NaN where there are none; shape (n_rows, ...)."""
    n_times = np.bincount(rows, minlength=n_rows).reshape(-1, *[1] * (values.ndim - 1))
    total = np.zeros((n_rows, *values.shape[1:]))
    with np.errstate(invalid="ignore", over="ignore"):
        np.add.at(total, rows, values)
        return total / n_times


def labels_by_row(labels: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the most frequent label of each row, the first in their order among equals; None where there are none."""
    kinds, numbers = np.unique(labels, return_inverse=True)
    votes = np.zeros((n_rows, *labels.shape[1:], len(kinds)), dtype=int)
    np.add.at(votes, rows, np.eye(len(kinds), dtype=int)[numbers.reshape(labels.shape)])
    chosen = kinds[votes.argmax(axis=-1)]
    if votes.any(axis=-1).all():
        return chosen
    chosen = chosen.astype(object)
    chosen[~votes.any(axis=-1)] = None
    return chosen


def _aligned(predictions: Predictions, classes: np.ndarray | None) -> np.ndarray:
    """Return the values with a column for each of all classes."""
    values, own, method = predictions.values, predictions.classes, predictions.method
    if method == "predict" or own is None or classes is None or np.array_equal(own, classes):
        return values
    if values.ndim == 1:  # a decision between two classes, where there are more
        values = np.column_stack([-values, values])
    if values.shape[1] != len(own):
        raise ValueError(f"{method} has {values.shape[1]} columns for {len(own)} classes, where {classes} are wanted")
    aligned = np.full((len(values), len(classes)), 0.0 if method == "predict_proba" else np.finfo(float).min)
    aligned[:, np.searchsorted(classes, own)] = values
    return aligned
