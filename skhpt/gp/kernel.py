"""Covariance of the scores at two points of the unit cube: Matern-5/2, one length scale per column.

=========  ==================  ==========================================================================
``D, P``   int                 columns of the cube, and of its embedding
``u``      (n, D)              points of the cube; NaN where a column does not belong to a point
``Z``      (n, P)              embedded points: an ordered column as it is, a nominal one as one-hot code
``w``      (D,)                weights of the columns, the inverse squares of their length scales
``S``      (D, n, m)           squared distance of each pair of points, column by column
``q``      (n, m)              squared scaled distance, ``q = sum_d w_d S_d``
``k(q)``   (n, m)              covariance, 1 at distance 0
=========  ==================  ==========================================================================

All pairs of levels of a nominal column have the same distance (Hamming), and two levels drawn at random have
the same mean squared distance as two numbers drawn from an ordered column, 1/6. A missing value stands in the
middle: 1/2 in an ordered column, the mean of all levels in a nominal one. All distances are Euclidean
distances in the embedding, so every covariance matrix is positive semi-definite.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

_SQRT5 = np.sqrt(5.0)


@dataclass(frozen=True)
class Embedding:
    """Map from the unit cube to coordinates with Euclidean distances.

    Attributes
    ----------
    levels : tuple of int
        Number of levels of each nominal column; 0 for an ordered column.
    """

    levels: tuple[int, ...]

    @cached_property
    def owner(self) -> np.ndarray:
        """Column that each coordinate comes from, shape (P,)."""
        return np.repeat(np.arange(len(self.levels)), [n or 1 for n in self.levels])

    @cached_property
    def is_ordered(self) -> np.ndarray:
        """Whether each coordinate comes from an ordered column, shape (P,)."""
        is_ordered: np.ndarray = np.array(self.levels, dtype=int)[self.owner] == 0
        return is_ordered

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Embed points: shape (n, D) becomes (n, P)."""
        blocks = []
        for column, n in zip(u.T, self.levels, strict=True):
            missing = np.isnan(column)
            if n == 0:
                blocks.append(np.where(missing, 0.5, column)[:, None])
                continue
            level = np.clip((np.where(missing, 0, column) * n).astype(int), 0, n - 1)
            code = np.eye(n)[level]
            code[missing] = 1 / n
            blocks.append(code * _hot(n))
        return np.hstack(blocks) if blocks else np.zeros((len(u), 0))

    def column_distances(self, Z: np.ndarray) -> np.ndarray:
        """Return the squared distances of all pairs of embedded points, column by column: shape (D, n, n)."""
        S = np.zeros((len(self.levels), len(Z), len(Z)))
        for column, z in zip(self.owner, Z.T, strict=True):
            S[column] += (z[:, None] - z[None, :]) ** 2
        return S

    def distances(self, A: np.ndarray, B: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Return the squared scaled distances of the embedded points A (n, P) and B (m, P): shape (n, m)."""
        scale = np.sqrt(w)[self.owner]
        q: np.ndarray = cdist(A * scale, B * scale, "sqeuclidean")
        return q

    def boundary_penalty(self, Z: np.ndarray) -> np.ndarray:
        """Return the sum over the ordered columns of 0 in the middle to 1 at either end: shape (n,)."""
        h: np.ndarray = (2 * Z - 1) ** 2 @ self.is_ordered
        return h


def _hot(n: int) -> float:
    """Return the number that stands for 1 in the one-hot code of n levels.

    A part ``1 - 1/n`` of the pairs of random levels differs, and their squared distance is twice the square
    of this number: 1/6 on average.
    """
    return float(np.sqrt(1 / 12 / max(1 - 1 / n, 0.5)))


def matern(q: np.ndarray) -> np.ndarray:
    """Return the Matern-5/2 covariance of the squared scaled distance `q`."""
    r = _SQRT5 * np.sqrt(q)
    k: np.ndarray = (1 + r + r * r / 3) * np.exp(-r)  # Rasmussen and Williams 2006, eq. 4.17, with r^2 = 5 q
    return k


def matern_and_derivative(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the covariance and its derivative in `q`, ``dk/dq = -(5/6) (1 + r) exp(-r)``, which is finite at 0."""
    r = _SQRT5 * np.sqrt(q)
    e = np.exp(-r)
    return (1 + r + r * r / 3) * e, (-5 / 6) * (1 + r) * e
