"""Common interface to distributions: SciPy's older and newer kinds, and other objects with their methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from skhpt._typing import Distribution
from skhpt.identity import value_key


def is_discrete(dist: Distribution) -> bool:
    """Tell whether a distribution is discrete."""
    # Each distribution of SciPy's newer kind has both pdf and pmf; only its class tells whether it is
    # discrete.
    newer = any(kind.__name__ == "DiscreteDistribution" for kind in type(dist).__mro__)
    return hasattr(dist, "pmf") and (newer or not hasattr(dist, "pdf"))


def with_number_arguments(dist: Any) -> Any:
    """Replace arrays of one element among the arguments of a frozen distribution by their elements."""
    if not (hasattr(dist, "dist") and hasattr(dist, "args") and hasattr(dist, "kwds")):
        return dist
    args = [_only_element(value) for value in dist.args]
    return dist.dist(*args, **{name: _only_element(value) for name, value in dist.kwds.items()})


def _only_element(value: Any) -> Any:
    array = np.asarray(value)
    return array.item() if array.size == 1 else value


def freeze(name: str, family: Any) -> Any:
    """Freeze a distribution that needs no arguments; a family of SciPy itself is refused as a likely mistake."""
    if family.numargs or getattr(stats, family.name, None) is family:
        raise TypeError(
            f"Parameter {name!r} is the distribution family scipy.stats.{family.name}: freeze it by calling it with "
            f"its arguments, such as scipy.stats.{family.name}({', '.join(_argument_names(family))})"
        )
    return family()


def _argument_names(family: Any) -> list[str]:
    shapes = [shape.strip() for shape in (family.shapes or "").split(",")]
    return [f"{name}=..." for name in (*shapes, "loc", "scale") if name]


def looks_like_distribution(thing: Any) -> bool:
    """Tell whether an object or a class has a method of distributions."""
    return any(hasattr(thing, method) for method in ("rvs", "ppf", "icdf"))


def quantile_function(dist: Distribution) -> Callable[[Any], np.ndarray]:
    """Return the quantile function: it maps an array of levels to an array of floats of the same shape.

    It is ``ppf`` of SciPy's older distributions, ``icdf`` of the newer ones. Where SciPy would search for the
    quantiles of a discrete distribution, which may take for ever in a heavy tail, they are searched here.
    """
    if not has_own_quantiles(dist) and has_own_cdf(dist):
        return partial(_searched_quantiles, dist)
    function = getattr(dist, "ppf", None) or dist.icdf
    return partial(_for_each, function)


def _for_each(function: Callable[[Any], Any], x: Any) -> np.ndarray:
    """Apply a function to an array, or to each of its items if the function takes only a number."""
    x = np.asarray(x, dtype=float)
    try:
        y = np.asarray(function(x), dtype=float)
    except (TypeError, ValueError):
        y = np.empty(0)
    if y.shape == x.shape:
        return y
    return np.array([float(function(float(item))) for item in x.ravel()]).reshape(x.shape)


def _searched_quantiles(dist: Distribution, levels: Any) -> np.ndarray:
    """Return the smallest integers at which the cdf reaches the levels, by bisection."""
    levels = np.asarray(levels, dtype=float)
    first, last = np.clip(support(dist), -(2.0**53), 2.0**53)
    below, reached = np.full(levels.shape, first - 1), np.full(levels.shape, last)
    while (reached - below > 1).any():
        middle = below + np.floor((reached - below) / 2)
        is_reached = np.asarray(dist.cdf(middle)) >= levels
        reached, below = np.where(is_reached, middle, reached), np.where(is_reached, below, middle)
    return np.asarray(reached)


def has_own_quantiles(dist: Distribution) -> bool:
    """Tell whether a distribution computes its quantiles; SciPy's default for discrete ones is a search."""
    return _is_overridden(dist, "_ppf")


def has_own_cdf(dist: Distribution) -> bool:
    """Tell whether a distribution computes its cdf; SciPy's default for discrete ones sums up probabilities."""
    return hasattr(dist, "cdf") and _is_overridden(dist, "_cdf")


def _is_overridden(dist: Distribution, method: str) -> bool:
    # Subclasses of rv_discrete override _pmf, _cdf and _ppf, as SciPy documents.
    family = getattr(dist, "dist", None)
    default = getattr(stats.rv_discrete, method)
    return not isinstance(family, stats.rv_discrete) or getattr(type(family), method) is not default


def location(dist: Any) -> float:
    """Return the argument ``loc`` of a frozen distribution of SciPy."""
    positional = dist.args[dist.dist.numargs :]
    return float(positional[0] if positional else dist.kwds.get("loc", 0))


