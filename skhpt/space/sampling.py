"""Draws from a huge product of lists, and selection of points out of draws that may be rejected."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from skhpt._typing import Params
from skhpt.identity import params_key


def draw_from_product(
    branches: Sequence[Mapping[str, Sequence[Any]]], rng: np.random.RandomState
) -> Iterator[Params]:
    """Yield random points of a product of lists without end, with replacement.

    `sklearn.model_selection.ParameterSampler` refuses products of 2**63 points and more.

    Parameters
    ----------
    branches : sequence of dict of str to sequence
        Values of each parameter. A branch is drawn with a probability in proportion to its number of points.
    rng : numpy.random.RandomState
        Source of randomness.

    Yields
    ------
    point : dict
    """
    sizes = [math.prod(map(len, branch.values())) for branch in branches]
    probabilities = np.array([size / sum(sizes) for size in sizes])
    while True:
        branch = branches[rng.choice(len(branches), p=probabilities)]
        yield {name: values[rng.randint(len(values))] for name, values in branch.items()}


class Selection:
    """Points that are drawn for a sample.

    Parameters
    ----------
    n : int
        Number of points to select.
    is_allowed : callable
        ``is_allowed(point) -> bool``.
    is_unique : bool
        Whether a point is selected only once.

    Attributes
    ----------
    points : list of dict
        Selected points.
    n_rejected : int
        Number of points that were offered and not allowed.
    """

    def __init__(self, n: int, is_allowed: Callable[[Params], bool], is_unique: bool):
        self.points: list[Params] = []
        self.n_rejected = 0
        self._n = n
        self._is_allowed = is_allowed
        self._is_unique = is_unique
        self._seen: set[Hashable] = set()

    @classmethod
    def of(cls, points: Iterable[Params]) -> Selection:
        """Return a selection of given points."""
        selection = cls(0, is_allowed=lambda point: True, is_unique=False)
        selection.points += points
        return selection

    @property
    def is_full(self) -> bool:
        """Whether no more points are needed."""
        return len(self.points) == self._n

    @property
    def n_missing(self) -> int:
        """Number of points that are still needed."""
        return self._n - len(self.points)

    def require_unique(self) -> None:
        """Select no point that is selected already, from now on."""
        if not self._is_unique:
            self._is_unique = True
            self.exclude(self.points)

    def exclude(self, points: Iterable[Mapping[str, Any]]) -> None:
        """Treat points as selected already."""
        self._seen.update(map(params_key, points))

    def offer(self, point: Params) -> bool:
        """Select a point if it is needed, new and allowed; tell whether it was selected."""
        if self.is_full:
            return False
        key = params_key(point) if self._is_unique else None
        if key in self._seen:
            return False
        if not self._is_allowed(point):
            self.n_rejected += 1
            return False
        if self._is_unique:
            self._seen.add(key)
        self.points.append(point)
        return True
