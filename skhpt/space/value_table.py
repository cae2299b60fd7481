"""Table of the values of a discrete distribution, which maps values to numbers in [0, 1] and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from skhpt._typing import Distribution
from skhpt.space.scipy_adapter import cdf, has_own_cdf, probabilities

#: A discrete distribution with more values than this counts as infinite, and its values are never listed.
MAX_LISTED = 100_000
#: A table that is made by summation has not many more values than this.
MAX_SUMMED = 2**20
#: A table has the values with at least this probability together, if these are not too many.
ALMOST_ALL = 1 - 2.0**-30
#: The probability that is enough if a table has many values already.
ENOUGH, MANY = 1 - 1e-4, 2**16
#: Smallest probability of the values of a table that leaves out a heavy tail.
MIN_COVERED = 0.1


@dataclass(frozen=True)
class ValueTable:
    """Steps of the cdf of a discrete distribution.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Values in ascending order.
    edges : ndarray of shape (n - 1,)
        Upper ends of all steps but the last.
    middles : ndarray of shape (n,)
        Middles of the steps.
    """

    values: np.ndarray
    edges: np.ndarray
    middles: np.ndarray

    @classmethod
    def of_probabilities(cls, values: np.ndarray, masses: np.ndarray) -> ValueTable:
        """Make the table of values in ascending order, for masses in proportion to their probabilities."""
        ends = np.cumsum(masses) / masses.sum()
        starts = np.append(0.0, ends[:-1])
        return cls(values, ends[:-1], (starts + ends) / 2)

    @classmethod
    def of_distribution(cls, dist: Distribution, values: np.ndarray) -> ValueTable:
        """Make the table of the values of a distribution in ascending order."""
        masses = probabilities(dist, values)
        if not has_own_cdf(dist):  # SciPy would sum up the probabilities for each value again
            return cls.of_probabilities(values, masses)
        ends = cdf(dist, values)
        return cls(values, ends[:-1], np.clip(ends - masses / 2, 0.0, 1.0))

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Map values to the middles of their steps; any other number to that of a neighbour."""
        return np.asarray(self.middles[self._indices(x)])

    def decode(self, u: np.ndarray) -> np.ndarray:
        """Map levels to the values of their steps."""
        return np.asarray(self.values[np.searchsorted(self.edges, u)])

    def snap(self, u: np.ndarray) -> np.ndarray:
        """Move levels to the middles of their steps."""
        return np.asarray(self.middles[np.searchsorted(self.edges, u)])

    def are_values(self, x: np.ndarray) -> np.ndarray:
        """Tell for each number whether it is one of the values."""
        return np.asarray(self.values[self._indices(x)] == x)

    def _indices(self, x: np.ndarray) -> np.ndarray:
        return np.minimum(np.searchsorted(self.values, x), len(self.values) - 1)


def table_by_summation(dist: Distribution, low: float, high: float) -> ValueTable | None:
    """Make the table of an integer distribution, of which only the probabilities are known.

    If almost all of the probability lies on more than `MAX_SUMMED` values, a heavy tail is left out, but only of
    a distribution whose cdf can be computed in no other way.

    Parameters
    ----------
    dist : distribution
        Distribution with ``pmf``.
    low, high : float
        Ends of the support.

    Returns
    -------
    table : ValueTable or None
        None if too much would be left out: more than ``1 - MIN_COVERED`` of the probability.
    """
    most = ALMOST_ALL if has_own_cdf(dist) else MIN_COVERED
    best = None
    for values in _windows(dist, low, high):
        masses = probabilities(dist, values)
        covered = masses.sum()
        if covered >= most:
            has_probability = masses > 0
            most, best = covered, (values[has_probability], masses[has_probability])
        if covered >= (ENOUGH if len(values) >= MANY else ALMOST_ALL):
            break
    return None if best is None else ValueTable.of_probabilities(*best)


def _windows(dist: Distribution, low: float, high: float) -> Iterator[np.ndarray]:
    """Yield longer and longer ranges of values around the mean, then from the end of the support."""
    with np.errstate(all="ignore"):
        mean = float(np.floor(dist.mean())) if hasattr(dist, "mean") else np.inf
    end = low if np.isfinite(low) else high if np.isfinite(high) else 0.0
    for center in (mean, end):
        offset = np.round(center - end)
        for radius in (2**7, 2**11, 2**16, MAX_SUMMED):
            # A cdf in closed form is faster than a long sum.
            if np.isfinite(center) and (radius < MAX_LISTED or not has_own_cdf(dist)):
                values = end + offset + np.arange(-radius, radius + 1)
                yield values[(low <= values) & (values <= high)]
