"""Nested subsamples of the rows of a training part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Subsample:
    """Choice of rows of a training part, such that a smaller subsample is part of each larger one.

    Attributes
    ----------
    seed : int
        Seed of the choice.
    labels : ndarray of shape (n_samples,) or None
        Classes. Each class keeps its share of the rows, and at least one row.
    groups : ndarray of shape (n_samples,) or None
        Groups. All rows of a group are chosen or none, and classes are ignored.
    most_recent : bool
        Whether to choose the last rows, for time series.
    """

    seed: int
    labels: np.ndarray | None = None
    groups: np.ndarray | None = None
    most_recent: bool = False

    def __call__(self, train: np.ndarray, n: int, split: int) -> np.ndarray:
        """Return `n` rows of the training part of a fold, in their order; with groups, about `n` rows."""
        if n >= len(train):
            return train
        if self.most_recent:
            return train[len(train) - n :]
        rng = np.random.default_rng((self.seed, split))
        if self.groups is not None:
            chosen = _whole_groups(self.groups[train], n, rng)
        else:
            labels = np.zeros(len(train), dtype=int) if self.labels is None else self.labels[train]
            chosen = _stratified(labels, n, rng)
        rows: np.ndarray = train[np.sort(chosen)]
        return rows


def _stratified(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return positions such that each class keeps its share: its first rows in a random order."""
    _, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = rng.permutation(len(labels))
    quotas = allocate(counts, n)
    chosen = []
    for label, quota in enumerate(quotas):
        rows_of_class = order[labels[order] == label]
        chosen.append(rows_of_class[:quota])
    return np.concatenate(chosen)


def _whole_groups(groups: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return the positions of the first groups in a random order that have about `n` rows; of one group at least."""
    _, groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(counts))
    n_groups = max(1, int(np.searchsorted(np.cumsum(counts[order]), n, side="right")))
    return np.flatnonzero(np.isin(groups, order[:n_groups]))


def allocate(counts: np.ndarray, n: int) -> np.ndarray:
    """Divide `n` in proportion to counts by the method of largest remainders, with at least 1 each if `n` is enough.

    Parameters
    ----------
    counts : ndarray of shape (k,)
        Size of each class, at least 1.
    n : int
        Sum of the quotas, at most the sum of the counts.

    Returns
    -------
    quotas : ndarray of shape (k,)
        Part of `n` for each class.
    """
    shares = counts * (n / counts.sum())
    quotas: np.ndarray = np.floor(shares).astype(int)
    if n >= len(counts):
        quotas = np.maximum(quotas, 1)
    while (excess := int(quotas.sum()) - n) != 0:  # about as many steps as there are classes, at most
        step = -1 if excess > 0 else 1
        free = (quotas > 1) if step < 0 else (quotas < counts)
        need = np.where(free, step * (shares - quotas), -np.inf)
        quotas[int(np.argmax(need))] += step
    return quotas
