"""Keys of parameter values that decide which fits are the same.

Two values have the same key only if a fit with a clone of one is certain to be a fit with a clone of the
other. Where that is uncertain, for example because an estimator may keep settings that ``get_params`` does
not show, each key is equal only to itself, so that nothing is shared.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Hashable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from skhpt._typing import Estimator
from skhpt.fitting.cloning import own_params
from skhpt.identity import ByIdentity, clone_key, is_estimator
from skhpt.reuse.submodels import is_registered


def sharing_key(value: Any) -> Hashable:
    """Return the key of a parameter value.

    Unlike those of `skhpt.identity.value_key`, keys tell numpy scalars from Python's numbers, and depend on
    the order of dicts and on the memory layout of arrays.
    """
    kind = type(value)
    if kind in (int, bool, str, bytes, type(None)):
        return (kind, value)
    if kind in (float, complex):
        return (kind, repr(value))  # the repr makes NaN equal to NaN, and 0.0 different from -0.0
    if kind in (tuple, list, set, frozenset):
        return (kind, tuple(map(sharing_key, value)))
    if kind is dict:
        return (kind, tuple((sharing_key(name), sharing_key(item)) for name, item in value.items()))
    if isinstance(value, np.generic) and kind.__module__ == "numpy":
        return (kind, value.dtype.str, value.tobytes())
    if kind is np.ndarray and not value.dtype.hasobject:
        return (kind, str(value.dtype.descr), value.shape, value.strides, value.tobytes())
    if kind is functools.partial:
        return (kind, *map(sharing_key, (value.func, value.args, value.keywords)))
    if is_estimator(value) and has_plain_parameters(value):
        params = tuple((name, sharing_key(item)) for name, item in own_params(value).items())
        return (kind, params, clone_key(value))
    return ByIdentity(value) if _copies_are_the_same(value) else unique_key()


def unique_key() -> Hashable:
    """Return a key that is equal to no other key."""
    return ByIdentity(object())


def planning_copy(value: Any) -> Any:
    """Copy an estimator, or a parameter value, such that parameters can be set on the copy without a trace.

    All copies have the same key, if that is certain. Otherwise they are clones: a shallow copy of an unknown
    class may share settings with the user's own estimator.
    """
    kind: Any = type(value)
    if kind in (list, tuple):
        return kind(map(planning_copy, value))
    if kind is dict:
        return {name: planning_copy(item) for name, item in value.items()}
    if not is_estimator(value):
        return value
    if not has_plain_parameters(value):
        return clone(value, safe=False)
    copied = object.__new__(kind)
    names = own_params(value)
    for name, item in vars(value).items():
        if name in names:
            item = planning_copy(item)
        # XGBoost and LightGBM keep some of their parameters in a dict, to which `set_params` writes.
        vars(copied)[name] = dict(item) if type(item) is dict else item
    return copied


# -- estimators ----------------------------------------------------------------------------------------------

#: Packages whose estimators show all their parameters.
_KNOWN_PACKAGES = ("sklearn", "lightgbm", "xgboost")
#: Methods that set or show parameters, and equality: scikit-learn tests whether a step == "passthrough".
_METHODS = ("get_params", "set_params", "_get_param_names", "__setattr__", "__getattribute__", "__eq__")
#: Methods that copy a value when an estimator is cloned.
_COPYING = ("__deepcopy__", "__copy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")


def has_plain_parameters(estimator: Estimator) -> bool:
    """Return whether a clone with parameters set on it is certain to follow from what ``get_params`` shows.

    That holds for classes that inherit the methods of scikit-learn for it, and have plain attributes. Other
    methods may accept settings that ``get_params`` does not show, or keep state in clones.
    """
    kind: Any = type(estimator)
    if is_registered(kind):
        return True
    if not _has_plain_methods(kind):
        return False
    return _package(kind) in _KNOWN_PACKAGES or not _has_properties(kind, tuple(own_params(estimator)))


def is_uncertain(estimator: Estimator) -> bool:
    """Return whether an estimator has no certain key, so that its fits are not shared."""
    return not has_plain_parameters(estimator) and not _copies_are_the_same(estimator)


@functools.cache
def _has_plain_methods(kind: type) -> bool:
    """Return whether the methods of a class that set, show and clone parameters are those of known packages."""
    own_clone = getattr(kind, "__sklearn_clone__", None)
    if own_clone not in (None, BaseEstimator.__sklearn_clone__) or kind.__new__ is not object.__new__:
        return False
    return all(_is_known_method(getattr(kind, name, None)) for name in _METHODS)


@functools.cache
def _has_properties(kind: type, names: tuple[str, ...]) -> bool:
    """Return whether some parameters of a class are properties, or other attributes with code of their own."""
    return any(hasattr(type(getattr(kind, name, None)), "__set__") for name in names)


def _is_known_method(method: Any) -> bool:
    if method is None or method in (object.__setattr__, object.__getattribute__, object.__eq__):
        return True
    function = getattr(method, "__func__", method)  # of a class method
    while type(function) is FunctionType:  # and all functions that it wraps
        if function.__globals__.get("__name__", "").partition(".")[0] not in _KNOWN_PACKAGES:
            return False
        if not hasattr(function, "__wrapped__"):
            return True
        function = function.__wrapped__
    return False


# -- other values --------------------------------------------------------------------------------------------


def _copies_are_the_same(value: Any) -> bool:
    """Return whether all copies of a value are certain to be the same.

    Functions, classes and modules are not copied. Other classes may copy themselves as they like.
    """
    if isinstance(value, (type, FunctionType, BuiltinFunctionType, ModuleType)):
        return True
    if is_estimator(value):
        return _package(type(value)) == "sklearn"  # for example, a `FrozenEstimator`
    foreign = [base for base in type(value).__mro__ if not _is_known_class(base)]
    return not any(name in vars(base) for base in foreign for name in _COPYING)


def _is_known_class(kind: type) -> bool:
    package = _package(kind)
    return package in sys.stdlib_module_names or package in ("numpy", "scipy", "pandas", "sklearn")


def _package(kind: type) -> str:
    return (kind.__module__ or "").partition(".")[0]
