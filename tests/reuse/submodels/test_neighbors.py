"""Nearest neighbours that share their searches."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from skhpt.reuse.submodels import submodels_of
from tests.reuse.submodels.cases import NEIGHBORS, assert_same, make_data


@pytest.mark.parametrize(
    ("metric", "data"), [("euclidean", "counts"), ("manhattan", "counts"), ("euclidean", "classes")]
)
def test_neighbours_are_those_of_the_given_rows_even_after_the_rows_change(metric: str, data: str) -> None:
    X, y, X_new = make_data(data)
    base = KNeighborsClassifier(metric=metric, algorithm="brute")
    [submodel] = submodels_of(base)
    shared = submodel.fit(clone(base).set_params(n_neighbors=30), X, y)
    rows = X_new.copy()
    for params in NEIGHBORS[::5]:
        separate = clone(base).set_params(**params).fit(X, y)
        view = submodel.view(shared, clone(separate))
        rows[:] = np.roll(rows, 7, axis=0)
        for copied in (view, deepcopy(view), pickle.loads(pickle.dumps(view))):
            for given in (
                rows,
                rows[:9],
                rows.tolist(),
                np.asfortranarray(rows),
                rows.astype(np.float32),
                X.copy(),
            ):
                assert_same(copied.predict(given), separate.predict(given))
                assert_same(copied.predict_proba(given), separate.predict_proba(given))
        assert_same(view.kneighbors(None, 3)[1], separate.kneighbors(None, 3)[1])
    assert len(shared.searches) == 4


def test_views_search_the_neighbours_of_the_same_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y, X_new = make_data("numbers")
    [submodel] = submodels_of(KNeighborsRegressor())
    shared = submodel.fit(KNeighborsRegressor(9), X, y)
    n_searches = 0
    search = KNeighborsRegressor.kneighbors

    def counted_search(*args: Any, **params: Any) -> Any:
        nonlocal n_searches
        n_searches += 1
        return search(*args, **params)

    monkeypatch.setattr(KNeighborsRegressor, "kneighbors", counted_search)
    for n_neighbors in (1, 9):
        for weights in ("uniform", "distance"):
            view = submodel.view(shared, KNeighborsRegressor(n_neighbors, weights=weights))
            view.predict(X_new.copy())
    assert n_searches == 1


def test_a_number_of_neighbours_for_which_no_tree_is_built_has_no_smaller_views() -> None:
    X, y, _ = make_data("classes")
    [submodel] = submodels_of(KNeighborsClassifier())
    shared = submodel.fit(KNeighborsClassifier(len(X) + 1), X, y)
    assert submodel.view(shared, KNeighborsClassifier(3)) is None
    with pytest.raises(ValueError, match="n_neighbors = 101"):
        submodel.view(shared, KNeighborsClassifier(101)).predict(X)


@pytest.mark.parametrize("weights", [None, "uniform", "distance"])
@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_votes_with_ties_are_those_of_scikit_learn(weights: str | None, algorithm: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (300, 3)).astype(dtype) * dtype(0.1)
    y = np.array(["a", "b", "c", "d"])[rng.integers(0, 4, 300)]
    base = KNeighborsClassifier(weights=weights, algorithm=algorithm)
    [submodel] = submodels_of(base)
    shared = submodel.fit(clone(base).set_params(n_neighbors=40), X[:200], y[:200])
    for n_neighbors in (1, 2, 9, 40):
        view = submodel.view(shared, clone(base).set_params(n_neighbors=n_neighbors))
        separate = clone(base).set_params(n_neighbors=n_neighbors).fit(X[:200], y[:200])
        for rows in (X[:200], X[200:], X[200:201]):
            assert_same(view.predict(rows), separate.predict(rows))
        assert view.predict.__name__ == "predict"
        assert_same(view.predict(None), separate.predict(None))
