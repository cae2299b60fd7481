"""Covariance of the scores at two points of the unit cube: Matern-5/2, one length scale per column.

=========  ==================  ==========================================================================
``D, P``   int                 columns of the cube, and of its embedding
``u``      (n, D)              points of the cube; NaN where a column does not belong to a point
``Z``      (n, P)              embedded points: an ordered column as it is, a nominal one as one-hot code, a
                               mixed one as both
``w``      (D,)                weights of the columns, the inverse squares of their length scales
``S``      (D, n, m)           squared distance of each pair of points, column by column
``q``      (n, m)              squared scaled distance, ``q = sum_d w_d S_d``
``k(q)``   (n, m)              covariance, 1 at distance 0
=========  ==================  ==========================================================================

All pairs of levels of a nominal column have the same distance (Hamming), and two levels drawn at random have
the same mean squared distance as two numbers drawn from an ordered column, 1/6. A missing value stands in the
middle: 1/2 in an ordered column, the mean of all levels in a nominal one. All distances are Euclidean
distances in the embedding, so every covariance matrix is positive semi-definite.

A mixed column has numbers and names, such as ``[None, 1, 2, 4, 8]``. It is an ordered column, in which each
name stands in the middle, and a nominal one, whose levels are the names and "a number".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

_SQRT5 = np.sqrt(5.0)
#: Largest number of coordinates of a nominal column. Of more levels, some share a coordinate.
MAX_WIDTH = 256
#: Number of covariances that are computed at a time: 64 kB, so that all intermediate values stay in the cache.
BLOCK = 8192


@dataclass(frozen=True)
class Embedding:
    """Map from the unit cube to coordinates with Euclidean distances.

    Attributes
    ----------
    levels : tuple of int
        Number of names of each column; 0 for an ordered column. The intervals of the names come first.
    n_numbers : tuple of int, default=()
        Number of intervals of numbers in each column with names; 0 for a nominal column. By default, no
        column has names and numbers.
    """

    levels: tuple[int, ...]
    n_numbers: tuple[int, ...] = ()

    @classmethod
    def of_columns(cls, columns: Sequence[tuple[int, float]]) -> Embedding:
        """Make the embedding of columns, each given by its numbers of names and of all values."""
        levels = tuple(n_names for n_names, _ in columns)
        n_numbers = (int(size - n_names) if n_names else 0 for n_names, size in columns)
        return cls(levels, tuple(n_numbers))

    @property
    def n_columns(self) -> int:
        """Number of columns of the cube."""
        return len(self.levels)

    @cached_property
    def _columns(self) -> list[tuple[int, int]]:
        """Numbers of names and numbers of each column."""
        return list(zip(self.levels, self.n_numbers or (0,) * len(self.levels), strict=True))

    @cached_property
    def owner(self) -> np.ndarray:
        """Column that each coordinate comes from, shape (P,)."""
        widths = [_width(n) if not m else 1 + _width(n + 1) for n, m in self._columns]
        owner: np.ndarray = np.repeat(np.arange(len(self.levels)), widths)
        return owner

    @cached_property
    def is_ordered(self) -> np.ndarray:
        """Whether each coordinate is a place in an order, shape (P,)."""
        is_first: np.ndarray = np.append(True, np.diff(self.owner) > 0)[: len(self.owner)]
        has_order = np.array([n == 0 or m > 0 for n, m in self._columns], dtype=bool)
        is_ordered: np.ndarray = is_first & has_order[self.owner]
        return is_ordered

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Embed points: shape (n, D) becomes (n, P)."""
        blocks = []
        for column, (n, m) in zip(u.T, self._columns, strict=True):
            if n == 0:
                blocks.append(np.where(np.isnan(column), 0.5, column)[:, None])
            elif m == 0:
                blocks.append(_one_hot(np.clip(np.floor(column * n), 0, n - 1), n))
            else:
                blocks.extend(_number_and_switch(column, n, m))
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


def _number_and_switch(column: np.ndarray, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Embed a column whose first `n` of ``n + m`` intervals are names and the others numbers."""
    first_number = n / (n + m)
    with np.errstate(invalid="ignore"):  # NaN for a missing value
        is_number = column >= first_number
        level = np.where(is_number, n, np.floor(column * (n + m)))
    place = np.where(is_number, (column - first_number) / (1 - first_number), 0.5)
    return place[:, None], _one_hot(np.where(np.isnan(column), np.nan, level), n + 1)


def _one_hot(level: np.ndarray, n: int) -> np.ndarray:
    """Return the one-hot codes of levels below `n`, shape (len(level), _width(n)); NaN is the mean of all codes."""
    width, missing = _width(n), np.isnan(level)
    code = np.eye(width)[np.where(missing, 0, level).astype(int) % width]
    code[missing] = 1 / width
    scaled: np.ndarray = code * _hot(width)
    return scaled


def _width(n: int) -> int:
    """Return the number of coordinates of an ordered column (n = 0) or of `n` levels."""
    return min(max(n, 1), MAX_WIDTH)


def _hot(n: int) -> float:
    """Return the number that stands for 1 in the one-hot code of n levels.

    A part ``1 - 1/n`` of the pairs of random levels differs, and their squared distance is twice the square
    of this number: 1/6 on average.
    """
    return float(np.sqrt(1 / 12 / max(1 - 1 / n, 0.5)))


def matern(q: np.ndarray) -> np.ndarray:
    """Return the Matern-5/2 covariance of the squared scaled distance `q`.

    It is computed block by block: of a large array, each operation would write to memory that the processor
    does not hold in its cache, which takes several times as long.
    """
    k = np.empty(q.shape)
    flat_q, flat_k = q.reshape(-1), k.reshape(-1)
    for begin in range(0, q.size, BLOCK):
        block = slice(begin, begin + BLOCK)
        r = _SQRT5 * np.sqrt(flat_q[block])
        flat_k[block] = (1 + r + r * r / 3) * np.exp(-r)  # Rasmussen and Williams 2006, eq. 4.17, r^2 = 5 q
    return k


def matern_and_derivative(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the covariance and its derivative in `q`, ``dk/dq = -(5/6) (1 + r) exp(-r)``, which is finite at 0."""
    r = _SQRT5 * np.sqrt(q)
    e = np.exp(-r)
    return (1 + r + r * r / 3) * e, (-5 / 6) * (1 + r) * e
