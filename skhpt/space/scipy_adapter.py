"""One door to the kinds of distributions: SciPy's older and newer ones, and whatever has their methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from skhpt.identity import value_key


def is_discrete(dist: Any) -> bool:
    """Tell whether the values of a distribution are separate ones."""
    # Every object of SciPy's newer kind has pdf and pmf both; its class tells them apart.
    newer = any(kind.__name__ == "DiscreteDistribution" for kind in type(dist).__mro__)
    return hasattr(dist, "pmf") and (newer or not hasattr(dist, "pdf"))


def freeze(name: str, family: Any) -> Any:
    """Freeze a distribution that needs no arguments; a family of SciPy's own is refused as a likely slip."""
    if family.numargs or getattr(stats, family.name, None) is family:
        raise TypeError(
            f"Parameter {name!r} is the distribution family scipy.stats.{family.name}: freeze it by calling it with "
            f"its arguments, such as scipy.stats.{family.name}({', '.join([*_shapes(family), 'loc=...', 'scale=...'])})"
        )
    return family()


def _shapes(family: Any) -> list[str]:
    return [f"{shape.strip()}=..." for shape in (family.shapes or "").split(",") if shape.strip()]


def looks_like_distribution(thing: Any) -> bool:
    """Tell whether something, which may be a class, has a method of distributions."""
    return any(hasattr(thing, method) for method in ("rvs", "ppf", "icdf"))


def quantile_function(dist: Any) -> Callable[[Any], Any]:
    """Return the quantile function, which the older kind calls ``ppf`` and the newer one ``icdf``."""
    return getattr(dist, "ppf", None) or dist.icdf


def cdf(dist: Any, values: Any) -> np.ndarray:
    """Return the cumulative probabilities of values; raise a TypeError if the distribution does not know them."""
    if not hasattr(dist, "cdf"):
        raise TypeError(f"the distribution {dist!r} has no cdf, so its values cannot be encoded")
    return np.asarray(dist.cdf(np.asarray(values, dtype=float)), dtype=float)


@dataclass(frozen=True)
class _Uniform:
    """A uniform distribution, of the values or of their logarithms: a tenth of the time that SciPy's methods take."""

    low: float
    high: float
    is_log: bool

    def cdf(self, x: Any) -> np.ndarray:
        low, high = self._ends()
        x = np.minimum(np.maximum(x, self.low), self.high)
        return ((np.log(x) if self.is_log else x) - low) / (high - low)

    def ppf(self, u: Any) -> np.ndarray:
        low, high = self._ends()
        x = low + (high - low) * np.asarray(u)
        return np.minimum(np.maximum(np.exp(x) if self.is_log else x, self.low), self.high)

    def _ends(self) -> tuple[float, float]:
        return (math.log(self.low), math.log(self.high)) if self.is_log else (self.low, self.high)


def closed_form(dist: Any) -> Any:
    """Return an object with the ``cdf`` and ``ppf`` of a distribution that is faster, or the distribution itself."""
    family = getattr(getattr(dist, "dist", None), "name", None)
    if family not in ("uniform", "loguniform", "reciprocal"):
        return dist
    low, high = support(dist)
    is_log = family != "uniform"
    if not (low < high and math.isfinite(high - low) and (low > 0 or not is_log)):
        return dist
    plain, levels = _Uniform(low, high, is_log), np.array([0.0, 0.1, 0.5, 1.0])
    # It would not agree if the family had only the name, or if a log-uniform one were shifted.
    return plain if np.allclose(plain.ppf(levels), dist.ppf(levels), rtol=1e-9, atol=0) else dist


def support(dist: Any) -> tuple[float, float]:
    """Return the smallest and the largest value, infinite ones included."""
    if hasattr(dist, "support"):
        low, high = dist.support()
        return float(low), float(high)
    quantile = quantile_function(dist)
    return float(quantile(0.0)), float(quantile(1.0))


def source_repr(dist: Any) -> str:
    """Write a frozen distribution as its maker did."""
    if not (hasattr(dist, "dist") and hasattr(dist, "args") and hasattr(dist, "kwds")):
        return repr(dist)
    arguments = [repr(value) for value in dist.args] + [f"{name}={value!r}" for name, value in dist.kwds.items()]
    return f"{dist.dist.name}({', '.join(arguments)})"


def distribution_key(dist: Any) -> Any:
    """Key of a distribution: frozen ones of the same family with the same arguments are the same."""
    if hasattr(dist, "dist") and hasattr(dist, "args") and hasattr(dist, "kwds"):
        return (dist.dist.name, type(dist.dist), value_key(dist.args), value_key(dist.kwds))
    return value_key(dist)
