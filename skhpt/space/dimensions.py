"""Dimensions of a space: the values of one parameter, encoded as numbers in [0, 1].

A dimension is a choice among listed values, a continuous or a discrete distribution, or an object that can
only be sampled.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats

from skhpt.identity import native, value_key
from skhpt.space.scipy_adapter import (
    cdf,
    closed_form,
    distribution_key,
    has_own_cdf,
    has_own_quantiles,
    have_probability,
    location,
    probabilities,
    quantile_function,
    source_repr,
    support,
)
from skhpt.space.sequences import NumberArray, as_sequence
from skhpt.space.value_table import MAX_LISTED, MAX_SUMMED, ValueTable, table_by_summation

#: Largest number of choices that a message lists.
MAX_SHOWN = 10
#: Probability of each tail that is not proposed: of an infinite tail, or next to an end with density 0 or
#: infinity.
TAIL = 1e-3
#: An end of a distribution is not proposed if its density is lower than this part of the mean density in the
#: tail.
ORDINARY = 0.1
#: Level, and 1 minus it, of the quantiles that stand for values below and above a distribution.
INNER = 0.1
#: Lowest and highest (1 minus this) level of the table of an infinite discrete distribution.
_LOWEST_LEVEL = 2.0**-40


class Dimension(ABC):
    """The values of one parameter, encoded to [0, 1] so that their prior density is uniform there.

    Attributes
    ----------
    size : float
        Number of different values; `inf` if they cannot be listed.
    definition : object
        List or distribution that the user gave.
    """

    size: float
    definition: Any

    @abstractmethod
    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Map values to numbers in [0, 1], an array of shape (len(values),)."""

    @abstractmethod
    def decode(self, u: np.ndarray) -> list[Any]:
        """Map an array of shape (n,) with entries in [0, 1] to `n` values of Python's own types."""

    @abstractmethod
    def snap(self, u: np.ndarray) -> np.ndarray:
        """Round an array of shape (n,) with entries in [0, 1] to the codes of values.

        The result is ``encode(decode(u))``, but at a distance of `TAIL` from ends with density 0 or infinity.
        """

    @property
    def n_names(self) -> int:
        """Number of values that have no order; these have the first intervals of [0, 1]."""
        return 0

    @abstractmethod
    def grid(self, resolution: int) -> list[Any]:
        """Return the values of a grid: all choices, or `resolution` evenly spaced quantiles."""

    @abstractmethod
    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        """Tell for each value whether it belongs to the dimension, an array of shape (len(values),)."""

    @abstractmethod
    def description(self) -> str:
        """Say which values belong to the dimension, such as "one of ['a', 'b']"."""

    def examples(self) -> list[Any]:
        """Return all choices, or one value of a distribution."""
        return self.grid(1)

    def middle(self) -> Any:
        """Return the median of a distribution, or the value in the middle of a list."""
        return self.decode(np.array([0.5]))[0]

    def matching(self, value: Any) -> list[Any]:
        """Return a list of the value that equals a given value, such as 1 for 1.0, or an empty list."""
        return [native(value)] if self.are_values([value])[0] else []

    def nearest(self, value: Any) -> list[Any]:
        """Return a list of the value to propose for a given one, or an empty list if none stands for it.

        The value itself stands for it if it may be proposed. Otherwise it is the nearest choice, or the quantile
        of level `INNER` on its side of a distribution. A share, such as 0.1, and a count do not stand for each
        other.
        """
        equal = self.matching(value)
        if equal and self.is_likely(equal[0]):
            return equal
        if not _is_number(value) or not self._counts_like(value):
            return []
        return self._nearest_number(value)

    def _counts_like(self, value: float) -> bool:
        """Tell whether a number and those of the dimension are both counts, or both not."""
        has_counts = type(self.middle()) is int
        return value >= 1 if has_counts else isinstance(value, float)

    def _nearest_number(self, value: float) -> list[Any]:
        return self.decode(np.clip(self.encode([value]), INNER, 1 - INNER))

    def is_likely(self, value: Any) -> bool:
        """Tell whether a value of the dimension may be proposed: it does not lie in an improbable tail."""
        u = self.encode([value])
        return bool(np.isclose(self.snap(u), u, rtol=0, atol=1e-12)[0])

    def sampler(self) -> Any:
        """Return a list, or an object with ``rvs``, for `sklearn.model_selection.ParameterSampler`.

        The draws may be numpy scalars of the right kind.
        """
        return self.definition

    def same_as(self, other: Dimension) -> bool:
        """Tell whether two dimensions have equal definitions, so that two branches can share one column."""
        return type(self) is type(other) and self._key() == other._key()

    def _key(self) -> Any:
        return value_key(self.definition)


