"""Predictions of a candidate for the test parts of all folds, put together.

Depending on the folds, a row is tested once, several times or never. An *occurrence* is one row in one test
part. Occurrences are in the order of the folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from skhpt.trial import FoldScore, Predictions

#: Sorted classes; several outputs have a list with the classes of each.
Classes: TypeAlias = np.ndarray | list[np.ndarray]


@dataclass(frozen=True)
class Pooled:
    """Predictions of a candidate for all occurrences.

    Attributes
    ----------
    values : ndarray of shape (n_occurrences, ...)
        Probabilities or decision values, with a column for each class, or the result of ``predict``. Decision
        values of two classes have no columns. If the method returns a list with an array for each output, the
        arrays are side by side.
    method : str
        "predict_proba", "decision_function" or "predict".
    labels : ndarray of shape (n_occurrences, ...)
        Result of ``predict``.
    n_columns : list of int or None
        Number of columns of each output, if the method returns a list.
    decision_values : ndarray of shape (n_occurrences, ...) or None
        Decision values, if they were kept besides probabilities.
    """

    values: np.ndarray
    method: str
    labels: np.ndarray
    n_columns: list[int] | None = None
    decision_values: np.ndarray | None = None

    def rows(self, rows: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """Return what the method returns for some occurrences."""
        values: np.ndarray = self.values[rows]
        if self.n_columns is None:
            return values
        return np.split(values, np.cumsum(self.n_columns)[:-1], axis=1)


def all_classes(folds: Iterable[FoldScore], y: np.ndarray | None = None) -> Classes | None:
    """Return the sorted classes of the training parts and of the targets; None if predictions have no classes."""
    parts = [
        fold.predictions.classes
        for fold in folds
        if fold.predictions and fold.predictions.classes is not None
    ]
    if not parts:
        return None
    if not isinstance(parts[0], list):
        if y is not None and y.ndim == 1:
            parts.append(y)
        return np.unique(np.concatenate(parts))
    if y is not None and y.ndim == 2:
        parts.append(list(y.T))
    return [np.unique(np.concatenate(output)) for output in zip(*parts, strict=True)]


def pool(predictions: Sequence[Predictions], classes: Classes | None) -> Pooled:
    """Concatenate the predictions for several test parts.

    Parameters
    ----------
    predictions : sequence of Predictions
        One for each test part.
    classes : ndarray, list of ndarray or None
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
    is_list = isinstance(classes, list) and predictions[0].n_columns is not None
    n_columns = [len(each) for each in classes] if is_list and classes is not None else None
    return Pooled(
        values,
        methods.pop(),
        np.concatenate(labels),
        n_columns,
        _pooled_decision_values(predictions, classes),
    )


def _pooled_decision_values(predictions: Sequence[Predictions], classes: Classes | None) -> np.ndarray | None:
    """Concatenate the decision values that were kept besides probabilities; None if a test part has none."""
    parts = []
    for each in predictions:
        if each.decision_values is None:
            return None
        decided = each._replace(values=each.decision_values, method="decision_function", n_columns=None)
        parts.append(_with_all_classes(decided, classes))
    return np.concatenate(parts)


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


def _with_all_classes(predictions: Predictions, classes: Classes | None) -> np.ndarray:
    """Return the values with a column for each of all classes."""
    values, own, method = predictions.values, predictions.classes, predictions.method
    if method == "predict" or own is None or classes is None:
        return values
    if not isinstance(own, list):
        return _columns_of_classes(values, own, classes, method)
    if predictions.n_columns is None:  # a column for each output
        return values
    outputs = np.split(values, np.cumsum(predictions.n_columns)[:-1], axis=1)
    return np.column_stack(
        [_columns_of_classes(*each, method=method) for each in zip(outputs, own, classes, strict=True)]
    )


def _columns_of_classes(values: np.ndarray, own: Any, classes: Any, method: str) -> np.ndarray:
    """Return the values of one output with a column for each of all classes."""
    if np.array_equal(own, classes):
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
