"""Fewer rows of a training part: nested, and like the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Subsample:
    """Chooses rows: those for a small number are among those for a larger one.

    Attributes
    ----------
    seed : int
        Of the choice.
    labels : ndarray of shape (n_samples,) or None
        Classes, each of which keeps its share, and one row at least.
    groups : ndarray of shape (n_samples,) or None
        Groups, which stay whole. Then classes do not count.
    most_recent : bool
        Whether to take the last rows, as befits a time series.
    """

    seed: int
    labels: np.ndarray | None = None
    groups: np.ndarray | None = None
    most_recent: bool = False

    def __call__(self, train: np.ndarray, n: int, split: int) -> np.ndarray:
        """Return `n` rows of a training part (about as many, if groups stay whole), in their order."""
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
    """Choose places such that each class keeps its share: the first of its rows in a random order."""
    _, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = rng.permutation(len(labels))
    quotas = allocate(counts, n)
    return np.concatenate([order[labels[order] == label][:quota] for label, quota in enumerate(quotas)])


def _whole_groups(groups: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Choose the places of the first groups, in a random order, that have about `n` rows together; one at least."""
    _, groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(counts))
    n_groups = max(1, int(np.searchsorted(np.cumsum(counts[order]), n, side="right")))
    return np.flatnonzero(np.isin(groups, order[:n_groups]))


def allocate(counts: np.ndarray, n: int) -> np.ndarray:
    """Divide `n` in the proportion of counts, by largest remainders, with one for each at least, if there is enough.

    Parameters
    ----------
    counts : ndarray of shape (k,)
        How many there are, at least one of each.
    n : int
        How many to take, at most as many as there are.

    Returns
    -------
    quotas : ndarray of shape (k,)
        How many to take of each; they sum to `n`.
    """
    shares = counts * (n / counts.sum())
    quotas: np.ndarray = np.floor(shares).astype(int)
    if n >= len(counts):
        quotas = np.maximum(quotas, 1)
    while (excess := int(quotas.sum()) - n) != 0:  # at most about as often as there are classes
        step = -1 if excess > 0 else 1
        free = (quotas > 1) if step < 0 else (quotas < counts)
        wanting = np.where(free, step * (shares - quotas), -np.inf)
        quotas[int(np.argmax(wanting))] += step
    return quotas
