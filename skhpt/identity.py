"""When two parameter values, or two candidates, are the same, and what keeps them so.

Equality is not enough: ``1 == True == 1.0``, estimators compare by identity, arrays compare element by element.
A key is hashable, and two keys are equal exactly when what they stand for would make the same candidate.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from copy import copy
from functools import partial
from typing import Any

import numpy as np


def value_key(value: Any) -> Hashable:
    """Key of one parameter value.

    Numbers, strings and containers are keyed by type and content, numpy scalars as their Python counterpart,
    estimators by class and parameters (unless a clone of them keeps more than that), anything else by identity.
    """
    value = native(value)
    kind = type(value)
    if kind in (int, bool, str, bytes, complex, type(None)):
        return (kind, value)
    if kind is float:
        return (kind, repr(value))  # so that NaN is the same as NaN, and 0.0 is not -0.0
    if kind in (tuple, list):
        return (kind, tuple(map(value_key, value)))
    if kind in (set, frozenset):
        return (kind, frozenset(map(value_key, value)))
    if isinstance(value, Mapping):
        return (kind, frozenset((value_key(name), value_key(item)) for name, item in value.items()))
    if isinstance(value, np.ndarray):
        content = tuple(map(value_key, value.ravel())) if value.dtype == object else value.tobytes()
        return (kind, value.dtype.str, value.shape, content)
    if isinstance(value, partial):
        return (kind, *map(value_key, (value.func, value.args, value.keywords)))
    if _is_estimator(value) and not clones_itself(value):
        return (kind, params_key(value.get_params(deep=False)), clone_key(value))
    return _Itself(value)


def clone_key(estimator: Any) -> Hashable:
    """Key of what a clone keeps besides the parameters: the output that was set, the metadata that is requested."""
    output = getattr(estimator, "_sklearn_output_config", None)
    return (repr(output), repr(getattr(estimator, "_metadata_request", None)))


def params_key(params: Mapping[str, Any]) -> Hashable:
    """Key of a candidate's parameters, whatever their order."""
    return frozenset((name, value_key(value)) for name, value in params.items())


def native(value: Any) -> Any:
    """Turn a numpy scalar into the int, float, complex, bool, str or bytes that it stands for; leave the rest alone."""
    if isinstance(value, (np.number, np.bool_, np.str_, np.bytes_)):
        return value.item()
    return value


def clones_itself(estimator: Any) -> bool:
    """Tell whether an estimator has its own idea of a clone, such as a `FrozenEstimator`, which stays fitted."""
    method = getattr(type(estimator), "__sklearn_clone__", None)
    if method is None or method.__qualname__ == "BaseEstimator.__sklearn_clone__":
        return False
    return estimator.__sklearn_clone__() is estimator


def snapshot(value: Any) -> Any:
    """Copy a parameter value as far as its owner could change it, so that what was evaluated stays on record.

    Containers, arrays and estimators are copied; what is only the same as itself, such as a function, stays itself.
    """
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(snapshot, value))
    if type(value) is dict:
        return {name: snapshot(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.copy()
    if _is_estimator(value) and not clones_itself(value):
        return copy(value).set_params(**snapshot(value.get_params(deep=False)))
    return value


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and hasattr(value, "set_params") and not isinstance(value, type)


class _Itself:
    """Key of an object that is only the same as itself; holds it, so that its identity is not used again."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any):
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.thing is other.thing
