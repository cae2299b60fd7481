"""Common interface to distributions: SciPy's older and newer kinds, and other objects with their methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
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


def quantile_function(dist: Distribution) -> Callable[[Any], Any]:
    """Return the quantile function: ``ppf`` of SciPy's older distributions, ``icdf`` of the newer ones."""
    function: Callable[[Any], Any] = getattr(dist, "ppf", None) or dist.icdf
    return function


def cdf(dist: Distribution, values: Any) -> np.ndarray:
    """Return the cumulative probabilities of values; raise TypeError if the distribution has no cdf."""
    if not hasattr(dist, "cdf"):
        raise TypeError(f"the distribution {dist!r} has no cdf, so its values cannot be encoded")
    return np.asarray(dist.cdf(np.asarray(values, dtype=float)), dtype=float)


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
    quantile = quantile_function(dist)
    return float(quantile(0.0)), float(quantile(1.0))


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
