"""The covariance of scores at two points of the unit cube: Matern-5/2, one length scale per column.

=========  ==================  ==========================================================================
``D, P``   int                 columns of the cube, and of its embedding
``u``      (n, D)              points of the cube; NaN where a column does not belong to a point
``Z``      (n, P)              embedded points: an ordered column as it is, a nominal one as one-hot code
``w``      (D,)                weights of the columns, the inverse squares of their length scales
``S``      (D, n, m)           squared distance of each pair of points, column by column
``q``      (n, m)              squared scaled distance, ``q = sum_d w_d S_d``
``k(q)``   (n, m)              covariance, 1 at distance 0
=========  ==================  ==========================================================================

Any two levels of a nominal column are equally far apart (Hamming), so far that two levels drawn at random have the mean
squared distance of two numbers drawn from an ordered column, 1/6. What has no value stands in the middle: 1/2 in an
ordered column, the centre of all levels in a nominal one. All this is Euclidean distance in the embedding, so every
covariance matrix is positive semi-definite.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

_SQRT5 = np.sqrt(5.0)


@dataclass(frozen=True)
class Embedding:
    """How the columns of the cube become coordinates between which distances make sense.

    Attributes
    ----------
    levels : tuple of int
        Of each column the number of its levels if it is nominal, else 0.
    """

    levels: tuple[int, ...]

    @cached_property
    def owner(self) -> np.ndarray:
        """The column that each coordinate comes from, shape (P,)."""
        return np.repeat(np.arange(len(self.levels)), [n or 1 for n in self.levels])

    @cached_property
    def is_ordered(self) -> np.ndarray:
        """Whether it is an ordered one, shape (P,)."""
        return np.array(self.levels, dtype=int)[self.owner] == 0

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
        """Squared distances of all pairs of embedded points, column by column: shape (D, n, n)."""
        S = np.zeros((len(self.levels), len(Z), len(Z)))
        for column, z in zip(self.owner, Z.T, strict=True):
            S[column] += (z[:, None] - z[None, :]) ** 2
        return S

    def distances(self, A: np.ndarray, B: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Squared scaled distances between the embedded points A (n, P) and B (m, P): shape (n, m)."""
        scale = np.sqrt(w)[self.owner]
        return cdist(A * scale, B * scale, "sqeuclidean")


def _hot(n: int) -> float:
    """What stands for 1 in the one-hot code of n levels: ``1 - 1/n`` of random pairs differ, by twice its square.

    That makes 1/6 on average.
    """
    return np.sqrt(1 / 12 / max(1 - 1 / n, 0.5))


def matern(q: np.ndarray) -> np.ndarray:
    """Matern-5/2 covariance of the squared scaled distance: ``(1 + r + r^2 / 3) exp(-r)`` with ``r^2 = 5 q``."""
    r = _SQRT5 * np.sqrt(q)
    return (1 + r + r * r / 3) * np.exp(-r)


def matern_and_slope(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance and its derivative with respect to `q`: ``dk/dq = -(5/6) (1 + r) exp(-r)``, finite at 0."""
    r = _SQRT5 * np.sqrt(q)
    e = np.exp(-r)
    return (1 + r + r * r / 3) * e, (-5 / 6) * (1 + r) * e
