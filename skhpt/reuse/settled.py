"""Estimators whose fitted state stays as it is when they transform or predict.

A shared step transforms the rows of a fold once, where scikit-learn would transform them for each candidate
and each metric. Estimators of scikit-learn do not change by that, but for a few with a generator of random
numbers. Any other step is tried: it transforms the same rows twice, and must have the same output and the
same state after each.
"""

from __future__ import annotations

import io
import pickle
import zlib
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from skhpt._typing import ArrayLike, Estimator
from skhpt.fitting.cloning import own_params
from skhpt.fitting.scorers import is_sklearn_function
from skhpt.fitting.slicing import is_read_only
from skhpt.identity import is_estimator
from skhpt.reuse.code_effects import effects_of
from skhpt.reuse.submodels import is_registered


def is_settled(estimator: Estimator) -> bool:
    """Return whether the state of an estimator is known to stay as it is when it transforms or predicts.

    That holds for estimators of scikit-learn that contain nothing else, and for classes that have registered
    sub-models, unless they might draw from a generator of their own.
    """
    if is_registered(type(estimator)) and not is_read_only(estimator):
        return members_are_known(estimator)
    return is_read_only(estimator) and not _may_draw(estimator)


def members_are_known(estimator: Estimator) -> bool:
    """Return whether all estimators and functions among the parameters of an estimator are known not to keep state."""
    return not any(map(_may_keep_state, own_params(estimator).values()))


def _may_keep_state(value: Any) -> bool:
    if is_estimator(value):
        return not is_settled(value)
    if isinstance(value, (list, tuple)):
        return any(map(_may_keep_state, value))
    if isinstance(value, dict):
        return any(map(_may_keep_state, value.values()))
    if not callable(value) or isinstance(value, type):
        return False
    return not is_sklearn_function(value) and effects_of(value).has_state


def _may_draw(estimator: Estimator) -> bool:
    """Return whether an estimator of scikit-learn may draw from a generator of its own after it is fitted."""
    params = estimator.get_params(deep=True)
    if any(isinstance(value, (np.random.RandomState, np.random.Generator)) for value in params.values()):
        return True
    # An `IterativeImputer` draws from a generator that it seeds in `fit`.
    return any(name.rpartition("__")[2] == "sample_posterior" and value for name, value in params.items())


# -- trial ---------------------------------------------------------------------------------------------------


def stays_as_it_is(model: Any, method: str, X: ArrayLike, output: ArrayLike) -> bool:
    """Return whether a fitted estimator has the same output and the same state after a second call of a method.

    Parameters
    ----------
    model : estimator
        The fitted estimator.
    method : str
        The method, such as ``transform``.
    X : array-like
        Rows.
    output : array-like
        Output of the first call, for the same rows.
    """
    state = state_of(model)
    again = getattr(model, method)(X)
    return state_of(model) == state and are_equal(output, again)


def are_equal(one: ArrayLike, other: ArrayLike) -> bool:
    """Tell whether two outputs are equal, also if they are lists or arrays of new objects."""
    if are_same(one, other):
        return True
    state = state_of(one) if type(one) is type(other) else None
    return state is not None and bool(state == state_of(other))


def are_same(one: ArrayLike, other: ArrayLike) -> bool:
    """Tell whether rows are the same object, or equal in all respects, as columns are cut anew for each candidate."""
    if one is other:
        return True
    if type(one) is not type(other) or getattr(one, "shape", None) != getattr(other, "shape", ()):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.strides == other.strides and _have_same_bytes(one, other)
    if sparse.issparse(one):
        if not one.format == other.format == "csr":
            return False
        return all(
            are_same(getattr(one, name), getattr(other, name)) for name in ("data", "indices", "indptr")
        )
    return hasattr(one, "equals") and bool(one.equals(other))


def _have_same_bytes(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype == object:
        return all(a is b for a, b in zip(one.ravel(), other.ravel(), strict=True))
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))


def state_of(value: Any) -> Any:
    """Return a value that is equal for the same object, if its state is the same; None if the state is unknown."""
    buffer = io.BytesIO()
    arrays: list[int] = []

    def keep_checksum(array: pickle.PickleBuffer) -> None:
        arrays.append(zlib.crc32(array.raw()))

    try:
        _StatePickler(buffer, protocol=5, buffer_callback=keep_checksum).dump(_content(value))
    except Exception:  # something in it cannot be pickled
        return None
    return zlib.crc32(buffer.getbuffer()), arrays


def _content(value: Any) -> Any:
    """Return the attributes of an estimator, which its own methods for pickling might hide."""
    return vars(value) if hasattr(value, "__dict__") and is_estimator(value) else value


class _StatePickler(pickle.Pickler):
    """Pickler to compare states; functions and classes, which it need not find again, count as they are."""

    def reducer_override(self, value: Any) -> Any:
        if type(value).__module__ == "itertools":
            raise pickle.PicklingError("iterators are consumed, or cannot be pickled")
        if isinstance(value, (type, FunctionType, ModuleType)) and value is not int:
            return int, (id(value),)
        return NotImplemented
