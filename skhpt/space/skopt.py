"""Conversion of spaces in the notation of scikit-optimize, which need not be installed."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from scipy import stats

from skhpt.distributions import loguniform_int

_PRIORS = ("uniform", "log-uniform")


def translate(space: Any) -> Any:
    """Convert scikit-optimize's dimensions to lists and distributions; return anything else unchanged.

    Parameters
    ----------
    space : dict or list of dict
        Space whose values may be ``Real``, ``Integer`` and ``Categorical`` objects, and tuples of two bounds
        and a prior, such as ``(1e-3, 1e3, "log-uniform")``. A tuple of two numbers stays a list of two
        choices, as in scikit-learn.

    Returns
    -------
    space : dict or list of dict
        Space of lists and distributions.
    """
    if isinstance(space, Mapping):
        return {name: _definition(dimension) for name, dimension in space.items()}
    if isinstance(space, tuple) and len(space) == 2 and isinstance(space[0], Mapping):
        raise TypeError(
            f"a space with a number of candidates, ({{...}}, {space[1]!r}), is not accepted: pass the list of spaces "
            "alone, [{...}, {...}], and n_iter for all of them"
        )
    if isinstance(space, (list, tuple)):
        return [translate(branch) for branch in space]
    return space


def _definition(dimension: Any) -> Any:
    if isinstance(dimension, tuple) and len(dimension) == 3 and isinstance(dimension[2], str):
        low, high, prior = dimension
        if prior in _PRIORS:
            return _between(low, high, prior, whole=isinstance(low, Integral) and isinstance(high, Integral))
    kind = type(dimension).__name__
    if kind == "Categorical" and hasattr(dimension, "categories"):
        return list(dimension.categories)
    if kind in ("Real", "Integer") and hasattr(dimension, "low") and hasattr(dimension, "high"):
        prior = getattr(dimension, "prior", "uniform")
        return _between(dimension.low, dimension.high, prior, whole=kind == "Integer")
    return dimension


def _between(low: Any, high: Any, prior: str, whole: bool) -> Any:
    if not (isinstance(low, Real) and isinstance(high, Real) and low < high):
        raise ValueError(f"the bounds of ({low!r}, {high!r}, {prior!r}) must be numbers in order")
    if prior not in _PRIORS:
        raise ValueError(f"the prior of ({low!r}, {high!r}, {prior!r}) must be one of {_PRIORS}")
    if whole:
        first, last = int(float(low)), int(float(high))
        return loguniform_int(first, last) if prior == "log-uniform" else stats.randint(first, last + 1)
    return stats.loguniform(low, high) if prior == "log-uniform" else stats.uniform(low, high - low)
