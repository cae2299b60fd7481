"""One named parameter: the values that it may take, mapped to [0, 1].

A choice among listed values, a continuous or a discrete distribution, or an object that can only be sampled.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skhpt.identity import native, value_key
from skhpt.space.scipy_adapter import cdf, closed_form, distribution_key, quantile_function, support

#: A discrete distribution with more values than this counts as infinite: its values are never listed.
MAX_LISTED = 100_000
#: What lies further out in an infinite tail, or nearer to an end that is no value itself, is not proposed.
TAIL = 1e-3


class Dimension(ABC):
    """The values of one parameter, encoded to [0, 1] so that their prior density is uniform there.

    Attributes
    ----------
    size : float
        Number of different values, `inf` if they cannot be listed.
    definition : object
        What the user wrote.
    """

    size: float
    definition: Any

    @abstractmethod
    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Map values to their place in [0, 1], an array of shape (len(values),)."""

    @abstractmethod
    def decode(self, u: np.ndarray) -> list[Any]:
        """Map an array of shape (n,) with entries in [0, 1] to `n` native values."""

    @abstractmethod
    def snap(self, u: np.ndarray) -> np.ndarray:
        """Move an array of shape (n,) with entries in [0, 1] to the places of actual values.

        That is ``encode(decode(u))``, except that ends which are no values like any others are kept clear of.
        """

    @property
    def n_levels(self) -> int:
        """Number of values if they have no order, else 0."""
        return 0

    @abstractmethod
    def grid(self, resolution: int) -> list[Any]:
        """List the values of a grid: all of them, or `resolution` evenly spaced quantiles."""

    @abstractmethod
    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        """Tell of each value whether the parameter may take it, an array of shape (len(values),)."""

    def examples(self) -> list[Any]:
        """Return all choices, or one value of a distribution."""
        return self.grid(1)

    def middle(self) -> Any:
        """Return the median of a distribution, or the value in the middle of a list."""
        return self.decode(np.array([0.5]))[0]

    def matching(self, value: Any) -> list[Any]:
        """Return the value of the parameter that equals a given one, if there is one: 1 where 1.0 is given, say."""
        return [native(value)] if self.are_values([value])[0] else []

    def sampler(self) -> Any:
        """What `sklearn.model_selection.ParameterSampler` needs: a list, or an object with ``rvs``.

        What it draws may be numpy scalars of the right kind.
        """
        return self.definition

    def same_as(self, other: Dimension) -> bool:
        """Tell whether two dimensions were written alike, so that two branches can share one."""
        return type(self) is type(other) and self._key() == other._key()

    def _key(self) -> Any:
        return value_key(self.definition)


class Choice(Dimension):
    """One of several listed values; value number i owns the cell ``[i / size, (i + 1) / size)``."""

    def __init__(self, values: Sequence[Any]):
        self.definition = self.values = [native(value) for value in values]
        self.size = len(self.values)
        self._index: dict[Any, int] = {}
        for i, value in enumerate(self.values):
            self._index.setdefault(value_key(value), i)

    def index(self, value: Any) -> int:
        """Return the place of a value in the list; the first one, if it is listed twice.

        Raises
        ------
        ValueError
            If it is not in the list.
        """
        place = self._index.get(value_key(value))
        if place is None:
            raise ValueError(f"{value!r} is not one of the choices")
        return place

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        return (np.array([self._index[value_key(value)] for value in values], dtype=float) + 0.5) / self.size

    def decode(self, u: np.ndarray) -> list[Any]:
        index = np.clip((np.asarray(u) * self.size).astype(int), 0, len(self.values) - 1)
        return [self.values[i] for i in index]

    def snap(self, u: np.ndarray) -> np.ndarray:
        return (np.clip(np.floor(u * self.size), 0, self.size - 1) + 0.5) / self.size

    @property
    def n_levels(self) -> int:
        # Numbers in order are steps of a ladder, anything else is a set of names.
        if all(map(_is_number, self.values)) and len(self.values) > 2:
            steps = np.diff(np.array(self.values, dtype=float))
            return 0 if (steps > 0).all() or (steps < 0).all() else int(self.size)
        return int(self.size)

    def grid(self, resolution: int) -> list[Any]:
        return self.values

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        return np.array([value_key(value) in self._index for value in values], dtype=bool)

    def matching(self, value: Any) -> list[Any]:
        equal = [known for known in self.values if _is_number(known) and known == value] if _is_number(value) else []
        return super().matching(value) or equal[:1]


