"""Scores made fit for a Gaussian process, and back: what tells good ones apart counts, a long lower tail does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri


@dataclass(frozen=True)
class OutputWarping:
    """The mean of two views of a score: how high it is, and how many others are lower.

    The first view is the score itself, winsorised (what lies below Tukey's fence, 1.5 times the interquartile range
    under the first quartile, counts as on the fence) and standardised. The second is its normal score, the quantile
    of the standard normal distribution at its rank. The scores of a search are skewed: many candidates are almost as
    good as the best, a few are terrible. Standardised, what is left to gain would be too small to be seen; as ranks
    alone, noise among equals would look as large as a gain.

    Attributes
    ----------
    scores, levels : ndarray of shape (k,)
        Increasing scores and what they become, linear in between.
    std : float
        Standard deviation of the winsorised scores; one level is about as much, and beyond all scores just as much.
    """

    scores: np.ndarray
    levels: np.ndarray
    std: float

    @classmethod
    def linear(cls, y: np.ndarray) -> OutputWarping:
        """Only standardise: for what is not skewed."""
        level, std = _standardise(y)
        scores, rows = np.unique(y, return_index=True)
        return cls(scores, level[rows], std)

    @classmethod
    def fit(cls, y: np.ndarray) -> OutputWarping:
        """Find the warp that gives finite scores mean 0 and variance 1."""
        height, std = _height(y)
        level, _ = _standardise(height + _rank(y))
        scores, rows = np.unique(y, return_index=True)
        return cls(scores, level[rows], std)

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Warp scores, of those that it was fitted to or between them."""
        return np.interp(y, self.scores, self.levels)

    def inverse(self, t: np.ndarray) -> np.ndarray:
        """Turn warped scores into scores."""
        beyond = t - np.clip(t, self.levels[0], self.levels[-1])
        return np.interp(t, self.levels, self.scores) + self.std * beyond


def _height(y: np.ndarray) -> tuple[np.ndarray, float]:
    """Winsorise and standardise; return the standard deviation too."""
    first, third = np.interp([0.25, 0.75], np.linspace(0, 1, len(y)), np.sort(y))  # quartiles
    fence = first - 1.5 * (third - first) if third > first else y.min()
    return _standardise(np.maximum(y, fence))


def _rank(y: np.ndarray) -> np.ndarray:
    """Turn scores into standardised normal scores; equals share theirs."""
    ordered = np.sort(y)
    n_below, n_up_to = np.searchsorted(ordered, y), np.searchsorted(ordered, y, side="right")
    return _standardise(ndtri((n_below + n_up_to) / (2 * len(y))))[0]


def _standardise(y: np.ndarray) -> tuple[np.ndarray, float]:
    """Return values with mean 0 and variance 1, and their standard deviation; zeros if all are equal."""
    largest = float(np.abs(y).max()) or 1.0
    y = y / largest  # squares of large numbers overflow
    std = float(y.std())
    if std <= 1e-12:
        return np.zeros_like(y), 0.0
    return (y - y.mean()) / std, std * largest
