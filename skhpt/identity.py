"""Identity of parameter values: keys that are equal for equal candidates, and copies that the user cannot change.

Python's equality does not serve: ``1 == True == 1.0``, estimators compare by identity, arrays compare element
by element. A key is hashable, and two keys are equal exactly if their values make the same candidate.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from copy import copy
from functools import partial
from typing import Any

import numpy as np

from skhpt._typing import Estimator

#: Types of immutable values.
_IMMUTABLE = frozenset({float, int, bool, str, type(None)})


def value_key(value: Any) -> Hashable:
    """Key of a parameter value.

    Numbers, strings and containers have keys of their type and content, numpy scalars the key of the Python
    value, estimators a key of their class and parameters, unless their class has its own
    ``__sklearn_clone__``, which may keep other state. Any other object is equal only to itself.
    """
    value = native(value)
    kind = type(value)
    if kind in (int, bool, str, bytes, complex, type(None)):
        return (kind, value)
    if kind is float:
        return (kind, repr(value))  # the repr makes NaN equal to NaN, and 0.0 different from -0.0
    if kind in (tuple, list):
        return (kind, tuple(map(value_key, value)))
    if kind in (set, frozenset):
        return (kind, frozenset(map(value_key, value)))
    if isinstance(value, Mapping):
        items = ((value_key(name), value_key(item)) for name, item in value.items())
        return (kind, frozenset(items))
    if isinstance(value, np.ndarray):
        content = tuple(map(value_key, value.ravel())) if value.dtype == object else value.tobytes()
        return (kind, value.dtype.str, value.shape, content)
    if isinstance(value, partial):
        return (kind, *map(value_key, (value.func, value.args, value.keywords)))
    if is_estimator(value) and not clones_by_itself(value):
        return (kind, params_key(value.get_params(deep=False)), clone_key(value))
    return ByIdentity(value)


def contains_itself(value: Any) -> bool:
    """Tell whether a value contains itself, or is nested too deeply to be compared and copied."""
    if type(value) in _IMMUTABLE:
        return False
    try:
        value_key(value)
    except RecursionError:
        return True
    return False


def clone_key(estimator: Estimator) -> Hashable:
    """Key of the settings that a clone keeps besides the parameters: output container and metadata requests."""
    output = getattr(estimator, "_sklearn_output_config", None)
    return (repr(output), repr(getattr(estimator, "_metadata_request", None)))


def params_key(params: Mapping[str, Any]) -> Hashable:
    """Key of the parameters of a candidate, in any order."""
    return frozenset((name, value_key(value)) for name, value in params.items())


def native(value: Any) -> Any:
    """Convert a numpy scalar to an int, float, complex, bool, str or bytes; return any other value unchanged."""
    if isinstance(value, (np.number, np.bool_, np.str_, np.bytes_)):
        return value.item()
    return value


def clones_by_itself(estimator: Estimator) -> bool:
    """Tell whether the class of an estimator has its own ``__sklearn_clone__``, which may keep any state."""
    method = getattr(type(estimator), "__sklearn_clone__", None)
    return method is not None and getattr(method, "__globals__", {}).get("__name__") != "sklearn.base"


def clones_itself(estimator: Estimator) -> bool:
    """Tell whether the clone of an estimator is the estimator itself, such as a fitted `FrozenEstimator`."""
    return clones_by_itself(estimator) and estimator.__sklearn_clone__() is estimator


def snapshot(value: Any) -> Any:
    """Copy a parameter value, so that later changes by the user do not affect the history.

    Containers, arrays and estimators are copied; other objects, such as functions, are returned unchanged.
    """
    if type(value) in _IMMUTABLE:
        return value
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(snapshot, value))
    if type(value) is dict:
        return {name: snapshot(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.copy()
    if is_estimator(value) and not clones_by_itself(value):
        return copy(value).set_params(**snapshot(value.get_params(deep=False)))
    return value


def is_estimator(value: Any) -> bool:
    """Tell whether a value is an estimator, or another object whose parameters can be set."""
    return hasattr(value, "get_params") and hasattr(value, "set_params") and not isinstance(value, type)


class ByIdentity:
    """Key of an object that is equal only to itself; the reference prevents that its address is used again."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByIdentity) and self.value is other.value