def probabilities(dist: Distribution, values: np.ndarray) -> np.ndarray:
    """Return the probability of each value of a discrete distribution, 0 where it cannot be computed."""
    with np.errstate(all="ignore"):
        return np.asarray(np.nan_to_num(_for_each(dist.pmf, values)))


def have_probability(dist: Distribution, values: np.ndarray) -> np.ndarray:
    """Tell which numbers are values of a discrete distribution, even if their probability underflows to 0."""
    are_values = probabilities(dist, values) > 0
    if not are_values.all() and hasattr(dist, "logpmf"):
        with np.errstate(all="ignore"):
            are_values = are_values | (_for_each(dist.logpmf, values) > -np.inf)
    return np.asarray(are_values)


def cdf(dist: Distribution, values: Any) -> np.ndarray:
    """Return the cumulative probabilities of values.

    A distribution without ``cdf`` is inverted: the result is the middle of the levels that have the value as
    their quantile.
    """
    x = np.asarray(values, dtype=float)
    if hasattr(dist, "cdf"):
        return _for_each(dist.cdf, x)
    quantile = quantile_function(dist)
    first = _last_level(lambda level: quantile(level) < x, x.shape)
    last = _last_level(lambda level: quantile(level) <= x, x.shape)
    return np.asarray((first + last) / 2)


def _last_level(is_below: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return the last level in [0, 1] for which a condition holds, by bisection."""
    low, high = np.zeros(shape), np.ones(shape)
    for _ in range(53):
        middle = (low + high) / 2
        holds = is_below(middle)
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return np.where(is_below(np.ones(shape)), 1.0, low)


@dataclass(frozen=True)
class _Uniform:
    """Uniform distribution of values or of their logarithms, ten times as fast as SciPy's methods.

    Attributes
    ----------
    low, high : float
        Ends of the support.
    is_log : bool
        Whether the logarithms are uniform.
    """

    low: float
    high: float
    is_log: bool

    def cdf(self, x: Any) -> np.ndarray:
        low, high = self._ends()
        x = np.minimum(np.maximum(x, self.low), self.high)
        position = np.log(x) if self.is_log else x
        return np.asarray((position - low) / (high - low))

    def ppf(self, u: Any) -> np.ndarray:
        low, high = self._ends()
        position = low + (high - low) * np.asarray(u)
        x = np.exp(position) if self.is_log else position
        return np.minimum(np.maximum(x, self.low), self.high)

    def _ends(self) -> tuple[float, float]:
        if self.is_log:
            return math.log(self.low), math.log(self.high)
        return self.low, self.high


def closed_form(dist: Distribution) -> Any:
    """Return a faster object with the ``cdf`` and ``ppf`` of a uniform distribution; any other one unchanged."""
    family = getattr(getattr(dist, "dist", None), "name", None)
    if family not in ("uniform", "loguniform", "reciprocal"):
        return dist
    low, high = support(dist)
    is_log = family != "uniform"
    if not (low < high and math.isfinite(high - low) and (low > 0 or not is_log)):
        return dist
    fast, levels = _Uniform(low, high, is_log), np.array([0.0, 0.1, 0.5, 1.0])
    # They differ if a user's own family has the same name, or if a log-uniform distribution is shifted by
    # loc.
    agrees = np.allclose(fast.ppf(levels), dist.ppf(levels), rtol=1e-9, atol=0)
    return fast if agrees else dist


def support(dist: Distribution) -> tuple[float, float]:
    """Return the smallest and the largest value, which may be infinite."""
    if hasattr(dist, "support"):
        low, high = dist.support()
        return float(low), float(high)
    low, high = quantile_function(dist)(np.array([0.0, 1.0]))
    return float(low), float(high)


def source_repr(dist: Distribution) -> str:
    """Return the source code of a frozen distribution; the ``repr`` of any other object."""
    if not (hasattr(dist, "dist") and hasattr(dist, "args") and hasattr(dist, "kwds")):
        return repr(dist)
    arguments = [repr(value) for value in dist.args] + [
        f"{name}={value!r}" for name, value in dist.kwds.items()
    ]
    return f"{dist.dist.name}({', '.join(arguments)})"


def distribution_key(dist: Distribution) -> Any:
    """Key of a distribution, equal for frozen distributions of one family with the same arguments."""
    if hasattr(dist, "dist") and hasattr(dist, "args") and hasattr(dist, "kwds"):
        return (dist.dist.name, type(dist.dist), value_key(dist.args), value_key(dist.kwds))
    return value_key(dist)
