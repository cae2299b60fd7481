"""Slices of the data for one fold, and the cache of slices that fits of a worker share.

Fits may share slices only if none of them writes to the slices. Estimators and scorers of scikit-learn do not
(its tests fit all estimators on read-only data), unless a parameter such as ``copy=False`` allows it. All
other estimators get slices of their own for each fit, as in scikit-learn.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from numbers import Number
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import get_tags
from sklearn.utils._array_api import device, get_namespace

from skhpt._compat import check_method_params, safe_split
from skhpt._typing import ArrayLike, Estimator, Params, Scorer
from skhpt.fitting.scorers import scorer_metric, scorers_by_metric

#: Size in bytes of the slices that a worker keeps from one task to the next; larger slices are made once per
#: task.
MAX_NBYTES = 128 * 2**20


class FoldData(NamedTuple):
    """The data of one fold, and the fit and score parameters that go with its rows."""

    X_train: ArrayLike
    y_train: ArrayLike
    X_test: ArrayLike
    y_test: ArrayLike
    fit_params: Params
    train_score_params: Params
    test_score_params: Params

    @property
    def nbytes(self) -> float:
        """Size in bytes, infinite if it is unknown."""
        parts = [*self[:4], *self.fit_params.values(), *self.train_score_params.values()]
        return sum(map(nbytes, parts))


def slice_rows(
    estimator: Estimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    train: ArrayLike,
    test: ArrayLike,
    fit_params: Params,
    score_params: Params,
) -> FoldData:
    """Slice the rows of one fold, and the columns too if the tags of the estimator say that X is a kernel matrix."""
    if _is_plain(X) and (y is None or _is_plain(y)) and not get_tags(estimator).input_tags.pairwise:
        X_train, X_test = X[train], X[test]
        y_train, y_test = (None, None) if y is None else (y[train], y[test])
    else:
        xp, _ = get_namespace(X)
        train, test = xp.asarray(train, device=device(X)), xp.asarray(test, device=device(X))
        X_train, y_train = safe_split(estimator, X, y, train)
        X_test, y_test = safe_split(estimator, X, y, test, train)
    return FoldData(
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        fit_params=check_method_params(X, params=fit_params, indices=train),
        train_score_params=check_method_params(X, params=score_params, indices=train),
        test_score_params=check_method_params(X, params=score_params, indices=test),
    )


class SliceCache:
    """Cache of slices of one search at a time, with a limited size.

    Parameters
    ----------
    max_nbytes : float, default=MAX_NBYTES
        Largest size of all slices in bytes. Beyond it the least recently used slices are removed.
    """

    def __init__(self, max_nbytes: float = MAX_NBYTES):
        self.max_nbytes = max_nbytes
        self._lock = threading.Lock()
        self._search: str | None = None
        self._slices: OrderedDict[Hashable, FoldData] = OrderedDict()

    def get(self, search: str, key: Hashable) -> FoldData | None:
        """Return the slices of a key; None if they are not cached."""
        with self._lock:
            if search == self._search and key in self._slices:
                self._slices.move_to_end(key)
                return self._slices[key]
            return None

    def put(self, search: str, key: Hashable, slices: FoldData) -> None:
        """Add slices. They stay in the cache for their task even if they are too large."""
        with self._lock:
            if search != self._search:
                self._search = search
                self._slices.clear()
            self._slices[key] = slices
            while len(self._slices) > 1 and self._nbytes > self.max_nbytes:
                self._slices.popitem(last=False)

    def drop(self, search: str) -> None:
        """Remove the slices of a search that has ended."""
        with self._lock:
            if search == self._search:
                self._slices.clear()

    @property
    def _nbytes(self) -> float:
        return sum(data.nbytes for data in self._slices.values())


#: Cache of this process.
slice_cache = SliceCache()


def is_read_only(estimator: Estimator) -> bool:
    """Return whether an estimator is known not to write to its data.

    That holds for estimators of scikit-learn that consist of nothing else: with other classes or functions
    among their parameters, or with ``copy=False``, it is unknown.
    """
    if not _is_sklearn(type(estimator)) or not hasattr(estimator, "get_params"):
        return False
    return params_are_read_only(estimator.get_params(deep=False))


def params_are_read_only(params: Mapping[str, Any]) -> bool:
    """Return whether an estimator of scikit-learn with these parameters is known not to write to its data."""
    return all(_is_read_only_param(name, value) for name, value in params.items())


def scorer_is_read_only(scorer: Scorer) -> bool:
    """Return whether a scorer is known not to write to the data: a scorer of scikit-learn with one of its metrics."""
    for single in scorers_by_metric(scorer).values():
        metric = scorer_metric(single)
        if not _is_sklearn(type(single)) or (metric is not None and not _is_sklearn(metric.function)):
            return False
    return True


def data_can_be_shared(X: ArrayLike) -> bool:
    """Return whether slices of X can be shared: solvers sort the indices of sparse matrices in place.

    Slices of a sorted CSR matrix are sorted; slices of other formats need not be.
    """
    return not sparse.issparse(X) or (X.format == "csr" and bool(X.has_canonical_format))


def _is_read_only_param(name: str, value: Any) -> bool:
    if "copy" in name and not value:
        return False
    if value is None or isinstance(value, (Number, str, np.random.RandomState)):
        return True
    if isinstance(value, np.ndarray):
        return bool(value.dtype != object)
    if isinstance(value, (list, tuple, dict)):
        return all(
            _is_read_only_param("", item) for item in (value.values() if isinstance(value, dict) else value)
        )
    if isinstance(value, type):
        return value.__module__ in ("builtins", "numpy") or _is_sklearn(value)
    if isinstance(value, FunctionType):
        return _is_sklearn(value)
    return is_read_only(value)


def _is_sklearn(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return module.startswith("sklearn.") and ".tests." not in module and "._mocking" not in module


def _is_plain(array: ArrayLike) -> bool:
    return type(array) in (np.ndarray, np.memmap)


def nbytes(data: ArrayLike) -> float:
    """Return the size of data in bytes, infinite if it is unknown."""
    if data is None or isinstance(data, Number):
        return 0
    if sparse.issparse(data):
        return sum(nbytes(array) for array in vars(data).values() if isinstance(array, np.ndarray))
    if hasattr(data, "memory_usage"):
        return (
            float(data.memory_usage(index=False).sum())
            if hasattr(data, "columns")
            else float(data.memory_usage())
        )
    return float(getattr(data, "nbytes", np.inf))