class Continuous(Dimension):
    """A continuous distribution: encoded by its cdf, decoded by its quantile function.

    ``decode(encode(x))`` is `x` up to rounding: far in an upper tail, neighbouring values share the same cdf.
    """

    size = math.inf

    #: Where to look for the last finite quantile of an infinite tail; 2**-53 is as near to 1 as a float comes.
    _edges = tuple(2.0**-k for k in (53, 26, 13, 6, 3))

    def __init__(self, dist: Any):
        self.definition = self.dist = dist
        self._plain = closed_form(dist)
        self._quantile = quantile_function(self._plain)

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        return np.clip(cdf(self._plain, values), 0.0, 1.0)

    def decode(self, u: np.ndarray) -> list[Any]:
        return self._quantiles(u).tolist()

    def snap(self, u: np.ndarray) -> np.ndarray:
        return np.clip(u, 0.0, 1.0) if self._reaches_its_ends else np.clip(u, TAIL, 1 - TAIL)

    def grid(self, resolution: int) -> list[Any]:
        return self.decode(_spread(resolution, self._reaches_its_ends))

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        low, high = self._support
        x = _numbers(values)
        return (low <= x) & (x <= high)

    def sampler(self) -> Any:
        return self.dist if hasattr(self.dist, "rvs") else _QuantileSampler(self)

    @cached_property
    def _support(self) -> tuple[float, float]:
        return support(self.dist)

    @cached_property
    def _reaches_its_ends(self) -> bool:
        """Tell whether the ends of the support are values like any others, so that a grid should have them."""
        ends = self._support
        if not np.isfinite(ends).all():
            return False
        with np.errstate(all="ignore"):
            density = self.dist.pdf(np.array(ends)) if hasattr(self.dist, "pdf") else np.ones(2)
        return bool(np.all((density > 0) & np.isfinite(density)))

    def _quantiles(self, u: Any) -> np.ndarray:
        """Quantiles, with infinite tails cut where they are still finite numbers."""
        x = np.asarray(self._quantile(np.asarray(u, dtype=float)), dtype=float)
        if not np.isfinite(x).all():
            x = np.clip(x, *self._outermost)
        return x

    @cached_property
    def _outermost(self) -> tuple[float, float]:
        """The lowest and the highest quantile that is a finite number."""
        with np.errstate(all="ignore"):
            low, high = (
                next(x for level in (end, *edges, 0.5) if np.isfinite(x := float(self._quantile(level))))
                for end, edges in ((0.0, self._edges), (1.0, [1 - edge for edge in self._edges]))
            )
        return low, high

    def _key(self) -> Any:
        return distribution_key(self.dist)


class Discrete(Continuous):
    """A discrete distribution: a value owns the step that the cdf takes at it, and is encoded to its middle.

    ``decode(encode(x)) == x`` wherever the cdf still has a step, that is, for probabilities above about 1e-16.
    """

    # To find the quantile of a level, SciPy sums up probabilities, for ever if the tail is a heavy one.
    _edges = tuple(2.0**-k for k in (30, 13, 6, 3))

    @cached_property
    def size(self) -> float:  # type: ignore[override]
        return math.inf if self._listed is None else len(self._listed)

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        x = np.asarray(values, dtype=float)
        if self._table is not None:
            return self._table.middles[self._table.places(x)]
        return self._middles(x)

    def _middles(self, x: np.ndarray) -> np.ndarray:
        return np.clip(cdf(self.dist, x) - np.asarray(self.dist.pmf(x), dtype=float) / 2, 0.0, 1.0)

    @cached_property
    def _reaches_its_ends(self) -> bool:
        return bool(np.isfinite(self._support).all())

    def decode(self, u: np.ndarray) -> list[Any]:
        if self._table is not None:
            return [self._type(value) for value in self._table.values[self._table.at(u)]]
        # SciPy puts the quantile of 0 one step below the smallest value.
        x = np.maximum(self._quantiles(u), self._support[0])
        return [self._type(value) for value in x]

    def snap(self, u: np.ndarray) -> np.ndarray:
        if self._table is None:
            return self.encode(self.decode(u))
        return self._table.middles[self._table.at(u)]

    @cached_property
    def _table(self) -> _Steps | None:
        if self._listed is None:
            return None
        return _Steps(self._listed, cdf(self.dist, self._listed)[:-1], self._middles(self._listed))

    def grid(self, resolution: int) -> list[Any]:
        if self._listed is not None and len(self._listed) <= resolution:
            return [self._type(value) for value in self._listed]
        return list(dict.fromkeys(super().grid(resolution)))

    def sampler(self) -> Any:
        return _NativeSampler(super().sampler(), self._type)

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        x = _numbers(values)
        if self._table is not None:
            return self._table.values[self._table.places(x)] == x
        return ~np.isnan(x) & (np.asarray(self.dist.pmf(np.nan_to_num(x))) > 0)

    def matching(self, value: Any) -> list[Any]:
        return [self._type(equal) for equal in super().matching(value)]

    @cached_property
    def _type(self) -> type:
        """Int if all values are integers, else float."""
        given = self._given_values
        some = self._quantiles(np.linspace(0.001, 0.999, 99)) if given is None else given
        return int if np.all(some == np.round(some)) else float

    @property
    def _given_values(self) -> np.ndarray | None:
        """The values of ``rv_discrete(values=(xk, pk))``."""
        xk = getattr(getattr(self.dist, "dist", None), "xk", None)
        return None if xk is None else np.sort(np.asarray(xk, dtype=float))

    @cached_property
    def _listed(self) -> np.ndarray | None:
        """All values, or None if there are infinitely or unreasonably many."""
        values = self._given_values
        if values is None:
            low, high = self._support
            step = float(getattr(self.dist, "step", 1))
            if not np.isfinite([low, high]).all() or (high - low) / step >= MAX_LISTED:
                return None
            values = low + step * np.arange(round((high - low) / step) + 1)
            values = self._quantiles(self._middles(values))  # as the distribution rounds them
        return np.unique(values[np.asarray(self.dist.pmf(values)) > 0])


