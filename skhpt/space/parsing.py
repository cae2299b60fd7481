"""Parsing of the dicts, lists and distributions that the user gave."""

from __future__ import annotations

import sys
from collections import UserString
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import signature
from itertools import chain
from typing import Any

import numpy as np
from scipy import stats

from skhpt._typing import SpaceDefinition
from skhpt._warnings import warn_user
from skhpt.identity import contains_itself
from skhpt.space.dimensions import Choice, Continuous, Dimension, Discrete, Sampled
from skhpt.space.scipy_adapter import (
    freeze,
    has_own_quantiles,
    is_discrete,
    looks_like_distribution,
    source_repr,
    with_number_arguments,
)
from skhpt.space.skopt import translate

#: Sequences that are a single value.
_TEXTS = (str, bytes, bytearray, memoryview, UserString)


def parse_branches(params: SpaceDefinition) -> tuple[dict[str, Dimension], ...]:
    """Make the dimensions of each branch of a space, in the order of their names.

    Raises
    ------
    TypeError, ValueError
        If `params` or one of its values is not a valid definition.
    """
    branches = []
    for definitions in _as_branches(params):
        branches.append({name: make_dimension(name, definitions[name]) for name in sorted(definitions)})
    return tuple(branches)


def _as_branches(params: SpaceDefinition) -> list[Mapping[str, Any]]:
    if isinstance(params, str) or not isinstance(params, Iterable):
        raise TypeError(
            f"Parameter space should be a dict or a list, got: {params!r} of type {type(params).__name__}"
        )
    branches = [params] if isinstance(params, Mapping) else list(params)
    for branch in branches:
        if isinstance(branch, tuple) and len(branch) == 2 and isinstance(branch[0], Mapping):
            raise TypeError(
                f"a space with a number of candidates, ({{...}}, {branch[1]!r}), is not accepted: pass the list of "
                "spaces alone, [{...}, {...}], and n_iter for all of them"
            )
        if not isinstance(branch, Mapping):
            raise TypeError(
                f"Parameter space is not a dict ({branch!r}). Write {{name: values}} or a list of such dicts."
            )
    for name in chain.from_iterable(branches):
        if not isinstance(name, str):
            raise TypeError(f"parameter names must be strings, got {name!r}")
    return branches


def make_dimension(name: str, definition: Any) -> Dimension:
    """Make the dimension of a parameter from the list or distribution that the user gave.

    Parameters
    ----------
    name : str
        Name of the parameter, for error messages.
    definition : sequence, 1-d array, distribution or range
        Choices, or a distribution or range as `Space` accepts it.

    Returns
    -------
    dimension : Dimension

    Raises
    ------
    TypeError, ValueError
        If `definition` is neither a non-empty list of choices nor a usable distribution.
    """
    definition = translate(name, definition)
    if hasattr(definition, "to_numpy"):  # a Series; the index of pandas that is a range has its bounds
        is_range = all(hasattr(definition, bound) for bound in ("start", "stop", "step"))
        definition = (
            range(definition.start, definition.stop, definition.step) if is_range else definition.to_numpy()
        )
    if isinstance(definition, np.ndarray) and definition.ndim != 1:
        raise ValueError(
            f"Parameter array for {name!r} should be one-dimensional, got: {definition!r} with shape {definition.shape}"
        )
    if isinstance(definition, np.ma.MaskedArray) and np.ma.is_masked(definition):
        raise ValueError(f"Parameter array for {name!r} has masked values, got: {definition!r}")
    if isinstance(definition, (Sequence, np.ndarray)) and not isinstance(definition, _TEXTS):
        return _choice(name, definition)
    return _distribution(name, definition)