class Choice(Dimension):
    """Choice among listed values, each of which has an interval of length ``1 / size``.

    Three or more different numbers have an order. Names among them (None, strings, booleans and all other
    objects) come before the numbers. The other lists have no order.

    Parameters
    ----------
    values : sequence or ndarray of shape (n,)
        The choices.

    Attributes
    ----------
    values : list, range or NumberArray
        The choices as Python's own values, in the order in which they were given.
    n_names : int
        Number of values without an order: all or none of the values, or the names among numbers.
    """

    def __init__(self, values: Sequence[Any] | np.ndarray):
        self.definition = self.values = as_sequence(values)
        self.size = len(self.values)

    def index(self, value: Any) -> int:
        """Return the index of a value in the list; the first one if the value is listed twice.

        Raises
        ------
        ValueError
            If the value is not in the list.
        """
        index = self._find(value)
        if index is None:
            raise ValueError(f"{value!r} is not one of the choices")
        return index

    def _find(self, value: Any) -> int | None:
        if isinstance(self.values, list):
            return self._index_of.get(value_key(value))
        if isinstance(self.values, NumberArray):
            return self.values.find(value)
        value = native(value)
        return self.values.index(value) if type(value) is int and value in self.values else None

    @cached_property
    def _index_of(self) -> dict[Any, int]:
        """Index of the first of equal values in the list, by key."""
        indices: dict[Any, int] = {}
        for i, value in enumerate(self.values):
            indices.setdefault(value_key(value), i)
        return indices

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        indices = np.array([self._find(value) for value in values], dtype=float)
        if self._order is not None:
            indices = self._places[indices.astype(int)]
        return np.asarray((indices + 0.5) / self.size)

    def decode(self, u: np.ndarray) -> list[Any]:
        below = np.nextafter(self.size, 0)  # u may be 1, and a range may have 2**63 - 1 values
        places = np.clip(np.asarray(u) * self.size, 0, below).astype(int)
        indices = places if self._order is None else self._order[places]
        return [self.values[int(i)] for i in indices]

    def snap(self, u: np.ndarray) -> np.ndarray:
        places = np.clip(np.floor(u * self.size), 0, self.size - 1)
        return np.asarray((places + 0.5) / self.size)

    @property
    def n_names(self) -> int:
        return self._order_and_n_names[1]

    @property
    def _order(self) -> np.ndarray | None:
        """Indices of the values in the order of their intervals, shape (n,); None if it is that of the list."""
        return self._order_and_n_names[0]

    @cached_property
    def _places(self) -> np.ndarray:
        """Place in the order of each value of the list, shape (n,)."""
        assert self._order is not None
        return np.argsort(self._order)

    @cached_property
    def _order_and_n_names(self) -> tuple[np.ndarray | None, int]:
        """The order of the values, or None for that of the list, and the number of names, which come first."""
        if isinstance(self.values, range):
            return None, 0
        if isinstance(self.values, NumberArray):
            return (None if _is_monotonic(self.values.array) else self.values.rows), 0
        are_numbers = np.array([_is_number(value) and value == value for value in self.values], dtype=bool)
        rows, names = np.flatnonzero(are_numbers), np.flatnonzero(~are_numbers)
        numbers = [self.values[row] for row in rows]
        if len(set(numbers)) < 3:
            return None, len(self.values)
        if not _is_monotonic(np.array(numbers, dtype=float)):
            if (
                len(set(map(type, numbers))) > 1
            ):  # such as fractions and counts: 0.5 and 10 are not comparable
                return None, len(self.values)
            rows = rows[sorted(range(len(rows)), key=lambda i: numbers[i])]
        order = np.concatenate([names, rows])
        return (None if (np.diff(order) == 1).all() else order), len(names)

    def middle(self) -> Any:
        return self.decode(np.array([(self.n_names % self.size / self.size + 1) / 2]))[0]

    def grid(self, resolution: int) -> Any:
        return self.values

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        return np.array([self._find(value) is not None for value in values], dtype=bool)

    def matching(self, value: Any) -> list[Any]:
        if exact := super().matching(value):
            return exact
        if not _is_number(value):
            return []
        if not isinstance(self.values, list):
            equal = int(value) if isinstance(self.values[0], int) and value == round(value) else float(value)
            return super().matching(equal)
        return [choice for choice in self.values if _is_number(choice) and choice == value][:1]

    def _nearest_number(self, value: float) -> list[Any]:
        if self.size > MAX_LISTED:
            return []
        numbers = [choice for choice in self.values if _is_number(choice)]
        has_scale = value > 0 and all(choice > 0 for choice in numbers)
        place = math.log if has_scale else float
        return sorted(numbers, key=lambda choice: abs(place(choice) - place(value)))[:1]

    def description(self) -> str:
        shown = ", ".join(map(short_repr, self.values[:MAX_SHOWN]))
        n_hidden = len(self.values) - MAX_SHOWN
        return f"one of [{shown}]" if n_hidden <= 0 else f"one of [{shown}, ...] ({n_hidden} more)"

    def _key(self) -> Any:
        if isinstance(self.values, NumberArray):
            return value_key(self.values.array)
        return self.values if isinstance(self.values, range) else super()._key()


