"""Nearest neighbours: who knows the most of them knows the fewer, however they are weighted.

The search for neighbours takes nearly all the time, and it happens when something is predicted. So views share what was
found for the rows that were asked about last. Neighbours that are equally far away may come in any order, and which of
them come at all may hang on how many were asked for; where that could change a prediction, they are searched again.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.extmath import weighted_mode
from sklearn.utils.validation import validate_data

from skhpt._typing import Params
from skhpt.reuse.submodels.registry import SubModel, fit_whole, register, take_over

try:
    from sklearn.metrics._pairwise_distances_reduction import ArgKmin, ArgKminClassMode
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
except ImportError:  # they are private; without them there is less to share
    ArgKmin = ArgKminClassMode = None

# Of these it is known that how far a neighbour is does not hang on how many are asked for. A tree needs true metrics,
# which these are wherever it takes them.
_METRICS = (
    *("minkowski", "euclidean", "l2", "manhattan", "cityblock", "l1", "chebyshev", "infinity"),
    *("sqeuclidean", "cosine"),
)
_N_SETS_OF_ROWS = 4


@dataclass
class _Found:
    """The neighbours of some rows, nearest first.

    Attributes
    ----------
    rows : array or sparse matrix of shape (n_rows, n_features)
        A copy of them, since whoever owns them may change them.
    fitted : bool
        Whether they are what the model was fitted on: some metrics know that a row is no way from itself.
    distance, index : array of shape (n_rows, n_neighbors)
    tied : bool array of shape (n_rows, n_neighbors - 1)
        Whether a neighbour is as far away as the next one, up to rounding where that matters.
    matters : bool array of shape (n_rows, n_neighbors - 1)
        Whether it matters which of two tied neighbours comes first: they are of different targets.
    whole : bool
        Whether the rows hold nothing but whole numbers, of which products and sums are exact in any order.
    """

    rows: Any
    fitted: bool
    distance: np.ndarray
    index: np.ndarray
    tied: np.ndarray
    matters: np.ndarray
    whole: bool


@dataclass
class _Neighbors:
    """A model that is asked for the most neighbours, and what it found lately."""

    model: Any
    found: list[_Found] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        """The number of rows among which neighbours are found."""
        return int(self.model.n_samples_fit_)

    def known(self, rows: Any) -> _Found | None:
        """Return what was found for the very same rows."""
        fitted = rows is self.model._fit_X
        return next((one for one in self.found if one.fitted == fitted and _is_same(rows, one.rows)), None)

    def of(self, X: Any, own: Any) -> _Found:
        """Find the neighbours of rows, unless they are known; `own` checks them as it would on its own."""
        named = hasattr(own, "feature_names_in_")
        found = None if named or type(X) is not np.ndarray else self.known(X)  # then they were checked before
        if found is None:
            rows = validate_data(own, X, accept_sparse="csr", reset=False, order="C")
            found = self.known(rows) or _search(self.model, rows)
        self.found = [found, *(one for one in self.found if one is not found)][:_N_SETS_OF_ROWS]
        return found


def _is_same(rows: Any, others: Any) -> bool:
    """Tell whether rows are the same to the last bit, but for the sign of zero, and lie in memory alike."""
    if type(rows) is not type(others) or rows.shape != others.shape or rows.dtype != others.dtype:
        return False
    if issparse(rows):
        return all(np.array_equal(getattr(rows, name), getattr(others, name)) for name in ("data", "indices", "indptr"))
    return bool(rows.flags.c_contiguous and np.array_equal(rows, others))


def _search(model: Any, rows: Any) -> _Found:
    n_neighbors = min(model.n_neighbors + 1, model.n_samples_fit_)  # one more, to see what is tied with the last
    distance, index = _nameless(model).kneighbors(rows, n_neighbors)
    gap = distance[:, 1:] - distance[:, :-1]
    tied = ~(gap > _blur(model, distance))  # so it holds of what is not a number, too
    other = model._y[index[:, 1:]] != model._y[index[:, :-1]]
    other = other if other.ndim == 2 else other.any(axis=2)
    whole = _is_whole(rows) and _is_whole(model._fit_X)
    return _Found(rows.copy(), rows is model._fit_X, distance, index, tied, tied & (other | (gap != 0)), whole)


def _nameless(model: Any) -> Any:
    """Return the same model, which takes rows that were checked before without a warning that they have no names."""
    model = copy(model)
    vars(model).pop("feature_names_in_", None)
    return model


def _blur(model: Any, distance: np.ndarray) -> Any:
    """Return the gap below which a tree may take the farther for the nearer, as it rounds when it leaves out nodes."""
    if model._tree is None:
        return 0.0
    X = np.asarray(model._fit_X, dtype=float)
    scale = np.ptp(X, axis=0).sum() + distance.max(axis=1, keepdims=True)
    return 32 * np.finfo(float).eps * X.shape[1] * scale


def _is_whole(X: Any) -> bool:
    if issparse(X) or not X.size or X.dtype.kind != "f":
        return False
    return bool(np.abs(X).max() ** 2 * X.shape[1] < 2.0**50 and np.all(np.rint(X) == X))


def _is_known(estimator: Any) -> bool:
    return (
        isinstance(estimator.n_neighbors, Integral)
        and isinstance(estimator.metric, str)
        and estimator.metric in _METRICS
        and estimator.metric_params is None
        and estimator.p is not None
    )


def _most(estimators: Sequence[Any], parameters: Sequence[str]) -> Params:
    return {"n_neighbors": max(one.n_neighbors for one in estimators), "weights": estimators[0].weights}


def _settle(estimator: Any, X: Any, y: Any) -> _Neighbors:
    return _Neighbors(fit_whole(estimator, X, y))


def _fewer(neighbors: _Neighbors, estimator: Any) -> Any:
    model = neighbors.model
    if estimator.n_neighbors > model.n_neighbors:
        return None
    if estimator.algorithm == "auto" and model.n_features_in_ <= 15:
        half = neighbors.n_rows // 2  # with so many neighbours there is no tree
        if (model.n_neighbors >= half) != (estimator.n_neighbors >= half):
            return None
    view = take_over(estimator, model)
    vars(view)["kneighbors"] = partial(_kneighbors, neighbors, copy(view))
    if _counts_inside(view):
        view._fit_method = "shared"  # so that it asks
    if isinstance(view, KNeighborsClassifier) and not view.outputs_2d_ and not callable(view.weights):
        vars(view)["predict"] = partial(_vote, copy(view))
        view.predict.__name__ = "predict"  # scorers look at it
    return view


def _vote(voters: Any, X: Any) -> Any:
    """Predict as `predict` does, which looks for each class in each row; where sums are about equal, let it decide."""
    if X is None:
        return type(voters).predict(voters, X)
    distance, index = voters.kneighbors(X)
    labels, weights = voters._y[index], None if _counts_alone(voters) else _closeness(distance)
    n_columns = len(voters.classes_) + 1  # the last one stays empty
    places = labels + n_columns * np.arange(len(labels))[:, None]
    votes = np.bincount(places.ravel(), None if weights is None else weights.ravel(), n_columns * len(labels))
    votes = votes.reshape(-1, n_columns)
    best = votes.argmax(axis=1)
    second, first = np.partition(votes, -2, axis=1)[:, -2:].T
    if not np.all((first > 0) & np.isfinite(first)):
        return type(voters).predict(voters, X)
    if weights is not None and (close := np.flatnonzero(second > first * (1 - 1e-9))).size:
        best[close] = weighted_mode(labels[close], weights[close], axis=1)[0].ravel()
    return voters.classes_.take(best)


def _closeness(distance: np.ndarray) -> np.ndarray:
    """Return the inverse of distances; where some are zero, these count as one and the others not at all."""
    with np.errstate(divide="ignore"):
        closeness = (1.0 / distance).astype(np.float64)
    infinite = np.isinf(closeness)
    some = infinite.any(axis=1)
    closeness[some] = infinite[some]
    return closeness


def _is_uniform(model: Any) -> bool:
    return isinstance(model.weights, str) and model.weights == "uniform"


def _counts_alone(model: Any) -> bool:
    """Tell whether all that matters is how many neighbours are of which class."""
    return isinstance(model, KNeighborsClassifier) and (model.weights is None or _is_uniform(model))


def _counts_inside(model: Any) -> bool:
    """Tell whether a classifier may count classes right where it searches, and so never ask for its neighbours."""
    return (
        ArgKmin is not None
        and isinstance(model, KNeighborsClassifier)
        and _is_uniform(model)
        and model._fit_method == "brute"
        and model.effective_metric_ in ArgKminClassMode.valid_metrics()
        and not model.outputs_2d_
        and model.classes_.dtype == np.intp  # some versions fail with others
        and not issparse(model._fit_X)
    )


def _kneighbors(
    neighbors: _Neighbors, own: Any, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True
) -> Any:
    """Answer from what is shared, in the place of `kneighbors`; `own` is the view as it would be on its own."""
    k = own.n_neighbors
    if X is None or n_neighbors not in (None, k) or k > neighbors.n_rows:
        return own.kneighbors(X, n_neighbors, return_distance)
    found = neighbors.of(X, own)
    distance, index = found.distance[:, :k].copy(), found.index[:, :k].copy()
    doubtful = _doubtful(found, k, neighbors.n_rows, _counts_alone(own))
    if len(doubtful):
        again = _search_again(own, X, found, doubtful)
        if again is None:
            return own.kneighbors(X, None, return_distance)
        distance[doubtful], index[doubtful] = again
    return (distance, index) if return_distance else index


def _doubtful(found: _Found, k: int, n_rows: int, counts_alone: bool) -> np.ndarray:
    """Return the rows for which a search of their `k` neighbours alone might lead to another prediction."""
    n_found = found.index.shape[1]
    if k == n_found or not found.tied.any():
        return np.empty(0, dtype=np.intp)
    beyond = np.logical_and.accumulate(found.tied[:, k - 1 :], axis=1)  # those that are tied with the last that counts
    doubtful = found.matters[:, : k - 1].any(axis=1) | (beyond & found.matters[:, k - 1 :]).any(axis=1)
    if n_found < n_rows:
        doubtful |= beyond[:, -1]  # and with others that are not known
    if counts_alone:
        doubtful &= beyond[:, 0]
    return np.flatnonzero(doubtful)


def _search_again(own: Any, X: Any, found: _Found, few: np.ndarray) -> Any:
    """Find the neighbours of a few rows as if all of them were searched, or return None if there is no such way."""
    rows, metric = found.rows, own.effective_metric_
    if own._tree is not None:
        return _nameless(own).kneighbors(rows[few])  # takes row by row
    if ArgKmin is None or not ArgKmin.is_usable_for(rows, own._fit_X, metric):
        return None
    if _counts_inside(own) and ArgKminClassMode.is_usable_for(X, own._fit_X, own.metric):
        return _search_brute(own, rows, few, "parallel_on_X")
    if issparse(rows) or (metric in ("euclidean", "sqeuclidean") and not found.whole):
        return None  # products of matrices, of which the rounding hangs on their shapes
    return _search_brute(own, rows, few, _strategy(rows.shape[0], own.n_samples_fit_))


def _strategy(n_queries: int, n_rows: int) -> str:
    """Return the strategy that scikit-learn would choose: in which order ties are met hangs on it."""
    chunk_size = get_config().get("pairwise_dist_chunk_size", 256)
    many = n_rows < n_queries or 4 * chunk_size * _openmp_effective_n_threads() < n_queries
    return "parallel_on_X" if many else "parallel_on_Y"


def _search_brute(own: Any, rows: Any, few: np.ndarray, strategy: str) -> Any:
    distance, index = ArgKmin.compute(
        rows if issparse(rows) else rows[few],  # a few sparse rows may be empty
        own._fit_X,
        own.n_neighbors,
        metric=own.effective_metric_,
        metric_kwargs=own.effective_metric_params_,
        strategy=strategy,
        return_distance=True,
    )
    return (distance[few], index[few]) if issparse(rows) else (distance, index)


for estimator in (KNeighborsClassifier, KNeighborsRegressor):
    register(
        SubModel(
            estimator,
            ("n_neighbors", "weights"),
            _fewer,
            is_exact=_is_known,
            widest=_most,
            fit=_settle,
        )
    )