def _choice(name: str, values: Sequence[Any] | np.ndarray) -> Choice:
    try:
        n_values = len(values)
    except OverflowError as error:
        raise ValueError(
            f"Parameter {name!r} has more than {sys.maxsize} choices: {values!r}. Use a distribution, such as "
            "scipy.stats.randint(low, high) or skhpt.distributions.loguniform_int(low, high)."
        ) from error
    if n_values == 0:
        raise ValueError(f"Parameter grid for parameter {name!r} need to be a non-empty sequence, got: []")
    choice = Choice(values)
    if isinstance(choice.values, list) and any(map(contains_itself, choice.values)):
        raise ValueError(
            f"a value of parameter {name!r} contains itself: it can be neither compared nor copied"
        )
    if isinstance(choice.values, list) and any(map(_is_distribution, choice.values)):
        warn_user(
            f"A choice of parameter {name!r} is a distribution, which is passed to the estimator as it is: "
            f"{choice.description()}. To draw from a distribution, give it without a list."
        )
    return choice


def _is_distribution(value: Any) -> bool:
    # Lists are mostly numbers and text, for which a look at the type is faster.
    return not isinstance(value, (int, float, str)) and hasattr(value, "rvs")


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
        _check_rvs(name, definition)
        return Sampled(name, definition)
    raise TypeError(
        f"Parameter grid for parameter {name!r} needs to be a list or a numpy array, but got {definition!r} "
        f"(of type {type(definition).__name__}) instead. Single values need to be wrapped in a list with one element. "
        "A SciPy distribution is accepted too."
    )


def _quantile_dimension(name: str, dist: Any) -> Dimension:
    numbers = _median_or_support(name, dist)
    if numbers.shape in ((1,), (2, 1)):
        dist = with_number_arguments(dist)
        numbers = _median_or_support(name, dist)
    if numbers.shape != (() if has_own_quantiles(dist) else (2,)):
        raise ValueError(
            f"The distribution of parameter {name!r} has arrays as arguments; they must be numbers. Got "
            f"{source_repr(dist)}"
        )
    if np.isnan(numbers).any():
        raise ValueError(
            f"The distribution of parameter {name!r} has no median: are its arguments valid? Got {source_repr(dist)}"
        )
    return Discrete(dist) if is_discrete(dist) else Continuous(dist, is_integer=numbers.dtype.kind in "iu")


def _check_rvs(name: str, dist: Any) -> None:
    """Raise TypeError if ``rvs`` does not take the argument that the random generator is passed by."""
    try:
        signature(dist.rvs).bind_partial(random_state=None)
    except ValueError:  # a function without a signature
        return
    except TypeError as error:
        raise TypeError(
            f"The method rvs of the distribution of parameter {name!r} must take the argument random_state, as in "
            f"rvs(random_state=None): {error}. Got {dist!r}"
        ) from error


def _median_or_support(name: str, dist: Any) -> np.ndarray:
    # Where SciPy searches for the median of a discrete distribution, the search may take for ever.
    return _raw_median(name, dist) if has_own_quantiles(dist) else np.asarray(dist.support())


def _raw_median(name: str, dist: Any) -> np.ndarray:
    """Return the median as the quantile function gives it; raise TypeError if it is not numeric."""
    method = "ppf" if hasattr(dist, "ppf") else "icdf"
    try:
        with np.errstate(all="ignore"):  # of invalid arguments: the median is NaN
            median = np.asarray(getattr(dist, method)(0.5))
    except Exception as error:
        raise TypeError(
            f"The distribution of parameter {name!r} failed: {method}(0.5) raised {type(error).__name__} ({error}). "
            f"Got {source_repr(dist)}"
        ) from error
    if median.dtype.kind not in "iuf":
        raise TypeError(
            f"The distribution of parameter {name!r} must have numbers as values, but {method}(0.5) is {median!r}. "
            "Give other values as a list of choices."
        )
    return median


def checked_resolution(resolution: Any, names: set[str]) -> Callable[[str], int]:
    """Check `resolution` and convert it to a function of the name of a parameter."""
    per_name = resolution if isinstance(resolution, Mapping) else {}
    for name, n in per_name.items() if per_name else [("", resolution)]:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            where = f"resolution[{name!r}]" if name else "resolution"
            raise ValueError(f"{where} must be a positive integer (or a dict of them), got {n!r}")
    if unknown := set(per_name) - names:
        raise ValueError(f"resolution names {sorted(unknown)}, but the space has {sorted(names)}")
    return lambda name: int(per_name.get(name, 5) if per_name else resolution)