def _is_monotonic(numbers: np.ndarray) -> bool:
    """Tell whether numbers are strictly ascending or descending."""
    steps = np.diff(numbers)
    return bool((steps > 0).all() or (steps < 0).all())


class Continuous(Dimension):
    """Distribution of numbers, encoded by its cdf and decoded by its quantile function.

    ``decode(encode(x))`` is `x` up to rounding. Far in an upper tail, neighbouring values have the same cdf.

    Parameters
    ----------
    dist : distribution
        Frozen distribution of SciPy, or an object with its methods.
    is_integer : bool, default=False
        Whether the quantiles are integers, although the object has no ``pmf``.

    Attributes
    ----------
    support : tuple of float
        The lowest and the highest value, which may be infinite.
    """

    size = math.inf

    #: Levels at which the last finite quantile of an infinite tail is searched; 1 - 2**-53 is the largest
    #: float below 1.
    _tail_levels = tuple(2.0**-k for k in (53, 26, 13, 6, 3))

    def __init__(self, dist: Any, is_integer: bool = False):
        self.definition = self.dist = dist
        self._fast_dist = closed_form(dist)
        self._quantile = quantile_function(self._fast_dist)
        self.is_integer = is_integer

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(cdf(self._fast_dist, values), 0.0, 1.0))

    def decode(self, u: np.ndarray) -> list[Any]:
        quantiles = self._quantiles(u)
        values: list[Any] = (quantiles.astype(int) if self.is_integer else quantiles).tolist()
        return values

    def snap(self, u: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(u, *self._proposed_levels))

    def grid(self, resolution: int) -> list[Any]:
        return self.decode(_quantile_levels(resolution, self._includes_ends))

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        low, high = self.support
        x = _numbers(values)
        return (low <= x) & (x <= high) & (not self.is_integer or x == np.round(x))

    def description(self) -> str:
        low, high = self.support
        kind = "an integer" if self.is_integer else "a number"
        return f"{kind} from {low:g} to {high:g}, distributed as {source_repr(self.dist)}"

    def sampler(self) -> Any:
        return _NativeSampler(self.dist, _item) if hasattr(self.dist, "rvs") else _QuantileSampler(self)

    @cached_property
    def support(self) -> tuple[float, float]:
        return support(self.dist)

    @property
    def _proposed_levels(self) -> tuple[float, float]:
        """Lowest and highest level that is proposed."""
        margin = 0.0 if self._includes_ends else TAIL
        return margin, 1 - margin

    @cached_property
    def _includes_ends(self) -> bool:
        """Whether the ends of the support are ordinary values, which a grid includes and which are proposed.

        They are finite, and their density is neither infinite nor much lower than the mean density between
        the end and the quantile of level `TAIL`.
        """
        ends = np.array(self.support)
        if not np.isfinite(ends).all():
            return False
        if not hasattr(self.dist, "pdf"):
            return True
        with np.errstate(all="ignore"):
            density = np.array([float(self.dist.pdf(end)) for end in ends])
            distance = np.abs(ends - self._quantiles(np.array([TAIL, 1 - TAIL])))
            return bool(np.all((density * distance >= ORDINARY * TAIL) & np.isfinite(density)))

    def _quantiles(self, u: Any) -> np.ndarray:
        """Return quantiles; infinite ones are replaced by the last finite quantile."""
        x = self._quantile(np.asarray(u, dtype=float))
        if not np.isfinite(x).all():
            x = np.clip(x, *self._finite_range)
        return x

    @cached_property
    def _finite_range(self) -> tuple[float, float]:
        """Lowest and highest quantile that is a finite number."""
        low = self._first_finite_quantile([0.0, *self._tail_levels, 0.5])
        high = self._first_finite_quantile([1.0, *(1 - level for level in self._tail_levels), 0.5])
        return low, high

    def _first_finite_quantile(self, levels: Sequence[float]) -> float:
        with np.errstate(all="ignore"):
            quantiles = (float(self._quantile(level)) for level in levels)
            return next(x for x in quantiles if np.isfinite(x))

    def _key(self) -> Any:
        return distribution_key(self.dist)


