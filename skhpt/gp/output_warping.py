"""Transformation of scores before a Gaussian process is fitted to them, and its inverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri


@dataclass(frozen=True)
class OutputWarping:
    """Monotone transformation of scores: the mean of the winsorised score and the normal score.

    The winsorised score is the score itself, but not lower than Tukey's fence (the first quartile less 1.5
    times the interquartile range). The normal score is the quantile of the standard normal distribution at
    the rank of the score. Both are standardised, and so is their sum.

    The scores of a search are skewed: many candidates are almost as good as the best, a few are very bad.
    Without the transformation, differences among good candidates would be too small for the model. With ranks
    alone, noise among equal candidates would look as large as an improvement.

    Attributes
    ----------
    scores, levels : ndarray of shape (k,)
        Increasing scores and their transformed values; linear in between.
    std : float
        Standard deviation of the winsorised scores: the score that corresponds to one level beyond all
        scores.
    """

    scores: np.ndarray
    levels: np.ndarray
    std: float

    @classmethod
    def identity(cls) -> OutputWarping:
        """Return the transformation that changes nothing, for values from -1 to 1."""
        ends = np.array([-1.0, 1.0])
        return cls(ends, ends, std=1.0)

    @classmethod
    def linear(cls, y: np.ndarray) -> OutputWarping:
        """Return the transformation that only standardises, for values that are not skewed."""
        level, std = _standardise(y)
        scores, rows = np.unique(y, return_index=True)
        return cls(scores, level[rows], std)

    @classmethod
    def fit(cls, y: np.ndarray) -> OutputWarping:
        """Return the transformation that gives the finite scores `y` mean 0 and variance 1."""
        largest = float(np.abs(y).max()) or 1.0
        scaled = y / largest  # differences of large numbers overflow
        ordered = np.sort(scaled)
        first, third = np.interp([0.25, 0.75], np.linspace(0, 1, len(y)), ordered)  # quartiles
        fence = first - 1.5 * (third - first) if third > first else ordered[0]
        winsorised, std = _standardise(np.maximum(scaled, fence))
        # Equal scores share the mean of their ranks.
        n_below, n_up_to = np.searchsorted(ordered, scaled), np.searchsorted(ordered, scaled, side="right")
        normal, _ = _standardise(ndtri((n_below + n_up_to) / (2 * len(y))))
        level, _ = _standardise(winsorised + normal)
        scores, rows = np.unique(y, return_index=True)
        return cls(scores, level[rows], std * largest)

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Transform scores; scores outside of those of `fit` become the lowest or the highest level."""
        levels: np.ndarray = np.interp(y, self.scores, self.levels)
        return levels

    def inverse(self, t: np.ndarray) -> np.ndarray:
        """Return the scores of transformed values."""
        beyond = t - np.clip(t, self.levels[0], self.levels[-1])
        scores: np.ndarray = np.interp(t, self.levels, self.scores) + self.std * beyond
        return scores


def _standardise(y: np.ndarray) -> tuple[np.ndarray, float]:
    """Return values with mean 0 and variance 1, and their standard deviation; zeros if all are equal."""
    largest = float(np.abs(y).max()) or 1.0
    y = y / largest  # squares of large numbers overflow
    std = float(y.std())
    if std <= 1e-12:
        return np.zeros_like(y), 0.0
    return (y - y.mean()) / std, std * largest
