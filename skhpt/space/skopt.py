"""Ranges in the notation of scikit-optimize, which need not be installed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import stats

from skhpt._warnings import warn_user
from skhpt.distributions import loguniform_int

PRIORS = ("uniform", "log-uniform")
#: Words that cannot be a choice beside two numbers, but may be meant as a prior: as which one, if any.
_MEANT = {
    **dict.fromkeys(("uniform", "quniform", "linear"), "uniform"),
    **dict.fromkeys(("loguniform", "log", "logspace", "logarithmic", "reciprocal"), "log-uniform"),
    **dict.fromkeys(("normal", "lognormal", "gaussian", "int", "integer", "float", "real")),
}


def translate(name: str, definition: Any) -> Any:
    """Convert a range or a dimension of scikit-optimize to a distribution or a list.

    Parameters
    ----------
    name : str
        Name of the parameter, for messages.
    definition : object
        Definition of the values of a parameter. Ranges are ``(low, high, prior)`` and ``(low, high, prior,
        base)`` with numbers as bounds, and objects like ``Real`` and ``Integer``. Objects like
        ``Categorical`` are lists.

    Returns
    -------
    definition : object
        A distribution or a list; the definition itself if it is no range. Two numbers are a list of two
        choices, as in scikit-learn.

    Raises
    ------
    ValueError
        If the bounds are not in order, or the prior is unknown.

    Warns
    -----
    UserWarning
        If a tuple of two numbers may be meant as a range, or the prior of a ``Categorical`` is ignored.
    """
    kind = type(definition).__name__
    if kind == "Categorical" and hasattr(definition, "categories"):
        return _categories(name, definition)
    if kind in ("Real", "Integer") and hasattr(definition, "low") and hasattr(definition, "high"):
        prior = getattr(definition, "prior", "uniform")
        return _between(name, definition.low, definition.high, prior, is_integer=kind == "Integer")
    if isinstance(definition, (tuple, list)) and _is_range(definition):
        low, high, prior = definition[:3]
        are_integers = isinstance(low, Integral) and isinstance(high, Integral)
        return _between(name, low, high, prior, is_integer=are_integers)
    if type(definition) is tuple and _may_be_range(definition):
        warn_user(
            f"The tuple {definition!r} of parameter {name!r} is taken for two choices, as in scikit-learn. Write "
            f"{(*definition, 'uniform')!r} or {(*definition, 'log-uniform')!r} for a range, {list(definition)!r} for "
            f"two choices, and {[definition]!r} for one choice, the tuple."
        )
    return definition


def _is_range(definition: Sequence[Any]) -> bool:
    """Tell whether a sequence is two numbers and a prior, which may be misspelt, and perhaps a base."""
    if len(definition) not in (3, 4) or not all(map(_is_number, definition[:2])):
        return False
    if not isinstance(definition[2], str) or not all(map(_is_number, definition[3:])):
        return False
    return bool(_similar_words(definition[2]))


def _similar_words(prior: str) -> list[str]:
    """Return the word that a prior may be meant for, in a list, or an empty list."""
    if prior == "log2":  # a number of features, as in [0.3, 0.7, "log2"]
        return []
    return get_close_matches(re.sub("[^a-z]", "", prior.lower()), _MEANT, n=1, cutoff=0.8)


def _may_be_range(definition: Sequence[Any]) -> bool:
    """Tell whether a sequence is two numbers in order, with others between them."""
    if len(definition) != 2 or not all(map(_is_number, definition)):
        return False
    low, high = definition
    are_neighbours = isinstance(low, Integral) and isinstance(high, Integral) and high - low == 1
    return bool(low < high) and not are_neighbours


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def _categories(name: str, definition: Any) -> list[Any]:
    categories = list(definition.categories)
    prior = getattr(definition, "prior", None)
    if prior is not None and not np.allclose(prior, 1 / max(len(categories), 1)):
        warn_user(
            f"The prior of {definition!r} of parameter {name!r} is ignored: all of its categories are equally likely."
        )
    return categories


def _between(name: str, low: Any, high: Any, prior: str, *, is_integer: bool) -> Any:
    shown = f"the range ({low!r}, {high!r}, {prior!r}) of parameter {name!r}"
    if prior not in PRIORS:
        meant = [_MEANT[word] for word in _similar_words(prior) if _MEANT[word]]
        hint = f"Did you mean {meant[0]!r}?" if meant else "Use a distribution of scipy.stats."
        raise ValueError(f"The prior of {shown} must be 'uniform' or 'log-uniform', got {prior!r}. {hint}")
    if not (_is_number(low) and _is_number(high) and low < high and np.isfinite([low, high]).all()):
        raise ValueError(f"The bounds of {shown} must be finite numbers, and the first one below the second")
    if prior == "log-uniform" and low <= 0:
        raise ValueError(f"The lower bound of {shown} must be above 0, because its prior is log-uniform")
    if is_integer:
        first, last = int(low), int(high)
        return loguniform_int(first, last) if prior == "log-uniform" else stats.randint(first, last + 1)
    return stats.loguniform(low, high) if prior == "log-uniform" else stats.uniform(low, high - low)
