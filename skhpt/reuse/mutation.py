"""Checks that foreign code does not write to data that candidates share.

Numbers are compared by checksums. Objects that cannot change, such as strings, are compared by their
addresses, which is as certain and much faster. Other objects are pickled. That may take longer than sharing
saves, so the time of all checks is known.
"""

from __future__ import annotations

import io
import operator
import pickle
import time
import zlib
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from scipy import sparse

from skhpt._typing import ArrayLike

#: ``matches(data) -> bool``: whether data are as they were when the function was made.
Matches: TypeAlias = Callable[[Any], bool]

#: Items that are pickled to estimate the time that it takes to pickle all.
_N_TRIED = 20


class MutationCheck:
    """Check that data are not written to.

    Parameters
    ----------
    data : array-like
        The data.
    """

    def __init__(self, data: ArrayLike):
        self._data = data
        self._matches = _remember(data)

    @property
    def is_unchanged(self) -> bool:
        """Whether the data are the same as when the check was made."""
        return self._matches(self._data)


def seconds_to_check(data: ArrayLike) -> float:
    """Return an estimate of the seconds that a check of data takes; 0 if it is fast compared to any fit."""
    if _is_pandas(data) and hasattr(data, "columns"):
        return sum(seconds_to_check(column) for _, column in data.items())
    if _is_pandas(data):
        data = data.to_numpy() if data.dtype == object else None
    is_objects = isinstance(data, np.ndarray) and data.dtype == object
    if not (is_objects or isinstance(data, list)) or not len(data):
        return 0.0
    items = list(np.ravel(data[:_N_TRIED])) if is_objects else data[:_N_TRIED]
    if _cannot_change(items):
        return 0.0
    n_items = data.size if is_objects else len(data)
    seconds = min(_seconds_to_pickle(items) for _ in range(2))  # the first time, modules may be looked up
    return seconds * n_items / len(items)


def _seconds_to_pickle(items: list[Any]) -> float:
    start = time.perf_counter()
    _checksum_of_pickle(items)
    return time.perf_counter() - start


# -- kinds of data -------------------------------------------------------------------------------------------


def _remember(data: Any) -> Matches:
    """Return a function that tells whether data are as they are now."""
    if data is None or _is_of(data, "pyarrow"):  # cannot change
        return lambda data: True
    if isinstance(data, np.ndarray):
        return _remember_objects(data) if data.dtype.hasobject else _remember_numbers(data)
    if sparse.issparse(data):
        return _remember_parts(data, _arrays_of_sparse)
    if _is_of(data, "polars"):
        return _remember_polars(data)
    if _is_pandas(data):
        return _remember_frame(data) if hasattr(data, "columns") else _remember_column(data)
    if type(data) is list and _cannot_change(data):
        return _remember_list(data)
    return _remember_pickle(data)


def _remember_numbers(array: np.ndarray) -> Matches:
    shape, checksum = array.shape, _checksum(array)
    return lambda array: array.shape == shape and _checksum(array) == checksum


def _remember_objects(array: np.ndarray) -> Matches:
    if array.dtype != object or not _cannot_change(array.ravel().tolist()):
        return _remember_pickle(array)
    kept = np.array(array, order="C")  # keeps the objects, so that their addresses are not used again
    return lambda array: array.shape == kept.shape and _addresses(array) == _addresses(kept)


def _remember_list(items: list[Any]) -> Matches:
    kept = list(items)
    return lambda items: len(items) == len(kept) and all(map(operator.is_, items, kept))


def _remember_pickle(data: Any) -> Matches:
    checksum = _checksum_of_pickle(data)
    return lambda data: checksum is not None and _checksum_of_pickle(data) == checksum


def _remember_polars(data: Any) -> Matches:
    kept = data.clone()  # shares the memory until one of both is changed
    if not hasattr(data, "columns"):
        return lambda data: bool(data.equals(kept, null_equal=True))
    return lambda data: data.columns == kept.columns and bool(data.equals(kept, null_equal=True))


