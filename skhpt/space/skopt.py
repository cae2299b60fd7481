"""Spaces as scikit-optimize writes them, read by their attributes: that package is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from scipy import stats

from skhpt.distributions import loguniform_int

_PRIORS = ("uniform", "log-uniform")


def translate(space: Any) -> Any:
    """Turn scikit-optimize's dimensions into lists and distributions; leave anything else as it is.

    Parameters
    ----------
    space : dict or list of dict
        May hold ``Real``, ``Integer`` and ``Categorical`` objects, and tuples of two bounds and a prior, such as
        ``(1e-3, 1e3, "log-uniform")``. A tuple of two numbers stays a list of two choices, as in scikit-learn.

    Returns
    -------
    space : dict or list of dict
    """
    if isinstance(space, Mapping):
        return {name: _dimension(one) for name, one in space.items()}
    if isinstance(space, tuple) and len(space) == 2 and isinstance(space[0], Mapping):
        raise TypeError(
            f"a space with a number of candidates, ({{...}}, {space[1]!r}), is not accepted: pass the list of spaces "
            "alone, [{...}, {...}], and n_iter for all of them"
        )
    if isinstance(space, (list, tuple)):
        return [translate(branch) for branch in space]
    return space


def _dimension(one: Any) -> Any:
    if isinstance(one, tuple) and len(one) == 3 and isinstance(one[2], str) and one[2] in _PRIORS:
        low, high, prior = one
        return _between(low, high, prior, whole=isinstance(low, Integral) and isinstance(high, Integral))
    kind = type(one).__name__
    if kind == "Categorical" and hasattr(one, "categories"):
        return list(one.categories)
    if kind in ("Real", "Integer") and hasattr(one, "low") and hasattr(one, "high"):
        return _between(one.low, one.high, getattr(one, "prior", "uniform"), whole=kind == "Integer")
    return one


def _between(low: Any, high: Any, prior: str, whole: bool) -> Any:
    if not (isinstance(low, Real) and isinstance(high, Real) and low < high):
        raise ValueError(f"the bounds of ({low!r}, {high!r}, {prior!r}) must be numbers in order")
    if prior not in _PRIORS:
        raise ValueError(f"the prior of ({low!r}, {high!r}, {prior!r}) must be one of {_PRIORS}")
    if whole:
        first, last = int(float(low)), int(float(high))
        return loguniform_int(first, last) if prior == "log-uniform" else stats.randint(first, last + 1)
    return stats.loguniform(low, high) if prior == "log-uniform" else stats.uniform(low, high - low)
