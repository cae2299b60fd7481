"""Metrics of many candidates under many weightings of the same predictions, mostly as matrix products.

==============  ====================  ==============================================================
name            shape                 meaning
==============  ====================  ==============================================================
weights         (b, n)                weight of each of n predictions in each of b samples
y               (n,)                  targets; classes as integers from 0
predicted       (n, c)                predictions of c candidates, in the same form as y
scores          (b, c)                result; NaN where a metric is not defined
==============  ====================  ==============================================================

Each function returns a function of the weights, whose scores agree with scikit-learn's metric of the same
name, with the weights as ``sample_weight``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

#: Maps weights of shape (b, n) to scores of shape (b, c).
Scores: TypeAlias = Callable[[np.ndarray], np.ndarray]

Kind: TypeAlias = Literal["precision", "recall", "f1"]
Average: TypeAlias = Literal["binary", "macro", "weighted", "micro", "recalled"]


def mean(values: np.ndarray) -> Scores:
    """Weighted mean of the values of the predictions, of shape (n, c)."""
    return lambda weights: weights @ values / weights.sum(axis=1, keepdims=True)


def r2(y: np.ndarray, predicted: np.ndarray) -> Scores:
    """Coefficient of determination, ``1 - sum w (y - p)^2 / sum w (y - mean)^2``."""
    errors = (y[:, np.newaxis] - predicted) ** 2
    y = (y - y.mean())[:, np.newaxis]  # small numbers, for the difference of squares below

    def scores(weights: np.ndarray) -> np.ndarray:
        # sum w (y - mean)^2 = sum w y^2 - (sum w y)^2 / sum w
        total = weights @ y**2 - (weights @ y) ** 2 / weights.sum(axis=1, keepdims=True)
        result: np.ndarray = 1 - weights @ errors / np.where(total > 0, total, np.nan)
        return result

    return scores


def class_scores(
    y: np.ndarray, predicted: np.ndarray, n_classes: int, *, kind: Kind, average: Average
) -> Scores:
    """Precision, recall or F1 of each class, averaged.

    The averages are those of scikit-learn; "recalled" is the mean over the classes among the targets, as in
    balanced accuracy.
    """
    hits = [((y[:, np.newaxis] == k) & (predicted == k)).astype(float) for k in range(n_classes)]
    guesses = [(predicted == k).astype(float) for k in range(n_classes)]
    targets = [(y == k).astype(float) for k in range(n_classes)]

    def scores(weights: np.ndarray) -> np.ndarray:
        hit = np.stack([weights @ each for each in hits])  # (n_classes, b, c)
        guess = np.stack([weights @ each for each in guesses])
        target = np.stack([weights @ each for each in targets])[:, :, np.newaxis]
        if average == "micro":
            hit, guess, target = (each.sum(axis=0, keepdims=True) for each in (hit, guess, target))
        part, whole = {"precision": (hit, guess), "recall": (hit, target), "f1": (2 * hit, guess + target)}[
            kind
        ]
        by_class: np.ndarray = part / np.where(whole > 0, whole, 1.0)  # 0 / 0 is 0
        if average == "binary":
            of_class_1: np.ndarray = by_class[1]
            return of_class_1
        counts = {
            "micro": np.ones_like(by_class),
            "macro": (guess + target > 0) * 1.0,
            "weighted": target * np.ones_like(by_class),
            "recalled": (target > 0) * np.ones_like(by_class),
        }[average]
        means: np.ndarray = (by_class * counts).sum(axis=0) / counts.sum(axis=0)
        return means

    return scores


def roc_auc(y: np.ndarray, predicted: np.ndarray) -> Scores:
    """Area under the ROC curve: the share of pairs with the positive (y = 1) above the negative; ties count half."""
    orders, first_rows = [], []  # of each candidate: the rows by value, and the first row of each value
    for column in predicted.T:
        order = np.argsort(column, kind="stable")
        orders.append(order)
        first_rows.append(np.flatnonzero(np.diff(column[order], prepend=-np.inf)))

    def scores(weights: np.ndarray) -> np.ndarray:
        positive, negative = weights * (y == 1), weights * (y != 1)
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        columns = []
        for order, starts in zip(orders, first_rows, strict=True):
            n_positive = np.add.reduceat(positive[:, order], starts, axis=1)  # (b, n_values)
            n_negative = np.add.reduceat(negative[:, order], starts, axis=1)
            n_below = np.cumsum(n_negative, axis=1) - n_negative / 2
            columns.append((n_positive * n_below).sum(axis=1) / pairs)
        return np.stack(columns, axis=1)

    return scores
