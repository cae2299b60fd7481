"""One fit that serves many: every view equals, to the last bit, the model that was fitted alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import ensemble
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.tree import DecisionTreeClassifier

from skhpt.work.submodels import submodels_of

METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")


@dataclass
class Case:
    """An estimator, some values of the parameters that one fit is to serve, and the kind of data."""

    estimator: Any
    values: list[dict[str, Any]]
    data: str = "classes"

    def __repr__(self) -> str:
        return f"{self.estimator}-{self.data}"[:60].replace("\n", "")


def each(name: str, *values: Any) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


CASES = [
    Case(ensemble.RandomForestClassifier(random_state=0), each("n_estimators", 3, 7, 12)),
    Case(ensemble.RandomForestClassifier(random_state=0, n_jobs=2, max_samples=0.5), each("n_estimators", 3, 7)),
    Case(ensemble.RandomForestRegressor(random_state=0), each("n_estimators", 3, 7, 12), "numbers"),
    Case(ensemble.RandomForestRegressor(random_state=0), each("n_estimators", 3, 7), "two numbers"),
    Case(ensemble.ExtraTreesClassifier(random_state=0), each("n_estimators", 3, 7)),
    Case(ensemble.ExtraTreesRegressor(random_state=0), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.BaggingClassifier(random_state=0, max_features=0.6), each("n_estimators", 3, 7)),
    Case(ensemble.BaggingRegressor(random_state=0, max_samples=0.6), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.IsolationForest(random_state=0), each("n_estimators", 3, 7)),
    Case(ensemble.AdaBoostClassifier(random_state=0), each("n_estimators", 3, 7, 12)),
    Case(ensemble.AdaBoostClassifier(DecisionTreeClassifier(), random_state=0), each("n_estimators", 3, 7)),
    Case(ensemble.AdaBoostRegressor(random_state=0), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.GradientBoostingClassifier(random_state=0, subsample=0.7), each("n_estimators", 3, 7, 12)),
    Case(
        ensemble.GradientBoostingClassifier(random_state=0, n_iter_no_change=2, tol=0.02),
        each("n_estimators", 3, 20, 200),
    ),
    Case(ensemble.GradientBoostingRegressor(random_state=0), each("n_estimators", 3, 7), "numbers"),
    Case(ensemble.HistGradientBoostingClassifier(random_state=0), each("max_iter", 3, 7, 12)),
    Case(
        ensemble.HistGradientBoostingClassifier(random_state=0, early_stopping=True, scoring="accuracy"),
        each("max_iter", 3, 20, 60),
    ),
    Case(ensemble.HistGradientBoostingRegressor(random_state=0), each("max_iter", 3, 7), "numbers"),
]


def data(kind: str) -> tuple[Any, Any, Any]:
    """Return X and y to fit on, and other rows of X."""
    X, y = load_iris(return_X_y=True) if "numbers" not in kind else load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    if kind == "counts":
        X = np.round(np.abs(X) * 3)
    if kind == "sparse":
        X = sparse.csr_matrix(X)
    if kind == "two classes":
        X, y = X[y < 2], y[y < 2]
    if kind == "two numbers":
        y = np.column_stack([y, y**2])
    n = X.shape[0] * 2 // 3
    return X[:n], y[:n], X[n:]


def assert_same(one: Any, other: Any) -> None:
    one, other = (thing.toarray() if sparse.issparse(thing) else np.asarray(thing) for thing in (one, other))
    assert one.dtype == other.dtype
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_view_is_the_model_that_was_fitted_alone(case: Case) -> None:
    X, y, X_new = data(case.data)
    estimators = [clone(case.estimator).set_params(**params) for params in case.values]
    names = tuple(sorted(case.values[0]))
    [submodel] = [one for one in submodels_of(case.estimator) if tuple(sorted(one.parameters)) == names]
    assert all(submodel in submodels_of(estimator) for estimator in estimators)
    widest = clone(case.estimator).set_params(**submodel.widest(estimators, submodel.parameters))
    transforms = hasattr(case.estimator, "fit_transform")
    if transforms and submodel.fit.__name__ == "fit_whole":
        model, output = widest, widest.fit_transform(X, y)
    else:
        model, output = submodel.fit(widest, X, y), None
    n_views = 0
    for estimator in estimators:
        view = submodel.view(model, clone(estimator))
        if view is None:
            continue
        n_views += 1
        alone = clone(estimator)
        if transforms:
            assert_same(submodel.output(view, output, X), alone.fit_transform(X, y))
        else:
            alone.fit(X, y)
        assert type(view) is type(alone)
        assert view.get_params(deep=False).keys() == alone.get_params(deep=False).keys()
        for method in METHODS:
            if hasattr(alone, method):
                for rows in (X_new, X, X_new[:1]):
                    assert_same(getattr(view, method)(rows), getattr(alone, method)(rows))
    assert n_views > 0