@dataclass(frozen=True)
class _Steps:
    """The steps of a cdf: increasing values, where the steps end (all but the last), and their middles."""

    values: np.ndarray
    edges: np.ndarray
    middles: np.ndarray

    def at(self, u: np.ndarray) -> np.ndarray:
        """Return the places of the steps that levels belong to."""
        return np.searchsorted(self.edges, u)

    def places(self, x: np.ndarray) -> np.ndarray:
        """Return the places of values, of others that of a neighbour."""
        return np.minimum(np.searchsorted(self.values, x), len(self.values) - 1)


class Sampled(Dimension):
    """An object that can only be sampled (it has ``rvs`` but no quantile function)."""

    size = math.inf

    def __init__(self, name: str, dist: Any):
        self.definition = dist
        self._name = name

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        raise self._no_quantile()

    def snap(self, u: np.ndarray) -> np.ndarray:
        raise self._no_quantile()

    def decode(self, u: np.ndarray) -> list[Any]:
        raise self._no_quantile()

    def grid(self, resolution: int) -> list[Any]:
        raise self._no_quantile()

    def _no_quantile(self) -> TypeError:
        return TypeError(
            f"The distribution of parameter {self._name!r} has rvs but neither ppf nor icdf ({self.definition!r}), so "
            "it can be drawn from, as RandomSearch(sampler='random') does, but not laid out on a grid or a unit cube. "
            "Use a scipy.stats distribution, a list, or give the object a method ppf (and cdf)."
        )

    def examples(self) -> list[Any]:
        return [native(self.definition.rvs(random_state=np.random.RandomState(0)))]

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        return np.ones(len(values), dtype=bool)  # nothing is known that could exclude one


class _NativeSampler:
    """Turns what another sampler draws into int or float."""

    def __init__(self, sampler: Any, kind: type):
        self.sampler = sampler
        self.kind = kind

    def rvs(self, random_state: np.random.RandomState) -> Any:
        return self.kind(self.sampler.rvs(random_state=random_state))


class _QuantileSampler:
    """Gives ``rvs`` to SciPy's newer distributions, which have ``icdf`` and ``sample`` but take no RandomState."""

    def __init__(self, dimension: Dimension):
        self.dimension = dimension

    def rvs(self, random_state: np.random.RandomState) -> Any:
        return self.dimension.decode(np.array([random_state.uniform()]))[0]


def _spread(n: int, with_ends: bool) -> np.ndarray:
    """Return `n` evenly spaced quantile levels, from 0 to 1 or half a step away from both."""
    if n == 1:
        return np.array([0.5])
    return np.arange(n) / (n - 1) if with_ends else (np.arange(n) + 0.5) / n


def _numbers(values: Sequence[Any]) -> np.ndarray:
    """Return numbers as they are and anything else as NaN."""
    return np.array([value if _is_number(value) else np.nan for value in values], dtype=float)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