class Discrete(Continuous):
    """Discrete distribution: a value is encoded as the middle of the step of the cdf at this value.

    ``decode(encode(x)) == x`` where the cdf has a step in floating point: for probabilities above about
    1e-16. A tail that is so heavy that its quantiles cannot be computed is left out: it can be drawn, and is
    encoded as the last value before it, but is not proposed.
    """

    @cached_property
    def size(self) -> float:  # type: ignore[override]
        return math.inf if self._values is None else len(self._values)

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        x = np.asarray(values, dtype=float)
        if self._table is not None:
            return self._table.encode(x)
        middles = cdf(self.dist, x) - probabilities(self.dist, x) / 2
        return np.asarray(np.clip(middles, 0.0, 1.0))

    @cached_property
    def _includes_ends(self) -> bool:
        """Whether the ends of the support are ordinary values, which a grid includes and which are proposed.

        They are finite, and their probability is not much lower than the mean probability of the values
        between the end and the quantile of level `TAIL`.
        """
        ends = np.array(self.support)
        if not np.isfinite(ends).all():
            return False
        n_beyond = self._distance(ends, self._decode(np.array([TAIL, 1 - TAIL])))
        return bool(np.all(probabilities(self.dist, ends) * np.maximum(n_beyond, 1) >= ORDINARY * TAIL))

    def _distance(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the number of steps from values to others."""
        if self._values is None:
            return np.asarray(np.abs(first - second) / float(getattr(self.dist, "step", 1)))
        rows, other_rows = np.searchsorted(self._values, first), np.searchsorted(self._values, second)
        return np.asarray(np.abs(rows - other_rows))

    def decode(self, u: np.ndarray) -> list[Any]:
        return [self._value_type(x) for x in self._decode(u)]

    def _decode(self, u: np.ndarray) -> np.ndarray:
        if self._table is not None:
            return self._table.decode(u)
        # SciPy's quantile of level 0 is one step below the smallest value.
        return np.asarray(np.maximum(self._quantiles(u), self.support[0]))

    def snap(self, u: np.ndarray) -> np.ndarray:
        u = super().snap(u)
        if self._table is not None:
            return self._table.snap(u)
        return self.encode(self._decode(u))

    @cached_property
    def _table(self) -> ValueTable | None:
        """Table of all values, or of those that are not improbable; None if these are too many."""
        if self._values is not None:
            return ValueTable.of_distribution(self.dist, self._values)
        if has_own_quantiles(self.dist):
            likely = self._listed(*self._quantiles(np.array([_LOWEST_LEVEL, 1 - _LOWEST_LEVEL])))
            return None if likely is None else ValueTable.of_distribution(self.dist, likely)
        table = table_by_summation(self.dist, *self.support)
        if table is None and not has_own_cdf(self.dist):
            raise TypeError(
                f"The quantiles of {source_repr(self.dist)} cannot be computed: it has no quantile function, no cdf in "
                f"closed form, and more than {MAX_SUMMED} values. RandomSearch(sampler='random') can draw from it."
            )
        return table

    def grid(self, resolution: int) -> list[Any]:
        if self._values is not None and len(self._values) <= resolution:
            return [self._value_type(value) for value in self._values]
        return list(dict.fromkeys(super().grid(resolution)))

    def sampler(self) -> Any:
        return _NativeSampler(super().sampler(), self._value_type)

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        x = _numbers(values)
        if self._values is None or self._is_integer_shifted:
            return np.asarray(~np.isnan(x) & have_probability(self.dist, np.nan_to_num(x)))
        assert self._table is not None
        return self._table.are_values(x)

    def description(self) -> str:
        low, high = self.support
        kind = "an integer" if self._value_type is int else "a value"
        return f"{kind} from {low:.15g} to {high:.15g}, distributed as {source_repr(self.dist)}"

    def matching(self, value: Any) -> list[Any]:
        return [self._value_type(equal) for equal in super().matching(value)]

    @cached_property
    def _value_type(self) -> type:
        """Type of the values: int if all of them are integers, else float."""
        values = self._explicit_values
        if values is None and self._is_integer_shifted:
            values = np.array([location(self.dist)])
        if values is None:
            values = self._quantiles(np.linspace(0.001, 0.999, 99))
        return int if np.all(values == np.round(values)) else float

    @property
    def _is_integer_shifted(self) -> bool:
        """Whether the values are integers plus ``loc``, as those of all families of `scipy.stats.rv_discrete`."""
        return (
            isinstance(getattr(self.dist, "dist", None), stats.rv_discrete) and self._explicit_values is None
        )

    @cached_property
    def _explicit_values(self) -> np.ndarray | None:
        """Values of ``rv_discrete(values=(xk, pk))``."""
        xk = getattr(getattr(self.dist, "dist", None), "xk", None)
        if xk is None:
            return None
        values = np.sort(np.asarray(xk, dtype=float))
        return np.asarray(values + (self.support[0] - values[0]))  # shifted by loc

    @cached_property
    def _values(self) -> np.ndarray | None:
        """All values in ascending order, or None if there are more than `MAX_LISTED`."""
        if self._explicit_values is None:
            return self._listed(*self.support)
        return np.unique(self._explicit_values[probabilities(self.dist, self._explicit_values) > 0])

    def _listed(self, low: float, high: float) -> np.ndarray | None:
        """Return the values from `low` to `high` in ascending order, or None if there are more than `MAX_LISTED`."""
        step = float(getattr(self.dist, "step", 1))
        if not np.isfinite([low, high]).all() or (high - low) / step >= MAX_LISTED:
            return None
        if not (self._is_integer_shifted or hasattr(self.dist, "step") or self._value_type is int):
            return None  # the distances of the values are unknown
        values = low + step * np.arange(round((high - low) / step) + 1)
        if not step.is_integer():  # rounded as the distribution rounds its values
            values = self._quantiles(cdf(self.dist, values) - probabilities(self.dist, values) / 2)
        return np.unique(values[probabilities(self.dist, values) > 0])


class Sampled(Dimension):
    """Object that can only be sampled: it has ``rvs`` but no quantile function."""

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
            f"The distribution of parameter {self._name!r} has rvs but neither ppf nor icdf ({self.definition!r}). "
            "RandomSearch(sampler='random') can draw from it, but it has no grid and no encoding. Use a scipy.stats "
            "distribution or a list, or give the object a method ppf (and cdf)."
        )

    def description(self) -> str:
        return f"a draw from {self.definition!r}"

    def examples(self) -> list[Any]:
        return [native(self.definition.rvs(random_state=np.random.RandomState(0)))]

    def are_values(self, values: Sequence[Any]) -> np.ndarray:
        return np.ones(len(values), dtype=bool)  # no method of the object could exclude a value


class _NativeSampler:
    """Sampler that converts the draws of another sampler, such as to int or float."""

    def __init__(self, sampler: Any, convert: Callable[[Any], Any]):
        self.sampler = sampler
        self.convert = convert

    def rvs(self, random_state: np.random.RandomState) -> Any:
        return self.convert(self.sampler.rvs(random_state=random_state))


def _item(value: Any) -> Any:
    """Return the element of an array without axes, which some families of SciPy draw; any other value unchanged."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


class _QuantileSampler:
    """Sampler for SciPy's newer distributions, whose own method ``sample`` takes no RandomState."""

    def __init__(self, dimension: Dimension):
        self.dimension = dimension

    def rvs(self, random_state: np.random.RandomState) -> Any:
        return self.dimension.decode(np.array([random_state.uniform()]))[0]


def short_repr(value: Any, max_length: int = 80) -> str:
    """Return the ``repr`` of a value on one line, cut to `max_length` characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def _quantile_levels(n: int, with_ends: bool) -> np.ndarray:
    """Return `n` evenly spaced levels, from 0 to 1 or from half a step above 0 to half a step below 1."""
    if n == 1:
        return np.array([0.5])
    if with_ends:
        return np.arange(n) / (n - 1)
    return (np.arange(n) + 0.5) / n


def _numbers(values: Sequence[Any]) -> np.ndarray:
    """Return an array with NaN in place of each value that is not a number."""
    return np.array([value if _is_number(value) else np.nan for value in values], dtype=float)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
