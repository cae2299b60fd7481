"""Weighted means of predictions, and the labels that follow from them.

Probabilities of several outputs are lists with an array for each output, as scikit-learn returns them. Those of
multilabel targets may be one array with the probability of each label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from skhpt.results.predictions import Classes, Pooled

#: Probabilities of one output, or a list with those of each output.
Probabilities: TypeAlias = np.ndarray | list[np.ndarray]


def weighted_mean(values: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of arrays of the same shape; it lies between their extremes despite rounding."""
    total: np.ndarray = np.zeros(values[0].shape)
    for weight, each in zip(weights, values, strict=True):
        total += weight * each
    total /= sum(weights)  # of numbers up to 1, no number above 1, which metrics would refuse
    return total


def mean_probabilities(probabilities: Sequence[Any], weights: np.ndarray) -> Probabilities:
    """Return the mean of the probabilities of several models, each an array or a list with one for each output."""
    if isinstance(probabilities[0], list):
        return [weighted_mean(output, weights) for output in zip(*probabilities, strict=True)]
    return weighted_mean(probabilities, weights)


def labels_of(probabilities: Probabilities, classes: Classes, *, multilabel: bool = False) -> np.ndarray:
    """Return the most probable class of each row, the first one among equals.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes), or list of ndarray
        Probabilities of one output, or of each output.
    classes : ndarray of shape (n_classes,), or list of ndarray
        Classes of one output, or of each output.
    multilabel : bool, default=False
        Whether the columns of an array are the probabilities of independent labels.

    Returns
    -------
    labels : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Labels; 0 or 1 for each column of multilabel targets.
    """
    if isinstance(probabilities, list):
        return np.column_stack([own[p.argmax(axis=1)] for p, own in zip(probabilities, classes, strict=True)])
    if multilabel:
        return (probabilities > 0.5).astype(int)
    labels: np.ndarray = np.asarray(classes)[probabilities.argmax(axis=1)]
    return labels


def mean_of(pooled: Sequence[Pooled], weights: np.ndarray, classes: Classes | None) -> Pooled:
    """Return the weighted mean of predictions of candidates, all from the same method, for the same occurrences."""
    first = pooled[0]
    mean = weighted_mean([each.values for each in pooled], weights)
    if first.method == "predict" or classes is None:
        return Pooled(mean, first.method, mean)
    outputs: Probabilities = mean
    if first.n_columns is not None:
        outputs = np.split(mean, np.cumsum(first.n_columns)[:-1], axis=1)
    labels = labels_of(outputs, classes, multilabel=first.labels.ndim > 1)
    return Pooled(mean, first.method, labels, first.n_columns)
