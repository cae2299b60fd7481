"""What a search was run on, in a few hashes: scores may be put side by side only if these agree."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from types import CellType, CodeType, MethodType
from typing import Any

import joblib
import numpy as np
from scipy import sparse

from skhpt.identity import clones_itself


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
    """Describe the ``scoring`` parameter: names stay names, anything else is told apart by what it is made of."""
    return describe_value(scoring) + (" with training scores" if return_train_score else "")


def describe_estimator(estimator: Any) -> str:
    """Describe an estimator by its class and parameters."""
    return f"{type(estimator).__name__} #{_digest(describe_value(estimator))}"


def checksum(data: Any) -> Any:
    """Reduce data to something that changes if somebody writes to it; fast for arrays of numbers."""
    if isinstance(data, np.ndarray) and data.dtype != object:
        return zlib.crc32(np.ascontiguousarray(data).reshape(-1).view(np.uint8).data)
    if sparse.issparse(data):
        return [checksum(array) for array in vars(data).values() if isinstance(array, np.ndarray)]
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        return [checksum(np.asarray(data[name])) for name in data.columns]
    items = data.ravel().tolist() if isinstance(data, np.ndarray) else data
    if isinstance(items, list) and set(map(type, items)) <= {str, int, float, bool, type(None)}:
        return hash(tuple(items))
    return None if data is None else _digest(data)


#: Parameters of estimators that no score depends on.
_IMMATERIAL = {"n_jobs", "verbose"}


def describe_value(value: Any, _above: tuple[int, ...] = ()) -> str:
    """Describe a parameter by its content, the same in every process.

    Estimators are their class and parameters (and what they have learned, if a clone keeps it); functions their code,
    defaults and what they enclose; other objects their class and attributes. What a function reads from the global
    names of its module is not seen.
    """
    if id(value) in _above:  # a function that encloses itself, say
        return "..."
    above = (*_above, id(value))

    def describe(part: Any) -> str:
        return describe_value(part, above)

    if hasattr(value, "get_params") and not isinstance(value, type):
        learned = f" #{_digest(value)}" if clones_itself(value) else ""
        params = {name: one for name, one in value.get_params(deep=False).items() if name not in _IMMATERIAL}
        return _name(type(value)) + describe(params) + learned
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {describe(item)}" for key, item in sorted(value.items(), key=repr)) + "}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "(" + ", ".join(map(describe, value)) + ")"
    if isinstance(value, (set, frozenset)):
        return type(value).__name__ + "(" + ", ".join(sorted(map(describe, value))) + ")"
    if isinstance(value, np.ndarray) or sparse.issparse(value):
        return _describe(value)
    if hasattr(value, "to_numpy") and not isinstance(value, type):  # tables, their columns and indices
        labels = [getattr(value, name, None) for name in ("name", "index")]
        return _describe(value) + describe([None if callable(label) else label for label in labels])
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic, np.dtype, np.ufunc)):
        return repr(value)
    if isinstance(value, partial):
        return "partial" + describe((value.func, value.args, value.keywords))
    if isinstance(value, MethodType):
        return f"{describe(value.__func__)} of {describe(value.__self__)}"
    if hasattr(value, "__code__"):
        enclosed = [cell.cell_contents for cell in value.__closure__ or () if cell != _EMPTY_CELL]
        made_of = (_code(value.__code__), describe([value.__defaults__, value.__kwdefaults__, enclosed]))
        return f"{_name(value)} #{_digest(made_of)}"
    if hasattr(value, "__qualname__") and not hasattr(value, "__next__"):  # classes and what is compiled
        return _name(value)
    return _describe_object(value, describe)


def _describe_object(value: Any, describe: Callable[[Any], str]) -> str:
    code = getattr(getattr(type(value), "__call__", None), "__code__", None)  # noqa: B004
    does = f" #{_digest(_code(code))}" if code else ""
    if hasattr(value, "__dict__"):
        content = describe(vars(value))
    elif hasattr(value, "__next__"):  # no iterator is like another one
        content = f" #{_digest(value)}"
    else:  # of what cannot be pickled, a lock say, there is nothing to tell
        content = f" #{_hash(value) or ''}"
    return _name(type(value)) + content + does


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{thing.__qualname__}"


_EMPTY_CELL = CellType()


def _code(code: CodeType) -> str:
    """Describe what a function does: its instructions, names and constants, without their addresses."""
    constants = [_code(const) if isinstance(const, CodeType) else describe_value(const) for const in code.co_consts]
    return _digest((code.co_code, code.co_names, tuple(constants)))


def _describe(array: Any) -> str:
    shape = getattr(array, "shape", None) or (len(array) if hasattr(array, "__len__") else "")
    kind = "ndarray" if isinstance(array, np.ndarray) else type(array).__name__  # a memory map is an array
    return f"{kind} {shape} #{_digest(_contents(array))}"


def _contents(data: Any) -> Any:
    """Reduce data to arrays, so that equal tables have equal digests however they are laid out in memory."""
    if sparse.issparse(data):
        return [data.shape, *(array for array in vars(data).values() if isinstance(array, np.ndarray))]
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        return [list(data.columns), [_plain_objects(np.asarray(data[name])) for name in data.columns]]
    if hasattr(data, "to_numpy"):
        data = data.to_numpy()
    return _plain_objects(data)


def _plain_objects(values: Any) -> Any:
    """Reduce a long list of strings, numbers and None to two byte strings; joblib would look at them one by one."""
    is_list = isinstance(values, list) or (isinstance(values, np.ndarray) and values.dtype == object)
    items = np.ravel(values).tolist() if isinstance(values, np.ndarray) and is_list else values
    if not is_list or not set(map(type, items)) <= {str, int, float, bool, type(None)}:
        return values
    texts = [item if type(item) is str else f"{type(item).__name__} {item!r}" for item in items]
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    are_text = np.fromiter((type(item) is str for item in items), dtype=bool, count=len(texts))
    return [np.shape(values), lengths, are_text, hashlib.sha1("".join(texts).encode("utf-8", "surrogatepass")).digest()]


def _digest(thing: Any) -> str:
    return _hash(thing) or f"object {id(thing)}"  # the same object, at least, is recognised


def _hash(thing: Any) -> str | None:
    """Return a hash of what something is pickled as; None if it cannot be pickled."""
    try:
        return str(joblib.hash(thing, hash_name="sha1", coerce_mmap=True))[:12]
    except Exception:
        return None
