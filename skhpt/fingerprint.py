"""Fingerprint of a search: descriptions of its data, folds, metrics and estimator.

Scores of two searches may be compared only if their fingerprints are equal.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from operator import itemgetter
from types import CellType, CodeType, MethodType
from typing import Any

import joblib
import numpy as np
from scipy import sparse

from skhpt._typing import ArrayLike, Estimator, Split
from skhpt.identity import clones_itself
from skhpt.user_code import changed_code


@dataclass(frozen=True)
class Fingerprint:
    """Descriptions of everything that the score of a fold depends on, besides the candidate.

    Attributes
    ----------
    data : str
        Type, shape and content of X, y and the fit parameters.
    folds : str
        Number and rows of the folds.
    scoring : str
        Metrics, and whether the training part is scored.
    estimator : str
        Estimator that the parameters of candidates are set on.
    code : str, default=""
        Code of the user that the estimator, the metrics and the candidates refer to.
    """

    data: str
    folds: str
    scoring: str
    estimator: str
    code: str = ""

    def differences(self, other: Fingerprint) -> list[str]:
        """Return one line for each description that differs, this one first."""
        lines = []
        for part in fields(self):
            before, after = getattr(self, part.name), getattr(other, part.name)
            if part.name == "code":
                lines += code_difference(before, after)
            elif before != after:
                lines.append(f"{part.name}: {before} became {after}")
        return lines


def code_difference(before: str, after: str) -> list[str]:
    """Return a line that names the classes and functions whose code has changed; no line if none has."""
    names = changed_code(before, after)
    return [f"code: that of {', '.join(names)} has changed"] if names else []


def describe_data(X: ArrayLike, y: ArrayLike, params: Mapping[str, Any], *, is_stored: bool = True) -> str:
    """Describe the data of a search.

    Parameters
    ----------
    X, y : array-like
        Data.
    params : dict
        Other arguments of ``fit``, such as sample weights and groups.
    is_stored : bool, default=True
        Whether the description must be the same in every process. Otherwise objects in the data, such as
        lists and arrays, have a quick digest; `is_quick` tells whether there is one.
    """
    given = {name: value for name, value in ({"X": X, "y": y} | dict(params)).items() if value is not None}
    parts = []
    for name, value in given.items():
        objects = _ObjectHash() if is_stored else _QuickObjectHash()
        parts.append(f"{name} {_describe_array(value, objects)}")
    return ", ".join(parts)


def is_quick(description: str) -> bool:
    """Return whether a description of data has a quick digest."""
    return f"#{_QUICK}" in description


def describe_folds(splits: Sequence[Split]) -> str:
    """Describe folds, given as row indices."""
    return f"{len(splits)} folds #{_digest(list(splits))}"


_WITH_TRAINING = " with training scores"


def describe_scoring(scoring: Any, return_train_score: bool) -> str:
    """Describe the ``scoring`` parameter: a name by itself, any other object by its content."""
    return describe_value(scoring) + (_WITH_TRAINING if return_train_score else "")


def comparable_key(parts: Mapping[str, str], task: str) -> str:
    """Return six digits that are equal for searches on the same data and folds with the same metrics.

    Parameters
    ----------
    parts : dict of str to str
        Descriptions of the ``data``, the ``folds`` and the ``scoring``.
    task : str
        "classifier", "regressor" or empty: the metric of an estimator's own ``score`` depends on it.
    """
    if not all(parts.get(name) for name in ("data", "folds", "scoring")):
        return ""
    scoring = parts["scoring"].removesuffix(_WITH_TRAINING)
    own_score = task if scoring == "None" else ""
    text = "\n".join([parts["data"], parts["folds"], scoring, own_score])
    return hashlib.sha1(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def describe_estimator(estimator: Estimator) -> str:
    """Describe an estimator by its class and parameters."""
    return f"{type(estimator).__name__} #{_digest(describe_value(estimator))}"


# -- values --------------------------------------------------------------------------------------------------

#: Parameters of estimators that scores do not depend on.
_IMMATERIAL = {"n_jobs", "verbose"}

#: Function that describes a part of a value.
Describe = Callable[[Any], str]


def describe_value(value: Any) -> str:
    """Describe a value by its content; the description is the same in every process.

    An estimator is described by its class and parameters, and by its fitted state if a clone keeps that; a
    function by its code, its defaults and the variables that it encloses; any other object by its class and
    attributes. Global variables that a function reads are not taken into account.
    """
    return _describe_nested(value, ())


def _describe_nested(value: Any, enclosing: tuple[int, ...]) -> str:
    """Describe a value inside other values, which are given by their ids."""
    if id(value) in enclosing:  # for example, a function that encloses itself
        return "..."
    enclosing = (*enclosing, id(value))

    def describe(part: Any) -> str:
        return _describe_nested(part, enclosing)

    for is_kind, describe_kind in _KINDS:
        if is_kind(value):
            return describe_kind(value, describe)
    return _describe_object(value, describe)


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _describe_estimator(value: Any, describe: Describe) -> str:
    state = f" #{_digest(value)}" if clones_itself(value) else ""
    params = {name: param for name, param in value.get_params(deep=False).items() if name not in _IMMATERIAL}
    return _name(type(value)) + describe(params) + state


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _describe_mapping(value: Any, describe: Describe) -> str:
    items = sorted(((_repr(key), item) for key, item in value.items()), key=itemgetter(0))
    return "{" + ", ".join(f"{key}: {describe(item)}" for key, item in items) + "}"


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _describe_sequence(value: Any, describe: Describe) -> str:
    return f"{type(value).__name__}({', '.join(map(describe, value))})"


def _is_set(value: Any) -> bool:
    return isinstance(value, (set, frozenset))


def _describe_set(value: Any, describe: Describe) -> str:
    return f"{type(value).__name__}({', '.join(sorted(map(describe, value)))})"


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or sparse.issparse(value)


def _is_table_or_column(value: Any) -> bool:
    return hasattr(value, "to_numpy") and not isinstance(value, type)


def _describe_table_or_column(value: Any, describe: Describe) -> str:
    labels = [getattr(value, name, None) for name in ("name", "index")]
    return _describe_array(value) + describe([None if callable(label) else label for label in labels])


def _has_exact_repr(value: Any) -> bool:
    plain = (bool, int, float, complex, str, bytes, np.generic, np.dtype, np.ufunc)
    return value is None or isinstance(value, plain)


def _repr(value: Any) -> str:
    """Return the ``repr`` of a value; if it fails, a text of its type, and of its content if it is an integer."""
    try:
        return repr(value)
    except Exception:  # Python limits the digits of an integer, and a class may define anything
        return hex(value) if isinstance(value, int) else f"<{type(value).__qualname__}>"


def _is_partial(value: Any) -> bool:
    return isinstance(value, partial)


def _describe_partial(value: Any, describe: Describe) -> str:
    return "partial" + describe((value.func, value.args, value.keywords))


def _is_method(value: Any) -> bool:
    return isinstance(value, MethodType)


def _describe_method(value: Any, describe: Describe) -> str:
    return f"{describe(value.__func__)} of {describe(value.__self__)}"


def _is_function(value: Any) -> bool:
    return hasattr(value, "__code__")


def _describe_function(value: Any, describe: Describe) -> str:
    cells = [cell for cell in value.__closure__ or () if cell != _EMPTY_CELL]
    enclosed = [cell.cell_contents for cell in cells]
    defaults_and_enclosed = describe([value.__defaults__, value.__kwdefaults__, enclosed])
    return f"{_name(value)} #{_digest((_describe_code(value.__code__), defaults_and_enclosed))}"


def _has_name(value: Any) -> bool:
    """Tell whether a value is a class or a compiled function (a generator has a name too, but is an iterator)."""
    return hasattr(value, "__qualname__") and not hasattr(value, "__next__")


def _describe_object(value: Any, describe: Describe) -> str:
    code = getattr(getattr(type(value), "__call__", None), "__code__", None)  # noqa: B004
    call = f" #{_digest(_describe_code(code))}" if code else ""
    if hasattr(value, "__dict__"):
        content = describe(vars(value))
    elif hasattr(value, "__next__"):  # an iterator differs from every other one
        content = f" #{_digest(value)}"
    else:  # an object that cannot be pickled, such as a lock, has no description of its content
        content = f" #{_hash(value) or ''}"
    return _name(type(value)) + content + call


#: Kinds of values in the order in which they are tried: a test, and the description of values that pass it.
_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Describe], str]], ...] = (
    (_is_estimator, _describe_estimator),
    (_is_mapping, _describe_mapping),
    (_is_sequence, _describe_sequence),
    (_is_set, _describe_set),
    (_is_array, lambda value, _: _describe_array(value)),
    (_is_table_or_column, _describe_table_or_column),
    (_has_exact_repr, lambda value, _: _repr(value)),
    (_is_partial, _describe_partial),
    (_is_method, _describe_method),
    (_is_function, _describe_function),
    (_has_name, lambda value, _: _name(value)),
)


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{thing.__qualname__}"


_EMPTY_CELL = CellType()


def _describe_code(code: CodeType) -> str:
    """Describe the code of a function by its instructions, names and constants, without memory addresses."""
    constants = []
    for constant in code.co_consts:
        is_code = isinstance(constant, CodeType)
        constants.append(_describe_code(constant) if is_code else describe_value(constant))
    return _digest((code.co_code, code.co_names, tuple(constants)))


# -- data ----------------------------------------------------------------------------------------------------


#: First letter of quick digests.
_QUICK = "~"


class _ObjectHash:
    """Hash of the objects in data, which is the same in every process."""

    #: Whether a quick hash was used, which may differ in another process.
    is_quick = False

    def of_array(self, values: Any) -> Any:
        """Return an array as it is, or a hash of the objects in an array or a list."""
        return _hashed_if_plain(values)

    def of_column(self, column: Any) -> Any:
        """Return the same for a column of a table."""
        return self.of_array(np.asarray(column))


class _QuickObjectHash(_ObjectHash):
    """Hash of the objects in data that is quick, while joblib takes long to hash objects one by one."""

    def of_array(self, values: Any) -> Any:
        if not isinstance(values, list) and not (isinstance(values, np.ndarray) and values.dtype == object):
            return values
        items = np.ravel(values).tolist() if isinstance(values, np.ndarray) else values
        if str in set(map(type, items)) and _are_plain(items):
            return _hashed_if_plain(values)
        try:
            digest = hashlib.sha1(pickle.dumps(values, protocol=5)).digest()
        except Exception:  # something in it cannot be pickled
            return _hashed_if_plain(values)
        self.is_quick = True
        return digest

    def of_column(self, column: Any) -> Any:
        values: Any = getattr(column, "array", None)
        if not (hasattr(values, "codes") and hasattr(values, "categories")):
            return super().of_column(column)
        self.is_quick = True
        return [values.codes, self.of_array(np.asarray(values.categories))]


def _describe_array(array: Any, objects: _ObjectHash | None = None) -> str:
    objects = objects or _ObjectHash()
    digest = _digest(_content(array, objects))
    return f"{_kind_and_shape(array)} #{_QUICK if objects.is_quick else ''}{digest}"


def _kind_and_shape(array: Any) -> str:
    shape = getattr(array, "shape", None)
    if shape is None:
        shape = len(array) if hasattr(array, "__len__") else ""
    kind = "ndarray" if isinstance(array, np.ndarray) else type(array).__name__  # a memory map is an ndarray
    return f"{kind} {shape}"


def _content(data: Any, objects: _ObjectHash) -> Any:
    """Convert data to arrays, so that equal tables have equal digests for any layout in memory."""
    if sparse.issparse(data):
        return [data.shape, *_sparse_arrays(data)]
    if _is_table(data):
        names = _column_names(data)
        return [names, [objects.of_column(data[name]) for name in names]]
    if hasattr(data, "to_numpy"):
        data = np.asarray(data) if _is_arrow(data) else data.to_numpy()
    return objects.of_array(data)


def _sparse_arrays(data: Any) -> list[np.ndarray]:
    """Return the arrays that hold the content of a sparse matrix or array."""
    if data.format == "dok":
        data = data.tocoo()
    arrays = [array for array in vars(data).values() if isinstance(array, np.ndarray)]
    return arrays + list(getattr(data, "coords", ())) if data.format == "coo" else arrays


def _is_table(data: Any) -> bool:
    return hasattr(data, "columns") and hasattr(data, "__getitem__")


def _is_arrow(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "pyarrow"


def _column_names(table: Any) -> list[Any]:
    """Return the names of the columns; the `columns` of a pyarrow table are their values."""
    return list(table.column_names if _is_arrow(table) else table.columns)


def _are_plain(items: list[Any]) -> bool:
    return set(map(type, items)) <= {str, int, float, bool, type(None)}


def _hashed_if_plain(values: Any) -> Any:
    """Convert a list of strings, numbers and None to arrays and one hash; joblib would hash each item separately."""
    is_array = isinstance(values, np.ndarray)
    if not isinstance(values, list) and not (is_array and values.dtype == object):
        return values
    items = np.ravel(values).tolist() if is_array else values
    if not _are_plain(items):
        return values
    texts = [item if type(item) is str else f"{type(item).__name__} {item!r}" for item in items]
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    are_text = np.fromiter((type(item) is str for item in items), dtype=bool, count=len(texts))
    text = "".join(texts).encode("utf-8", "surrogatepass")
    return [np.shape(values), lengths, are_text, hashlib.sha1(text).digest()]


def _digest(thing: Any) -> str:
    """Return a hash of an object; an object that cannot be pickled is identified by its address."""
    return _hash(thing) or f"object {id(thing)}"


def _hash(thing: Any) -> str | None:
    """Return a hash of the pickled object; None if it cannot be pickled."""
    try:
        return str(joblib.hash(thing, hash_name="sha1", coerce_mmap=True))[:12]
    except Exception:
        return None
