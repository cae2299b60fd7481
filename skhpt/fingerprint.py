"""What a search was run on, in a few hashes: scores may be put side by side only if these agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import joblib
import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Fingerprint:
    """Everything besides the candidate that a fold's score depends on.

    Attributes
    ----------
    data : str
        Type, shape and content of X, y and the fit parameters.
    folds : str
        Number and rows of the folds.
    scoring : str
        The metrics, and whether the training part is scored.
    estimator : str
        The estimator that candidates are set on.
    """

    data: str
    folds: str
    scoring: str
    estimator: str

    def differences(self, other: Fingerprint) -> list[str]:
        """Say what differs, this one first, one line for each part."""
        return [
            f"{part.name}: {getattr(self, part.name)} became {getattr(other, part.name)}"
            for part in fields(self)
            if getattr(self, part.name) != getattr(other, part.name)
        ]


def describe_data(X: Any, y: Any, params: Mapping[str, Any]) -> str:
    """Describe the data that a search is fitted on.

    Parameters
    ----------
    X, y : array-like
        The data.
    params : dict
        What else is given to ``fit``, such as sample weights and groups.
    """
    given = {"X": X, "y": y} | dict(params)
    return ", ".join(f"{name} {_describe(value)}" for name, value in given.items() if value is not None)


def describe_folds(splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    """Describe folds, given as row indices."""
    return f"{len(splits)} folds #{_digest(list(splits))}"


def describe_scoring(scoring: Any, return_train_score: bool) -> str:
    """Describe the ``scoring`` parameter: names stay names, functions are told apart by their code."""
    return describe_value(scoring) + (" with training scores" if return_train_score else "")


def describe_estimator(estimator: Any) -> str:
    """Describe an estimator by its class and parameters."""
    return f"{type(estimator).__name__} #{_digest(describe_value(estimator))}"


def describe_value(value: Any) -> str:
    """Describe a parameter by its content, the same in every process."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return f"{type(value).__module__}.{type(value).__qualname__}{describe_value(value.get_params(deep=False))}"
    if isinstance(value, Mapping):
        inside = (f"{key!r}: {describe_value(item)}" for key, item in sorted(value.items(), key=repr))
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "(" + ", ".join(map(describe_value, value)) + ")"
    if isinstance(value, (set, frozenset)):
        return type(value).__name__ + "(" + ", ".join(sorted(map(describe_value, value))) + ")"
    if hasattr(value, "__code__"):
        return f"{value.__module__}.{value.__qualname__} #{_digest_code(value)}"
    if isinstance(value, Callable) and hasattr(value, "__qualname__"):  # type: ignore[arg-type]
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, np.ndarray) or sparse.issparse(value):
        return _describe(value)
    if isinstance(value, partial):
        return "partial" + describe_value((value.func, value.args, value.keywords))
    text = repr(value)
    if " at 0x" in text:  # the address is not the content
        return f"{type(value).__module__}.{type(value).__qualname__} #{_digest(value)}"
    return text


def _describe(array: Any) -> str:
    shape = getattr(array, "shape", None) or (len(array) if hasattr(array, "__len__") else "")
    kind = "ndarray" if isinstance(array, np.ndarray) else type(array).__name__  # a memory map is an array
    return f"{kind} {shape} #{_digest(_contents(array))}"


def _contents(data: Any) -> Any:
    """Reduce data to arrays, so that equal tables have equal digests however they are laid out in memory."""
    if sparse.issparse(data):
        return [data.shape, *(array for array in vars(data).values() if isinstance(array, np.ndarray))]
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        return [list(data.columns), [np.asarray(data[name]) for name in data.columns]]
    if hasattr(data, "to_numpy"):
        return data.to_numpy()
    return data


def _digest_code(function: Any) -> str:
    code = function.__code__
    return _digest((code.co_code, repr(code.co_consts), code.co_names))


def _digest(thing: Any) -> str:
    try:
        return joblib.hash(thing, hash_name="sha1", coerce_mmap=True)[:12]
    except Exception:  # cannot be pickled: the same object, at least, is recognised
        return f"object {id(thing)}"
