"""Nearest neighbours: a search for many neighbours serves every smaller number of neighbours, and every weighting.

The search takes nearly all the time, and it runs at prediction. Views share the neighbours of the rows of
recent predictions. Neighbours at equal distances ("ties") may come in any order, and the number of neighbours
that are searched may affect which of them are found. Where this could change a prediction, these rows are
searched again.
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

from skhpt._typing import ArrayLike, Estimator, Params
from skhpt.reuse.submodels.registry import plain_fit, register_submodel, with_fitted_state

try:
    # the brute-force searches of scikit-learn, and the number of threads that affects their order of ties
    from sklearn.metrics._pairwise_distances_reduction import ArgKmin, ArgKminClassMode
    from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
except ImportError:  # another version of scikit-learn: fewer searches can be repeated
    ArgKmin = ArgKminClassMode = None

#: Metrics for which the distance to a neighbour does not depend on the number of neighbours. A tree needs
#: true metrics, and accepts only those of this list that are.
_METRICS = (
    *("minkowski", "euclidean", "l2", "manhattan", "cityblock", "l1", "chebyshev", "infinity"),
    *("sqeuclidean", "cosine"),
)
#: Number of recent predictions whose neighbours are kept.
_N_SEARCHES = 4


@dataclass
class _Search:
    """Neighbours of some rows, nearest first.

    Attributes
    ----------
    rows : array or sparse matrix of shape (n_rows, n_features)
        A copy of the rows, since their owner may change them.
    is_training : bool
        Whether the rows are the training rows of the model: some metrics set the distance of a row to itself
        to zero.
    distance : array of shape (n_rows, n_neighbors)
        Distances of the neighbours.
    index : array of shape (n_rows, n_neighbors)
        Training rows that are the neighbours.
    is_tie : bool array of shape (n_rows, n_neighbors - 1)
        Whether a neighbour is as far away as the next neighbour, up to rounding where rounding matters.
    is_relevant_tie : bool array of shape (n_rows, n_neighbors - 1)
        Whether the order of two tied neighbours may affect a prediction.
    is_exact : bool
        Whether products and sums of the rows are exact in any order, because all numbers are small integers.
    """

    rows: Any
    is_training: bool
    distance: np.ndarray
    index: np.ndarray
    is_tie: np.ndarray
    is_relevant_tie: np.ndarray
    is_exact: bool


@dataclass
class _SharedNeighbors:
    """Model with the largest number of neighbours, and its recent searches.

    Attributes
    ----------
    model : KNeighborsClassifier or KNeighborsRegressor
        The fitted model.
    searches : list of _Search
        Recent searches, the last one first.
    """

    model: Estimator
    searches: list[_Search] = field(default_factory=list)

    @property
    def n_training_rows(self) -> int:
        """Number of rows among which neighbours are searched."""
        return int(self.model.n_samples_fit_)

    def search(self, X: ArrayLike, view: Estimator) -> _Search:
        """Return the neighbours of rows, from a recent search if there is one; `view` checks the rows."""
        search = None
        if type(X) is np.ndarray and not hasattr(view, "feature_names_in_"):
            search = self._find(X)  # equal rows were checked before; with names, the check warns
        if search is None:
            rows = validate_data(view, X, accept_sparse="csr", reset=False, order="C")
            search = self._find(rows) or _search_neighbors(self.model, rows)
        others = [other for other in self.searches if other is not search]
        self.searches = [search, *others][:_N_SEARCHES]
        return search

    def _find(self, rows: Any) -> _Search | None:
        """Return the recent search of the same rows."""
        is_training = rows is self.model._fit_X  # the training rows
        for search in self.searches:
            if search.is_training == is_training and _are_equal(rows, search.rows):
                return search
        return None


def _are_equal(rows: Any, others: Any) -> bool:
    """Tell whether rows are equal to the last bit, except for the sign of zero, and have the same memory layout."""
    if type(rows) is not type(others) or rows.shape != others.shape or rows.dtype != others.dtype:
        return False
    if issparse(rows):
        parts = ("data", "indices", "indptr")
        return all(np.array_equal(getattr(rows, name), getattr(others, name)) for name in parts)
    return bool(rows.flags.c_contiguous and np.array_equal(rows, others))


# -- Searches ------------------------------------------------------------------------------------------------


def _search_neighbors(model: Estimator, rows: Any) -> _Search:
    n_neighbors = min(model.n_neighbors + 1, model.n_samples_fit_)  # one more shows ties with the last
    distance, index = _without_names(model).kneighbors(rows, n_neighbors)
    gap = distance[:, 1:] - distance[:, :-1]
    is_tie = ~(gap > _largest_rounded_gap(model, distance))  # also where a distance is not a number
    targets = model._y  # encoded targets of the training rows
    differs = targets[index[:, 1:]] != targets[index[:, :-1]]
    differs = differs if differs.ndim == 2 else differs.any(axis=2)
    # the distances of neighbours with equal targets matter too, as weights
    is_relevant_tie = is_tie & (differs | (gap != 0))
    training_rows = model._fit_X
    return _Search(
        rows=rows.copy(),
        is_training=rows is training_rows,
        distance=distance,
        index=index,
        is_tie=is_tie,
        is_relevant_tie=is_relevant_tie,
        is_exact=_are_small_integers(rows) and _are_small_integers(training_rows),
    )


def _without_names(model: Estimator) -> Estimator:
    """Return a copy of a model that does not warn about rows without feature names, which were checked before."""
    model = copy(model)
    model.__dict__.pop("feature_names_in_", None)
    return model


def _largest_rounded_gap(model: Estimator, distance: np.ndarray) -> Any:
    """Return the largest gap of two distances that a tree may round away when it skips nodes."""
    if model._tree is None:  # the tree of the search, if there is one
        return 0.0
    X = np.asarray(model._fit_X, dtype=float)
    scale = np.ptp(X, axis=0).sum() + distance.max(axis=1, keepdims=True)
    return 32 * np.finfo(float).eps * X.shape[1] * scale


def _are_small_integers(X: Any) -> bool:
    if issparse(X) or not X.size or X.dtype.kind != "f":
        return False
    return bool(np.abs(X).max() ** 2 * X.shape[1] < 2.0**50 and np.all(np.rint(X) == X))


def _search_again(view: Estimator, X: ArrayLike, search: _Search, indices: np.ndarray) -> Any:
    """Search the neighbours of a few rows as in a search of all rows; return None if that is not possible.

    Parameters
    ----------
    view : estimator
        The view, with its own method ``kneighbors``.
    X : array-like
        The rows, as they were given.
    search : _Search
        The search of more neighbours of these rows.
    indices : array of int
        The rows to search again.

    Returns
    -------
    distance, index : arrays of shape (n_indices, n_neighbors)
    """
    rows, training_rows, metric = search.rows, view._fit_X, view.effective_metric_
    if view._tree is not None:
        return _without_names(view).kneighbors(rows[indices])  # a tree searches row by row
    if ArgKmin is None or not ArgKmin.is_usable_for(rows, training_rows, metric):
        return None
    if _votes_within_search(view) and ArgKminClassMode.is_usable_for(X, training_rows, view.metric):
        return _search_brute(view, rows, indices, strategy="parallel_on_X")
    if issparse(rows) or (metric in ("euclidean", "sqeuclidean") and not search.is_exact):
        return None  # uses products of matrices, whose rounding depends on their shapes
    strategy = _brute_strategy(n_queries=rows.shape[0], n_training_rows=view.n_samples_fit_)
    return _search_brute(view, rows, indices, strategy=strategy)


def _brute_strategy(n_queries: int, n_training_rows: int) -> str:
    """Return the strategy that scikit-learn chooses for a search; the order of ties depends on it."""
    chunk_size = get_config().get("pairwise_dist_chunk_size", 256)
    has_many_chunks = 4 * chunk_size * _openmp_effective_n_threads() < n_queries
    return "parallel_on_X" if n_training_rows < n_queries or has_many_chunks else "parallel_on_Y"


def _search_brute(
    view: Estimator, rows: Any, indices: np.ndarray, *, strategy: str
) -> tuple[np.ndarray, np.ndarray]:
    distance, index = ArgKmin.compute(
        rows if issparse(rows) else rows[indices],  # a few sparse rows may have no entries, which is refused
        view._fit_X,
        view.n_neighbors,
        metric=view.effective_metric_,
        metric_kwargs=view.effective_metric_params_,
        strategy=strategy,
        return_distance=True,
    )
    return (distance[indices], index[indices]) if issparse(rows) else (distance, index)


# -- Views ---------------------------------------------------------------------------------------------------


def _has_known_metric(estimator: Estimator) -> bool:
    return (
        isinstance(estimator.n_neighbors, Integral)
        and isinstance(estimator.metric, str)
        and estimator.metric in _METRICS
        and estimator.metric_params is None
        and estimator.p is not None
    )


def _most_neighbors(estimators: Sequence[Estimator], parameters: Sequence[str]) -> Params:
    n_neighbors = max(estimator.n_neighbors for estimator in estimators)
    return {"n_neighbors": n_neighbors, "weights": estimators[0].weights}


def _fit_shared(estimator: Estimator, X: ArrayLike, y: ArrayLike) -> _SharedNeighbors:
    return _SharedNeighbors(plain_fit(estimator, X, y))


def _fewer_neighbors(shared: _SharedNeighbors, estimator: Estimator) -> Estimator | None:
    """Make a view with methods ``kneighbors`` and ``predict`` of its own, which use the shared searches."""
    model = shared.model
    if estimator.n_neighbors > model.n_neighbors or _algorithm_differs(shared, estimator):
        return None
    view = with_fitted_state(estimator, model)
    view.kneighbors = partial(_kneighbors, shared, copy(view))
    if _votes_within_search(view):
        view._fit_method = "shared"  # any name but "brute": then `predict` calls `kneighbors`
    if isinstance(view, KNeighborsClassifier) and not view.outputs_2d_ and not callable(view.weights):
        view.predict = partial(_predict_classes, copy(view))
        view.predict.__name__ = "predict"  # scorers read it
    return view


def _algorithm_differs(shared: _SharedNeighbors, estimator: Estimator) -> bool:
    """Tell whether `algorithm="auto"` chooses another search: for half of the rows as neighbours, it builds no tree."""
    if estimator.algorithm != "auto" or shared.model.n_features_in_ > 15:
        return False
    half = shared.n_training_rows // 2
    return bool((shared.model.n_neighbors >= half) != (estimator.n_neighbors >= half))


def _kneighbors(
    shared: _SharedNeighbors,
    view: Estimator,
    X: ArrayLike = None,
    n_neighbors: int | None = None,
    return_distance: bool = True,
) -> Any:
    """Replace the method ``kneighbors`` of a view.

    Parameters
    ----------
    shared : _SharedNeighbors
        The shared searches.
    view : estimator
        Copy of the view with its own method ``kneighbors``.
    X, n_neighbors, return_distance
        Parameters of the method.
    """
    k = view.n_neighbors
    if X is None or n_neighbors not in (None, k) or k > shared.n_training_rows:
        return view.kneighbors(X, n_neighbors, return_distance)
    search = shared.search(X, view)
    distance, index = search.distance[:, :k].copy(), search.index[:, :k].copy()
    uncertain = _uncertain_rows(search, k, shared.n_training_rows, ignores_order=_counts_votes(view))
    if len(uncertain):
        again = _search_again(view, X, search, uncertain)
        if again is None:
            return view.kneighbors(X, None, return_distance)
        distance[uncertain], index[uncertain] = again
    return (distance, index) if return_distance else index


def _uncertain_rows(search: _Search, k: int, n_training_rows: int, *, ignores_order: bool) -> np.ndarray:
    """Return the rows for which a search of just `k` neighbours might lead to another prediction.

    Parameters
    ----------
    search : _Search
        Search of at least `k` neighbours.
    k : int
        Number of neighbours of a view.
    n_training_rows : int
        Number of rows among which neighbours are searched.
    ignores_order : bool
        Whether the prediction depends only on which neighbours are found, not on their order.
    """
    n_found = search.index.shape[1]
    if k == n_found or not search.is_tie.any():
        return np.empty(0, dtype=np.intp)
    # neighbours beyond the k-th that are tied with it
    is_tied_with_last = np.logical_and.accumulate(search.is_tie[:, k - 1 :], axis=1)
    among_first = search.is_relevant_tie[:, : k - 1].any(axis=1)
    with_last = (is_tied_with_last & search.is_relevant_tie[:, k - 1 :]).any(axis=1)
    is_uncertain = among_first | with_last
    if n_found < n_training_rows:
        is_uncertain |= is_tied_with_last[:, -1]  # perhaps tied with rows that were not found
    if ignores_order:
        is_uncertain &= is_tied_with_last[:, 0]
    return np.flatnonzero(is_uncertain)


def _predict_classes(view: KNeighborsClassifier, X: ArrayLike) -> ArrayLike:
    """Replace the method ``predict`` of a view: count votes at once, where scikit-learn looks for the mode of each row.

    Where sums of weights are about equal, scikit-learn's function decides.
    """
    if X is None:
        return type(view).predict(view, X)
    distance, index = view.kneighbors(X)
    labels = view._y[index]  # encoded classes
    weights = None if _counts_votes(view) else _inverse_distance(distance)
    votes = _sum_votes(labels, weights, n_classes=len(view.classes_))
    best = votes.argmax(axis=1)
    second, first = np.partition(votes, -2, axis=1)[:, -2:].T
    if not np.all((first > 0) & np.isfinite(first)):
        return type(view).predict(view, X)
    if weights is not None:
        close = np.flatnonzero(second > first * (1 - 1e-9))
        if close.size:
            best[close] = weighted_mode(labels[close], weights[close], axis=1)[0].ravel()
    return view.classes_.take(best)


def _sum_votes(labels: np.ndarray, weights: np.ndarray | None, n_classes: int) -> np.ndarray:
    """Return the votes for each class, of shape (n_rows, n_classes + 1); the last column is zero."""
    n_rows, n_columns = len(labels), n_classes + 1  # with a single class, there is a second column
    cells = labels + n_columns * np.arange(n_rows)[:, None]
    weights = None if weights is None else weights.ravel()
    votes: np.ndarray = np.bincount(cells.ravel(), weights, minlength=n_columns * n_rows)
    return np.reshape(votes, (n_rows, n_columns))


def _inverse_distance(distance: np.ndarray) -> np.ndarray:
    """Return the inverse of distances; in rows with distances of zero, 1 for these and 0 for the others."""
    with np.errstate(divide="ignore"):
        weights: np.ndarray = (1.0 / distance).astype(np.float64)
    is_infinite = np.isinf(weights)
    has_zero_distance = is_infinite.any(axis=1)
    weights[has_zero_distance] = is_infinite[has_zero_distance]
    return weights


def _has_uniform_weights(model: Estimator) -> bool:
    return isinstance(model.weights, str) and model.weights == "uniform"


def _counts_votes(model: Estimator) -> bool:
    """Tell whether predictions depend only on the number of neighbours of each class."""
    return isinstance(model, KNeighborsClassifier) and (model.weights is None or _has_uniform_weights(model))


def _votes_within_search(model: Estimator) -> bool:
    """Tell whether scikit-learn may count the votes of a classifier within the search, without ``kneighbors``."""
    return (
        ArgKmin is not None
        and isinstance(model, KNeighborsClassifier)
        and _has_uniform_weights(model)
        and model._fit_method == "brute"  # the search that `algorithm` led to
        and model.effective_metric_ in ArgKminClassMode.valid_metrics()
        and not model.outputs_2d_
        and model.classes_.dtype == np.intp  # some versions fail with other types
        and not issparse(model._fit_X)
    )


for estimator in (KNeighborsClassifier, KNeighborsRegressor):
    register_submodel(
        estimator,
        ("n_neighbors", "weights"),
        _fewer_neighbors,
        is_exact=_has_known_metric,
        widest=_most_neighbors,
        fit=_fit_shared,
    )
