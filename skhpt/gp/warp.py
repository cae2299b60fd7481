"""Scores made fit for a Gaussian process, and back: no long lower tail, mean 0 and variance 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Warp:
    """Winsorise the lower tail, and standardise.

    How much worse than bad a score is, is of no interest, but it would take up most of the variance. What lies below
    Tukey's fence, 1.5 times the interquartile range under the first quartile, counts as on the fence.

    Attributes
    ----------
    fence : float
        The lowest score that is told from lower ones.
    mean, std : float
        Of the winsorised scores.
    """

    fence: float
    mean: float
    std: float

    @classmethod
    def fit(cls, y: np.ndarray) -> Warp:
        """Find fence, mean and standard deviation of finite scores."""
        first, third = np.quantile(y, [0.25, 0.75])
        fence = float(first - 1.5 * (third - first)) if third > first else float(y.min())
        fenced = np.maximum(y, fence)
        mean, std = float(fenced.mean()), float(fenced.std())
        return cls(fence, mean, std if std > 1e-12 * max(1.0, abs(mean)) else 1.0)

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Warp scores."""
        return (np.maximum(y, self.fence) - self.mean) / self.std

    def inverse(self, t: np.ndarray) -> np.ndarray:
        """Turn warped scores into scores."""
        return t * self.std + self.mean