def _remember_frame(frame: Any) -> Matches:
    labels = frame.columns, frame.index
    matches = _remember_parts(frame, _columns_of_frame)
    return lambda frame: frame.columns.is_(labels[0]) and frame.index.is_(labels[1]) and matches(frame)


def _remember_column(column: Any) -> Matches:
    """Remember a column of pandas."""
    dtype, values = column.dtype, column.array
    if isinstance(dtype, np.dtype):
        matches = _remember(column.to_numpy())
        return lambda column: column.dtype == dtype and matches(column.to_numpy())
    if hasattr(values, "codes") and hasattr(values, "categories"):
        categories, codes = values.categories, _checksum(values.codes)
        return lambda column: column.array.categories is categories and _checksum(column.array.codes) == codes
    if "pyarrow" in (getattr(dtype, "storage", ""), _package(getattr(dtype, "pyarrow_dtype", None))):
        arrow = values.__arrow_array__()  # replaced when a value is set
        return lambda column: column.dtype == dtype and column.array.__arrow_array__() is arrow
    if hasattr(dtype, "storage"):  # strings of Python
        matches = _remember(np.asarray(values, dtype=object))
        return lambda column: column.dtype == dtype and matches(np.asarray(column.array, dtype=object))
    hashes = _hashes(values)
    return lambda column: column.dtype == dtype and np.array_equal(_hashes(column.array), hashes)


def _remember_parts(data: Any, parts_of: Callable[[Any], Iterable[Any]]) -> Matches:
    """Remember data by their parts, which are found anew in each check."""
    remembered = [_remember(part) for part in parts_of(data)]

    def matches(data: Any) -> bool:
        parts = list(parts_of(data))
        return len(parts) == len(remembered) and all(
            is_same(part) for is_same, part in zip(remembered, parts, strict=True)
        )

    return matches


def _arrays_of_sparse(matrix: Any) -> Iterable[np.ndarray]:
    return [array for array in vars(matrix).values() if isinstance(array, np.ndarray)]


def _columns_of_frame(frame: Any) -> Iterable[Any]:
    return [column for _, column in frame.items()]


# -- values --------------------------------------------------------------------------------------------------


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _addresses(array: np.ndarray) -> bytes:
    """Return the addresses of the objects in an array."""
    return np.ascontiguousarray(array).data.tobytes()


def _checksum_of_pickle(value: Any) -> int | None:
    """Return a checksum of a pickled object; None if it cannot be pickled."""
    buffer = io.BytesIO()
    try:
        pickle.Pickler(buffer, protocol=5).dump(value)
    except Exception:
        return None
    return zlib.crc32(buffer.getbuffer())


def _hashes(values: Any) -> np.ndarray:
    from pandas.util import hash_array

    return np.asarray(hash_array(values, categorize=False))


def _cannot_change(items: Iterable[Any]) -> bool:
    """Return whether objects and all that they contain cannot change."""
    kinds = set(map(type, items))
    if all(map(_is_immutable, kinds)):
        return True
    if not all(kind in (tuple, frozenset) or _is_immutable(kind) for kind in kinds):
        return False
    return _cannot_change(
        list(chain.from_iterable(item for item in items if type(item) in (tuple, frozenset)))
    )


def _is_immutable(kind: type) -> bool:
    if kind in _IMMUTABLE or (
        issubclass(kind, np.generic) and kind.__module__ == "numpy" and kind is not np.void
    ):
        return True
    return kind.__name__ in _IMMUTABLE_OF_PANDAS and _package(kind) == "pandas"


def _package(thing: Any) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    return kind.__module__.partition(".")[0]


def _is_of(data: Any, package: str) -> bool:
    return _package(data) == package


def _is_pandas(data: Any) -> bool:
    return _is_of(data, "pandas") and hasattr(data, "items") and hasattr(data, "index")


_IMMUTABLE = {
    *(str, bytes, int, float, complex, bool, type(None), range, Decimal, Fraction, UUID),
    *(date, datetime, timedelta, time_of_day),
}
_IMMUTABLE_OF_PANDAS = {"Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType"}
