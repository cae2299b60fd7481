"""The rows of one fold: cut from the data once per worker wherever that cannot change a result.

Two fits may share the same slices only if neither changes them. Scikit-learn's own estimators and scorers do not (its
tests fit every one of them on read-only data), as long as nobody asks them to with ``copy=False``. Everything
else gets slices of its own for each fit, as in scikit-learn.
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
from skhpt.fitting.scorers import scorer_metric, scorers_by_metric

#: Bytes of slices that a worker keeps from one task to the next; larger ones are cut once per task.
KEPT_NBYTES = 128 * 2**20


class FoldData(NamedTuple):
    """The data of one fold, and the fit and score parameters that go with its rows."""

    X_train: Any
    y_train: Any
    X_test: Any
    y_test: Any
    fit_params: dict[str, Any]
    train_score_params: dict[str, Any]
    test_score_params: dict[str, Any]

    @property
    def nbytes(self) -> float:
        """Size in memory, infinite if it cannot be told."""
        parts = [*self[:4], *self.fit_params.values(), *self.train_score_params.values()]
        return sum(map(nbytes, parts))


def cut(
    estimator: Any, X: Any, y: Any, train: Any, test: Any, fit_params: dict[str, Any], score_params: dict[str, Any]
) -> FoldData:
    """Cut the rows of one fold, for an estimator whose tags say whether X is a kernel matrix."""
    if _is_plain(X) and (y is None or _is_plain(y)) and not get_tags(estimator).input_tags.pairwise:
        X_train, X_test = X[train], X[test]
        y_train, y_test = (None, None) if y is None else (y[train], y[test])
    else:
        xp, _ = get_namespace(X)
        train, test = xp.asarray(train, device=device(X)), xp.asarray(test, device=device(X))
        X_train, y_train = safe_split(estimator, X, y, train)
        X_test, y_test = safe_split(estimator, X, y, test, train)
    return FoldData(
        *(X_train, y_train, X_test, y_test),
        check_method_params(X, params=fit_params, indices=train),
        check_method_params(X, params=score_params, indices=train),
        check_method_params(X, params=score_params, indices=test),
    )


class SliceCache:
    """FoldData that a worker keeps for its next task, of one search at a time and of limited size."""

    def __init__(self, limit: float = KEPT_NBYTES):
        self.limit = limit
        self._lock = threading.Lock()
        self._search: str | None = None
        self._slices: OrderedDict[Hashable, FoldData] = OrderedDict()

    def get(self, search: str, key: Hashable) -> FoldData | None:
        """Return the slices kept under a key, None if there are none."""
        with self._lock:
            if search == self._search and key in self._slices:
                self._slices.move_to_end(key)
                return self._slices[key]
            return None

    def put(self, search: str, key: Hashable, slices: FoldData) -> None:
        """Keep slices; the least recently used ones make room, and these ones stay in any case, for their task."""
        with self._lock:
            if search != self._search:
                self._search = search
                self._slices.clear()
            self._slices[key] = slices
            while (
                len(self._slices) > 1 and sum(slice_cache.nbytes for slice_cache in self._slices.values()) > self.limit
            ):
                self._slices.popitem(last=False)

    def drop(self, search: str) -> None:
        """Forget the slices of a search that is over."""
        with self._lock:
            if search == self._search:
                self._slices.clear()


#: What this process keeps.
slice_cache = SliceCache()


def is_read_only(estimator: Any) -> bool:
    """Tell whether fitting and predicting are known not to write to the data: nothing but scikit-learn's own parts.

    Any other class, any function among the parameters and any ``copy=False`` count as doubt.
    """
    if not _is_sklearn(type(estimator)) or not hasattr(estimator, "get_params"):
        return False
    return params_are_read_only(estimator.get_params(deep=False))


def params_are_read_only(params: Mapping[str, Any]) -> bool:
    """Tell whether a scikit-learn estimator with these parameters leaves the data alone."""
    return all(_is_harmless(name, value) for name, value in params.items())


def scorer_is_read_only(scorer: Any) -> bool:
    """Return whether a scorer is known not to write to the data: a scorer of scikit-learn with one of its metrics."""
    for single in scorers_by_metric(scorer).values():
        metric = scorer_metric(single)
        if not _is_sklearn(type(single)) or (metric is not None and not _is_sklearn(metric.function)):
            return False
    return True


def data_can_be_shared(X: Any) -> bool:
    """Tell whether slices of X are safe to share: solvers sort the indices of sparse matrices in place.

    FoldData of a sorted CSR matrix are sorted; those of other formats need not be.
    """
    return not sparse.issparse(X) or (X.format == "csr" and bool(X.has_canonical_format))


def _is_harmless(name: str, value: Any) -> bool:
    if "copy" in name and not value:
        return False
    if value is None or isinstance(value, (Number, str, np.random.RandomState)):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype != object
    if isinstance(value, (list, tuple, dict)):
        return all(_is_harmless("", item) for item in (value.values() if isinstance(value, dict) else value))
    if isinstance(value, type):
        return value.__module__ in ("builtins", "numpy") or _is_sklearn(value)
    if isinstance(value, FunctionType):
        return _is_sklearn(value)
    return is_read_only(value)


def _is_sklearn(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return module.startswith("sklearn.") and ".tests." not in module and "._mocking" not in module


def _is_plain(array: Any) -> bool:
    return type(array) in (np.ndarray, np.memmap)


def nbytes(part: Any) -> float:
    """Size of data in memory, infinite if it cannot be told."""
    if part is None or isinstance(part, Number):
        return 0
    if sparse.issparse(part):
        return sum(nbytes(array) for array in vars(part).values() if isinstance(array, np.ndarray))
    if hasattr(part, "memory_usage"):
        return float(part.memory_usage(index=False).sum()) if hasattr(part, "columns") else float(part.memory_usage())
    return float(getattr(part, "nbytes", np.inf))
