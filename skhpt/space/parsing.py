"""Parsing of the list or distribution that the user gave for one parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from skhpt.space.dimensions import Choice, Continuous, Dimension, Discrete, Sampled
from skhpt.space.scipy_adapter import freeze, is_discrete, looks_like_distribution, quantile_function, source_repr


def make_dimension(name: str, definition: Any) -> Dimension:
    """Make the dimension of a parameter from the list or distribution that the user gave.

    Parameters
    ----------
    name : str
        Name of the parameter, for error messages.
    definition : sequence, 1-d array or distribution
        Choices, or a distribution as `Space` accepts it.

    Returns
    -------
    dimension : Dimension

    Raises
    ------
    TypeError, ValueError
        If `definition` is neither a non-empty list of choices nor a usable distribution.
    """
    if hasattr(definition, "to_numpy"):  # a Series
        definition = definition.to_numpy()
    if isinstance(definition, np.ndarray) and definition.ndim != 1:
        raise ValueError(
            f"Parameter array for {name!r} should be one-dimensional, got: {definition!r} with shape {definition.shape}"
        )
    if isinstance(definition, (Sequence, np.ndarray)) and not isinstance(definition, (str, bytes)):
        return _choice(name, definition)
    return _distribution(name, definition)


def _choice(name: str, values: Sequence[Any] | np.ndarray) -> Choice:
    if len(values) == 0:
        raise ValueError(f"Parameter grid for parameter {name!r} need to be a non-empty sequence, got: []")
    return Choice(list(values))


def _distribution(name: str, definition: Any) -> Dimension:
    if isinstance(definition, type) and looks_like_distribution(definition):
        raise TypeError(
            f"Parameter {name!r} is the class {definition.__name__}: make an instance, {definition.__name__}(...)"
        )
    if isinstance(definition, (stats.rv_continuous, stats.rv_discrete)):
        definition = freeze(name, definition)
    if hasattr(definition, "ppf") or hasattr(definition, "icdf"):
        return _quantile_dimension(name, definition)
    if hasattr(definition, "rvs"):
        return Sampled(name, definition)
    raise TypeError(
        f"Parameter grid for parameter {name!r} needs to be a list or a numpy array, but got {definition!r} "
        f"(of type {type(definition).__name__}) instead. Single values need to be wrapped in a list with one element. "
        "A SciPy distribution is accepted too."
    )


def _quantile_dimension(name: str, dist: Any) -> Dimension:
    middle = float(quantile_function(dist)(0.5))
    if math.isnan(middle):
        raise ValueError(
            f"The distribution of parameter {name!r} has no median: are its arguments valid? Got {source_repr(dist)}"
        )
    return Discrete(dist) if is_discrete(dist) else Continuous(dist)
