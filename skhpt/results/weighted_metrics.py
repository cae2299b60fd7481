"""Metrics of many candidates under many weightings of the same predictions, most of them as matrix products.

==============  ====================  ==============================================================
name            shape                 meaning
==============  ====================  ==============================================================
W, weights      (b, n)                how often each of n predictions counts, in each of b samples
y               (n,)                  targets; classes as integers 0, 1, ...
P, predicted    (n, c)                what each of c candidates predicted, in the same way
scores          (b, c)                what is returned; NaN where a metric is not defined
==============  ====================  ==============================================================

Each agrees with the function of scikit-learn by that name, given the weights as ``sample_weight``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Scores of weighted samples: an array of shape (b, n) in, one of shape (b, c) out.
Scores = Callable[[np.ndarray], np.ndarray]


def mean(values: np.ndarray) -> Scores:
    """Mean of what each prediction is worth; values : (n, c)."""
    return lambda weights: weights @ values / weights.sum(axis=1, keepdims=True)


def r2(y: np.ndarray, predicted: np.ndarray) -> Scores:
    """Coefficient of determination, 1 - sum w (y - p)^2 / sum w (y - mean)^2."""
    errors = (y[:, np.newaxis] - predicted) ** 2
    y = (y - y.mean())[:, np.newaxis]  # the difference of squares below is then one of small numbers

    def scores(weights: np.ndarray) -> np.ndarray:
        # sum w (y - mean)^2 = sum w y^2 - (sum w y)^2 / sum w
        total = weights @ y**2 - (weights @ y) ** 2 / weights.sum(axis=1, keepdims=True)
        return 1 - weights @ errors / np.where(total > 0, total, np.nan)

    return scores


def class_scores(y: np.ndarray, predicted: np.ndarray, n_classes: int, kind: str, average: str) -> Scores:
    """Precision, recall or F1 from counts; `average` is "macro", "weighted" or "micro", or "recalled".

    The last one is the mean over the classes among the targets, as balanced accuracy has it; "binary" is class 1.
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
        by_class = _ratio(*{"precision": (hit, guess), "recall": (hit, target), "f1": (2 * hit, guess + target)}[kind])
        if average == "binary":
            return by_class[1]
        counts = {
            "micro": np.ones_like(by_class),
            "macro": (guess + target > 0) * 1.0,
            "weighted": target * np.ones_like(by_class),
            "recalled": (target > 0) * np.ones_like(by_class),
        }[average]
        return (by_class * counts).sum(axis=0) / counts.sum(axis=0)

    return scores


def roc_auc(y: np.ndarray, predicted: np.ndarray) -> Scores:
    """Area under the ROC curve: how often a positive (y = 1) lies above a negative, ties counting one half."""
    orders = [np.argsort(column, kind="stable") for column in predicted.T]
    ties = [np.flatnonzero(np.diff(c[o], prepend=-np.inf)) for c, o in zip(predicted.T, orders, strict=True)]

    def scores(weights: np.ndarray) -> np.ndarray:
        positive, negative = weights * (y == 1), weights * (y != 1)
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        columns = []
        for order, starts in zip(orders, ties, strict=True):
            above = np.add.reduceat(positive[:, order], starts, axis=1)  # (b, n_values), by value
            below = np.add.reduceat(negative[:, order], starts, axis=1)
            columns.append((above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1) / pairs)
        return np.stack(columns, axis=1)

    return scores


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; nothing of nothing is 0."""
    return part / np.where(whole > 0, whole, 1.0)
